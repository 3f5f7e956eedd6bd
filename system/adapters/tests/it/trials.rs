//! Tests as libtest-mimic runs them: named and filtered like those of the compiler's own runner.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use tokio::runtime::Builder;

use crate::components::Components;

/// As many as the machines have that this is usually run on; librdkafka has threads of its own.
const WORKERS: usize = 2;

/// `trials!(components, Components::kafka => one, another)`: a trial of each function, which is given
/// what `Components::kafka` answers. `cargo xtask tidy` reads the names here, and the compiler finds a
/// test that is not listed: nobody calls it.
macro_rules! trials {
    ($components:expr, $backend:expr => $($test:ident),+ $(,)?) => {
        vec![$($crate::trials::trial(
            $components,
            concat!(module_path!(), "::", stringify!($test)),
            $backend,
            $test,
        )),+]
    };
}
pub(crate) use trials;

/// A trial with an async runtime of its own, so that nothing of one test runs on into the next.
/// `path` begins with the crate's name.
pub(crate) fn trial<B, T, F>(
    components: &Arc<Components>,
    path: &str,
    backend: fn(&Components) -> Result<B, Failed>,
    test: T,
) -> Trial
where
    B: 'static,
    T: FnOnce(B) -> F + Send + 'static,
    F: Future<Output = ()>,
{
    // The compiler's runner leaves the crate's name out too.
    let name = path.split_once("::").map_or(path, |(_, inside)| inside);
    let components = Arc::clone(components);
    Trial::test(name, move || {
        let backend = backend(&components)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .enable_all()
            .build()?;
        runtime.block_on(test(backend));
        Ok(())
    })
}

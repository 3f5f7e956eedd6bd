/// Makes tests of trials, one on each provider. A trial that is not listed is dead code to the compiler, and
/// `cargo xtask tidy` reads the names here.
macro_rules! on_every_provider {
    ($(#[test] fn $trial:ident;)+) => {
        mod on_processes {
            $(#[tokio::test]
            async fn $trial() {
                let bench = $crate::bench::Bench::on_processes();
                super::$trial(&bench).await;
                bench.close().await;
            })+
        }

        #[cfg(feature = "engine")]
        mod on_containers {
            $(#[tokio::test]
            async fn $trial() {
                let bench = $crate::bench::Bench::on_containers().await;
                super::$trial(&bench).await;
                bench.close().await;
            })+
        }
    };
}

pub(super) use on_every_provider;

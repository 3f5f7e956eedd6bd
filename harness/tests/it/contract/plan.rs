use gauntlet_harness::provider::ServiceSpec;

use super::trials::on_every_provider;
use crate::bench::{Bench, SOON};
use crate::parts;

on_every_provider! {
    #[test] fn it_has_the_environment_and_the_place_that_were_planned;
    #[test] fn it_runs_as_the_user_that_was_planned;
    #[test] fn it_listens_where_it_was_told_to;
}

/// What a service prints before it ends.
async fn words_of(bench: &Bench, spec: ServiceSpec) -> Vec<String> {
    let service = bench.start(spec).await.unwrap();
    service.ended().await;
    let log = std::fs::read_to_string(service.logs()).unwrap();
    log.lines().map(str::to_owned).collect()
}

async fn it_has_the_environment_and_the_place_that_were_planned(bench: &Bench) {
    // Cargo sets this one for tests, and no plan asks for it.
    std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let mut spec = bench.spec(
        "planned",
        "pwd; echo \"$PLANNED\"; echo \"${CARGO_MANIFEST_DIR:-unset}\"",
    );
    let value = "two words, an = and a 'quote'";
    spec.env.push(("PLANNED".into(), value.into()));
    let place = spec.working_dir.display().to_string();
    assert_eq!(
        words_of(bench, spec).await,
        [place.as_str(), value, "unset"]
    );
}

async fn it_runs_as_the_user_that_was_planned(bench: &Bench) {
    let planned = bench.provider.run_as().map_or_else(
        || {
            (
                nix::unistd::geteuid().as_raw(),
                nix::unistd::getegid().as_raw(),
            )
        },
        |user| (user.uid, user.gid),
    );
    let spec = bench.spec("somebody", "id -u; id -g");
    assert_eq!(
        words_of(bench, spec).await,
        [planned.0.to_string(), planned.1.to_string()]
    );
}

async fn it_listens_where_it_was_told_to(bench: &Bench) {
    let (spec, port) = bench.listener("listener");
    let planned = spec.endpoints.clone();
    let service = bench.start(spec).await.unwrap();
    service.ready(SOON).await.unwrap();
    assert_eq!(service.endpoints(), planned);
    parts::call(&format!("127.0.0.1:{port}")).await.unwrap();
    service.stop(SOON).await.unwrap();
}

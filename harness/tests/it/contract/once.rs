use std::time::Duration;

use gauntlet_harness::error::StackErrorKind;
use gauntlet_harness::provider::Exit;

use super::beats::{Beats, beat_into};
use super::trials::on_every_provider;
use crate::bench::Bench;

on_every_provider! {
    #[test] fn a_program_that_succeeds_leaves_its_log;
    #[test] fn a_program_that_fails_tells_how_and_with_which_words;
    #[test] fn a_program_that_takes_too_long_is_ended;
}

async fn a_program_that_succeeds_leaves_its_log(bench: &Bench) {
    let mut shot = bench.shot("make a file", "echo \"making $FILE\"; touch \"$FILE\"");
    shot.env = vec![("FILE".into(), "made".into())];
    let log = shot.log.clone();
    bench.run_once(shot).await.unwrap();
    assert!(bench.path("made").exists());
    assert_eq!(std::fs::read_to_string(log).unwrap(), "making made\n");
}

async fn a_program_that_fails_tells_how_and_with_which_words(bench: &Bench) {
    let shot = bench.shot("prepare the cellar", "echo it is flooded >&2; exit 7");
    let error = bench.run_once(shot).await.unwrap_err();
    assert_eq!(error.kind(), StackErrorKind::Died);
    assert_eq!(error.exit(), Some(Exit::Code(7)));
    assert_eq!(error.last_output(), ["it is flooded"]);
    let text = error.to_string();
    assert!(text.contains("prepare the cellar"), "{text}");
    assert!(text.contains("exit code 7"), "{text}");
}

async fn a_program_that_takes_too_long_is_ended(bench: &Bench) {
    let clock = bench.shell("clock", &beat_into("clock.beats")).await;
    let endless = beat_into("shot.beats");
    let mut shot = bench.shot("come to an end", &format!("echo on and on; {endless}"));
    // Long enough to start in.
    shot.within = Duration::from_secs(3);
    let error = bench.run_once(shot).await.unwrap_err();
    assert_eq!(error.kind(), StackErrorKind::NotReady);
    assert_eq!(error.last_output(), ["on and on"]);
    let text = error.to_string();
    assert!(text.contains("come to an end"), "{text}");
    let beats = Beats::of(bench, "shot.beats");
    assert_ne!(beats.count(), 0);
    Beats::until_halt(&[beats], &Beats::of(bench, "clock.beats")).await;
    clock.stop(Duration::ZERO).await.unwrap();
}

//! The supervisor of a tool, run as the harness runs it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use crate::bench::{is_gone, launcher, until_gone};

/// Starts `sh -c script` supervised.
fn supervised(script: &str) -> Child {
    Command::new(launcher().shim)
        .args(["exec-child", "--supervised", "--", "/bin/sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The process ids that the script prints, one a line.
fn printed_pids<const COUNT: usize>(supervisor: &mut Child) -> [u32; COUNT] {
    let mut lines = BufReader::new(supervisor.stdout.take().unwrap()).lines();
    std::array::from_fn(|_| lines.next().unwrap().unwrap().parse().unwrap())
}

#[test]
fn it_ends_as_the_tool_ends() {
    // Waiting would close the pipe, which ends the tool before it can end by itself.
    let end_of = |script| {
        let mut supervisor = supervised(script);
        let _held = supervisor.stdin.take();
        supervisor.wait().unwrap()
    };
    assert_eq!(end_of("exit 0").code(), Some(0));
    assert_eq!(end_of("exit 7").code(), Some(7));
    assert_eq!(end_of("kill -TERM $$").signal(), Some(15));
    assert_eq!(end_of("kill -KILL $$").signal(), Some(9));
}

#[test]
fn a_byte_asks_the_tool_to_end_in_its_own_way() {
    let mut supervisor =
        supervised("trap 'exit 5' TERM; sleep 1000 & echo $!; while :; do wait; done");
    let [_sleeper] = printed_pids(&mut supervisor);
    let mut line = supervisor.stdin.take().unwrap();
    line.write_all(b".").unwrap();
    assert_eq!(supervisor.wait().unwrap().code(), Some(5));
}

#[tokio::test]
async fn what_the_tool_leaves_running_ends_with_it() {
    let mut supervisor = supervised("setsid sleep 1000 & echo $!; exit 3");
    let _held = supervisor.stdin.take();
    let daemon = printed_pids::<1>(&mut supervisor);
    assert_eq!(supervisor.wait().unwrap().code(), Some(3));
    assert_eq!(is_gone(daemon[0]), Ok(()), "before the supervisor itself");
}

/// The last of the three has lost its parent before, and has a session of its own.
#[tokio::test]
async fn letting_go_ends_the_tool_with_everything_that_came_from_it() {
    let script = "echo $$; (sleep 1000 & echo $!; setsid sleep 1000 & echo $!); wait; sleep 1000";
    let mut supervisor = supervised(script);
    let pids = printed_pids::<3>(&mut supervisor);
    drop(supervisor.stdin.take());
    assert_eq!(supervisor.wait().unwrap().signal(), Some(9), "the tool's");
    until_gone(&pids).await;
}

#[tokio::test]
async fn a_tool_whose_supervisor_is_killed_ends() {
    let mut supervisor = supervised("echo $$; exec sleep 1000");
    let tool = printed_pids::<1>(&mut supervisor);
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    until_gone(&tool).await;
}

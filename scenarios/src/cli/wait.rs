use std::thread;
use std::time::{Duration, Instant};

/// Another process is waited for, which has no way to call back; nobody notices a tenth of a second.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Asks until there is an answer, for at most `within`.
pub(super) fn until<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if began.elapsed() >= within {
            return None;
        }
        thread::sleep(ASK_EVERY);
    }
}

use std::fmt;
use std::time::{Duration, Instant};

use crate::provider::Waited;

/// Pause between two questions, at the least.
const PAUSE_AT_LEAST: Duration = Duration::from_millis(25);
/// The pause is this many times as long as the answer took. Stores are asked while they are under
/// the very load that is measured: asking may take a twentieth of their time and no more.
const PAUSE_TIMES: u32 = 19;
/// Pause between two questions, at the most: a slow answer must not blind the wait.
const PAUSE_AT_MOST: Duration = Duration::from_secs(1);

/// What a store said about a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    Met(T),
    /// Not yet; the present status in words, which a timeout reports.
    NotYet(String),
}

/// Asks stores until `decide` finds the condition met by what they said, for at most `within`.
///
/// An error is an answer too, since a store may be down for a while on purpose: it is what the
/// timeout reports if it stays.
pub async fn until<S, E, A, T>(
    what: &str,
    within: Duration,
    mut ask: impl FnMut() -> A,
    mut decide: impl FnMut(S) -> Answer<T>,
) -> Result<T, Waited>
where
    E: fmt::Display,
    A: Future<Output = Result<S, E>>,
{
    let started = Instant::now();
    let mut last = "not asked yet".to_owned();
    let asking = async {
        loop {
            let asked_at = Instant::now();
            match ask().await.map(&mut decide) {
                Ok(Answer::Met(value)) => return value,
                Ok(Answer::NotYet(status)) => last = status,
                Err(error) => last = format!("failed to {error}"),
            }
            let pause = asked_at.elapsed() * PAUSE_TIMES;
            tokio::time::sleep(pause.clamp(PAUSE_AT_LEAST, PAUSE_AT_MOST)).await;
        }
    };
    match tokio::time::timeout(within, asking).await {
        Ok(value) => Ok(value),
        Err(_) => Err(Waited {
            what: what.to_owned(),
            waited: started.elapsed(),
            last,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn a_timeout_carries_the_last_status() {
        let mut asked = 0;
        let ask = || {
            asked += 1;
            ready(Ok::<_, String>(asked))
        };
        let mut last = String::new();
        let never = |asked| {
            last = format!("asked {asked} times");
            Answer::<()>::NotYet(last.clone())
        };
        let waited = until("the end", Duration::from_millis(120), ask, never)
            .await
            .unwrap_err();
        assert!(asked >= 2);
        assert_eq!((waited.what.as_str(), waited.last), ("the end", last));
    }

    #[tokio::test]
    async fn an_error_is_not_the_end_of_the_wait() {
        let mut answers = [Err("connect to postgres"), Ok(7)].into_iter();
        let ask = || ready(answers.next().unwrap());
        let met = until("an answer", Duration::from_secs(5), ask, Answer::Met).await;
        assert_eq!(met.unwrap(), 7);
    }

    #[tokio::test]
    async fn an_error_that_stays_is_reported() {
        let ask = || ready(Err::<(), _>("connect to postgres"));
        let within = Duration::from_millis(60);
        let waited = until("an answer", within, ask, Answer::Met)
            .await
            .unwrap_err();
        assert_eq!(waited.last, "failed to connect to postgres");
    }
}

use std::fmt;
use std::time::{Duration, Instant};

/// How often a condition is asked. Asking a component costs it about a millisecond, and a start that
/// is noticed 20 ms late is not noticed by anyone.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A wait that ran out, with what the last question was answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("waited {:.1} s for {what}; last answer: {last}", waited.as_secs_f64())]
pub struct Waited {
    pub what: String,
    pub waited: Duration,
    pub last: String,
}

/// Asks until the answer is `Ok`, for at most `within`; returns the value and how long it took.
///
/// `Err` of `ask` is the present status in words. It is what a timeout reports.
pub async fn until<T, S, A>(
    what: impl Into<String>,
    within: Duration,
    mut ask: impl FnMut() -> A,
) -> Result<(T, Duration), Waited>
where
    S: fmt::Display,
    A: Future<Output = Result<T, S>>,
{
    let started = Instant::now();
    let mut last = "not asked yet".to_owned();
    let asking = async {
        let mut beat = tokio::time::interval(ASK_EVERY);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            match ask().await {
                Ok(value) => return value,
                Err(status) => last = status.to_string(),
            }
        }
    };
    match tokio::time::timeout(within, asking).await {
        Ok(value) => Ok((value, started.elapsed())),
        Err(_) => Err(Waited {
            what: what.into(),
            waited: started.elapsed(),
            last,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_timeout_carries_the_last_answer() {
        let mut asked = 0;
        let waited = until("the impossible", Duration::from_millis(70), || {
            asked += 1;
            std::future::ready(Err::<(), _>(format!("no, for the {asked}. time")))
        })
        .await
        .unwrap_err();
        assert!(asked >= 2);
        assert_eq!(waited.last, format!("no, for the {asked}. time"));
        assert!(
            waited
                .to_string()
                .contains("s for the impossible; last answer: no")
        );
    }

    #[tokio::test]
    async fn the_first_yes_ends_the_wait() {
        let yes = || std::future::ready(Ok::<_, String>(7));
        let (value, _) = until("yes", Duration::from_secs(5), yes).await.unwrap();
        assert_eq!(value, 7);
    }
}

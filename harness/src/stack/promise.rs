//! Values that a step of the start makes and later steps wait for. Who waits for whom is thus said
//! once, by the types.

use tokio::sync::watch;

pub(super) struct Promise<T>(watch::Sender<Option<T>>);

#[derive(Clone)]
pub(super) struct Promised<T>(watch::Receiver<Option<T>>);

pub(super) fn promise<T>() -> (Promise<T>, Promised<T>) {
    let (sender, receiver) = watch::channel(None);
    (Promise(sender), Promised(receiver))
}

impl<T> Promise<T> {
    pub(super) fn keep(self, value: T) {
        self.0.send_replace(Some(value));
    }
}

impl<T: Clone> Promised<T> {
    /// Waits for the value. Where the step that was to make it failed, this never returns: that step's
    /// error ends the start, and must not race with a consequence of it.
    pub(super) async fn get(&self) -> T {
        let mut receiver = self.0.clone();
        if let Ok(value) = receiver.wait_for(Option::is_some).await
            && let Some(value) = value.as_ref()
        {
            return value.clone();
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn everybody_who_waits_gets_the_value() {
        let (made, wanted) = promise();
        let waiting =
            [wanted.clone(), wanted.clone()].map(|wanted| async move { wanted.get().await });
        let waiting = waiting.map(tokio::spawn);
        made.keep(7);
        for waiter in waiting {
            assert_eq!(waiter.await.unwrap(), 7);
        }
        assert_eq!(wanted.get().await, 7, "also who comes late");
    }

    #[tokio::test]
    async fn a_broken_promise_leaves_the_error_to_whoever_broke_it() {
        let (made, wanted) = promise::<u8>();
        drop(made);
        let outcome = tokio::time::timeout(Duration::from_millis(50), wanted.get()).await;
        assert!(outcome.is_err());
    }
}

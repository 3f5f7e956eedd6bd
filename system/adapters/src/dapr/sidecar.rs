use std::time::Duration;

use gauntlet_contract::TopicName;
use gauntlet_ports::{PortError, PortErrorKind};
use reqwest::{Client, Response, Url};
use serde::Deserialize;

const PORT: &str = "dapr sidecar";
/// A sidecar on the same machine that needs longer is not well.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks a sidecar how it is.
#[derive(Clone, Debug)]
pub struct DaprSidecar {
    client: Client,
    health_url: Url,
    metadata_url: Url,
}

/// What is read of the sidecar's metadata. It leaves the list out where it is empty.
#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    subscriptions: Vec<Subscribed>,
}

#[derive(Deserialize)]
struct Subscribed {
    topic: String,
}

impl DaprSidecar {
    /// `http_url` as for the publisher. `Invalid` when it cannot be a base of other URLs.
    pub fn new(http_url: &str) -> Result<Self, PortError> {
        let invalid = |source: Box<dyn std::error::Error + Send + Sync>| {
            PortError::new(PortErrorKind::Invalid, PORT, "configure", source)
        };
        let base = Url::parse(http_url).map_err(|error| invalid(error.into()))?;
        let at = |path: &[&str]| {
            let mut url = base.clone();
            url.path_segments_mut()
                .map_err(|()| invalid("the sidecar's URL has no path".into()))?
                .pop_if_empty()
                .extend(path);
            Ok(url)
        };
        let health_url = at(&["v1.0", "healthz", "outbound"])?;
        let metadata_url = at(&["v1.0", "metadata"])?;
        let client = Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .map_err(|error| invalid(error.into()))?;
        Ok(Self {
            client,
            health_url,
            metadata_url,
        })
    }

    /// Whether the sidecar's components are up. Its other health endpoint also waits for the app,
    /// and an app that asked it would wait for itself.
    pub async fn check_outbound(&self) -> Result<(), PortError> {
        self.ask(&self.health_url, "ask for its health")
            .await
            .map(drop)
    }

    /// Whether the sidecar delivers this topic to the app. It reads an app's subscriptions once: to
    /// an app that was started again beside it, it delivers without having asked anew.
    pub async fn delivers(&self, topic: &TopicName) -> Result<bool, PortError> {
        let op = "ask for its subscriptions";
        let answer = self.ask(&self.metadata_url, op).await?;
        let metadata: Metadata = answer
            .json()
            .await
            .map_err(|source| PortError::new(PortErrorKind::Internal, PORT, op, source))?;
        let mut subscribed = metadata.subscriptions.iter();
        Ok(subscribed.any(|subscribed| subscribed.topic == topic.as_str()))
    }

    async fn ask(&self, url: &Url, op: &'static str) -> Result<Response, PortError> {
        self.client
            .get(url.clone())
            .send()
            .await
            .and_then(Response::error_for_status)
            .map_err(|source| PortError::new(PortErrorKind::Unavailable, PORT, op, source))
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use gauntlet_contract::Topic;
    use tokio::net::TcpListener;

    use super::*;

    const METADATA: &str =
        r#"{"id":"audit","subscriptions":[{"pubsubname":"pubsub","topic":"task-events"}]}"#;

    async fn sidecar_that_answers(status: StatusCode) -> DaprSidecar {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route(
            "/v1.0/healthz/outbound",
            get(move || std::future::ready(status)),
        );
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        DaprSidecar::new(&url).unwrap()
    }

    #[tokio::test]
    async fn well_means_a_success_and_nothing_else() {
        let well = sidecar_that_answers(StatusCode::NO_CONTENT).await;
        assert!(well.check_outbound().await.is_ok());
        let ill = sidecar_that_answers(StatusCode::INTERNAL_SERVER_ERROR).await;
        assert!(ill.check_outbound().await.is_err());
    }

    #[tokio::test]
    async fn a_sidecar_that_lives_on_still_delivers_to_an_app_that_was_started_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1.0/metadata", get(|| std::future::ready(METADATA)));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let sidecar = DaprSidecar::new(&url).unwrap();
        let topic = |topic| TopicName::new("", topic);
        assert!(sidecar.delivers(&topic(Topic::TaskEvents)).await.unwrap());
        assert!(!sidecar.delivers(&topic(Topic::AuditLogs)).await.unwrap());
    }

    #[test]
    fn a_url_without_a_path_is_invalid() {
        let refused = DaprSidecar::new("mailto:sidecar").unwrap_err();
        assert_eq!(refused.kind, PortErrorKind::Invalid);
    }
}

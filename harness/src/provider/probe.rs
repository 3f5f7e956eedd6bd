use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;

/// Long enough for a loaded machine, short enough that a paused service does not hide the timeout
/// of whoever waits for it.
pub(crate) const ASK_WITHIN: Duration = Duration::from_secs(2);

/// A question that a service answers with yes when it is ready.
#[async_trait]
pub trait Probe: Send + Sync + fmt::Debug {
    /// Whom it asks, for messages: `kafka at 127.0.0.1:20001`.
    fn target(&self) -> String;

    /// Asks once. The error is the status in words, such as `connection refused`.
    async fn ask(&self) -> Result<(), String>;
}

/// Ready when a GET answers with a 2xx status.
#[derive(Debug, Clone)]
pub struct HttpProbe {
    url: String,
}

impl HttpProbe {
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }
}

#[async_trait]
impl Probe for HttpProbe {
    fn target(&self) -> String {
        self.url.clone()
    }

    async fn ask(&self) -> Result<(), String> {
        let response = client()?
            .get(&self.url)
            .send()
            .await
            .map_err(|e| innermost(&e))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let body = response.text().await.unwrap_or_default();
        let start: String = body.chars().take(200).collect();
        Err(format!("{status} {}", start.trim()).trim_end().to_owned())
    }
}

/// One client for all probes, because building one loads the machine's certificates. It never uses a
/// proxy: everything that is asked listens on 127.0.0.1.
fn client() -> Result<&'static reqwest::Client, String> {
    static CLIENT: OnceLock<Result<reqwest::Client, String>> = OnceLock::new();
    CLIENT
        .get_or_init(|| {
            reqwest::Client::builder()
                .no_proxy()
                .timeout(ASK_WITHIN)
                // A pooled connection to a killed process would make the first question after its
                // restart fail for the wrong reason.
                .pool_max_idle_per_host(0)
                .build()
                .map_err(|e| innermost(&e))
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// The last link of an error chain, which says `connection refused` and not `error sending request`.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut current = error;
    while let Some(below) = current.source() {
        current = below;
    }
    current.to_string()
}

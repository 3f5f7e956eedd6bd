use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use gauntlet_ports::invocation::{Answer, CallContext, Callee, Invoker, Target};
use gauntlet_ports::{PortError, PortErrorKind};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use super::headers::{answer, with_context, without_answer};

const PORT: &str = "invoker";
/// Connections kept open to each app.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// Where the apps are.
#[derive(Clone, Debug, Default)]
pub struct HttpInvokerSettings {
    /// App → base URL, e.g. `api` → `http://127.0.0.1:8080`.
    pub apps: BTreeMap<String, String>,
    /// How long to wait for a connection; none waits for as long as the call's deadline allows.
    pub connect_timeout: Option<Duration>,
}

/// Calls apps by their URLs. A redirect is an answer like any other: it is not followed.
///
/// An app that is not in the settings is `Invalid`; so is a URL of `https`, because the client is built
/// without TLS: such a call goes through a sidecar.
#[derive(Clone, Debug)]
pub struct HttpInvoker {
    client: Client,
    apps: BTreeMap<String, String>,
}

impl HttpInvoker {
    /// `Invalid` when the URL of an app is none. Nothing is sent yet.
    pub fn new(settings: &HttpInvokerSettings) -> Result<Self, PortError> {
        let invalid = |source: Box<dyn std::error::Error + Send + Sync>| {
            PortError::new(PortErrorKind::Invalid, PORT, "configure", source)
        };
        for (app, url) in &settings.apps {
            let parsed = Url::parse(url).map_err(|error| invalid(error.into()))?;
            if parsed.scheme() != "http" || parsed.cannot_be_a_base() {
                return Err(invalid(
                    format!("{app} is not called by http: {url}").into(),
                ));
            }
        }
        let mut builder = Client::builder()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .redirect(Policy::none())
            // A proxy from the environment must never sit between two apps.
            .no_proxy();
        if let Some(timeout) = settings.connect_timeout {
            builder = builder.connect_timeout(timeout);
        }
        let client = builder.build().map_err(|error| invalid(error.into()))?;
        Ok(Self {
            client,
            apps: settings.apps.clone(),
        })
    }

    fn url(&self, target: &Target) -> Result<Url, PortError> {
        let invalid = |detail: String| {
            PortError::new(PortErrorKind::Invalid, PORT, "find the callee", detail)
        };
        let base = match target.callee() {
            Callee::Url(url) => url,
            Callee::App(app) => self
                .apps
                .get(app)
                .ok_or_else(|| invalid(format!("the URL of the app {app} is not configured")))?,
        };
        let text = format!("{}/{}", base.trim_end_matches('/'), target.path());
        let url = Url::parse(&text).map_err(|error| invalid(format!("{text}: {error}")))?;
        if url.scheme() == "http" {
            Ok(url)
        } else {
            Err(invalid(format!("{text}: built without TLS")))
        }
    }
}

#[async_trait]
impl Invoker for HttpInvoker {
    async fn invoke(
        &self,
        target: &Target,
        body: Bytes,
        context: &CallContext,
    ) -> Result<Answer, PortError> {
        let request = self
            .client
            .request(target.method().clone(), self.url(target)?);
        let response = with_context(request, body, context)?
            .send()
            .await
            .map_err(without_answer)?;
        answer(response).await
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use gauntlet_ports::testsuite::invocation::{InvokerBench, echo_router, invoker_suite};
    use std::sync::Arc;
    use tokio::net::TcpListener;

    use super::*;

    async fn closed_port() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    fn invoker(apps: &[(&str, &str)]) -> Result<HttpInvoker, PortError> {
        let apps = apps.iter();
        HttpInvoker::new(&HttpInvokerSettings {
            apps: apps
                .map(|(app, url)| ((*app).to_owned(), (*url).to_owned()))
                .collect(),
            connect_timeout: None,
        })
    }

    #[tokio::test]
    async fn http_keeps_the_invoker_contract() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, echo_router()).await.unwrap() });
        let gone = closed_port().await;
        let apps = [
            ("echo", &*url),
            ("slash", &*format!("{url}/")),
            ("gone", &*gone),
        ];
        let app = |name: &str| Callee::App(name.to_owned());
        invoker_suite(&InvokerBench {
            invoker: Arc::new(invoker(&apps).unwrap()),
            echo: vec![app("echo"), app("slash"), Callee::Url(url.clone())],
            nobody: vec![app("gone"), app("unknown"), Callee::Url(gone.clone())],
            out_of_sight: Vec::new(),
        })
        .await;
    }

    #[tokio::test]
    async fn a_connection_cut_before_the_answer_may_have_been_a_delivery() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut first = [0_u8; 1];
            tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first)
                .await
                .unwrap();
        });
        let target = Target::url(&url, Method::POST, "x").unwrap();
        let context = CallContext::within(Duration::from_secs(10));
        let invoker = invoker(&[]).unwrap();
        let cut = invoker.invoke(&target, Bytes::from("{}"), &context).await;
        assert_eq!(cut.unwrap_err().kind, PortErrorKind::Timeout);
    }

    #[tokio::test]
    async fn what_cannot_be_called_is_invalid() {
        for url in ["api", "mailto:api", "https://h:1"] {
            let refused = invoker(&[("api", url)]).unwrap_err();
            assert_eq!(refused.kind, PortErrorKind::Invalid, "{url}");
        }
        let target = Target::url("https://h:1", Method::GET, "x").unwrap();
        let context = CallContext::within(Duration::from_secs(1));
        let invoker = invoker(&[]).unwrap();
        let refused = invoker.invoke(&target, Bytes::new(), &context).await;
        assert_eq!(refused.unwrap_err().kind, PortErrorKind::Invalid);
    }
}

//! An API on in-memory stores, tokens for it, and requests to it.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gauntlet_contract::{Label, Problem, Task, UserId};
use gauntlet_ports::Secret;
use gauntlet_ports::testsuite::storage::{MemoryAuditLog, MemoryStore};
use gauntlet_services::auth::Verifier;
use gauntlet_services::commands::{Commands, Store};
use gauntlet_services::health::Health;
use gauntlet_services::http::{Routes, router};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{Notify, OnceCell};
use tower::ServiceExt as _;

use crate::openapi_judge::{Document, Exchange};

pub(crate) const ISSUER: &str = "test-issuer";
pub(crate) const AUDIENCE: &str = "test-audience";
/// What other roles show on internal routes.
pub(crate) const SERVICE_TOKEN: &str = "a-service-token-of-32-characters";
/// Larger than any answer that a test expects.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;

/// Somebody who issues tokens.
pub(crate) struct Issuer {
    pub(crate) kid: &'static str,
    key: EncodingKey,
    public_key: Vec<u8>,
}

impl Issuer {
    pub(crate) fn new(kid: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        Self {
            kid,
            key: EncodingKey::from_ed_der(der.as_ref()),
            public_key: pair.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn jwk(&self) -> Value {
        let x = BASE64_URL_SAFE_NO_PAD.encode(&self.public_key);
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": self.kid, "x": x})
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    pub(crate) fn verifier(&self) -> Verifier {
        let jwks = json!({ "keys": [self.jwk()] }).to_string();
        Verifier::from_jwks(jwks.as_bytes(), ISSUER, AUDIENCE).unwrap()
    }

    pub(crate) fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.to_owned());
        header
    }

    pub(crate) fn sign(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    pub(crate) fn token(&self, user_id: UserId) -> String {
        self.sign(&self.header(), &claims(user_id))
    }
}

/// Claims that are good for five minutes.
pub(crate) fn claims(user_id: UserId) -> Value {
    let now = Timestamp::now().as_second();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "iat": now, "exp": now + 300,
    })
}

/// The task and audit API in one process, on stores of its own, and a user of it.
pub(crate) struct Api {
    pub(crate) store: MemoryStore,
    pub(crate) audit: MemoryAuditLog,
    pub(crate) issuer: Issuer,
    pub(crate) user_id: UserId,
    pub(crate) health: Health,
    pub(crate) router: Router,
    told: OnceCell<Arc<Document>>,
}

impl Api {
    pub(crate) fn new() -> Self {
        let store = MemoryStore::new("");
        Self::on(store.clone(), Arc::new(store))
    }

    /// With commands on `between`, which stands before `store`.
    pub(crate) fn on(store: MemoryStore, between: Arc<dyn Store>) -> Self {
        Self::with(store, between, Secret::new(SERVICE_TOKEN))
    }

    pub(crate) fn without_service_token() -> Self {
        let store = MemoryStore::new("");
        Self::with(store.clone(), Arc::new(store), None)
    }

    fn with(store: MemoryStore, between: Arc<dyn Store>, service_token: Option<Secret>) -> Self {
        let audit = MemoryAuditLog::default();
        let issuer = Issuer::new("key-1");
        let health = Health::new("api", Vec::new());
        let commands = Commands::new(between, Arc::new(Notify::new()));
        let router = router(Routes {
            verifier: Some(Arc::new(issuer.verifier())),
            commands: Some(commands),
            service_token,
            audit: Some(Arc::new(audit.clone())),
            ingress: None,
            health: health.clone(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
        });
        Self {
            store,
            audit,
            issuer,
            user_id: UserId::generate(),
            health,
            router,
            told: OnceCell::new(),
        }
    }

    /// What it tells of itself.
    pub(crate) async fn told(&self) -> &Document {
        let read = async || {
            let request = Request::builder().uri("/openapi.json").body(Body::empty());
            let exchange = exchange(&self.router, request.unwrap()).await;
            assert_eq!(exchange.status, StatusCode::OK);
            Document::shared(str::from_utf8(&exchange.body).unwrap())
        };
        self.told.get_or_init(read).await
    }

    /// The same API for this user.
    pub(crate) fn of_user(mut self, user_id: UserId) -> Self {
        self.user_id = user_id;
        self
    }

    /// A request of the user, to be sent with [`send`](Call::send).
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call {
            api: self,
            request: Request::builder().method(method).uri(path),
            token: Some(self.issuer.token(self.user_id)),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path).json(body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::PATCH, path).json(body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).send("").await
    }

    /// A request of another role of ours.
    pub(crate) fn service(&self, method: Method, path: &str) -> Call<'_> {
        self.call(method, path).with_token(SERVICE_TOKEN)
    }

    /// Creates a task and answers it.
    pub(crate) async fn created(&self, title: &str) -> Task {
        self.made("/api/tasks", &json!({ "title": title })).await
    }

    pub(crate) async fn tag(&self, name: &str) -> Label {
        self.made("/api/tags", &json!({ "name": name })).await
    }

    pub(crate) async fn category(&self, name: &str) -> Label {
        self.made("/api/categories", &json!({ "name": name })).await
    }

    /// Creates whatever is created there and answers it.
    pub(crate) async fn made<T: DeserializeOwned>(&self, path: &str, body: &Value) -> T {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }

    /// Reads what is there.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        let answer = self.get(path).send("").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }
}

pub(crate) struct Call<'a> {
    api: &'a Api,
    request: axum::http::request::Builder,
    token: Option<String>,
}

impl Call<'_> {
    pub(crate) fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    pub(crate) fn without_token(mut self) -> Self {
        self.token = None;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) async fn json(self, body: &Value) -> Answer {
        self.header("content-type", "application/json")
            .send(body.to_string())
            .await
    }

    /// Each answer has to be as the document tells.
    pub(crate) async fn send(self, body: impl Into<Body>) -> Answer {
        let mut request = self.request;
        if let Some(token) = self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(body.into()).unwrap();
        let exchange = exchange(&self.api.router, request).await;
        let faults = self.api.told().await.faults(&exchange);
        assert!(faults.is_empty(), "{faults:#?}\n{exchange:?}");
        Answer {
            status: exchange.status,
            headers: exchange.answered,
            body: exchange.body,
        }
    }
}

/// Asks, and answers with all that was said.
pub(crate) async fn exchange(router: &Router, request: Request<Body>) -> Exchange {
    let (parts, body) = request.into_parts();
    let (method, uri, asked) = (
        parts.method.clone(),
        parts.uri.clone(),
        parts.headers.clone(),
    );
    let sent = to_bytes(body, ANSWER_MAX_BYTES).await.unwrap();
    let request = Request::from_parts(parts, Body::from(sent.clone()));
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Exchange {
        method,
        uri,
        asked,
        sent: sent.to_vec(),
        status: parts.status,
        answered: parts.headers,
        body: to_bytes(body, ANSWER_MAX_BYTES).await.unwrap().to_vec(),
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// The kind of the problem, after checking that it is one with this status.
    pub(crate) fn kind(&self, status: StatusCode) -> String {
        self.refused(status);
        self.problem().kind
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem, after checking that it is one and says the status that the answer has.
    pub(crate) fn problem(&self) -> Problem {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem: Problem = self.json();
        assert_eq!(problem.status, self.status.as_u16());
        assert!(problem.kind.starts_with("/problems/"), "{problem:?}");
        problem
    }

    /// Checks that the answer is a problem with this status, and answers the fields it blames.
    pub(crate) fn refused(&self, status: StatusCode) -> Vec<String> {
        assert_eq!(self.status, status, "{}", self.text());
        let errors = self.problem().errors;
        errors.into_iter().map(|error| error.field).collect()
    }
}

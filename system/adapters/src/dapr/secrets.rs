use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use gauntlet_ports::{PortError, PortErrorKind, Secret, SecretName, SecretStore};
use reqwest::Method;

use super::api::{Api, Reply};

const PORT: &str = "secret store";
/// What follows the store in the path of a call for all secrets, and so no call for a secret of this
/// name can be made.
const BULK: &str = "bulk";

/// Which component, and where.
#[derive(Clone, Debug)]
pub struct DaprSecretSettings {
    /// E.g. `http://127.0.0.1:3500`.
    pub http_url: String,
    /// Name of the secret store component.
    pub store: String,
    pub timeout: Duration,
}

/// Secrets through a sidecar, from any store that it has a component for.
///
/// - A secret that is a map, as one of Kubernetes is, has to have the secret's name among its keys, or
///   one key alone.
/// - What the sidecar denies is `Invalid`: it is not that the store lacks it.
/// - Whether a store lacks a secret or has failed, the sidecar does not say (1.16.5: both are
///   `ERR_SECRET_GET`). So it is asked for all secrets then, and what is not among them is lacking.
/// - What a component has read only at its start stays as it was then, as with `local.file`.
#[derive(Clone, Debug)]
pub struct DaprSecretStore {
    api: Api,
    store: String,
}

impl DaprSecretStore {
    /// `Invalid` when the URL cannot be a base of other URLs. Nothing is asked yet.
    pub fn new(settings: &DaprSecretSettings) -> Result<Self, PortError> {
        Ok(Self {
            api: Api::new(PORT, &settings.http_url, settings.timeout)?,
            store: settings.store.clone(),
        })
    }

    async fn ask(&self, op: &'static str, what: &str) -> Result<Reply, PortError> {
        let request = self
            .api
            .request(Method::GET, &["secrets", &self.store, what]);
        self.api.ask(op, request).await
    }

    fn refused(&self, op: &'static str, reply: &Reply) -> PortError {
        let kind = if reply.status.is_server_error() {
            PortErrorKind::Unavailable
        } else {
            PortErrorKind::Invalid
        };
        self.api.refused(op, kind, reply)
    }
}

#[async_trait]
impl SecretStore for DaprSecretStore {
    async fn get(&self, name: &SecretName) -> Result<Option<Secret>, PortError> {
        let op = "read a secret";
        if name.as_str() == BULK {
            return Ok(self.all().await?.remove(name));
        }
        let reply = self.ask(op, name.as_str()).await?;
        match reply.status {
            StatusCode::OK => {
                let values = serde_json::from_slice(&reply.body)
                    .map_err(|error| self.api.garbled(op, error))?;
                meant(op, name, values)
            }
            StatusCode::NO_CONTENT => Ok(None),
            StatusCode::INTERNAL_SERVER_ERROR if reply.refusal().error_code == "ERR_SECRET_GET" => {
                Ok(self.all().await?.remove(name))
            }
            _ => Err(self.refused(op, &reply)),
        }
    }

    /// A secret of several values without one of its own name is left out.
    async fn all(&self) -> Result<BTreeMap<SecretName, Secret>, PortError> {
        let op = "read all secrets";
        let reply = self.ask(op, BULK).await?;
        match reply.status {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT => return Ok(BTreeMap::new()),
            _ => return Err(self.refused(op, &reply)),
        }
        let found: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_slice(&reply.body).map_err(|error| self.api.garbled(op, error))?;
        let secret = |(name, values): (String, BTreeMap<String, String>)| {
            let name = SecretName::new(name).ok()?;
            let secret = meant(op, &name, values).ok()??;
            Some((name, secret))
        };
        Ok(found.into_iter().filter_map(secret).collect())
    }

    fn remedy(&self, name: &SecretName) -> String {
        format!(
            "add {name} to what the Dapr component {} reads, and allow the app to read it",
            self.store
        )
    }
}

/// The one value of a map that is meant. None where it is empty: a variable that is not set is so.
fn meant(
    op: &'static str,
    name: &SecretName,
    mut values: BTreeMap<String, String>,
) -> Result<Option<Secret>, PortError> {
    let named = values.remove(name.as_str());
    let value = match (named, values.len()) {
        (Some(value), _) => Some(value),
        (None, 0 | 1) => values.into_values().next(),
        (None, keys) => {
            let detail = format!("{name} has {keys} values, and none is named like it");
            return Err(PortError::new(PortErrorKind::Invalid, PORT, op, detail));
        }
    };
    Ok(value.and_then(Secret::new))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Path;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    fn name(text: &str) -> SecretName {
        SecretName::new(text).unwrap()
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    /// A sidecar that answers this to a call for one secret, and that to one for all.
    async fn sidecar(one: (u16, &'static str), all: (u16, &'static str)) -> DaprSecretStore {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http_url = format!("http://{}", listener.local_addr().unwrap());
        let answer = move |Path(what): Path<String>| {
            let (status, body) = if what == BULK { all } else { one };
            std::future::ready((StatusCode::from_u16(status).unwrap(), body))
        };
        let router = Router::new().route("/v1.0/secrets/vault/{what}", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        DaprSecretStore::new(&DaprSecretSettings {
            http_url,
            store: "vault".to_owned(),
            timeout: Duration::from_secs(10),
        })
        .unwrap()
    }

    const FAILED: (u16, &str) = (500, r#"{"errorCode":"ERR_SECRET_GET","message":"?"}"#);

    #[tokio::test]
    async fn a_store_that_failed_is_told_from_one_that_lacks_the_secret() {
        let lacks = sidecar(FAILED, (200, r#"{"OTHER":{"OTHER":"1"}}"#)).await;
        assert_eq!(lacks.get(&name("KEY")).await.unwrap(), None);
        let failed = sidecar(FAILED, FAILED).await;
        let error = failed.get(&name("KEY")).await.unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Unavailable);
        let recovered = sidecar(FAILED, (200, r#"{"KEY":{"KEY":"1"}}"#)).await;
        let secret = recovered.get(&name("KEY")).await.unwrap();
        assert_eq!(secret.unwrap().reveal(), "1");
    }

    #[tokio::test]
    async fn a_secret_that_is_named_like_the_call_for_all_is_found_among_all() {
        let all = (200, r#"{"bulk":{"bulk":"1"},"x":{"a":"2","b":"3"}}"#);
        let store = sidecar((404, ""), all).await;
        let secret = store.get(&name(BULK)).await.unwrap();
        assert_eq!(secret.unwrap().reveal(), "1");
        let names: Vec<_> = store.all().await.unwrap().into_keys().collect();
        assert_eq!(names, [name(BULK)]);
    }

    #[test]
    fn of_several_values_the_one_of_the_secrets_name_is_meant() {
        let meant = |pairs: &[(&str, &str)]| {
            let found = meant("read", &name("KEY"), values(pairs));
            found.map(|secret| secret.map(|secret| secret.reveal().to_owned()))
        };
        let one = Some("1".to_owned());
        assert_eq!(meant(&[("KEY", "1")]).unwrap(), one);
        assert_eq!(meant(&[("KEY", "1"), ("A", "2")]).unwrap(), one);
        assert_eq!(meant(&[("A", "1")]).unwrap(), one);
        assert_eq!(meant(&[("KEY", "")]).unwrap(), None);
        assert_eq!(meant(&[]).unwrap(), None);
        let ambiguous = meant(&[("A", "hunter2"), ("B", "2")]).unwrap_err();
        assert_eq!(ambiguous.kind, PortErrorKind::Invalid);
        assert!(!format!("{ambiguous:?}").contains("hunter2"));
    }
}

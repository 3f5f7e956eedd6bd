use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use gauntlet_ports::{PortError, Secret, SecretName, SecretStore};
use serde_json::Value;

use super::text::{absent, invalid, read};

/// Secrets in one file: a JSON object from name to value, all of them strings. It is read anew at each
/// call.
#[derive(Clone, Debug)]
pub struct JsonSecrets {
    path: PathBuf,
}

impl JsonSecrets {
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { path }
    }

    async fn object(&self, op: &'static str) -> Result<BTreeMap<String, Value>, PortError> {
        let text = read(&self.path, op).await?;
        let text = text.ok_or_else(|| absent(op, &self.path))?;
        // Not the parser's own error: it could show something of a value.
        serde_json::from_str(&text)
            .map_err(|_| invalid(op, format!("{} is no JSON object", self.path.display())))
    }

    fn secret(
        &self,
        op: &'static str,
        name: &str,
        value: Value,
    ) -> Result<Option<Secret>, PortError> {
        if let Value::String(text) = value {
            Ok(Secret::new(text))
        } else {
            let path = self.path.display();
            Err(invalid(op, format!("{name} in {path} is no string")))
        }
    }
}

#[async_trait]
impl SecretStore for JsonSecrets {
    async fn get(&self, name: &SecretName) -> Result<Option<Secret>, PortError> {
        let op = "read a file of secrets";
        let mut object = self.object(op).await?;
        match object.remove(name.as_str()) {
            Some(value) => self.secret(op, name.as_str(), value),
            None => Ok(None),
        }
    }

    async fn all(&self) -> Result<BTreeMap<SecretName, Secret>, PortError> {
        let op = "read a file of secrets";
        let mut secrets = BTreeMap::new();
        for (text, value) in self.object(op).await? {
            let Ok(name) = SecretName::new(text) else {
                continue;
            };
            if let Some(secret) = self.secret(op, name.as_str(), value)? {
                secrets.insert(name, secret);
            }
        }
        Ok(secrets)
    }

    fn remedy(&self, name: &SecretName) -> String {
        format!("add {name} to the object in {}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_ports::PortErrorKind;

    use super::*;

    #[tokio::test]
    async fn what_is_no_object_of_strings_is_invalid_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets.json");
        let secrets = JsonSecrets::at(&path);
        let name = SecretName::new("KEY").unwrap();
        let failed = secrets.get(&name).await.unwrap_err();
        assert_eq!(failed.kind, PortErrorKind::Unavailable, "not there yet");
        for text in [
            "[\"hunter2\"]",
            "{\"KEY\": \"hunter2",
            "{\"KEY\": {\"a\": \"hunter2\"}}",
            "",
        ] {
            std::fs::write(&path, text).unwrap();
            let failed = secrets.get(&name).await.unwrap_err();
            assert_eq!(failed.kind, PortErrorKind::Invalid, "{text}");
            assert!(!format!("{failed:?}").contains("hunter2"), "{failed:?}");
            assert!(secrets.all().await.is_err());
        }
    }
}

//! Every store of this module keeps the contract.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use gauntlet_ports::testsuite::secrets::{SecretBackend, secret_store_suite};
use gauntlet_ports::{SecretName, SecretStore};
use tempfile::TempDir;

use super::{EnvSecrets, FolderSecrets, JsonSecrets};

struct Folder {
    dir: TempDir,
    store: FolderSecrets,
}

#[async_trait]
impl SecretBackend for Folder {
    async fn keep(&mut self, name: &SecretName, value: &str) {
        // With the line break that an editor leaves.
        let text = format!("{value}\n");
        std::fs::write(self.dir.path().join(name.as_str()), text).unwrap();
    }

    fn store(&self) -> &dyn SecretStore {
        &self.store
    }
}

#[tokio::test]
async fn a_folder_keeps_the_secret_contract() {
    let dir = tempfile::tempdir().unwrap();
    let store = FolderSecrets::at(dir.path());
    secret_store_suite(&mut Folder { dir, store }).await;
}

/// Names and values as an operator has written them down.
#[derive(Default)]
struct Written(BTreeMap<String, String>);

impl Written {
    fn write(&mut self, name: &SecretName, value: &str) {
        self.0.insert(name.to_string(), value.to_owned());
    }
}

struct JsonFile {
    dir: TempDir,
    written: Written,
    store: JsonSecrets,
}

fn json_file(dir: &Path) -> PathBuf {
    dir.join("secrets.json")
}

#[async_trait]
impl SecretBackend for JsonFile {
    async fn keep(&mut self, name: &SecretName, value: &str) {
        self.written.write(name, value);
        let text = serde_json::to_vec_pretty(&self.written.0).unwrap();
        std::fs::write(json_file(self.dir.path()), text).unwrap();
    }

    fn store(&self) -> &dyn SecretStore {
        &self.store
    }
}

#[tokio::test]
async fn a_json_file_keeps_the_secret_contract() {
    let dir = tempfile::tempdir().unwrap();
    let store = JsonSecrets::at(json_file(dir.path()));
    let written = Written::default();
    let mut backend = JsonFile {
        dir,
        written,
        store,
    };
    secret_store_suite(&mut backend).await;
}

/// A process that is started again with each change: its environment is that of its start.
#[derive(Default)]
struct Environment {
    written: Written,
    store: EnvSecrets,
}

#[async_trait]
impl SecretBackend for Environment {
    async fn keep(&mut self, name: &SecretName, value: &str) {
        self.written.write(name, value);
        let foreign = ("no/name of a secret".to_owned(), "x".to_owned());
        let variables = self.written.0.clone().into_iter().chain([foreign]);
        self.store = EnvSecrets::of(variables);
    }

    fn store(&self) -> &dyn SecretStore {
        &self.store
    }
}

#[tokio::test]
async fn the_environment_keeps_the_secret_contract() {
    secret_store_suite(&mut Environment::default()).await;
}

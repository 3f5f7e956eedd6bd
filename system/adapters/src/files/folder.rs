use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use async_trait::async_trait;
use gauntlet_ports::{PortError, Secret, SecretName, SecretStore};

use super::text::{absent, of_io, read, secret};

/// Secrets in a folder, one file each under the secret's name, as Kubernetes and Docker mount them. They
/// are read anew at each call: Kubernetes exchanges all files at once when a secret is rotated.
#[derive(Clone, Debug)]
pub struct FolderSecrets {
    folder: PathBuf,
}

impl FolderSecrets {
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { folder }
    }

    /// A folder that is not there lacks nothing: it cannot be asked.
    async fn exists(&self, op: &'static str) -> Result<(), PortError> {
        match tokio::fs::metadata(&self.folder).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(absent(op, &self.folder)),
            Err(error) => Err(of_io(op, error)),
        }
    }
}

#[async_trait]
impl SecretStore for FolderSecrets {
    async fn get(&self, name: &SecretName) -> Result<Option<Secret>, PortError> {
        let op = "read a secret's file";
        match read(&self.folder.join(name.as_str()), op).await? {
            Some(text) => Ok(secret(&text)),
            None => self.exists(op).await.map(|()| None),
        }
    }

    async fn all(&self) -> Result<BTreeMap<SecretName, Secret>, PortError> {
        let op = "read a folder of secrets";
        self.exists(op).await?;
        let mut entries = tokio::fs::read_dir(&self.folder)
            .await
            .map_err(|error| of_io(op, error))?;
        let mut secrets = BTreeMap::new();
        while let Some(entry) = entries
            .next_entry()
            .await
            .map_err(|error| of_io(op, error))?
        {
            let file_name = entry.file_name();
            let name = file_name
                .to_str()
                .and_then(|name| SecretName::new(name).ok());
            let Some(name) = name else { continue };
            // Of what a link leads to: Kubernetes mounts links.
            let is_file = match tokio::fs::metadata(entry.path()).await {
                Ok(metadata) => metadata.is_file(),
                // Exchanged for another in this moment.
                Err(error) if error.kind() == ErrorKind::NotFound => false,
                Err(error) => return Err(of_io(op, error)),
            };
            if is_file && let Some(secret) = self.get(&name).await? {
                secrets.insert(name, secret);
            }
        }
        Ok(secrets)
    }

    fn remedy(&self, name: &SecretName) -> String {
        let file = self.folder.join(name.as_str());
        format!("write it to the file {}", file.display())
    }
}

#[cfg(test)]
mod tests {
    use gauntlet_ports::PortErrorKind;

    use super::*;

    fn name(text: &str) -> SecretName {
        SecretName::new(text).unwrap()
    }

    #[tokio::test]
    async fn a_mounted_volume_is_read_through_its_links() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("..2030_01_01");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("KEY"), "of the volume\n").unwrap();
        std::os::unix::fs::symlink("..2030_01_01", dir.path().join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/KEY", dir.path().join("KEY")).unwrap();
        std::fs::create_dir(dir.path().join("folder")).unwrap();
        let secrets = FolderSecrets::at(dir.path());
        let all = secrets.all().await.unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), [&name("KEY")]);
        let secret = secrets.get(&name("KEY")).await.unwrap().unwrap();
        assert_eq!(secret.reveal(), "of the volume");
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_is_unavailable_and_lacks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = FolderSecrets::at(dir.path().join("not mounted"));
        let failed = secrets.get(&name("KEY")).await.unwrap_err();
        assert_eq!(failed.kind, PortErrorKind::Unavailable);
        let failed = secrets.all().await.unwrap_err();
        assert_eq!(failed.kind, PortErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn what_is_no_text_is_invalid_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("BINARY"), b"hunter2\xff").unwrap();
        std::fs::create_dir(dir.path().join("FOLDER")).unwrap();
        let secrets = FolderSecrets::at(dir.path());
        for text in ["BINARY", "FOLDER"] {
            let failed = secrets.get(&name(text)).await.unwrap_err();
            assert_eq!(failed.kind, PortErrorKind::Invalid, "{failed:?}");
            assert!(!format!("{failed:?}").contains("hunter2"));
        }
    }
}

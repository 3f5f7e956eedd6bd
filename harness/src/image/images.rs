use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use futures::StreamExt;
use gauntlet_reports::Provenance;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::models::ImageInspect;
use testcontainers::bollard::query_parameters::CreateImageOptionsBuilder;

use super::config::ImageConfig;
use super::local;
use super::part::Part;
use super::reference;
use crate::error::{StackError, StackErrorKind};
use crate::provider::containers::Engine;

/// A registry that answers reports some progress more often than this.
const PULL_SILENT_FOR: Duration = Duration::from_mins(1);
const PULL_WITHIN: Duration = Duration::from_mins(15);
const VERSION_LABEL: &str = "org.opencontainers.image.version";
const NOT_FOUND: u16 = 404;

/// An image that is in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub part: Part,
    /// The name it is called by.
    pub reference: String,
    /// The engine's own `sha256:…`, which no later pull or build can move.
    pub id: String,
    /// What its label says, else its tag.
    pub version: String,
    pub size_bytes: u64,
    /// Where it is from, in words.
    pub how: String,
    /// Where the engine keeps its files on this machine, the topmost layer first; empty where it does not
    /// say.
    pub layers: Vec<PathBuf>,
}

impl Image {
    pub fn provenance(&self) -> Provenance {
        let sha256 = self.id.strip_prefix("sha256:").unwrap_or(&self.id);
        Provenance {
            name: self.part.as_str().to_owned(),
            version: self.version.clone(),
            source: "image".to_owned(),
            how: self.how.clone(),
            sha256: sha256.to_owned(),
            size_bytes: self.size_bytes,
            path: self.reference.clone(),
        }
    }

    pub(super) fn of(part: Part, reference: &str, how: String, inspected: ImageInspect) -> Self {
        let size = inspected.size.unwrap_or_default();
        let version = labels(&inspected).remove(VERSION_LABEL);
        let driver = inspected.graph_driver.map(|driver| driver.data);
        Self {
            part,
            reference: reference.to_owned(),
            id: inspected.id.unwrap_or_default(),
            version: version.unwrap_or_else(|| reference::tag(reference).to_owned()),
            size_bytes: u64::try_from(size).unwrap_or_default(),
            how,
            layers: driver.as_ref().map(layers).unwrap_or_default(),
        }
    }
}

/// The folders of the storage driver overlay2, as it words them.
fn layers(driver: &HashMap<String, String>) -> Vec<PathBuf> {
    let named = ["UpperDir", "LowerDir"]
        .iter()
        .filter_map(|key| driver.get(*key));
    named
        .flat_map(|folders| folders.split(':'))
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .collect()
}

pub(super) fn labels(inspected: &ImageInspect) -> HashMap<String, String> {
    let config = inspected.config.as_ref();
    config
        .and_then(|config| config.labels.clone())
        .unwrap_or_default()
}

/// The images of one engine. Clones share its connection.
#[derive(Debug, Clone)]
pub struct Images {
    pub(super) engine: Engine,
    pub(super) config: ImageConfig,
}

impl Images {
    pub fn open(engine: Engine, config: ImageConfig) -> Self {
        Self { engine, config }
    }

    pub fn config(&self) -> &ImageConfig {
        &self.config
    }

    /// What is in the engine now: the image that somebody named and no other, else the official one, else
    /// the local one of a version that the manifest accepts; of the system the one built last, whatever
    /// binary it holds. Fetches nothing.
    pub async fn look(&self, part: Part) -> Result<Option<Image>, StackError> {
        if let Some(given) = self.config.given.get(&part) {
            return self.named(part, given).await;
        }
        if let Some(official) = self.config.official(part)
            && let Some(found) = self.inspect(official).await?
        {
            let how = "official image, in the engine".to_owned();
            return Ok(Some(Image::of(part, official, how, found)));
        }
        local::newest(self, part).await
    }

    /// As [`Self::look`]; what somebody named and the engine lacks is pulled, and an error if that fails.
    async fn find(&self, part: Part) -> Result<Option<Image>, StackError> {
        let found = self.look(part).await?;
        match self.config.given.get(&part) {
            Some(given) if found.is_none() => {
                self.pull(part, given).await?;
                self.named(part, given).await
            }
            _ => Ok(found),
        }
    }

    /// As [`Self::find`], else the official image, pulled.
    pub async fn obtain(&self, part: Part) -> Result<Image, StackError> {
        if let Some(found) = self.find(part).await? {
            return Ok(found);
        }
        let missing = || {
            let what = format!("find an image of {part} in the engine");
            StackError::new(StackErrorKind::Engine, what, mend(part))
        };
        let official = self.config.official(part).ok_or_else(missing)?;
        self.pull(part, official).await?;
        let pulled = self.inspect(official).await?.ok_or_else(missing)?;
        let how = "official image, pulled".to_owned();
        Ok(Image::of(part, official, how, pulled))
    }

    async fn named(&self, part: Part, given: &str) -> Result<Option<Image>, StackError> {
        let how = format!("named by {}", part.variable());
        let found = self.inspect(given).await?;
        Ok(found.map(|found| Image::of(part, given, how, found)))
    }

    /// What the engine knows of an image; none where it has no such.
    pub(super) async fn inspect(
        &self,
        reference: &str,
    ) -> Result<Option<ImageInspect>, StackError> {
        match self.engine.docker().inspect_image(reference).await {
            Ok(found) => Ok(Some(found)),
            Err(EngineError::DockerResponseServerError { status_code, .. })
                if status_code == NOT_FOUND =>
            {
                Ok(None)
            }
            Err(error) => {
                let what = format!("ask the engine for the image {reference}");
                let mend = "see the cause, and the engine's own log";
                Err(StackError::new(StackErrorKind::Engine, what, mend).because(error))
            }
        }
    }

    /// Asks the engine to fetch an image, and waits as long as it reports progress.
    async fn pull(&self, part: Part, reference: &str) -> Result<(), StackError> {
        let failed = |why: String| {
            let what = format!("pull the image {reference}: {why}");
            let mend = if self.config.given.contains_key(&part) {
                let variable = part.variable();
                format!("set {variable} to an image that can be had, or unset it")
            } else {
                mend(part)
            };
            StackError::new(StackErrorKind::Engine, what, mend)
        };
        let options = CreateImageOptionsBuilder::new()
            .from_image(reference)
            .build();
        let docker = self.engine.docker();
        let pulling = async {
            let mut messages = docker.create_image(Some(options), None, None);
            loop {
                let next = tokio::time::timeout(PULL_SILENT_FOR, messages.next()).await;
                let silent = || {
                    failed(format!(
                        "nothing happened for {} s",
                        PULL_SILENT_FOR.as_secs()
                    ))
                };
                let Some(message) = next.map_err(|_| silent())? else {
                    return Ok(());
                };
                let message = message.map_err(|error| failed(error.to_string()))?;
                let refusal = message.error_detail.and_then(|detail| detail.message);
                if let Some(refusal) = refusal {
                    return Err(failed(refusal));
                }
            }
        };
        match tokio::time::timeout(PULL_WITHIN, pulling).await {
            Ok(outcome) => outcome,
            Err(_) => Err(failed(format!(
                "not done after {} s",
                PULL_WITHIN.as_secs()
            ))),
        }
    }
}

fn mend(part: Part) -> String {
    format!(
        "run `cargo xtask images {part}`, which builds one from the component store, or name one in {}",
        part.variable()
    )
}

#[cfg(test)]
mod tests {
    use testcontainers::bollard::models::ImageConfig as Settings;

    use super::*;
    use crate::store::ComponentId;

    #[test]
    fn layers_are_listed_from_the_top() {
        let driver = [
            ("UpperDir", "/d/c/diff"),
            ("LowerDir", "/d/b/diff:/d/a/diff"),
            ("WorkDir", "/d/c/work"),
        ];
        let driver = driver.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let expected = ["/d/c/diff", "/d/b/diff", "/d/a/diff"].map(PathBuf::from);
        assert_eq!(layers(&HashMap::from(driver)), expected);
    }

    #[test]
    fn a_label_tells_the_version_and_the_tag_does_where_there_is_none() {
        let part = Part::Component(ComponentId::Kafka);
        let labels = HashMap::from([(VERSION_LABEL.to_owned(), "4.3.1".to_owned())]);
        let inspected = |labels| ImageInspect {
            id: Some("sha256:00ff".to_owned()),
            size: Some(12),
            config: Some(Settings {
                labels,
                ..Settings::default()
            }),
            ..ImageInspect::default()
        };
        let image = Image::of(
            part,
            "a/kafka:mine",
            "how".to_owned(),
            inspected(Some(labels)),
        );
        assert_eq!(image.version, "4.3.1");
        let image = Image::of(part, "a/kafka:mine", "how".to_owned(), inspected(None));
        assert_eq!(image.version, "mine");
        let provenance = image.provenance();
        assert_eq!(
            (provenance.sha256.as_str(), provenance.size_bytes),
            ("00ff", 12)
        );
        assert_eq!(provenance.path, "a/kafka:mine");
    }
}

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gauntlet_reports::format::bytes;

use super::contents::Contents;
use super::dockerfile;
use super::part::Part;
use super::rootfs::{Rootfs, append_text};
use crate::component::digest::sha256_hex;
use crate::component::system::SystemBinary;
use crate::error::{StackError, StackErrorKind};
use crate::store::{Artifact, ComponentId, Store, StoreError};

/// Digits of the binary's sum in the tag: enough to tell builds apart, and what people compare.
const TAG_DIGITS: usize = 12;
/// Where the system's binary lies in its image.
const SYSTEM: &str = "/todo";

/// All that a local image is built from: a Dockerfile and a `rootfs` folder, as `docker build` takes them.
#[derive(Debug)]
pub struct Context {
    pub part: Part,
    /// What the image's tag and its label say.
    pub version: String,
    /// What was found and left out, in words.
    pub left_out: Vec<String>,
    /// Changes when anything of the image does.
    pub(super) recipe: String,
    dockerfile: String,
    rootfs: Rootfs,
}

impl Context {
    /// Plans the image of a component that was obtained from `store`. `shim` is the executable that answers
    /// to `exec-child`. Takes a fraction of a second, and reads no file whole.
    pub async fn of_component(
        store: Arc<Store>,
        artifact: Artifact,
        shim: PathBuf,
    ) -> Result<Self, StackError> {
        blocking(move || {
            let mut contents = Contents::new(&shim);
            match artifact.id {
                ComponentId::Redis => contents.redis(&artifact)?,
                ComponentId::Postgres => contents.postgres(&artifact)?,
                ComponentId::Kafka => {
                    let java = store.java().map_err(|error| no_java(&error))?;
                    contents.kafka(&artifact, &java)?;
                }
                ComponentId::Daprd => contents.program("/daprd", &artifact.entry)?,
                ComponentId::Scheduler => contents.program("/scheduler", &artifact.entry)?,
                ComponentId::Placement => contents.program("/placement", &artifact.entry)?,
            }
            let from = &artifact.provenance;
            let part = Part::Component(artifact.id);
            let version = artifact.version.clone();
            Self::new(part, version, (&from.how, &from.sha256), contents)
        })
        .await
    }

    /// Plans the image of the system's binary; its version is the beginning of the binary's SHA-256.
    pub async fn of_system(binary: SystemBinary, shim: PathBuf) -> Result<Self, StackError> {
        blocking(move || {
            let mut contents = Contents::new(&shim);
            let from = &binary.provenance;
            contents.program(SYSTEM, &binary.path)?;
            contents.rootfs.hold_to(Path::new(SYSTEM), &from.sha256);
            contents.certificates()?;
            let version = from.sha256.chars().take(TAG_DIGITS).collect();
            Self::new(Part::System, version, (&from.how, &from.sha256), contents)
        })
        .await
    }

    fn new(
        part: Part,
        version: String,
        (origin, sha256): (&str, &str),
        contents: Contents<'_>,
    ) -> Result<Self, StackError> {
        let text = dockerfile::of(part)?;
        let text = dockerfile::with_default(&text, "VERSION", &version);
        let text = dockerfile::with_default(&text, "ORIGIN", origin);
        let recipe = sha256_hex(format!("{text}{sha256}\n{}", contents.rootfs.recipe()).as_bytes());
        Ok(Self {
            part,
            version,
            left_out: contents.left_out,
            dockerfile: dockerfile::with_default(&text, "RECIPE", &recipe),
            recipe,
            rootfs: contents.rootfs,
        })
    }

    /// The name that the image is given. Never an official one: it is not that image.
    pub fn reference(&self) -> String {
        let fit = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let tag: String = self
            .version
            .chars()
            .map(|c| if fit(c) { c } else { '-' })
            .collect();
        format!("gauntlet/{}:{tag}", self.part)
    }

    /// The bytes of its files together.
    pub fn size_bytes(&self) -> u64 {
        self.rootfs.size_bytes()
    }

    /// Writes it to the folder `dir`, for `docker build dir`. The folder must not be there yet or be empty.
    pub async fn write_to(self: Arc<Self>, dir: PathBuf) -> Result<(), StackError> {
        blocking(move || self.unpack(&dir)).await
    }

    fn unpack(&self, dir: &Path) -> Result<(), StackError> {
        let failed = |error| StackError::io("write the build context to", dir, error);
        fs::create_dir_all(dir).map_err(failed)?;
        if fs::read_dir(dir).map_err(failed)?.next().is_some() {
            return Err(StackError::new(
                StackErrorKind::Config,
                format!(
                    "write the build context to {}: it is not empty",
                    dir.display()
                ),
                "name a folder that is not there yet",
            ));
        }
        let (reader, mut writer) = io::pipe().map_err(failed)?;
        std::thread::scope(|scope| {
            let written = scope.spawn(move || self.write(&mut writer));
            let mut archive = tar::Archive::new(reader);
            archive.set_preserve_permissions(true);
            let unpacked = archive.unpack(dir);
            // Whoever still writes would wait for a reader.
            drop(archive);
            let written = written
                .join()
                .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
            match written {
                // What could not be read explains what could not be unpacked, and not the other way round.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
                _ => unpacked,
            }
        })
        .map_err(failed)
    }

    /// Writes it as the archive that an engine takes.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut tar = tar::Builder::new(out);
        append_text(&mut tar, Path::new("Dockerfile"), &self.dockerfile)?;
        self.rootfs.write(&mut tar, Path::new("rootfs"))?;
        tar.finish()
    }

    /// The context in a few words.
    pub fn summary(&self) -> String {
        format!("{} of files", bytes(self.size_bytes()))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StackError> + Send + 'static,
) -> Result<T, StackError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(StackError::new(
            StackErrorKind::Io,
            "gather the files of an image",
            "report this as a defect",
        )
        .because(error)),
    }
}

fn no_java(error: &StoreError) -> StackError {
    StackError::new(
        StackErrorKind::Obtain,
        format!(
            "find the JVM for Kafka's image: failed to {}",
            error.without_mend()
        ),
        error.mend(),
    )
}

#[cfg(test)]
mod tests {
    use super::super::rootfs::Source;
    use super::*;

    fn context(sha256: &str, origin: &str) -> Context {
        let contents = Contents::new(Path::new("/shim"));
        Context::new(Part::System, "1".to_owned(), (origin, sha256), contents).unwrap()
    }

    #[test]
    fn the_recipe_is_stable_and_follows_binary_origin_and_files() {
        let one = context("aa", "cargo build");
        assert_eq!(one.recipe, context("aa", "cargo build").recipe);
        assert_ne!(one.recipe, context("bb", "cargo build").recipe);
        assert_ne!(one.recipe, context("aa", "by hand").recipe);
        assert!(
            one.dockerfile
                .contains(&format!("ARG RECIPE=\"{}\"", one.recipe))
        );
        assert_eq!(one.reference(), "gauntlet/todo:1");
    }

    #[tokio::test]
    async fn planted_folder_that_cannot_be_written_is_an_error_and_not_a_wait() {
        let temp = tempfile::tempdir().unwrap();
        let big = temp.path().join("big");
        fs::write(&big, vec![0; 1 << 20]).unwrap();
        let mut contents = Contents::new(Path::new("/shim"));
        let at = Path::new("/etc/passwd/under-a-file");
        contents.rootfs.file(at, &big, Source::Summed).unwrap();
        let context = Context::new(Part::System, "1".to_owned(), ("by hand", "aa"), contents);
        let context = Arc::new(context.unwrap());
        let outcome = context.write_to(temp.path().join("todo")).await;
        assert!(outcome.is_err());
    }

    #[tokio::test]
    async fn a_written_context_is_what_docker_build_takes() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("todo");
        let context = Arc::new(context("aa", "cargo build"));
        Arc::clone(&context).write_to(dir.clone()).await.unwrap();
        let dockerfile = fs::read_to_string(dir.join("Dockerfile")).unwrap();
        assert_eq!(dockerfile, context.dockerfile);
        assert!(dir.join("rootfs/etc/passwd").is_file());
        let again = context.write_to(dir).await.unwrap_err();
        assert!(again.to_string().contains("not empty"), "{again}");
    }
}

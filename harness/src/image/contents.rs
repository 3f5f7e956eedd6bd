//! What goes into each image, and where.

use std::fs;
use std::path::{Path, PathBuf};

use super::closure::{self, Linked};
use super::rootfs::{Rootfs, Source};
use super::tree::Tree;
use crate::error::{StackError, StackErrorKind};
use crate::store::Artifact;

/// As in the official images, so that one command line serves both.
const KAFKA_LIBS: &str = "/opt/kafka/libs";
const JAVA_HOME: &str = "/opt/java/openjdk";
const POSTGRES_HOME: &str = "/opt/postgres";
const REDIS_SERVER: &str = "/usr/local/bin/redis-server";

/// Where Debian and most others keep them, and where clients look.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What a JVM needs for building software, not for running it.
const JDK_ONLY: [&str; 8] = [
    "jmods",
    "demo",
    "man",
    "include",
    "docs",
    "sample",
    "lib/src.zip",
    "lib/ct.sym",
];
/// Libraries of the JVM that are loaded for windows, fonts, sound and smart cards; some need an X server's
/// libraries, which most machines have not.
const DESKTOP: [&str; 8] = [
    "lib/libatk-wrapper.so",
    "lib/libawt_xawt.so",
    "lib/libfontmanager.so",
    "lib/libj2pcsc.so",
    "lib/libjawt.so",
    "lib/libjsound.so",
    "lib/liblcms.so",
    "lib/libsplashscreen.so",
];
/// Loaded by older C libraries when a host is looked up, so that nothing is linked with them.
const NAME_SERVICES: [&str; 2] = ["libnss_dns.so.2", "libnss_files.so.2"];

/// The files of one image, as they are gathered.
pub(super) struct Contents<'a> {
    pub(super) rootfs: Rootfs,
    /// What was there and is not in the image, in words.
    pub(super) left_out: Vec<String>,
    shim: &'a Path,
}

impl<'a> Contents<'a> {
    /// `shim` is the executable that answers to `exec-child`.
    pub(super) fn new(shim: &'a Path) -> Self {
        Self {
            rootfs: Rootfs::new(),
            left_out: Vec::new(),
            shim,
        }
    }

    /// One executable with its libraries.
    pub(super) fn program(&mut self, at: &str, from: &Path) -> Result<(), StackError> {
        self.rootfs.file(Path::new(at), from, Source::Summed)?;
        let linked = self.linked(&[from.to_owned()])?;
        self.libraries(linked, None)
    }

    /// The authorities that this machine trusts. An HTTPS client that finds none does not even start.
    pub(super) fn certificates(&mut self) -> Result<(), StackError> {
        let bundle = Path::new(CERTIFICATES);
        if !bundle.is_file() {
            self.left_out
                .push(format!("{CERTIFICATES}, which this machine has not"));
            return Ok(());
        }
        self.rootfs.file(bundle, bundle, Source::Host)
    }

    /// Redis or Valkey, by the one name that the official images of both have.
    pub(super) fn redis(&mut self, artifact: &Artifact) -> Result<(), StackError> {
        self.program(REDIS_SERVER, &artifact.entry)
    }

    /// Kafka's jars, and the JVM that `java` belongs to.
    pub(super) fn kafka(&mut self, artifact: &Artifact, java: &Path) -> Result<(), StackError> {
        let libs = canonical(&artifact.entry)?;
        let jars = Tree {
            root: &libs,
            at: Path::new(KAFKA_LIBS),
            source: Source::Summed,
            leave_out: &|path| path.extension().is_none_or(|extension| extension != "jar"),
        };
        jars.plan(&mut self.rootfs)?;
        let java = canonical(java)?;
        let home = java.ancestors().nth(2).unwrap_or(&java);
        let leave_out = |path: &Path| {
            let only = JDK_ONLY.iter().chain(&DESKTOP);
            only.into_iter().any(|one| path == Path::new(one))
                || (path.starts_with("bin")
                    && path.components().count() > 1
                    && !path.ends_with("java"))
        };
        let jvm = Tree {
            root: home,
            at: Path::new(JAVA_HOME),
            source: Source::Host,
            leave_out: &leave_out,
        };
        jvm.plan(&mut self.rootfs)?;
        let mut files = vec![java.clone(), home.join("lib/jspawnhelper")];
        files.extend(libraries_in(&home.join("lib"))?);
        files.extend(libraries_in(&home.join("lib/server"))?);
        files.retain(|file| {
            let relative = file.strip_prefix(home).unwrap_or(file);
            file.is_file() && !leave_out(relative)
        });
        let linked = self.linked(&files)?;
        self.libraries(linked, Some(home))
    }

    /// Postgres' tree as it is, because its programs find each other and its data by where they lie
    /// themselves, and the shell that initdb calls them through.
    pub(super) fn postgres(&mut self, artifact: &Artifact) -> Result<(), StackError> {
        let home = canonical(&artifact.dir)?;
        if !home.join("share").is_dir() {
            return Err(StackError::new(
                StackErrorKind::Config,
                format!(
                    "put the Postgres of {} into an image: its share folder is elsewhere",
                    home.display()
                ),
                "take it off PATH so that the component store gets one, or name an image in GAUNTLET_POSTGRES_IMAGE",
            ));
        }
        let modules = libraries_in(&home.join("lib/postgresql"))?;
        let (loadable, unloadable): (Vec<Linked>, Vec<Linked>) = self
            .linked(&modules)?
            .into_iter()
            .partition(|module| module.missing.is_empty());
        let unloadable: Vec<&Path> = unloadable
            .iter()
            .filter_map(|module| module.file.strip_prefix(&home).ok())
            .collect();
        if !unloadable.is_empty() {
            let names: Vec<_> = unloadable
                .iter()
                .filter_map(|path| path.file_stem())
                .collect();
            let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
            self.left_out.push(format!(
                "modules whose libraries are not on this machine: {}",
                names.join(", ")
            ));
        }
        let leave_out = |path: &Path| {
            path.extension().is_some_and(|extension| extension == "a")
                || path.ends_with("pkgconfig")
                || path.ends_with("pgxs")
                || unloadable.contains(&path)
        };
        let tree = Tree {
            root: &home,
            at: Path::new(POSTGRES_HOME),
            source: Source::Summed,
            leave_out: &leave_out,
        };
        tree.plan(&mut self.rootfs)?;
        let shell = Path::new("/bin/sh");
        self.rootfs.file(shell, shell, Source::Host)?;
        let programs = ["postgres", "initdb"].map(|name| home.join("bin").join(name));
        let mut linked = self.linked(&[&programs[..], &[shell.to_owned()]].concat())?;
        linked.extend(loadable);
        self.libraries(linked, Some(&home))
    }

    fn linked(&self, files: &[PathBuf]) -> Result<Vec<Linked>, StackError> {
        closure::of(self.shim, files)
    }

    /// Plans the libraries of this machine; those within `own` are in the image already.
    ///
    /// They all lie where the C library does, which the loader searches without being told: the places
    /// that this machine's loader is configured with are not configured in the image.
    fn libraries(&mut self, linked: Vec<Linked>, own: Option<&Path>) -> Result<(), StackError> {
        let mut found = Vec::new();
        for linked in linked {
            let linked = linked.complete(|name| self.rootfs.holds_name(name))?;
            found.extend(linked.libraries);
        }
        found.sort();
        found.dedup();
        let named = |begin: &str| {
            let is = |path: &&PathBuf| file_name(path).starts_with(begin);
            found.iter().find(is).cloned()
        };
        let Some(libc) = named("libc.").or_else(|| named("ld-musl")) else {
            return Ok(());
        };
        let folder = libc.parent().unwrap_or(&libc);
        for library in &found {
            let is_own =
                own.is_some_and(|own| canonical(library).is_ok_and(|it| it.starts_with(own)));
            if is_own {
                continue;
            }
            let at = if file_name(library).starts_with("ld-") {
                // The kernel finds the loader by the path that is written in each program.
                library.clone()
            } else {
                folder.join(file_name(library))
            };
            if !self.rootfs.holds(&at) {
                self.rootfs.file(&at, library, Source::Host)?;
            }
        }
        for name in NAME_SERVICES {
            let library = folder.join(name);
            if library.is_file() {
                self.rootfs.file(&library, &library, Source::Host)?;
            }
        }
        Ok(())
    }
}

fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The shared libraries of one folder, sorted; links are left out, because what they lead to is there too.
fn libraries_in(folder: &Path) -> Result<Vec<PathBuf>, StackError> {
    let failed = |error| StackError::io("list", folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_library = file_name(&entry.path()).contains(".so");
        if is_library && entry.file_type().map_err(failed)?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn canonical(path: &Path) -> Result<PathBuf, StackError> {
    fs::canonicalize(path).map_err(|error| StackError::io("resolve", path, error))
}

//! The files of an image: planned first, which is quick and enough to know whether an image is still the
//! same, and read only when they are written into a build context.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

use crate::error::StackError;

/// The same for all files, so that equal files make equal layers. Not 0: a JVM takes a jar without a time
/// for a folder.
const MODIFIED: u64 = 946_684_800;
const PROGRAM: u32 = 0o755;
const DATA: u32 = 0o644;

/// Programs look up who runs them; the engine adds hosts and name servers itself.
const ETC: [(&str, &str); 3] = [
    (
        "etc/passwd",
        "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    ),
    ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    (
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files dns\n",
    ),
];

/// Where a file comes from, which decides what tells one state of it from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Of something whose checksum is in the recipe.
    Summed,
    /// Of this machine: size and time of change tell.
    Host,
}

#[derive(Debug)]
enum Node {
    Folder {
        mode: u32,
    },
    File {
        from: PathBuf,
        mode: u32,
        size: u64,
        changed: Option<(i64, i64)>,
        /// What is read has to have this sum, where it is known.
        sha256: Option<String>,
    },
    Text {
        text: &'static str,
    },
    Link {
        to: PathBuf,
    },
}

/// Paths within the image, without the leading `/`, and what is there.
#[derive(Debug)]
pub(super) struct Rootfs {
    nodes: BTreeMap<PathBuf, Node>,
}

impl Rootfs {
    /// What every image has: two users, and a `/tmp` for all.
    pub(super) fn new() -> Self {
        let mut rootfs = Self {
            nodes: BTreeMap::new(),
        };
        for (path, text) in ETC {
            rootfs.add(Path::new(path), Node::Text { text });
        }
        rootfs.add(Path::new("tmp"), Node::Folder { mode: 0o1777 });
        rootfs
    }

    /// Plans a file at `at`; links are followed.
    pub(super) fn file(
        &mut self,
        at: &Path,
        from: &Path,
        source: Source,
    ) -> Result<(), StackError> {
        let meta = fs::metadata(from).map_err(|error| StackError::io("read", from, error))?;
        let is_program = meta.permissions().mode() & 0o111 != 0;
        let node = Node::File {
            from: from.to_owned(),
            mode: if is_program { PROGRAM } else { DATA },
            size: meta.len(),
            changed: (source == Source::Host).then(|| (meta.mtime(), meta.mtime_nsec())),
            sha256: None,
        };
        self.add(at, node);
        Ok(())
    }

    /// Holds the file that is planned at `at` to the SHA-256 sum that the recipe has of it: between the two
    /// somebody may build it anew.
    pub(super) fn hold_to(&mut self, at: &Path, sum: &str) {
        if let Some(Node::File { sha256, .. }) = self.nodes.get_mut(&inside(at)) {
            *sha256 = Some(sum.to_owned());
        }
    }

    pub(super) fn link(&mut self, at: &Path, to: &Path) {
        self.add(at, Node::Link { to: to.to_owned() });
    }

    pub(super) fn holds(&self, at: &Path) -> bool {
        self.nodes.contains_key(&inside(at))
    }

    /// Whether a file of that name is anywhere.
    pub(super) fn holds_name(&self, name: &str) -> bool {
        self.nodes.keys().any(|path| path.ends_with(name))
    }

    /// The files' bytes together.
    pub(super) fn size_bytes(&self) -> u64 {
        let sizes = self.nodes.values().map(|node| match node {
            Node::File { size, .. } => *size,
            Node::Folder { .. } | Node::Text { .. } | Node::Link { .. } => 0,
        });
        sizes.sum()
    }

    /// A line for each path that changes when what is there does.
    pub(super) fn recipe(&self) -> String {
        let lines = self.nodes.iter().map(|(path, node)| {
            let what = match node {
                Node::Folder { mode } => format!("folder {mode:o}"),
                Node::File {
                    mode,
                    size,
                    changed: None,
                    ..
                } => format!("file {mode:o} {size}"),
                Node::File {
                    mode,
                    size,
                    changed: Some((s, ns)),
                    ..
                } => {
                    format!("file {mode:o} {size} {s}.{ns:09}")
                }
                Node::Text { text } => format!("text {text:?}"),
                Node::Link { to } => format!("link {}", to.display()),
            };
            format!("{} {what}\n", path.display())
        });
        lines.collect()
    }

    /// Writes everything below `prefix`. A file that is not as long any more as it was planned is an error,
    /// and so is one that does not have the sum that it is held to.
    pub(super) fn write(&self, tar: &mut Builder<impl Write>, prefix: &Path) -> io::Result<()> {
        for (path, node) in &self.nodes {
            let at = prefix.join(path);
            match node {
                Node::Folder { mode } => {
                    let mut header = header(EntryType::Directory, *mode, 0);
                    tar.append_data(&mut header, at, io::empty())?;
                }
                Node::File {
                    from,
                    mode,
                    size,
                    sha256,
                    ..
                } => {
                    let header = header(EntryType::Regular, *mode, *size);
                    append_file(tar, header, &at, from, sha256.as_deref())?;
                }
                Node::Text { text } => append_text(tar, &at, text)?,
                Node::Link { to } => {
                    let mut header = header(EntryType::Symlink, 0o777, 0);
                    tar.append_link(&mut header, at, to)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, at: &Path, node: Node) {
        let at = inside(at);
        for folder in at
            .ancestors()
            .skip(1)
            .filter(|path| !path.as_os_str().is_empty())
        {
            self.nodes
                .entry(folder.to_owned())
                .or_insert(Node::Folder { mode: PROGRAM });
        }
        self.nodes.insert(at, node);
    }
}

/// As many bytes as the header says. With `sha256` they are summed while they are written.
fn append_file(
    tar: &mut Builder<impl Write>,
    mut header: Header,
    at: &Path,
    from: &Path,
    sha256: Option<&str>,
) -> io::Result<()> {
    let changed = |how: &str| io::Error::other(format!("{} {how}", from.display()));
    let mut file = File::open(from)?.take(header.size()?);
    let Some(wanted) = sha256 else {
        tar.append_data(&mut header, at, &mut file)?;
        return match file.limit() {
            0 => Ok(()),
            _ => Err(changed("became shorter while it was read")),
        };
    };
    let mut summed = Summed {
        file,
        sum: Sha256::new(),
    };
    tar.append_data(&mut header, at, &mut summed)?;
    // One that became shorter has another sum too.
    if format!("{:x}", summed.sum.finalize()) == wanted {
        Ok(())
    } else {
        Err(changed(
            "changed after it was found; to mend: end what builds it, and try again",
        ))
    }
}

/// Sums what is read through it.
struct Summed<R> {
    file: R,
    sum: Sha256,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.sum.update(&buffer[..read]);
        Ok(read)
    }
}

/// Writes a text as a file of its own.
pub(super) fn append_text(tar: &mut Builder<impl Write>, at: &Path, text: &str) -> io::Result<()> {
    let mut header = header(EntryType::Regular, DATA, text.len() as u64);
    tar.append_data(&mut header, at, text.as_bytes())
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(MODIFIED);
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn inside(at: &Path) -> PathBuf {
    at.strip_prefix("/").unwrap_or(at).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(rootfs: &Rootfs) -> io::Result<BTreeMap<String, (u32, u64)>> {
        let mut tar = Builder::new(Vec::new());
        rootfs.write(&mut tar, Path::new("rootfs"))?;
        let bytes = tar.into_inner()?;
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entries = archive.entries()?.map(|entry| {
            let entry = entry?;
            let header = entry.header();
            let path = entry.path()?.display().to_string();
            Ok((path, (header.mode()?, header.uid()?)))
        });
        entries.collect()
    }

    #[test]
    fn files_belong_to_root_and_tmp_to_all_whatever_they_are_here() {
        let temp = tempfile::tempdir().unwrap();
        let program = temp.path().join("program");
        fs::write(&program, "x").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o500)).unwrap();
        let mut rootfs = Rootfs::new();
        rootfs
            .file(Path::new("/opt/a/program"), &program, Source::Summed)
            .unwrap();
        let written = written(&rootfs).unwrap();
        assert_eq!(written["rootfs/opt/a/program"], (0o755, 0));
        assert_eq!(written["rootfs/opt/a"], (0o755, 0));
        assert_eq!(written["rootfs/tmp"], (0o1777, 0));
        assert_eq!(written["rootfs/etc/passwd"], (0o644, 0));
    }

    #[test]
    fn planted_change_of_a_file_of_this_machine_changes_the_recipe() {
        let temp = tempfile::tempdir().unwrap();
        let library = temp.path().join("lib.so");
        let recipe = |source| {
            let mut rootfs = Rootfs::new();
            rootfs.file(Path::new("/lib.so"), &library, source).unwrap();
            rootfs.recipe()
        };
        fs::write(&library, "one").unwrap();
        let (host, summed) = (recipe(Source::Host), recipe(Source::Summed));
        let later = std::time::SystemTime::now() + std::time::Duration::from_mins(1);
        File::options()
            .write(true)
            .open(&library)
            .and_then(|file| file.set_modified(later))
            .unwrap();
        assert_ne!(recipe(Source::Host), host);
        assert_eq!(recipe(Source::Summed), summed);
        fs::write(&library, "longer").unwrap();
        assert_ne!(recipe(Source::Summed), summed);
    }

    #[test]
    fn planted_build_after_the_sum_was_taken_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let (path, at) = (temp.path().join("todo"), Path::new("/todo"));
        let planned = |content: &str, sum: &str| {
            fs::write(&path, content).unwrap();
            let mut rootfs = Rootfs::new();
            rootfs.file(at, &path, Source::Summed).unwrap();
            rootfs.hold_to(at, sum);
            rootfs
        };
        let sum = crate::component::digest::sha256_hex(b"abc");
        assert!(written(&planned("abc", &sum)).is_ok());
        // Before it was planned and after that; longer, shorter, and of the same length.
        assert!(written(&planned("abcd", &sum)).is_err());
        for other in ["abd", "ab", "xabc"] {
            let rootfs = planned("abc", &sum);
            fs::write(&path, other).unwrap();
            let error = written(&rootfs).unwrap_err();
            assert!(error.to_string().contains("changed after"), "{error}");
        }
    }

    #[test]
    fn planted_file_that_shrinks_under_the_reader_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        fs::write(&path, "long enough").unwrap();
        let mut rootfs = Rootfs::new();
        rootfs
            .file(Path::new("/data"), &path, Source::Host)
            .unwrap();
        fs::write(&path, "short").unwrap();
        assert!(written(&rootfs).is_err());
    }
}

//! A home, a search path with fake clients, and a manifest that names them.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::store::digest::hex;
use crate::store::{Cancel, ComponentId, Manifest, Progress, Store, StoreConfig};

/// What the fake package contains: a server that tells its version.
pub(super) const SERVER: &str = "#!/bin/sh\necho 'Valkey server v=9.1.2'\n";
pub(super) const MEMBER: &str = "inside/server";

pub(super) struct Fixture {
    pub(super) root: TempDir,
    pub(super) redis_sources: String,
}

impl Fixture {
    /// The fake pip yields a good package, and the manifest pins it.
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(root.path().join("bin")).expect("bin");
        let wheel = wheel();
        fs::write(root.path().join("package.whl"), &wheel).expect("wheel");
        let fixture = Self {
            root,
            redis_sources: pip_source(&sha256(&wheel), 1),
        };
        fixture.fake_pip("");
        // The real one is a program of its own; here nobody dies whose tools would have to follow.
        executable(
            &fixture.path("shim"),
            "#!/bin/sh\nuntil [ \"$1\" = -- ]; do shift; done\nshift\nexec \"$@\" < /dev/null\n",
        );
        fixture
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(super) fn home(&self) -> PathBuf {
        self.path("home")
    }

    /// A pip that counts its calls, runs `first`, and leaves the package where it is told to.
    pub(super) fn fake_pip(&self, first: &str) {
        let (package, calls) = (self.path("package.whl"), self.path("calls"));
        self.tool(
            "pip3",
            &format!(
                "echo call >> {}\n{first}\nwhile [ $# -gt 0 ]; do case $1 in --dest) to=$2;; esac; shift; done\n\
                 mkdir -p $to && cp {} $to/package-1-py3-none-any.whl\n",
                calls.display(),
                package.display()
            ),
        );
    }

    pub(super) fn tool(&self, name: &str, body: &str) {
        executable(
            &self.path("bin").join(name),
            &format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{body}"),
        );
    }

    /// A Go of that version, which says that it would fetch others where `toolchain` ends with `auto`.
    /// It counts its builds, and builds whatever it is told to.
    pub(super) fn fake_go(&self, version: &str, toolchain: &str) {
        fs::create_dir_all(self.path("go/bin")).expect("go");
        fs::write(self.path("go/VERSION"), format!("{version}\ntime x\n")).expect("VERSION");
        let body = format!(
            "#!/bin/sh\nif [ $1 = env ]; then echo {version}; echo {toolchain}; exit; fi\n\
             if [ $1 = version ]; then echo $2: {version}; exit; fi\necho call >> {}\n\
             while [ $# -gt 0 ]; do case $1 in -o) to=$2;; esac; shift; done\n\
             test -s go.sum && test -s main.go && test -n \"$GOMODCACHE\" && echo built > $to && /bin/chmod 755 $to\n",
            self.path("calls").display()
        );
        executable(&self.path("go/bin/go"), &body);
        symlink(self.path("go/bin/go"), self.path("bin/go")).expect("link");
    }

    pub(super) fn calls(&self) -> usize {
        fs::read_to_string(self.path("calls")).map_or(0, |text| text.lines().count())
    }

    pub(super) fn config(&self) -> StoreConfig {
        StoreConfig {
            home: self.home(),
            search_path: vec![self.path("bin")],
            given: [].into(),
            java_home: None,
            manifest: Manifest::parse(&manifest(&self.redis_sources)).expect("the manifest"),
            shim: self.path("shim"),
            cancel: Cancel::default(),
        }
    }

    pub(super) fn store(&self) -> Store {
        Store::open(self.config()).expect("the store")
    }

    /// The one cached file of the fake Redis.
    pub(super) fn cached_file(&self) -> PathBuf {
        let keys: Vec<_> = self.entries();
        assert_eq!(keys.len(), 1, "{keys:?}");
        keys[0].join("files/server")
    }

    pub(super) fn entries(&self) -> Vec<PathBuf> {
        list(&self.home().join("components/redis"))
    }

    /// Nothing half-done is left: no entry, no scratch space.
    pub(super) fn assert_nothing_left(&self) {
        assert_eq!(self.entries(), Vec::<PathBuf>::new());
        self.assert_no_scratch();
    }

    pub(super) fn assert_no_scratch(&self) {
        let left: Vec<_> = list(&self.home().join("tmp"))
            .into_iter()
            .filter(|path| !path.ends_with(".sweep"))
            .collect();
        assert_eq!(left, Vec::<PathBuf>::new());
    }
}

fn list(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect()
}

/// Written by another process: a child that some other test forks meanwhile would inherit our open
/// file, and the kernel refuses to run a file that anyone has open for writing.
pub(super) fn executable(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, text).expect("write");
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).expect("mode");
    let copied = Command::new("/bin/cp")
        .arg(&draft)
        .arg(path)
        .status()
        .expect("cp");
    assert!(copied.success());
    fs::remove_file(&draft).expect("remove");
}

/// Writes over a sealed file as a fault would, keeping its mode.
pub(super) fn overwrite(path: &Path, bytes: &[u8]) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
    fs::write(path, bytes).expect("overwrite");
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(super) fn pip_source(archive_sha256: &str, needs_mb: u64) -> String {
    format!(
        "[[redis.source]]\nkind = \"pip\"\npackage = \"fake==1\"\narchive_sha256 = \"{archive_sha256}\"\n\
         unpack = {{ form = \"zip-member\", member = \"{MEMBER}\", into = \"server\" }}\nneeds_mb = {needs_mb}\n"
    )
}

pub(super) fn release_source(url: &str, checksum_url: &str) -> String {
    format!(
        "[[redis.source]]\nkind = \"release\"\nurl = \"{url}\"\nchecksum_url = \"{checksum_url}\"\n\
         unpack = {{ form = \"tar-gz\", prefix = \"dist/\", into = \"\" }}\nneeds_mb = 1\n"
    )
}

pub(super) fn manifest(redis_sources: &str) -> String {
    let mut text = "schema = 1\n".to_owned();
    for id in ComponentId::ALL
        .into_iter()
        .filter(|id| *id != ComponentId::Redis)
    {
        write!(
            text,
            "[{id}]\nname = \"{id}\"\nversion = \"1.0\"\nimage = \"{id}:1.0\"\naccept = [\"1.0\"]\ncommands = [\"{id}\"]\nentry = \"{id}\"\n\
             [[{id}.source]]\nkind = \"go\"\npackage = \"fake\"\nmodule = \"scheduler\"\nmain = \".\"\n\
             version_variable = \"main.version\"\nneeds_mb = 1\n"
        )
        .expect("a String takes all");
    }
    text.push_str(
        "[redis]\nname = \"Valkey\"\nversion = \"9.1.2\"\nimage = \"valkey:9.1.2\"\naccept = [\"8.\", \"9.\"]\n\
         commands = [\"valkey-server\", \"redis-server\"]\nentry = \"server\"\n",
    );
    text + redis_sources
}

fn wheel() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(MEMBER, zip::write::SimpleFileOptions::default())
        .expect("member");
    zip.write_all(SERVER.as_bytes()).expect("member's text");
    zip.finish().expect("zip").into_inner()
}

/// A gzipped tar with one file.
pub(super) fn tarball(path: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    // Written as bytes: the checked setter refuses the paths that the faults need.
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_size(SERVER.len() as u64);
    header.set_mode(0o755);
    header.set_cksum();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    tar.append(&header, SERVER.as_bytes()).expect("entry");
    tar.into_inner().expect("tar").finish().expect("gzip")
}

/// Serves one body per path on 127.0.0.1; `cut` of them are announced longer than they are.
pub(super) fn serve(bodies: Vec<(&'static str, Vec<u8>)>, cut: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 2048];
            let count = stream.read(&mut request).unwrap_or(0);
            let text = String::from_utf8_lossy(&request[..count]).into_owned();
            let path = text.split_whitespace().nth(1).unwrap_or_default();
            let answer = match bodies.iter().find(|(name, _)| *name == path) {
                Some((_, body)) => {
                    let extra = if path.ends_with("gz") { cut } else { 0 };
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                        body.len() + extra
                    );
                    [head.as_bytes(), body].concat()
                }
                None => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
            };
            let _ = stream.write_all(&answer);
        }
    });
    base
}

/// Remembers what it was told.
#[derive(Default)]
pub(super) struct Heard(Mutex<Vec<String>>);

impl Heard {
    pub(super) fn text(&self) -> String {
        self.0.lock().expect("unpoisoned").join("\n")
    }

    fn push(&self, line: String) {
        self.0.lock().expect("unpoisoned").push(line);
    }
}

impl Progress for Heard {
    fn started(&self, id: ComponentId, what: &str) {
        self.push(format!("{id} started {what}"));
    }
    fn bytes(&self, _: ComponentId, _: u64, _: Option<u64>) {}
    fn note(&self, id: ComponentId, line: &str) {
        self.push(format!("{id} note {line}"));
    }
    fn finished(&self, id: ComponentId, what: &str, size: u64, _: Duration) {
        self.push(format!("{id} finished {what} {size}"));
    }
}

//! Which shared libraries a program needs: asked of `ldd`, so of the loader that would load them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::error::{StackError, StackErrorKind};
use crate::provider::process::tether;

/// What is linked into one file, directly and indirectly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Linked {
    pub(super) file: PathBuf,
    /// Where each library was found; the loader itself is among them. Empty: linked statically.
    pub(super) libraries: Vec<PathBuf>,
    /// Names of those that are not on this machine.
    pub(super) missing: Vec<String>,
}

/// How `ldd` says that there is nothing to say, and what it remarks on the modes of libraries.
const HARMLESS: [&str; 2] = [
    "not a dynamic executable",
    "you do not have execution permission",
];

/// Asks about several files at once. `shim` is the executable that answers to `exec-child`. Blocks.
pub(super) fn of(shim: &Path, files: &[PathBuf]) -> Result<Vec<Linked>, StackError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let failed = || {
        StackError::new(
            StackErrorKind::Io,
            "ask ldd for the libraries of programs",
            "make sure that ldd, a part of the C library, works on this machine",
        )
    };
    let mut child = tether::command(shim, "ldd")
        .args(files)
        .env("LC_ALL", "C")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed().because(error))?;
    // The tool lives as long as this is held.
    let line = child.stdin.take();
    let output = child
        .wait_with_output()
        .map_err(|error| failed().because(error))?;
    drop(line);
    let complaints: Vec<String> = String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .filter(|line| !HARMLESS.iter().any(|harmless| line.contains(harmless)))
        .map(str::to_owned)
        .collect();
    // 1 is also what it ends with when one of the files is linked statically.
    if !complaints.is_empty() || !matches!(output.status.code(), Some(0 | 1)) {
        return Err(failed()
            .with_exit(output.status.into())
            .with_output(complaints));
    }
    Ok(parse(files, &String::from_utf8_lossy(&output.stdout)))
}

/// Reads what `ldd` prints: asked about several files, it names each before its libraries.
fn parse(files: &[PathBuf], said: &str) -> Vec<Linked> {
    let mut all: Vec<Linked> = Vec::new();
    for file in files {
        all.push(Linked {
            file: file.clone(),
            libraries: Vec::new(),
            missing: Vec::new(),
        });
    }
    let mut current = 0;
    for line in said.lines() {
        let header = line.strip_suffix(':').map(Path::new);
        if let Some(header) = header.filter(|_| line.starts_with('/')) {
            current = files.iter().position(|it| it == header).unwrap_or(current);
            continue;
        }
        let Some(linked) = all.get_mut(current) else {
            continue;
        };
        match library(line.trim()) {
            Some(Library::At(path)) => linked.libraries.push(path),
            Some(Library::Missing(name)) => linked.missing.push(name),
            None => {}
        }
    }
    all
}

enum Library {
    At(PathBuf),
    Missing(String),
}

/// `name => path (address)`, `name => not found`, or the loader alone: `path (address)`. What the kernel
/// maps in (`linux-vdso.so.1 (address)`) is no file.
fn library(line: &str) -> Option<Library> {
    let (name, place) = line.split_once(" => ").unwrap_or(("", line));
    if place == "not found" {
        return Some(Library::Missing(name.to_owned()));
    }
    let path = place.split(" (").next()?;
    path.starts_with('/')
        .then(|| Library::At(PathBuf::from(path)))
}

impl Linked {
    /// Refuses a file that could not be loaded on this machine either. `loaded` tells what its program has
    /// loaded before it, by name: the loader then takes that, without looking for it.
    pub(super) fn complete(mut self, loaded: impl Fn(&str) -> bool) -> Result<Self, StackError> {
        self.missing.retain(|name| !loaded(name));
        self.missing.dedup();
        if self.missing.is_empty() {
            return Ok(self);
        }
        Err(StackError::new(
            StackErrorKind::Config,
            format!(
                "gather the libraries of {}: this machine lacks {}",
                self.file.display(),
                self.missing.join(", ")
            ),
            "install what holds it",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths<const N: usize>(of: [&str; N]) -> Vec<PathBuf> {
        of.map(PathBuf::from).to_vec()
    }

    #[test]
    fn libraries_and_the_loader_are_found_and_the_kernels_page_is_none() {
        let said = "\tlinux-vdso.so.1 (0x00007fff)\n\
                    \tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f67)\n\
                    \tlibpq.so.5 => /opt/my pg/bin/../lib/libpq.so.5 (0x00007f67)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f67)\n";
        let linked = parse(&paths(["/bin/a"]), said).remove(0);
        let expected = paths([
            "/lib/x86_64-linux-gnu/libm.so.6",
            "/opt/my pg/bin/../lib/libpq.so.5",
            "/lib64/ld-linux-x86-64.so.2",
        ]);
        assert_eq!(linked.libraries, expected);
        assert!(linked.complete(|_| false).is_ok());
    }

    #[test]
    fn several_files_keep_their_libraries_apart_and_a_static_one_has_none() {
        let said = "/bin/a:\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n\
                    /bin/b:\n\tstatically linked\n/bin/c:\n\tlibz.so.1 => /lib/libz.so.1 (0x1)\n";
        let linked = parse(&paths(["/bin/a", "/bin/b", "/bin/c"]), said);
        assert_eq!(linked[0].libraries, paths(["/lib/libc.so.6"]));
        assert!(linked[1].libraries.is_empty());
        assert_eq!(linked[2].libraries, paths(["/lib/libz.so.1"]));
    }

    #[test]
    fn planted_missing_library_is_an_error_that_names_it() {
        let said = "\tlibperl.so.5.26 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n";
        let linked = parse(&paths(["/lib/plperl.so"]), said).remove(0);
        let loaded = linked.clone().complete(|name| name == "libperl.so.5.26");
        assert!(loaded.is_ok());
        let error = linked.complete(|_| false).unwrap_err().to_string();
        assert!(error.contains("libperl.so.5.26"), "{error}");
        assert!(error.contains("/lib/plperl.so"), "{error}");
    }
}

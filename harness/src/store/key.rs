//! What a cache entry is called: by what it was made from, and by nothing else. Another order of
//! sources or another word in the manifest leaves what is cached valid.

use sha2::{Digest, Sha256};

use super::build_files;
use super::digest::hex;
use super::error::StoreError;
use super::manifest::{Package, Pinned, Source};
use super::source::go;

const DIGITS: usize = 12;

/// `<version>-<digest of the source's pins and build files>`; a Go build's key goes on, see [`of_build`].
pub(super) fn of_source(pinned: &Pinned, source: &Source) -> Result<String, StoreError> {
    let mut hasher = Sha256::new();
    let mut add = |part: &str| hasher.update(format!("{}:{part}\n", part.len()));
    add(&pinned.entry);
    add(source.label());
    match source {
        Source::Release(release) => {
            add(&release.url);
            add(release.archive_sha256.as_deref().unwrap_or_default());
            add(&format!("{:?}", release.unpack));
        }
        Source::Maven(package) => {
            add_package(package, &mut add);
            add(build_files::pom(
                package.pom.as_deref().unwrap_or_default(),
            )?);
        }
        Source::Pip(package) => add_package(package, &mut add),
        Source::Go(build) => add(&go::inputs(build, &pinned.version)?),
    }
    let digest = hex(&hasher.finalize());
    Ok(format!("{}-{}", pinned.version, &digest[..DIGITS]))
}

fn add_package(package: &Package, add: &mut impl FnMut(&str)) {
    add(&package.coordinates);
    add(package.archive_sha256.as_deref().unwrap_or_default());
    add(package.tree_sha256.as_deref().unwrap_or_default());
    add(&format!("{:?}", package.unpack));
}

/// The same, with the Go version that built it.
pub(super) fn of_build(source_key: &str, toolchain: &str) -> String {
    // The file's words ("go1.26.8 X:…") become one path element.
    let fit = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '_'
        }
    };
    format!(
        "{source_key}-{}",
        toolchain.chars().map(fit).collect::<String>()
    )
}

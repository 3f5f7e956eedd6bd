//! The project's own release download.

use std::path::Path;

use sha2::{Sha256, Sha512};

use super::transfer;
use crate::store::digest::hash_file;
use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::manifest::Release;
use crate::store::progress::Reporter;
use crate::store::unpack::unpack;

const SHA256_DIGITS: usize = 64;
const SHA512_DIGITS: usize = 128;

/// Downloads, verifies and unpacks into `to`; returns how, for the provenance.
pub(in crate::store) fn fetch(
    release: &Release,
    scratch: &Path,
    to: &Path,
    report: Reporter<'_>,
) -> Result<String, StoreError> {
    let name = release.url.rsplit('/').next().unwrap_or("archive");
    let archive = scratch.join(name);
    // The checksum comes first: it is small, and without it the archive is of no use.
    let (expected, against) = match (&release.archive_sha256, &release.checksum_url) {
        (Some(sum), _) => (sum.clone(), "the pinned SHA-256".to_owned()),
        (None, Some(url)) => (
            published_sum(url)?,
            format!("the checksum that the project publishes at {url}"),
        ),
        (None, None) => return Err(unverifiable(release)),
    };
    report.started(&format!("downloading {name}"));
    match transfer::to_file(&release.url, &archive, report) {
        // A connection that broke is worth one more try before the next source.
        Err(error) if error.kind() == StoreErrorKind::BrokenDownload => {
            report.note(&format!("failed to {error}; trying once more"));
            transfer::to_file(&release.url, &archive, report)?;
        }
        outcome => outcome?,
    }
    let found = match expected.len() {
        SHA512_DIGITS => hash_file::<Sha512>(&archive)?,
        _ => hash_file::<Sha256>(&archive)?,
    };
    if found != expected {
        return Err(wrong_sum(name, &expected, &found));
    }
    unpack(&release.unpack, &[archive], to)?;
    Ok(format!(
        "official release {}, verified against {against}",
        release.url
    ))
}

/// Whether it can be downloaded, as far as the checksum tells, which comes first and is small.
pub(in crate::store) fn answers(release: &Release) -> bool {
    match (&release.archive_sha256, &release.checksum_url) {
        (None, Some(url)) => published_sum(url).is_ok(),
        // There is nothing small to ask for.
        (Some(_), _) => true,
        (None, None) => false,
    }
}

fn published_sum(url: &str) -> Result<String, StoreError> {
    let text = transfer::to_text(url)?;
    parse_sum(&text).ok_or_else(|| {
        StoreError::new(
            StoreErrorKind::BrokenDownload,
            format!("find a checksum in {url}"),
            "look at that address in a browser: a proxy may have answered in its place",
        )
    })
}

/// Reads `<hex>  file`, or `file: AB12 CD34 …` over several lines as Apache's tools write it.
fn parse_sum(text: &str) -> Option<String> {
    let is_sum = |word: &str| {
        matches!(word.len(), SHA256_DIGITS | SHA512_DIGITS)
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    if let Some(word) = text.split_whitespace().find(|word| is_sum(word)) {
        return Some(word.to_ascii_lowercase());
    }
    let joined: String = text.split_once(':')?.1.split_whitespace().collect();
    is_sum(&joined).then(|| joined.to_ascii_lowercase())
}

pub(super) fn wrong_sum(name: &str, expected: &str, found: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::WrongChecksum,
        format!("trust {name}: its checksum is {found} where {expected} is expected"),
        "run `gauntlet fetch` again; if it stays wrong, the download is not what was pinned: do not use it",
    )
}

fn unverifiable(release: &Release) -> StoreError {
    StoreError::new(
        StoreErrorKind::Config,
        format!("verify {}: no checksum is known", release.url),
        "pin archive_sha256 in harness/components.toml",
    )
}

#[cfg(test)]
mod tests {
    use super::parse_sum;

    #[test]
    fn both_published_forms_are_read() {
        let sum = "ab".repeat(32);
        assert_eq!(
            parse_sum(&format!("{sum}  daprd_linux_amd64.tar.gz\n")),
            Some(sum.clone())
        );
        let long = "0123ABCD ".repeat(16);
        let parsed = parse_sum(&format!(
            "kafka_2.13-4.3.1.tgz: {}\n  {}\n",
            &long[..72],
            &long[72..]
        ));
        assert_eq!(parsed, Some("0123abcd".repeat(16)));
        assert_eq!(parse_sum("<html>please log in: here</html>"), None);
    }
}

//! One HTTP download to a file, in bounded time.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::store::error::{StoreError, StoreErrorKind};
use crate::store::progress::Reporter;

/// A machine without access shall move on to the next source fast.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A transfer that yields nothing for so long has stalled.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// A slow link gets this long for the largest archive (130 MB), then a package client is tried.
const WHOLE_LIMIT: Duration = Duration::from_mins(8);
const REPORT_EVERY: Duration = Duration::from_millis(250);
/// Larger than any checksum file; a page of a captive portal is not kept.
const TEXT_LIMIT_BYTES: usize = 64 * 1024;

/// Downloads `url` into the file `to`.
pub(super) fn to_file(url: &str, to: &Path, report: Reporter<'_>) -> Result<(), StoreError> {
    on_runtime(url, async {
        let mut response = request(url).await?;
        let total = response.content_length();
        let mut file = File::create(to).map_err(|error| StoreError::io("create", to, error))?;
        let (mut done, mut reported) = (0_u64, Instant::now());
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| broken(url, error.without_url()))?
        {
            file.write_all(&chunk)
                .map_err(|error| StoreError::io("write", to, error))?;
            done += chunk.len() as u64;
            if reported.elapsed() >= REPORT_EVERY {
                report.bytes(done, total);
                reported = Instant::now();
            }
        }
        report.bytes(done, total);
        Ok(())
    })
}

/// Downloads a short text.
pub(super) fn to_text(url: &str) -> Result<String, StoreError> {
    on_runtime(url, async {
        let mut response = request(url).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| broken(url, error.without_url()))?
        {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > TEXT_LIMIT_BYTES {
                return Err(broken(url, "it is too long for a checksum file"));
            }
        }
        String::from_utf8(bytes).map_err(|error| broken(url, error))
    })
}

async fn request(url: &str) -> Result<reqwest::Response, StoreError> {
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_WITHIN)
        .read_timeout(SILENCE_LIMIT)
        .timeout(WHOLE_LIMIT)
        .build()
        .map_err(|error| unreachable(url, error))?;
    let response = client
        .get(url)
        .send()
        .await
        .map_err(|error| unreachable(url, error.without_url()))?;
    response
        .error_for_status()
        .map_err(|error| unreachable(url, error.without_url()))
}

/// Runs on a thread and a runtime of its own: the store is synchronous, its callers may not be.
fn on_runtime<T: Send>(
    url: &str,
    work: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| unreachable(url, error))?
                .block_on(work)
        });
        worker
            .join()
            .unwrap_or_else(|_| Err(broken(url, "the transfer panicked")))
    })
}

fn unreachable(
    url: &str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::new(
        StoreErrorKind::NoNetwork,
        format!("download {url}"),
        "check the network, then run `gauntlet fetch`",
    )
    .because(cause)
}

fn broken(url: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::new(
        StoreErrorKind::BrokenDownload,
        format!("download all of {url}"),
        "run `gauntlet fetch` again",
    )
    .because(cause)
}

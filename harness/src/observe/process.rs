use std::time::Duration;

use procfs::process::{Process, Status};

use super::{ObserveError, ObserveErrorKind};

/// What a process uses at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessUsage {
    pub rss_bytes: u64,
    pub rss_high_water_bytes: u64,
    pub anonymous_bytes: u64,
    pub file_bytes: u64,
    /// User and system time since it began.
    pub cpu: Duration,
}

/// Reads a process of this host from procfs. A process that has ended, or a zombie, is an error:
/// its memory is gone and must not count as a sample of zero.
pub fn usage(pid: i32) -> Result<ProcessUsage, ObserveError> {
    let read = |source| ObserveError::new(ObserveErrorKind::Read, format!("process {pid}"), source);
    let process = Process::new(pid).map_err(read)?;
    let status = process.status().map_err(read)?;
    // The two files are read one after the other; CPU time is a sum and does not mind.
    let stat = process.stat().map_err(read)?;
    let memory = |kilobytes: Option<u64>| {
        let missing = "it has no memory: it has ended, or is a kernel thread";
        kilobytes.map(|kilobytes| kilobytes * 1_024).ok_or_else(|| {
            ObserveError::new(ObserveErrorKind::Decode, format!("process {pid}"), missing)
        })
    };
    let Status {
        vmrss,
        vmhwm,
        rssanon,
        rssfile,
        ..
    } = status;
    let micros = (stat.utime + stat.stime) * 1_000_000 / procfs::ticks_per_second();
    Ok(ProcessUsage {
        rss_bytes: memory(vmrss)?,
        rss_high_water_bytes: memory(vmhwm)?,
        anonymous_bytes: memory(rssanon)?,
        file_bytes: memory(rssfile)?,
        cpu: Duration::from_micros(micros),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_parts_that_fit_it() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let usage = usage(pid).unwrap();
        assert!(usage.anonymous_bytes > 0);
        assert!(usage.rss_high_water_bytes >= usage.anonymous_bytes);
        assert!(usage.rss_bytes >= usage.anonymous_bytes + usage.file_bytes);
    }

    #[test]
    fn a_process_that_does_not_exist_is_an_error() {
        let error = usage(i32::MAX).unwrap_err();
        assert_eq!(error.kind(), ObserveErrorKind::Read);
        assert_eq!(error.to_string(), format!("read process {}", i32::MAX));
    }
}

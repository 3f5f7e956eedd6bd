use std::time::Duration;

/// A length of time for people: `4.2 s`, `3 min 05 s`.
pub fn seconds(length: Duration) -> String {
    let whole = length.as_secs();
    if whole < 60 {
        format!("{:.1} s", length.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// A size for people, in decimal units: `15.2 MB`.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(count: u64) -> String {
    let count = count as f64;
    if count >= 1e9 {
        format!("{:.1} GB", count / 1e9)
    } else if count >= 1e6 {
        format!("{:.1} MB", count / 1e6)
    } else {
        format!("{:.0} kB", count / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_read_well() {
        assert_eq!(seconds(Duration::from_millis(4_230)), "4.2 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
        assert_eq!(bytes(15_200_000), "15.2 MB");
        assert_eq!(bytes(4_600_000_000), "4.6 GB");
    }
}

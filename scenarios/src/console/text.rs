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

#[cfg(test)]
mod tests {
    use super::*;
    use gauntlet_reports::format::bytes;

    #[test]
    fn times_and_sizes_read_well() {
        assert_eq!(seconds(Duration::from_millis(4_230)), "4.2 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
        assert_eq!(bytes(15_200_000), "15.2 MB");
        assert_eq!(bytes(4_600_000_000), "4.6 GB");
    }
}

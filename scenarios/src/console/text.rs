use std::time::Duration;

use gauntlet_reports::evidence::Timing;

/// More would no longer be one line.
const SLOWEST_SHOWN: usize = 3;

/// A length of time for people: `4.2 s`, `3 min 05 s`.
pub fn seconds(length: Duration) -> String {
    let whole = length.as_secs();
    if whole < 60 {
        format!("{:.1} s", length.as_secs_f64())
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// The services that took longest to become ready, slowest first: `kafka 1.6 s, postgres 0.9 s`.
///
/// Of a stack's timings those of single services are meant, which it records as `SERVICE: ready`.
pub fn slowest_services(timings: &[Timing]) -> String {
    let service = |timing: &Timing| {
        let id = timing.what.strip_suffix(": ready")?;
        Some((id.to_owned(), timing.seconds))
    };
    let mut services: Vec<(String, f64)> = timings.iter().filter_map(service).collect();
    services.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    services.truncate(SLOWEST_SHOWN);
    let shown: Vec<String> = services
        .iter()
        .map(|(id, seconds)| format!("{id} {seconds:.1} s"))
        .collect();
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gauntlet_reports::format::bytes;

    #[test]
    fn the_slowest_services_come_first_and_totals_are_no_services() {
        let timings = [
            ("components and system in place", 0.4),
            ("postgres: data directory", 0.3),
            ("redis: ready", 0.1),
            ("dapr-kafka/api-daprd: ready", 0.9),
            ("kafka: ready", 1.62),
            ("postgres: ready", 0.2),
            ("full stack ready", 2.3),
        ]
        .map(|(what, seconds)| Timing {
            what: what.to_owned(),
            seconds,
        });
        assert_eq!(
            slowest_services(&timings),
            "kafka 1.6 s, dapr-kafka/api-daprd 0.9 s, postgres 0.2 s"
        );
    }

    #[test]
    fn times_and_sizes_read_well() {
        assert_eq!(seconds(Duration::from_millis(4_230)), "4.2 s");
        assert_eq!(seconds(Duration::from_secs(185)), "3 min 05 s");
        assert_eq!(bytes(15_200_000), "15.2 MB");
        assert_eq!(bytes(4_600_000_000), "4.6 GB");
    }
}

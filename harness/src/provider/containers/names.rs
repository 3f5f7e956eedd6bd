use std::collections::HashMap;

use crate::component::digest::sha256_hex;
use crate::provider::ServiceId;

/// Every container, network and volume of a run carries the run's id under this label.
pub(crate) const RUN_LABEL: &str = "gauntlet.run";
/// And the service's name under this one.
pub(super) const SERVICE_LABEL: &str = "gauntlet.service";
/// Names are host names on the run's network, and a label of one has 63 characters at most
/// (RFC 1035, 2.3.4): ids of runs are too long, so a few digits of their sum stand for them.
const RUN_DIGITS: usize = 10;

/// The names of one run in the engine.
#[derive(Debug, Clone)]
pub(super) struct Names {
    run_id: String,
    stem: String,
}

impl Names {
    pub(super) fn of_run(run_id: &str) -> Self {
        let sum = sha256_hex(run_id.as_bytes());
        Self {
            run_id: run_id.to_owned(),
            stem: format!("gauntlet-{}", &sum[..RUN_DIGITS]),
        }
    }

    pub(super) fn network(&self) -> String {
        self.stem.clone()
    }

    /// Both the container's name and its host name.
    pub(super) fn container(&self, service: &ServiceId) -> String {
        let service = service.as_str().replace(['/', '.', '_'], "-");
        format!("{}-{service}", self.stem)
    }

    pub(super) fn labels(&self) -> HashMap<String, String> {
        HashMap::from([(RUN_LABEL.to_owned(), self.run_id.clone())])
    }

    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_is_a_host_name() {
        let names = Names::of_run("20261121-171100-123456-12345-burst-1000-1");
        let name = names.container(&ServiceId::of_lane("direct-kafka", "audit-sidecar"));
        assert!(name.len() <= 63, "{name}");
        let is_fit = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        assert!(name.chars().all(is_fit), "{name}");
    }

    #[test]
    fn runs_share_no_name() {
        let (one, another) = (Names::of_run("run-1"), Names::of_run("run-11"));
        let kafka = ServiceId::shared("kafka");
        assert_ne!(one.network(), another.network());
        assert_ne!(one.container(&kafka), another.container(&kafka));
    }
}

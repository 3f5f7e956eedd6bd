use std::time::Duration;

use opentelemetry_sdk::trace::Sampler;
use reqwest::Url;

/// Below an endpoint that is for every kind of telemetry.
const TRACES: [&str; 2] = ["v1", "traces"];

/// Where the spans of a process go, and which of them.
#[derive(Clone, Debug)]
pub struct TraceSettings {
    /// What spans are posted to, path included.
    pub endpoint: Url,
    /// How long the collector may take over a batch of spans.
    pub timeout: Duration,
    /// `service.name` of the process.
    pub service_name: String,
    pub sampler: SamplerKind,
    /// The share of traces that a sampler by ratio keeps, 0 to 1; others do not look at it.
    pub ratio: f64,
}

/// Which traces are recorded, by the names of the OpenTelemetry specification. Those that are based on the
/// parent decide where there is none, and else do as the parent did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplerKind {
    AlwaysOn,
    AlwaysOff,
    Ratio,
    ParentOrOn,
    ParentOrOff,
    ParentOrRatio,
}

impl SamplerKind {
    pub(super) fn sampler(self, ratio: f64) -> Sampler {
        let of_parent = |root: Sampler| Sampler::ParentBased(Box::new(root));
        match self {
            Self::AlwaysOn => Sampler::AlwaysOn,
            Self::AlwaysOff => Sampler::AlwaysOff,
            Self::Ratio => Sampler::TraceIdRatioBased(ratio),
            Self::ParentOrOn => of_parent(Sampler::AlwaysOn),
            Self::ParentOrOff => of_parent(Sampler::AlwaysOff),
            Self::ParentOrRatio => of_parent(Sampler::TraceIdRatioBased(ratio)),
        }
    }
}

/// Reads a sampler by its name.
pub fn parse_sampler(name: &str) -> Result<SamplerKind, String> {
    Ok(match name {
        "always_on" => SamplerKind::AlwaysOn,
        "always_off" => SamplerKind::AlwaysOff,
        "traceidratio" => SamplerKind::Ratio,
        "parentbased_always_on" => SamplerKind::ParentOrOn,
        "parentbased_always_off" => SamplerKind::ParentOrOff,
        "parentbased_traceidratio" => SamplerKind::ParentOrRatio,
        _ => {
            return Err(
                "the samplers are always_on, always_off, traceidratio, and each of them behind parentbased_"
                    .to_owned(),
            );
        }
    })
}

/// Reads the share of traces that a sampler by ratio keeps.
pub fn parse_ratio(text: &str) -> Result<f64, String> {
    let ratio: Option<f64> = text.parse().ok();
    ratio
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| "write a number from 0 to 1".to_owned())
}

/// Reads what spans are posted to. Only `http`: the process is built without TLS.
pub fn parse_endpoint(text: &str) -> Result<Url, String> {
    let problem = "write a URL like http://127.0.0.1:4318; https is not built in";
    let url = Url::parse(text).map_err(|error| format!("{error}; {problem}"))?;
    if url.scheme() == "http" && url.has_host() {
        Ok(url)
    } else {
        Err(problem.to_owned())
    }
}

/// Where traces are posted to at an endpoint that is for every kind of telemetry.
pub fn traces_below(endpoint: &Url) -> Url {
    let mut url = endpoint.clone();
    // A URL of http always has a path.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(TRACES);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_posted_below_the_endpoint_of_all_telemetry() {
        let at = |text: &str| traces_below(&parse_endpoint(text).unwrap()).to_string();
        let plain = "http://127.0.0.1:4318/v1/traces";
        assert_eq!(at("http://127.0.0.1:4318"), plain);
        assert_eq!(at("http://127.0.0.1:4318/"), plain);
        assert_eq!(at("http://h/otlp/"), "http://h/otlp/v1/traces");
    }

    #[test]
    fn an_endpoint_that_could_never_be_reached_is_refused() {
        for wrong in ["", "127.0.0.1:4318", "https://h", "unix:/run/x", "http://"] {
            assert!(parse_endpoint(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn samplers_have_the_names_of_the_specification() {
        assert_eq!(
            parse_sampler("parentbased_always_on"),
            Ok(SamplerKind::ParentOrOn)
        );
        assert_eq!(parse_sampler("traceidratio"), Ok(SamplerKind::Ratio));
        assert!(parse_sampler("sometimes").is_err());
        assert_eq!(parse_ratio("0.25"), Ok(0.25));
        for wrong in ["", "-0.1", "1.1", "NaN", "all"] {
            assert!(parse_ratio(wrong).is_err(), "{wrong:?}");
        }
    }
}

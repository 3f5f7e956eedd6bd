use std::fs;
use std::path::{Path, PathBuf};

use super::part::Part;
use crate::error::StackError;
use crate::store::ComponentId;

/// Where the Dockerfiles lie within a checkout, seen from this package.
const IN_CHECKOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../images");

macro_rules! embedded {
    ($part:literal) => {
        include_str!(concat!("../../../images/", $part, "/Dockerfile"))
    };
}

/// The Dockerfile of a part: of the checkout that the harness was built from, else as compiled in.
pub(super) fn of(part: Part) -> Result<String, StackError> {
    let file = in_checkout(part);
    if !file.is_file() {
        return Ok(compiled_in(part).to_owned());
    }
    fs::read_to_string(&file).map_err(|error| StackError::io("read", &file, error))
}

fn in_checkout(part: Part) -> PathBuf {
    Path::new(IN_CHECKOUT)
        .join(part.as_str())
        .join("Dockerfile")
}

const fn compiled_in(part: Part) -> &'static str {
    match part {
        Part::Component(ComponentId::Kafka) => embedded!("kafka"),
        Part::Component(ComponentId::Postgres) => embedded!("postgres"),
        Part::Component(ComponentId::Redis) => embedded!("redis"),
        Part::Component(ComponentId::Daprd) => embedded!("daprd"),
        Part::Component(ComponentId::Scheduler) => embedded!("scheduler"),
        Part::Component(ComponentId::Placement) => embedded!("placement"),
        Part::System => embedded!("todo"),
    }
}

/// Gives an argument its default, so that a plain build needs none.
pub(super) fn with_default(dockerfile: &str, argument: &str, value: &str) -> String {
    let open = format!("ARG {argument}");
    let lines = dockerfile.lines().map(|line| {
        if line == open {
            format!("{open}=\"{}\"\n", quoted(value))
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

/// What a Dockerfile's double quotes take as it is.
fn quoted(value: &str) -> String {
    let escaped = value.chars().flat_map(|c| match c {
        '"' | '\\' | '$' => vec!['\\', c],
        '\n' | '\r' => vec![' '],
        _ => vec![c],
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a Dockerfile of ours, line by line.
    fn faults(dockerfile: &str) -> Vec<String> {
        let lines: Vec<&str> = dockerfile.lines().map(str::trim).collect();
        let mut faults = Vec::new();
        let mut wants = |what: &str, there: bool| {
            if !there {
                faults.push(what.to_owned());
            }
        };
        let has = |line: &str| lines.contains(&line);
        let stages = lines
            .iter()
            .filter(|line| line.starts_with("FROM "))
            .count();
        wants(
            "is FROM scratch and nothing else",
            has("FROM scratch") && stages == 1,
        );
        wants("copies rootfs", has("COPY rootfs/ /"));
        wants("runs as nobody", has("USER 65534:65534"));
        for argument in ["VERSION", "ORIGIN", "RECIPE"] {
            wants("takes what its labels say", has(&format!("ARG {argument}")));
        }
        let text = dockerfile.to_lowercase();
        for word in ["password", "secret", "token", "private", "add ", "run "] {
            wants(&format!("does without {word}"), !text.contains(word));
        }
        faults
    }

    #[test]
    fn every_dockerfile_keeps_the_contract_and_names_its_part() {
        for part in Part::ALL {
            let text = of(part).unwrap();
            assert_eq!(faults(&text), Vec::<String>::new(), "{part}");
            assert!(
                text.contains(&format!("gauntlet.part=\"{part}\"")),
                "{part}"
            );
            assert!(text.contains("gauntlet.recipe=\"${RECIPE}\""), "{part}");
        }
    }

    #[test]
    fn planted_breaches_of_the_contract_are_found() {
        let good = of(Part::System).unwrap();
        for (kept, planted) in [
            ("FROM scratch", "FROM debian"),
            ("USER 65534:65534", "USER root"),
            ("ARG VERSION", "ENV PASSWORD=x"),
            ("COPY rootfs/ /", "COPY rootfs/ /\nRUN chmod -R 777 /"),
        ] {
            assert!(
                !faults(&good.replace(kept, planted)).is_empty(),
                "{planted}"
            );
        }
    }

    #[test]
    fn an_installed_harness_has_the_very_dockerfiles_of_the_checkout() {
        for part in Part::ALL {
            let file = fs::read_to_string(in_checkout(part)).unwrap();
            assert_eq!(file, compiled_in(part));
        }
    }

    #[test]
    fn a_default_is_given_to_its_argument_alone_and_cannot_break_out() {
        let filled = with_default(
            "ARG VERSION\nLABEL v=\"${VERSION}\"\n",
            "VERSION",
            "1\"\n$x",
        );
        assert_eq!(
            filled,
            "ARG VERSION=\"1\\\" \\$x\"\nLABEL v=\"${VERSION}\"\n"
        );
    }
}

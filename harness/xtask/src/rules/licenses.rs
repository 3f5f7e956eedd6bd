//! Every third-party package comes under a licence that `deny.toml` allows.

use spdx::{Expression, ParseMode};
use toml::Value;

use crate::violation::Violation;
use crate::workspace::Workspace;

/// cargo-deny reads the same list, so that there is one.
const LIST: &str = "deny.toml";

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let allowed = workspace
        .file(LIST)
        .map(|file| allowed(&file.text))
        .unwrap_or_default();
    let mut violations = Vec::new();
    for package in &workspace.packages {
        if let Some(what) = objection(package.license.as_deref(), &allowed) {
            violations.push(Violation {
                path: LIST.to_owned(),
                line: workspace.line_in(LIST, "[licenses]"),
                what: format!("{} {} {what}", package.name, package.version),
                why: "what we ship must be free to pass on under our own licence",
                mend: "take another package, or allow the licence there with a reason".to_owned(),
            });
        }
    }
    violations
}

fn allowed(deny: &str) -> Vec<String> {
    let list = deny
        .parse::<toml::Table>()
        .ok()
        .and_then(|table| table.get("licenses")?.get("allow")?.as_array().cloned());
    let names = list.into_iter().flatten();
    names
        .filter_map(|name| match name {
            Value::String(name) => Some(name),
            _ => None,
        })
        .collect()
}

fn objection(license: Option<&str>, allowed: &[String]) -> Option<String> {
    let Some(license) = license else {
        return Some("states no licence".to_owned());
    };
    // Older crates write `MIT/Apache-2.0`, which the lax mode reads as OR.
    match Expression::parse_mode(license, ParseMode::LAX) {
        Ok(expression) => {
            let is_allowed = expression.evaluate(|requirement| {
                requirement
                    .license
                    .id()
                    .is_some_and(|id| allowed.iter().any(|name| name == id.name))
            });
            (!is_allowed).then(|| format!("is under {license}"))
        }
        Err(error) => Some(format!(
            "states a licence that cannot be read: {}",
            error.reason
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Package;

    fn workspace(license: Option<&str>) -> Workspace {
        Workspace {
            packages: vec![Package {
                name: "a".to_owned(),
                version: "1.0.0".to_owned(),
                license: license.map(str::to_owned),
            }],
            ..Workspace::of_file(LIST, "[licenses]\nallow = [\"MIT\", \"Apache-2.0\"]\n")
        }
    }

    #[test]
    fn planted_licenses_are_found() {
        let planted = [
            None,
            Some("GPL-3.0-only"),
            Some("MIT AND GPL-3.0-only"),
            Some("nonsense"),
        ];
        for license in planted {
            assert_eq!(check(&workspace(license)).len(), 1, "missed {license:?}");
        }
    }

    #[test]
    fn one_allowed_side_of_an_or_is_enough() {
        let fine = [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0-only OR MIT",
            "(MIT OR BSL-1.0) AND Apache-2.0",
        ];
        for license in fine {
            assert!(
                check(&workspace(Some(license))).is_empty(),
                "refused {license}"
            );
        }
    }
}

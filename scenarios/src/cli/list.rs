use anyhow::Result;
use serde::Serialize;

use super::args::ListArgs;
use super::output::print;
use crate::registry;

/// A scenario as `list --json` prints it.
#[derive(Debug, Serialize)]
struct Listed {
    id: &'static str,
    title: &'static str,
    claim: &'static str,
    not_shown: &'static [&'static str],
    requirements: &'static [&'static str],
    needs: &'static str,
}

/// Lists every scenario of the registry.
pub(super) fn list(args: &ListArgs) -> Result<()> {
    let listed: Vec<Listed> = registry::all()
        .iter()
        .map(|scenario| {
            let meta = scenario.meta();
            Listed {
                id: meta.id,
                title: meta.title,
                claim: meta.claim,
                not_shown: meta.not_shown,
                requirements: meta.requirements,
                needs: meta.needs.describe(),
            }
        })
        .collect();
    if args.json {
        return print(&format!("{}\n", serde_json::to_string_pretty(&listed)?));
    }
    let mut text = String::new();
    for scenario in listed {
        text.push_str(&render(&scenario));
    }
    print(&text)
}

fn render(scenario: &Listed) -> String {
    let mut text = format!(
        "{}  ({})\n  {}\n  needs: {}\n",
        scenario.id,
        scenario.requirements.join(", "),
        scenario.claim,
        scenario.needs
    );
    for line in scenario.not_shown {
        text.push_str("  does not show: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text
}

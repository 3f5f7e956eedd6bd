//! Lints are expected with a reason, never allowed.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::violation::Violation;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in &workspace.sources {
        let mut finder = Finder {
            path: &source.path,
            violations: Vec::new(),
        };
        finder.visit_file(&source.tree);
        violations.extend(finder.violations);
    }
    violations
}

struct Finder<'a> {
    path: &'a str,
    violations: Vec<Violation>,
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // `cfg_attr(test, allow(…))` hides the attribute one level deeper.
        let text = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            _ => String::new(),
        };
        let path = attribute.path();
        let what =
            if path.is_ident("allow") || (path.is_ident("cfg_attr") && text.contains("allow (")) {
                Some("allows a lint")
            } else if path.is_ident("expect") && !text.contains("reason") {
                Some("expects a lint without a reason")
            } else {
                None
            };
        if let Some(what) = what {
            self.violations.push(Violation {
                path: self.path.to_owned(),
                line: attribute.span().start().line,
                what: what.to_owned(),
                why: "an exception outlives its cause unless it must be met and says why",
                mend: "mend the code, or write #[expect(lint, reason = \"…\")]".to_owned(),
            });
        }
        visit::visit_attribute(self, attribute);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_exceptions_are_found_at_every_depth() {
        let planted = [
            "#![allow(dead_code)]",
            "#[allow(dead_code)] fn f() {}",
            "fn f() { #[allow(unused)] let a = 1; }",
            "#[cfg_attr(test, allow(dead_code))] fn f() {}",
            "#[expect(dead_code)] fn f() {}",
        ];
        for text in planted {
            assert_eq!(
                check(&Workspace::of_source("a.rs", text)).len(),
                1,
                "missed: {text}"
            );
        }
    }

    #[test]
    fn an_expectation_with_a_reason_passes() {
        let text = "#[expect(dead_code, reason = \"shown to the reader\")] fn f() {}";
        assert!(check(&Workspace::of_source("a.rs", text)).is_empty());
    }
}

//! A `mod.rs` is a table of contents: modules, re-exports and documentation.

use syn::spanned::Spanned;

use crate::violation::Violation;
use crate::workspace::Workspace;

pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let mod_files = workspace
        .sources
        .iter()
        .filter(|source| source.path.ends_with("/mod.rs"));
    mod_files
        .flat_map(|source| {
            let logic = source.tree.items.iter().filter(|item| !is_contents(item));
            logic.map(|item| Violation {
                path: source.path.clone(),
                line: item.span().start().line,
                what: "holds more than modules and re-exports".to_owned(),
                why: "logic in a table of contents is not where its name says",
                mend: "move it to a file named after its subject".to_owned(),
            })
        })
        .collect()
}

fn is_contents(item: &syn::Item) -> bool {
    match item {
        syn::Item::Use(_) => true,
        syn::Item::Mod(module) => module.content.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_logic_is_found() {
        for text in [
            "fn f() {}",
            "pub struct S;",
            "mod a { }",
            "const A: u8 = 1;",
        ] {
            assert_eq!(
                check(&Workspace::of_source("a/src/b/mod.rs", text)).len(),
                1,
                "missed: {text}"
            );
        }
    }

    #[test]
    fn contents_and_other_files_pass() {
        let text = "//! Docs.\nmod a;\npub use a::A;\n#[cfg(test)]\nmod tests;\n";
        assert!(check(&Workspace::of_source("a/src/b/mod.rs", text)).is_empty());
        assert!(check(&Workspace::of_source("a/src/b/a.rs", "fn f() {}")).is_empty());
    }
}

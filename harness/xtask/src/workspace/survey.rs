use std::ops::RangeInclusive;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::source::{Function, Import, flatten};

/// The macro by which a test binary with a runner of its own lists its tests.
const TRIALS: &str = "trials";

/// Collects what the rules ask of a syntax tree, in one walk.
#[derive(Default)]
pub(super) struct Survey {
    /// Path of the module that is being walked, within its crate.
    module: Vec<String>,
    /// Paths of the functions that [`TRIALS`] lists.
    trials: Vec<String>,
    pub(super) imports: Vec<Import>,
    pub(super) functions: Vec<Function>,
    pub(super) modules: Vec<String>,
    pub(super) test_lines: Vec<RangeInclusive<usize>>,
}

impl Survey {
    pub(super) fn of(path: &str) -> Self {
        Self {
            module: module_of_file(path),
            ..Self::default()
        }
    }

    fn function(&mut self, attributes: &[syn::Attribute], signature: &syn::Signature, end: Span) {
        let name = signature.ident.to_string();
        let first = signature.span().start().line;
        self.functions.push(Function {
            path: self.path_of(&name),
            name,
            line: first,
            lines: end.end().line + 1 - first,
            is_test: attributes.iter().any(is_test_attribute),
            is_const: signature.constness.is_some(),
        });
    }

    fn path_of(&self, name: &str) -> String {
        let mut path = self.module.clone();
        path.push(name.to_owned());
        path.join("::")
    }

    fn use_tree(&mut self, prefix: &mut Vec<String>, tree: &syn::UseTree) {
        let (segment, name, line) = match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.use_tree(prefix, &path.tree);
                prefix.pop();
                return;
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(prefix, tree);
                }
                return;
            }
            syn::UseTree::Name(name) => {
                (name.ident.to_string(), name.ident.to_string(), name.span())
            }
            syn::UseTree::Rename(rename) => (
                rename.ident.to_string(),
                rename.rename.to_string(),
                rename.span(),
            ),
            syn::UseTree::Glob(glob) => ("*".to_owned(), "*".to_owned(), glob.span()),
        };
        let mut path = prefix.clone();
        path.push(segment);
        self.imports.push(Import {
            path,
            name,
            line: line.start().line,
        });
    }
}

impl<'ast> Visit<'ast> for Survey {
    fn visit_file(&mut self, file: &'ast syn::File) {
        visit::visit_file(self, file);
        // At the end, because the list may stand above the functions.
        for function in &mut self.functions {
            function.is_test |= self.trials.contains(&function.path);
        }
    }

    /// `trials!(… => one, another)`: what is listed there is run as a test, under that name.
    fn visit_macro(&mut self, invoked: &'ast syn::Macro) {
        if !invoked.path.is_ident(TRIALS) {
            return;
        }
        let mut tokens = Vec::new();
        flatten(invoked.tokens.clone(), &mut tokens);
        let listed = tokens.rsplit(|token| token.text == ">").next();
        let listed = listed.unwrap_or_default().iter();
        let names = listed.filter(|token| token.text != ",");
        let paths: Vec<String> = names.map(|token| self.path_of(&token.text)).collect();
        self.trials.extend(paths);
    }

    fn visit_item(&mut self, item: &'ast syn::Item) {
        if attributes_of(item).iter().any(is_test_only) {
            let span = item.span();
            self.test_lines.push(span.start().line..=span.end().line);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&mut Vec::new(), &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        self.modules.push(name.clone());
        self.module.push(name);
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.attrs, &item.sig, item.block.span());
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.attrs, &item.sig, item.block.span());
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.attrs, &item.sig, block.span());
        }
        visit::visit_trait_item_fn(self, item);
    }

    /// `proptest!` and its like hide test functions from the tree; their names are still worth knowing.
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        let mut tokens = Vec::new();
        flatten(item.mac.tokens.clone(), &mut tokens);
        let marker = ["#", "[", "test", "]", "fn"];
        for window in tokens.windows(marker.len() + 1) {
            let name = &window[marker.len()];
            if window
                .iter()
                .zip(marker)
                .all(|(have, want)| have.text == want)
            {
                self.functions.push(Function {
                    path: self.path_of(&name.text),
                    name: name.text.clone(),
                    line: name.line,
                    lines: 0,
                    is_test: true,
                    is_const: false,
                });
            }
        }
    }
}

fn attributes_of(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]`.
fn is_test_only(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Path>()
            .is_ok_and(|path| path.is_ident("test"))
}

/// `#[test]`, `#[tokio::test]` and their like.
fn is_test_attribute(attribute: &syn::Attribute) -> bool {
    attribute
        .path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "test")
}

/// `system/contract/src/event/id.rs` → `[event, id]`; `scenarios/tests/it/light.rs` → `[it, light]`,
/// because an integration test's binary is the first thing a person names.
fn module_of_file(path: &str) -> Vec<String> {
    let inside = path
        .split_once("src/")
        .map(|(_, rest)| rest)
        .or_else(|| path.split_once("tests/").map(|(_, rest)| rest))
        .unwrap_or(path);
    let mut parts: Vec<String> = inside
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if matches!(
        parts.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_a_test_by_attribute_or_by_being_listed_as_a_trial() {
        let text = "
            fn trials() -> Vec<Trial> { trials!(place, Place::kafka => listed, also_listed) }
            async fn listed(kafka: String) {}
            async fn also_listed(kafka: String) {}
            async fn kafka(unlisted: String) {}
            #[tokio::test] async fn marked() {}
            mod inner { fn listed() {} }
        ";
        let tree = syn::parse_file(text).expect("parses");
        let mut survey = Survey::of("system/adapters/tests/it/kafka.rs");
        survey.visit_file(&tree);
        let tests = survey.functions.iter().filter(|function| function.is_test);
        let paths: Vec<&str> = tests.map(|function| function.path.as_str()).collect();
        let expected = ["listed", "also_listed", "marked"];
        assert_eq!(paths, expected.map(|name| format!("it::kafka::{name}")));
    }

    #[test]
    fn modules_follow_from_paths() {
        assert_eq!(
            module_of_file("system/contract/src/lib.rs"),
            Vec::<String>::new()
        );
        assert_eq!(
            module_of_file("harness/src/check/order.rs"),
            ["check", "order"]
        );
        assert_eq!(module_of_file("harness/src/check/mod.rs"), ["check"]);
        assert_eq!(
            module_of_file("scenarios/tests/it/light.rs"),
            ["it", "light"]
        );
    }
}

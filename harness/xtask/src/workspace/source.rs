use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::visit::Visit;

use super::survey::Survey;

/// One Rust file, as a tree and as a flat list of tokens.
///
/// The tree knows items and their extents; the tokens see inside macros, where the tree does not.
/// Comments are in neither.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tree: syn::File,
    pub(crate) tokens: Vec<Token>,
    pub(crate) imports: Vec<Import>,
    pub(crate) functions: Vec<Function>,
    /// Names of modules declared or defined here.
    pub(crate) modules: Vec<String>,
    test_lines: Vec<RangeInclusive<usize>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// One leaf of a `use` tree.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// What the leaf is called in this file.
    pub(crate) name: String,
    pub(crate) line: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Path within its crate, as the test runner prints it: `ledger::tests::folds`.
    pub(crate) path: String,
    pub(crate) line: usize,
    /// From the signature to the closing brace; attributes and docs are not counted.
    pub(crate) lines: usize,
    pub(crate) is_test: bool,
    /// Whether it is a `const fn`, in which a panic is the compiler's word.
    pub(crate) is_const: bool,
}

impl Source {
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self, syn::Error> {
        let stream: TokenStream = text.parse().map_err(syn::Error::from)?;
        let mut tokens = Vec::new();
        flatten(stream.clone(), &mut tokens);
        let tree: syn::File = syn::parse2(stream)?;
        let mut survey = Survey::of(path);
        survey.visit_file(&tree);
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tree,
            tokens,
            imports: survey.imports,
            functions: survey.functions,
            modules: survey.modules,
            test_lines: survey.test_lines,
        })
    }

    /// Whether a line is compiled into tests only.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.is_test_file() || self.test_lines.iter().any(|range| range.contains(&line))
    }

    /// Whether a line lies in a `const fn`.
    pub(crate) fn is_const_line(&self, line: usize) -> bool {
        let mut functions = self.functions.iter().filter(|function| function.is_const);
        functions.any(|function| (function.line..function.line + function.lines).contains(&line))
    }

    /// Whether the whole file belongs to an integration test or a benchmark.
    pub(crate) fn is_test_file(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "benches" || part == "tests.rs")
    }

    /// Lines on which `path` (`std::env`, `tokio::time::sleep`) is written out or imported, alone or
    /// as the beginning of a longer path.
    pub(crate) fn lines_naming(&self, path: &str) -> Vec<usize> {
        let parts: Vec<&str> = path.split("::").collect();
        let imported = self
            .imports
            .iter()
            .filter(|import| {
                import.path.len() >= parts.len()
                    && import
                        .path
                        .iter()
                        .zip(&parts)
                        .all(|(have, want)| have == want)
            })
            .map(|import| import.line);
        let mut lines: Vec<usize> = imported.chain(self.lines_writing_out(&parts)).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// Lines on which the crate `name` is used. A module of the same name in scope is not the crate.
    pub(crate) fn lines_naming_crate(&self, name: &str) -> Vec<usize> {
        let is_shadowed = self.modules.iter().any(|module| module == name)
            || self
                .imports
                .iter()
                .any(|import| import.name == name && import.path.len() > 1);
        if is_shadowed {
            return self
                .imports
                .iter()
                .filter(|import| import.path.len() > 1 && import.path[0] == name)
                .map(|import| import.line)
                .collect();
        }
        self.lines_naming(name)
    }

    /// Lines of an identifier, wherever it stands.
    pub(crate) fn lines_with_ident(&self, ident: &str) -> Vec<usize> {
        self.tokens
            .iter()
            .filter(|token| token.text == ident)
            .map(|token| token.line)
            .collect()
    }

    /// Lines where the tokens stand in this order: `["thread", "::", "sleep"]`.
    pub(crate) fn lines_with_sequence(&self, sequence: &[&str]) -> Vec<usize> {
        self.tokens
            .windows(sequence.len())
            .filter(|window| {
                window
                    .iter()
                    .zip(sequence)
                    .all(|(have, want)| have.text == *want)
            })
            .map(|window| window[0].line)
            .collect()
    }

    /// The file's `//!` documentation, one line a line.
    pub(crate) fn module_docs(&self) -> String {
        self.text
            .lines()
            .take_while(|line| line.trim().is_empty() || line.starts_with("//!"))
            .map(|line| line.trim_start_matches("//!").trim())
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn lines_writing_out(&self, parts: &[&str]) -> Vec<usize> {
        let mut wanted: Vec<&str> = parts.iter().flat_map(|part| [*part, "::"]).collect();
        if parts.len() > 1 {
            // A longer path may end here (`std::env`); a lone crate name only counts as a path's root.
            wanted.pop();
        }
        (0..self.tokens.len().saturating_sub(wanted.len() - 1))
            .filter(|&start| {
                let window = &self.tokens[start..start + wanted.len()];
                window
                    .iter()
                    .zip(&wanted)
                    .all(|(have, want)| have.text == *want)
                    && self.is_path_start(start)
            })
            .map(|start| self.tokens[start].line)
            .collect()
    }

    /// Whether the token at `index` is a path's first segment: not `a::b` seen from `b`, not `x.b`.
    fn is_path_start(&self, index: usize) -> bool {
        match index
            .checked_sub(1)
            .map(|before| self.tokens[before].text.as_str())
        {
            Some(".") => false,
            // A leading `::` makes the path absolute; after a segment it continues one.
            Some("::") => index.checked_sub(2).is_none_or(|before| {
                let text = &self.tokens[before].text;
                text != ">" && !text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
            }),
            _ => true,
        }
    }
}

/// Turns a token tree into a list. `::` becomes one token; groups keep their delimiters.
pub(super) fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let line = tree.span().start().line;
        let mut text = match &tree {
            TokenTree::Group(group) => {
                flatten_group(group, into);
                continue;
            }
            other => other.to_string(),
        };
        if text == ":"
            && trees
                .next_if(|next| matches!(next, TokenTree::Punct(punct) if punct.as_char() == ':'))
                .is_some()
        {
            text.push(':');
        }
        into.push(Token { text, line });
    }
}

fn flatten_group(group: &Group, into: &mut Vec<Token>) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    into.push(Token {
        text: open.to_owned(),
        line: group.span_open().start().line,
    });
    flatten(group.stream(), into);
    into.push(Token {
        text: close.to_owned(),
        line: group.span_close().start().line,
    });
}

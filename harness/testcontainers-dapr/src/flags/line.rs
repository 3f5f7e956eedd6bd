use std::fmt::Display;

/// Collects `--name=value`. One argument a flag: a value that begins with a dash stays a value.
#[derive(Debug, Default)]
pub(super) struct Line(Vec<String>);

impl Line {
    pub(super) fn flag(&mut self, name: &str, value: impl Display) {
        self.0.push(format!("--{name}={value}"));
    }

    pub(super) fn maybe(&mut self, name: &str, value: Option<&impl Display>) {
        if let Some(value) = value {
            self.flag(name, value);
        }
    }

    /// Several values in one flag.
    pub(super) fn list(&mut self, name: &str, values: &[String]) {
        if !values.is_empty() {
            self.flag(name, values.join(","));
        }
    }

    pub(super) fn done(mut self, extra: &[String]) -> Vec<String> {
        self.0.extend_from_slice(extra);
        self.0
    }
}

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{StackError, StackErrorKind};

/// Where the harness remembers its runs between two starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    root: PathBuf,
}

impl StateDir {
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The place that the environment names: `GAUNTLET_HOME/state`, `XDG_STATE_HOME/gauntlet`, or
    /// `~/.local/state/gauntlet`. `lookup` reads one variable.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, StackError> {
        let named = |variable: &str| lookup(variable).filter(|value| !value.is_empty());
        let root = named("GAUNTLET_HOME")
            .map(|home| Path::new(&home).join("state"))
            .or_else(|| named("XDG_STATE_HOME").map(|home| Path::new(&home).join("gauntlet")))
            .or_else(|| named("HOME").map(|home| Path::new(&home).join(".local/state/gauntlet")));
        root.map(Self::at).ok_or_else(|| {
            StackError::new(
                StackErrorKind::Config,
                "find a place for the harness's state",
                "set GAUNTLET_HOME or HOME to a directory that you may write",
            )
        })
    }

    /// Prepared data directories, kept between runs.
    pub fn templates(&self) -> PathBuf {
        self.root.join("templates")
    }

    /// Folders of stacks that somebody left running on purpose.
    pub fn stacks(&self) -> PathBuf {
        self.root.join("stacks")
    }

    /// Logs of such stacks that failed to start, or whose holder died.
    pub fn failed_stacks(&self) -> PathBuf {
        self.root.join("failed-stacks")
    }

    pub(crate) fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_variable_wins() {
        let all = |variable: &str| match variable {
            "GAUNTLET_HOME" => Some("/g".into()),
            "XDG_STATE_HOME" => Some("/x".into()),
            _ => Some("/h".into()),
        };
        assert_eq!(
            StateDir::from_environment(all).unwrap(),
            StateDir::at("/g/state")
        );
        let home_only = |variable: &str| (variable == "HOME").then(|| "/h".into());
        let expected = StateDir::at("/h/.local/state/gauntlet");
        assert_eq!(StateDir::from_environment(home_only).unwrap(), expected);
        assert!(StateDir::from_environment(|_| None).is_err());
    }
}

use std::fmt;

/// One place where the repository breaks a rule, in the form a person can act on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// Relative to the workspace root.
    pub(crate) path: String,
    /// From 1; 1 also stands for the whole file.
    pub(crate) line: usize,
    pub(crate) what: String,
    pub(crate) why: &'static str,
    pub(crate) mend: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            what,
            why,
            mend,
        } = self;
        write!(f, "{path}:{line}: {what}; {why}; {mend}")
    }
}

use gauntlet_ports::{PortError, PortErrorKind};

/// Which call failed: the port's name and a verb phrase that completes "failed to".
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) port: &'static str,
    pub(super) op: &'static str,
}

impl Call {
    pub(super) const fn new(port: &'static str, op: &'static str) -> Self {
        Self { port, op }
    }

    /// An error of a statement that was sent.
    pub(super) fn failed(self, source: sqlx::Error) -> PortError {
        PortError::new(classify(&source), self.port, self.op, source)
    }

    /// No connection could be had, for whatever reason: certainly nothing was sent.
    pub(super) fn not_connected(self, source: sqlx::Error) -> PortError {
        PortError::new(PortErrorKind::Unavailable, self.port, self.op, source)
    }

    pub(super) fn error(self, kind: PortErrorKind, detail: impl Into<String>) -> PortError {
        PortError::new(kind, self.port, self.op, detail.into())
    }
}

/// `Timeout` means that the statement may have been committed; every other kind, that it was not.
pub(super) fn classify(error: &sqlx::Error) -> PortErrorKind {
    match error {
        sqlx::Error::RowNotFound => PortErrorKind::NotFound,
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => PortErrorKind::Unavailable,
        // The connection broke somewhere between the statement and its answer.
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
            PortErrorKind::Timeout
        }
        sqlx::Error::Database(database) => database
            .code()
            .map_or(PortErrorKind::Internal, |code| of_sqlstate(&code)),
        _ => PortErrorKind::Internal,
    }
}

/// Whether the server ended the transaction for the sake of another one, so that the same one may pass when
/// it is tried again. Certainly nothing of it was committed; 40003 would leave that open.
pub(super) fn gave_way(error: &PortError) -> bool {
    let cause = error.source.downcast_ref::<sqlx::Error>();
    let database = cause.and_then(sqlx::Error::as_database_error);
    let code = database.and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| gives_way(&code))
}

/// A serialization failure, or a deadlock.
fn gives_way(code: &str) -> bool {
    matches!(code, "40001" | "40P01")
}

/// Reads a SQLSTATE: its first two characters are the class.
fn of_sqlstate(code: &str) -> PortErrorKind {
    match code {
        // A shutdown can cut in between the commit and the answer to it.
        "57P01" | "57P02" => PortErrorKind::Timeout,
        "23505" => PortErrorKind::Conflict,
        _ => match code.get(..2) {
            // The data itself is at fault: malformed, out of range, against a constraint.
            Some("22" | "23") => PortErrorKind::Invalid,
            // Connection, rolled back by concurrency, out of resources, lock not to be had,
            // cancelled by the statement timeout or refused while starting, system trouble.
            Some("08" | "40" | "53" | "55" | "57" | "58") => PortErrorKind::Unavailable,
            _ => PortErrorKind::Internal,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_have_been_committed_is_a_timeout() {
        assert_eq!(of_sqlstate("57P01"), PortErrorKind::Timeout);
        assert_eq!(of_sqlstate("57014"), PortErrorKind::Unavailable);
        assert_eq!(of_sqlstate("40P01"), PortErrorKind::Unavailable);
        assert_eq!(of_sqlstate("53300"), PortErrorKind::Unavailable);
        let broken = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(classify(&broken), PortErrorKind::Timeout);
        assert_eq!(
            classify(&sqlx::Error::PoolTimedOut),
            PortErrorKind::Unavailable
        );
    }

    #[test]
    fn only_what_certainly_was_not_committed_is_tried_again() {
        assert!(gives_way("40001") && gives_way("40P01"));
        for other in ["40003", "40002", "57P01", "55P03", "23505"] {
            assert!(!gives_way(other), "{other}");
        }
        let call = Call::new("commit store", "commit changes");
        let broken = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(!gave_way(&call.failed(broken)));
        assert!(!gave_way(&call.error(PortErrorKind::Unavailable, "40001")));
    }

    #[test]
    fn data_at_fault_is_told_from_a_program_at_fault() {
        assert_eq!(of_sqlstate("22P05"), PortErrorKind::Invalid);
        assert_eq!(of_sqlstate("23514"), PortErrorKind::Invalid);
        assert_eq!(of_sqlstate("23505"), PortErrorKind::Conflict);
        assert_eq!(of_sqlstate("42P01"), PortErrorKind::Internal);
    }
}

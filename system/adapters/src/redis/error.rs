use gauntlet_ports::{Ack, PortError, PortErrorKind};
use redis::{ErrorKind, RedisError};

pub(super) const CONSUMER: &str = "redis ingress";
pub(super) const PUBLISHER: &str = "redis publisher";

/// A client's failure in the port's terms.
pub(super) fn port_error(port: &'static str, op: &'static str, error: RedisError) -> PortError {
    let kind = match error.kind() {
        _ if error.is_timeout() => PortErrorKind::Timeout,
        ErrorKind::Io => PortErrorKind::Unavailable,
        ErrorKind::InvalidClientConfig | ErrorKind::AuthenticationFailed => PortErrorKind::Invalid,
        _ => PortErrorKind::Internal,
    };
    PortError::new(kind, port, op, error)
}

/// What is known of an entry whose XADD was not answered with its id.
///
/// An error that the server itself has sent means that nothing was added; so does a connection
/// that was never made. A lost connection or a timeout may hide an added entry.
pub(super) fn unacknowledged(error: &RedisError) -> Ack {
    let reason = error.to_string();
    match error.kind() {
        ErrorKind::Server(_)
        | ErrorKind::Extension
        | ErrorKind::AuthenticationFailed
        | ErrorKind::InvalidClientConfig => Ack::Rejected(reason),
        _ if error.is_connection_refusal() => Ack::Rejected(reason),
        _ => Ack::Unknown(reason),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use redis::ServerErrorKind;

    use super::*;

    fn of_io(kind: io::ErrorKind) -> RedisError {
        RedisError::from(io::Error::from(kind))
    }

    #[test]
    fn only_what_was_certainly_not_added_is_rejected() {
        let refused = RedisError::from((ErrorKind::Server(ServerErrorKind::ReadOnly), "READONLY"));
        for error in [refused, of_io(io::ErrorKind::ConnectionRefused)] {
            assert!(
                matches!(unacknowledged(&error), Ack::Rejected(_)),
                "{error}"
            );
        }
        for error in [
            of_io(io::ErrorKind::TimedOut),
            of_io(io::ErrorKind::ConnectionReset),
            of_io(io::ErrorKind::UnexpectedEof),
            RedisError::from((ErrorKind::Parse, "garbled")),
        ] {
            assert!(matches!(unacknowledged(&error), Ack::Unknown(_)), "{error}");
        }
    }

    #[test]
    fn the_kind_tells_what_a_caller_can_do() {
        let kind = |error| port_error(CONSUMER, "consume", error).kind;
        assert_eq!(kind(of_io(io::ErrorKind::TimedOut)), PortErrorKind::Timeout);
        assert_eq!(
            kind(of_io(io::ErrorKind::ConnectionRefused)),
            PortErrorKind::Unavailable
        );
        assert_eq!(
            kind(RedisError::from((ErrorKind::InvalidClientConfig, "url"))),
            PortErrorKind::Invalid
        );
    }
}

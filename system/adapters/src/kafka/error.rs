use gauntlet_ports::{Ack, PortError, PortErrorKind};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

pub(super) const CONSUMER: &str = "kafka ingress";
pub(super) const PUBLISHER: &str = "kafka publisher";

/// A client's failure in the port's terms.
pub(super) fn port_error(port: &'static str, op: &'static str, error: KafkaError) -> PortError {
    let kind = match &error {
        KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => {
            PortErrorKind::Invalid
        }
        other => match other.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::MessageTimedOut
                | RDKafkaErrorCode::RequestTimedOut,
            ) => PortErrorKind::Timeout,
            Some(
                RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::Resolve,
            ) => PortErrorKind::Unavailable,
            _ => PortErrorKind::Internal,
        },
    };
    PortError::new(kind, port, op, error)
}

/// What is known of a record that was not acknowledged.
///
/// Rejected are the errors that are raised before a record is sent, and those with which a broker
/// says that it has written nothing. Everything else may hide a written record, a delivery that
/// timed out above all.
pub(super) fn unacknowledged(error: &KafkaError) -> Ack {
    let reason = error.to_string();
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::QueueFull
            | RDKafkaErrorCode::UnknownTopic
            | RDKafkaErrorCode::UnknownPartition
            | RDKafkaErrorCode::PurgeQueue
            | RDKafkaErrorCode::InvalidArgument
            | RDKafkaErrorCode::InvalidTopic
            | RDKafkaErrorCode::UnknownTopicOrPartition
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::MessageBatchTooLarge
            | RDKafkaErrorCode::NotEnoughReplicas
            | RDKafkaErrorCode::InvalidRecord
            | RDKafkaErrorCode::PolicyViolation,
        ) => Ack::Rejected(reason),
        _ => Ack::Unknown(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn production(code: RDKafkaErrorCode) -> Ack {
        unacknowledged(&KafkaError::MessageProduction(code))
    }

    #[test]
    fn only_what_was_certainly_not_written_is_rejected() {
        for code in [
            RDKafkaErrorCode::QueueFull,
            RDKafkaErrorCode::UnknownTopic,
            RDKafkaErrorCode::UnknownPartition,
            RDKafkaErrorCode::MessageSizeTooLarge,
            RDKafkaErrorCode::NotEnoughReplicas,
        ] {
            assert!(matches!(production(code), Ack::Rejected(_)), "{code:?}");
        }
        for code in [
            RDKafkaErrorCode::MessageTimedOut,
            RDKafkaErrorCode::BrokerTransportFailure,
            RDKafkaErrorCode::NotEnoughReplicasAfterAppend,
            RDKafkaErrorCode::PurgeInflight,
            RDKafkaErrorCode::Fatal,
        ] {
            assert!(matches!(production(code), Ack::Unknown(_)), "{code:?}");
        }
        assert!(matches!(
            unacknowledged(&KafkaError::Canceled),
            Ack::Unknown(_)
        ));
    }

    #[test]
    fn the_kind_tells_what_a_caller_can_do() {
        let kind = |error| port_error(CONSUMER, "consume", error).kind;
        assert_eq!(
            kind(KafkaError::ClientCreation("no such option".to_owned())),
            PortErrorKind::Invalid
        );
        assert_eq!(
            kind(KafkaError::Global(RDKafkaErrorCode::AllBrokersDown)),
            PortErrorKind::Unavailable
        );
        assert_eq!(
            kind(KafkaError::ConsumerCommit(
                RDKafkaErrorCode::RequestTimedOut
            )),
            PortErrorKind::Timeout
        );
    }
}

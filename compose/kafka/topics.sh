#!/bin/sh
# Makes what is missing of the system's topics (system/contract) and of their dead letters, with as many
# partitions as the harness gives them (harness/src/stack/topology.rs).
set -eu

broker=kafka:9092

kafka_topics() {
    java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData \
        -Dlog4j2.configurationFile=/config/log4j2.properties -cp '/opt/kafka/libs/*' \
        org.apache.kafka.tools.TopicCommand --bootstrap-server "$broker" "$@"
}

# Asked once: each question starts a JVM.
existing=" $(kafka_topics --list | tr '\n' ' ') "

need() {
    case $existing in
    *" $1 "*) ;;
    *) kafka_topics --create --if-not-exists --topic "$1" --partitions "$2" --replication-factor 1 ;;
    esac
}

for topic in task-events:12 task-reminders:3 task-recurrence:3 notification-events:3 audit-logs:3; do
    need "${topic%:*}" "${topic#*:}"
    need "${topic%:*}-dlq" 1
done

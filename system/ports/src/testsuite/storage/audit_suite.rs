use std::time::Duration;

use async_trait::async_trait;
use gauntlet_contract::envelope::SOURCE_AUDIT;
use gauntlet_contract::recurrence::{InstanceSettled, Mode};
use gauntlet_contract::{
    AuditEntry, Entity, EntityId, Envelope, EventData, EventId, EventType, LabelKind, SeriesId,
    TaskId, Topic, UserId,
};
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::Value;

use super::audit_calls::{every, record, record_one};
use super::outbox_suite::EventSource;
use super::sample;
use crate::error::PortErrorKind;
use crate::storage::{AuditLog, AuditQuery, Direction, OutboxEntry, OutboxQueue, Recorded};

/// Runs every case of the audit log's contract against a log with nothing in it.
pub async fn audit_log_suite(log: &dyn AuditLog) {
    an_event_leaves_one_line_however_often_it_comes(log).await;
    the_states_of_every_entity_are_kept_whole(log).await;
    repetitions_within_a_batch_count_as_duplicates(log).await;
    one_bad_event_does_not_undo_the_others(log).await;
    what_changes_no_entity_is_refused_alone(log).await;
    failures_are_counted_and_do_not_hinder_a_later_success(log).await;
    queries_filter(log).await;
    queries_page_in_both_orders(log).await;
}

/// Runs every case about what a log publishes, against a log with nothing in it and its outbox.
pub async fn audit_outbox_suite(log: &dyn AuditLog, outbox: &dyn OutboxQueue) {
    outbox.renew(Duration::from_mins(10)).await.expect("renew");
    every_line_is_told_once_as_a_query_answers_it(log, outbox).await;
    what_leaves_no_line_is_not_told(log, outbox).await;
}

/// A log as what fills the outbox of its lines.
#[derive(Clone, Debug)]
pub struct Recording<L>(pub L);

#[async_trait]
impl<L: AuditLog> EventSource for Recording<L> {
    async fn emit(&self, events: &[Envelope]) {
        let answers = record(&self.0, events).await;
        assert_eq!(answers, vec![Ok(Recorded::Fresh); events.len()]);
    }
}

async fn an_event_leaves_one_line_however_often_it_comes(log: &dyn AuditLog) {
    let task = sample::task(UserId::generate(), "once");
    let event = sample::event(None, Some(&task));
    assert_eq!(record_one(log, &event).await, Ok(Recorded::Fresh));
    assert_eq!(record_one(log, &event).await, Ok(Recorded::Duplicate));

    let lines = trail(log, task.user_id).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].event_id, event.id);
    assert_eq!(lines[0].entity, Entity::Task);
    assert_eq!(lines[0].entity_id, EntityId::from(task.id));
    assert_eq!(lines[0].action, "created");
    assert_eq!(lines[0].old, None);
    assert_eq!(lines[0].new, json(&task));
    assert_eq!(lines[0].occurred_at, event.time);
}

/// To the last field: the trail is what is left of them.
async fn the_states_of_every_entity_are_kept_whole(log: &dyn AuditLog) {
    let user_id = UserId::generate();
    let (events, expected) = every_kind(user_id);
    assert!(record(log, &events).await.iter().all(Result::is_ok));
    let lines = trail(log, user_id).await;
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line.entity,
                line.action.as_str(),
                line.version,
                line.old.clone(),
                line.new.clone(),
            )
        })
        .collect();
    assert_eq!(told, expected);
    let subjects: Vec<_> = lines.iter().map(|line| line.entity_id).collect();
    assert_eq!(
        subjects,
        events.iter().map(|event| event.subject).collect::<Vec<_>>()
    );
}

/// A replay after a crash can put both copies into one batch.
async fn repetitions_within_a_batch_count_as_duplicates(log: &dyn AuditLog) {
    let task = sample::task(UserId::generate(), "twice in one batch");
    let event = sample::event(None, Some(&task));
    let answers = record(log, &[event.clone(), event]).await;
    assert_eq!(answers, [Ok(Recorded::Fresh), Ok(Recorded::Duplicate)]);
    assert_eq!(trail(log, task.user_id).await.len(), 1);
}

/// The bad event stands in the middle, and is followed by another of its task: that one must wait,
/// everything else must not.
async fn one_bad_event_does_not_undo_the_others(log: &dyn AuditLog) {
    let user_id = UserId::generate();
    let before = sample::task(user_id, "before");
    let bad = sample::task(user_id, "NUL cannot be stored: \0");
    let after = sample::task(user_id, "after");
    let batch = [
        sample::event(None, Some(&before)),
        sample::event(None, Some(&bad)),
        sample::event(Some(&bad), Some(&sample::renamed(&bad, "would overtake"))),
        sample::event(None, Some(&after)),
    ];
    let answers = record(log, &batch).await;
    assert_eq!(
        answers,
        [
            Ok(Recorded::Fresh),
            Err(PortErrorKind::Invalid),
            Err(PortErrorKind::Unavailable),
            Ok(Recorded::Fresh),
        ]
    );
    let lines = trail(log, user_id).await;
    let tasks: Vec<_> = lines.iter().map(|line| line.entity_id).collect();
    assert_eq!(tasks, [before.id.into(), after.id.into()]);
}

async fn what_changes_no_entity_is_refused_alone(log: &dyn AuditLog) {
    let user_id = UserId::generate();
    let (one, other) = (sample::task(user_id, "one"), sample::task(user_id, "other"));
    let batch = [
        sample::event(None, Some(&one)),
        settlement(user_id),
        sample::event(None, Some(&other)),
    ];
    let answers = record(log, &batch).await;
    assert_eq!(
        answers,
        [
            Ok(Recorded::Fresh),
            Err(PortErrorKind::Invalid),
            Ok(Recorded::Fresh),
        ]
    );
    assert_eq!(trail(log, user_id).await.len(), 2);
}

/// A count in the inbox must not look like an effect.
async fn failures_are_counted_and_do_not_hinder_a_later_success(log: &dyn AuditLog) {
    let task = sample::task(UserId::generate(), "stumbles");
    let event = sample::event(None, Some(&task));
    for expected in 1..=3 {
        assert_eq!(log.count_failure(&event).await.expect("count"), expected);
    }
    assert_eq!(record_one(log, &event).await, Ok(Recorded::Fresh));
    assert_eq!(record_one(log, &event).await, Ok(Recorded::Duplicate));
}

async fn queries_filter(log: &dyn AuditLog) {
    let user_id = UserId::generate();
    let first = sample::task(user_id, "first");
    let renamed = sample::renamed(&first, "renamed");
    let tag = sample::label(user_id, LabelKind::Tag, "errands");
    let category = sample::label(user_id, LabelKind::Category, "home");
    let mut second = sample::task(user_id, "second");
    second.updated_at += 1.second();
    let batch = [
        sample::event(None, Some(&first)),
        sample::event(Some(&first), Some(&renamed)),
        sample::label_event(None, Some(&tag)),
        sample::label_event(None, Some(&category)),
        sample::event(None, Some(&second)),
    ];
    record(log, &batch).await;
    let all = trail(log, user_id).await;
    assert_eq!(all.len(), batch.len());

    let select = |narrow: fn(&mut AuditQuery, &[AuditEntry])| {
        let mut query = every(user_id);
        narrow(&mut query, &all);
        query
    };
    let narrowed: [(AuditQuery, &[usize]); 9] = [
        (
            select(|query, all| query.entity_id = Some(all[0].entity_id)),
            &[0, 1],
        ),
        (
            select(|query, _| query.entity = Some(Entity::Task)),
            &[0, 1, 4],
        ),
        (select(|query, _| query.entity = Some(Entity::Tag)), &[2]),
        (
            select(|query, _| query.entity = Some(Entity::Category)),
            &[3],
        ),
        (select(|query, _| query.entity = Some(Entity::Series)), &[]),
        (
            select(|query, _| query.action = Some("updated".to_owned())),
            &[1],
        ),
        (
            select(|query, all| query.from = Some(all[4].occurred_at)),
            &[4],
        ),
        (
            select(|query, all| query.to = Some(an_hour_before(all[0].occurred_at))),
            &[],
        ),
        (
            select(|query, all| {
                query.entity = Some(Entity::Task);
                query.action = Some("created".to_owned());
                query.to = Some(all[4].occurred_at);
            }),
            &[0],
        ),
    ];
    for (query, places) in narrowed {
        let expected: Vec<_> = places.iter().map(|place| all[*place].clone()).collect();
        answers_are(log, query, &expected).await;
    }
}

/// At once, line by line, and to nobody else.
async fn answers_are(log: &dyn AuditLog, query: AuditQuery, lines: &[AuditEntry]) {
    let found = log.query(&query).await.expect("query");
    assert_eq!(found, lines, "{query:?}");
    pages_are(log, &query, 1, lines).await;
    // Whatever a stranger knows of the lines, the id of what they are about among it.
    let strangers = AuditQuery {
        user_id: UserId::generate(),
        ..query
    };
    let found = log.query(&strangers).await.expect("query");
    assert_eq!(found, [], "a stranger's: {strangers:?}");
}

async fn queries_page_in_both_orders(log: &dyn AuditLog) {
    let user_id = UserId::generate();
    let tasks: Vec<_> = (0..5)
        .map(|number| sample::task(user_id, &format!("task {number}")))
        .collect();
    let events: Vec<_> = tasks
        .iter()
        .map(|task| sample::event(None, Some(task)))
        .collect();
    record(log, &events).await;
    let lines = trail(log, user_id).await;
    let ids: Vec<_> = lines.iter().map(|line| line.event_id).collect();
    let expected: Vec<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids, expected);
    pages_are(log, &every(user_id), 2, &lines).await;
}

/// Page by page a query answers the same lines, in both orders.
async fn pages_are(log: &dyn AuditLog, query: &AuditQuery, limit: u32, lines: &[AuditEntry]) {
    let mut expected = lines.to_vec();
    for order in [Direction::Ascending, Direction::Descending] {
        let mut query = AuditQuery {
            order,
            limit,
            ..query.clone()
        };
        let mut seen = Vec::new();
        loop {
            let page = log.query(&query).await.expect("query");
            let Some(last) = page.last() else { break };
            query.after = Some(last.seq);
            seen.extend(page);
        }
        assert_eq!(seen, expected, "page by page: {query:?}");
        expected.reverse();
    }
}

/// Byte by byte: whoever keeps what was published must be able to hold it against the trail.
async fn every_line_is_told_once_as_a_query_answers_it(
    log: &dyn AuditLog,
    outbox: &dyn OutboxQueue,
) {
    let user_id = UserId::generate();
    let (mut events, _) = every_kind(user_id);
    events[0].traceparent =
        Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    record(log, &events).await;
    // Nothing is drawn anew when an entry is looked at again.
    let oldest = outbox.unsent(100, &[]).await.expect("unsent");
    assert_eq!(outbox.unsent(100, &[]).await.expect("unsent"), oldest);

    let mut told = published(outbox).await;
    told.sort_by_key(|entry| entry.seq);
    let lines = trail(log, user_id).await;
    assert_eq!(told.len(), lines.len());
    for ((entry, line), event) in told.iter().zip(&lines).zip(&events) {
        let envelope = &entry.envelope;
        assert!(entry.topic.as_str().ends_with(Topic::AuditLogs.as_str()));
        assert_eq!(envelope.kind, EventType::AuditRecorded);
        assert_eq!(envelope.source, SOURCE_AUDIT);
        assert_eq!(envelope.subject, line.entity_id);
        assert_eq!(envelope.partitionkey, line.entity_id.to_string());
        assert_eq!(envelope.time, line.recorded_at);
        assert_eq!(envelope.traceparent, event.traceparent);
        assert_eq!(text(&envelope.data), text(line));
        // A consumer that passes it on passes on the same bytes.
        let decoded: Envelope = serde_json::from_str(&text(envelope)).expect("decode");
        assert_eq!(text(&decoded), text(envelope));
    }
    let mut ids: Vec<_> = told.iter().map(|entry| entry.envelope.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), told.len());
}

async fn what_leaves_no_line_is_not_told(log: &dyn AuditLog, outbox: &dyn OutboxQueue) {
    let user_id = UserId::generate();
    let task = sample::task(user_id, "told once");
    let event = sample::event(None, Some(&task));
    let bad = sample::event(None, Some(&sample::task(user_id, "\0")));
    record(log, &[event.clone(), bad, settlement(user_id)]).await;
    record(log, std::slice::from_ref(&event)).await;
    let told: Vec<_> = published(outbox).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].envelope.subject, event.subject);
    assert_eq!(outbox.depth().await.expect("depth"), 0);
}

/// Publishes everything, in the order in which the outbox allows it.
async fn published(outbox: &dyn OutboxQueue) -> Vec<OutboxEntry> {
    let mut all = Vec::new();
    loop {
        let entries = outbox.unsent(100, &[]).await.expect("unsent");
        if entries.is_empty() {
            return all;
        }
        let proofs: Vec<_> = entries.iter().map(sample::proof).collect();
        let marked = outbox.mark_sent(&proofs).await.expect("mark");
        assert_eq!(marked, entries.len() as u64);
        all.extend(entries);
    }
}

type Told = (Entity, &'static str, u64, Option<Value>, Option<Value>);

/// Events of each kind of entity, and what the trail is to hold of them.
fn every_kind(user_id: UserId) -> (Vec<Envelope>, Vec<Told>) {
    let mut task = sample::task(user_id, "Grüße, \"quoted\" \\ 🦀");
    task.description = Some("two\nlines\tand a tab".to_owned());
    let renamed = sample::renamed(&task, "renamed");
    let tag = sample::label(user_id, LabelKind::Tag, "errands");
    let retagged = sample::relabelled(&tag, "Besorgungen");
    let category = sample::label(user_id, LabelKind::Category, "home");
    let series = sample::series(user_id, Mode::OnSchedule);
    let mut advanced = series.clone();
    advanced.version += 1;
    advanced.next_occurrence += 1;
    let of_series = [
        sample::series_creation(&series),
        sample::series_update(&series, &advanced),
    ];
    let mut events = vec![
        sample::event(None, Some(&task)),
        sample::event(Some(&task), Some(&renamed)),
        sample::event(Some(&renamed), None),
        sample::label_event(None, Some(&tag)),
        sample::label_event(Some(&tag), Some(&retagged)),
        sample::label_event(None, Some(&category)),
        sample::label_event(Some(&category), None),
    ];
    events.extend(of_series.into_iter().flat_map(|commit| commit.events));
    let expected = vec![
        (Entity::Task, "created", 1, None, json(&task)),
        (Entity::Task, "updated", 2, json(&task), json(&renamed)),
        (Entity::Task, "deleted", 3, json(&renamed), None),
        (Entity::Tag, "created", 1, None, json(&tag)),
        (Entity::Tag, "updated", 2, json(&tag), json(&retagged)),
        (Entity::Category, "created", 1, None, json(&category)),
        (Entity::Category, "deleted", 2, json(&category), None),
        (Entity::Series, "created", 1, None, json(&series)),
        (
            Entity::Series,
            "advanced",
            2,
            json(&series),
            json(&advanced),
        ),
    ];
    (events, expected)
}

/// An event of another topic.
fn settlement(user_id: UserId) -> Envelope {
    let now = sample::now();
    let data = EventData::Settled(InstanceSettled {
        series_id: SeriesId::generate(),
        number: 1,
        task_id: TaskId::generate(),
        user_id,
        settled_at: now,
    });
    Envelope::new(
        EventId::generate(),
        "/todo/test",
        EventType::InstanceSettled,
        now,
        data,
    )
}

fn json(state: &impl Serialize) -> Option<Value> {
    serde_json::to_value(state).ok()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("encode")
}

/// Far enough that no clock of the test's machine reaches it.
fn an_hour_before(time: Timestamp) -> Timestamp {
    time.checked_sub(1.hour()).expect("after the year 1")
}

async fn trail(log: &dyn AuditLog, user_id: UserId) -> Vec<AuditEntry> {
    log.query(&every(user_id)).await.expect("query")
}

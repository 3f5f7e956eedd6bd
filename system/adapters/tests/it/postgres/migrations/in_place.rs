//! Rows as each version of the schema can have them, written past the adapters of today, and what these must
//! make of them.

use std::collections::BTreeSet;
use std::time::Duration;

use gauntlet_adapters::postgres::{PostgresAuditLog, PostgresOutbox, PostgresStateStore};
use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{
    Envelope, Label, LabelKind, Priority, Series, Task, TaskStatus, Topic, TopicName, UserId,
};
use gauntlet_ports::state::{Key, StateStore as _};
use gauntlet_ports::testsuite::storage::sample;
use gauntlet_ports::{
    AnswerStore as _, AuditLog as _, Audited, KeyedAnswer, LabelStore as _, OutboxQueue as _,
    SeriesStore as _, SortKey, TaskFilter, TaskStore as _, words,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{insert_task, list};
use crate::audit::every;
use crate::postgres::fresh::Fresh;

/// The versions that brought what is planted here.
const TRAIL: i64 = 2;
const DETAILS: i64 = 4;
const ENTITIES_IN_THE_TRAIL: i64 = 5;
const STATE: i64 = 6;

/// A row of everything that a version has.
pub(super) struct InPlace {
    version: i64,
    task: Task,
    labels: [Label; 2],
    series: Series,
    instance: Task,
    answer: KeyedAnswer,
    /// What lines of the trail tell of.
    events: Vec<Envelope>,
}

impl InPlace {
    pub(super) fn of(version: i64) -> Self {
        let user_id = UserId::generate();
        let task = Task {
            description: Some("Österreich, it's".to_owned()),
            status: TaskStatus::Completed,
            version: 7,
            completed_at: Some(sample::now()),
            ..sample::task(user_id, "ÄRGER im Büro")
        };
        let labels =
            [LabelKind::Tag, LabelKind::Category].map(|kind| sample::label(user_id, kind, "Größe"));
        let series = sample::series(user_id, Mode::OnSchedule);
        let instance = Task {
            priority: Priority::Urgent,
            category_id: Some(labels[1].id),
            tags: vec![labels[0].id],
            ..sample::instance(&series, 1)
        };
        let keyed = sample::keyed(sample::creation(&instance), "k");
        let mut events = vec![sample::event(None, Some(&task))];
        if version >= ENTITIES_IN_THE_TRAIL {
            events.extend(
                labels
                    .iter()
                    .map(|label| sample::label_event(None, Some(label))),
            );
            events.extend(sample::series_creation(&series).events);
            events.push(sample::event(Some(&task), None));
        }
        Self {
            version,
            task,
            labels,
            series,
            instance,
            answer: keyed.answer.expect("an answer"),
            events,
        }
    }

    pub(super) async fn write(&self, raw: &mut PgConnection) {
        insert_task(raw, &self.task).await;
        let event = sample::event(None, Some(&self.task));
        let envelope = serde_json::to_string(&event).expect("encode");
        let row = json!({
            "event_id": event.id, "topic": "task-events", "task_id": self.task.id,
            "task_version": 7, "shard": 0, "envelope": envelope,
        });
        insert(raw, "outbox", &row).await;
        if self.version >= TRAIL {
            self.write_trail(raw).await;
        }
        if self.version >= DETAILS {
            self.write_details(raw).await;
        }
        if self.version >= STATE {
            let row = json!({
                "owner": "recurring", "key": "k", "value": "\\x6b657074",
                "etag": event.id, "expires_at": "2999-01-01T00:00:00Z",
            });
            insert(raw, "state_entries", &row).await;
        }
    }

    async fn write_trail(&self, raw: &mut PgConnection) {
        for (event, seq) in self.events.iter().zip(1..) {
            let inbox = json!({
                "consumer": "audit", "source": event.source, "event_id": event.id,
                "handled_failures": 2, "done_at": event.time,
            });
            insert(raw, "inbox", &inbox).await;
            let line = Audited::of(event).expect("a change of an entity");
            let mut row = json!({
                "seq": seq, "event_id": event.id, "task_id": line.entity_id,
                "user_id": line.user_id, "action": line.action, "task_version": line.version,
                "old": line.old, "new": line.new, "occurred_at": event.time,
                "recorded_at": event.time, "envelope": event,
            });
            if self.version >= ENTITIES_IN_THE_TRAIL {
                row["entity"] = json!(line.entity);
                let told = json!({
                    "seq": seq, "event_id": event.id, "topic": "audit-logs",
                    "entity_id": line.entity_id, "shard": 0, "attempts": 1,
                });
                insert(raw, "audit_outbox", &told).await;
            }
            insert(raw, "audit_log", &row).await;
        }
    }

    async fn write_details(&self, raw: &mut PgConnection) {
        for label in &self.labels {
            let mut row = json!(label);
            row["name_key"] = json!("größe");
            insert(raw, "labels", &row).await;
        }
        let mut row = json!(self.series);
        row["start_local"] = field(&mut row, "start");
        row["mode"] = json!("on_schedule");
        insert(raw, "series", &row).await;
        let mut row = json!(self.instance);
        row["due_at"] = field(&mut row, "due_date");
        row["priority"] = json!(3);
        row["series_id"] = json!(self.series.id);
        row["occurrence"] = json!(1);
        insert(raw, "tasks", &row).await;
        let KeyedAnswer {
            key,
            fingerprint,
            answer,
        } = &self.answer;
        let row = json!({
            "user_id": self.task.user_id, "key": key, "fingerprint": fingerprint,
            "status": answer.status, "headers": answer.headers, "body": answer.body,
        });
        insert(raw, "keyed_answers", &row).await;
    }

    /// Everything is there for the adapters of today, in its place and to be found.
    pub(super) async fn check(&self, fresh: &Fresh) {
        let (store, task) = (fresh.store(), &self.task);
        let found = store.find(task.user_id, task.id).await.expect("find");
        assert_eq!(found.as_ref(), Some(task));
        for word in ["ärg", "büro", "ÖSTERREICH", "it s"] {
            assert_eq!(self.search(fresh, word).await, [task.id], "{word}");
        }
        let unsent = unsent(&fresh.outbox()).await;
        let subjects: Vec<_> = unsent.iter().map(|event| event.subject).collect();
        assert_eq!(subjects, [task.id.into()]);
        if self.version >= TRAIL {
            self.check_trail(fresh).await;
        }
        if self.version >= DETAILS {
            self.check_details(fresh).await;
        }
        if self.version >= STATE {
            let state = PostgresStateStore::new(fresh.database.clone(), "recurring");
            let kept = state.get(&Key::new("k").expect("a key")).await;
            let value = kept.expect("get").map(|kept| kept.value);
            assert_eq!(value.as_deref(), Some(&b"kept"[..]));
        }
    }

    async fn check_trail(&self, fresh: &Fresh) {
        let topic = TopicName::new("", Topic::AuditLogs);
        let log = PostgresAuditLog::new(fresh.database.clone(), "audit", topic);
        let lines = log.query(&every(self.task.user_id)).await.expect("query");
        assert_eq!(lines.len(), self.events.len());
        for (line, event) in lines.iter().zip(&self.events) {
            let told = Audited::of(event).expect("a change of an entity");
            assert_eq!((line.event_id, line.entity), (event.id, told.entity));
            assert_eq!(
                (line.entity_id, line.version),
                (told.entity_id, told.version)
            );
            assert_eq!(json!([line.old, line.new]), json!([told.old, told.new]));
            assert_eq!(
                (line.action.as_str(), line.occurred_at),
                (told.action, event.time)
            );
        }
        // What was recorded before lines were published is not published.
        let mut expected = BTreeSet::new();
        if self.version >= ENTITIES_IN_THE_TRAIL {
            // Of an entity one is under way at a time: the task's deletion waits for its creation.
            expected.extend(self.events.iter().map(|event| event.subject));
        }
        let unsent = unsent(&PostgresOutbox::of_audit(fresh.database.clone())).await;
        assert_eq!(unsent.len(), expected.len());
        let subjects: BTreeSet<_> = unsent.iter().map(|event| event.subject).collect();
        assert_eq!(subjects, expected);
    }

    async fn check_details(&self, fresh: &Fresh) {
        let (store, user_id) = (fresh.store(), self.task.user_id);
        for label in &self.labels {
            let found = store.find_label(user_id, label.kind, label.id).await;
            assert_eq!(found.expect("find a label").as_ref(), Some(label));
            let having = store.tasks_with(user_id, label.kind, label.id, 10).await;
            let having = having.expect("tasks");
            assert_eq!(having, std::slice::from_ref(&self.instance));
        }
        let found = store.find_series(self.series.id).await.expect("series");
        assert_eq!(found.as_ref(), Some(&self.series));
        let latest = store.latest_instance(self.series.id).await;
        assert_eq!(latest.expect("instance").as_ref(), Some(&self.instance));
        assert_eq!(self.search(fresh, "rent").await, [self.instance.id]);
        let answer = store.answer(user_id, "k").await.expect("answer");
        assert_eq!(answer.as_ref(), Some(&self.answer));
    }

    async fn search(&self, fresh: &Fresh, text: &str) -> Vec<gauntlet_contract::TaskId> {
        let filter = TaskFilter {
            text: words(text).collect(),
            ..TaskFilter::default()
        };
        let found = list(fresh, self.task.user_id, filter, SortKey::CreatedAt).await;
        found.into_iter().map(|task| task.id).collect()
    }
}

/// Every row, as text with the name of its table; but for leases, which a look at an outbox changes.
pub(super) async fn rows(raw: &mut PgConnection) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        r"SELECT relname::text FROM pg_class
          WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
            AND relname NOT LIKE '\_sqlx%' AND relname NOT LIKE '%relay\_lease'
          ORDER BY relname",
    )
    .fetch_all(&mut *raw)
    .await
    .expect("tables");
    let mut rows = Vec::new();
    for table in tables {
        let every = format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} AS t ORDER BY 1");
        let of_table: Vec<String> = sqlx::query_scalar(AssertSqlSafe(every))
            .fetch_all(&mut *raw)
            .await
            .expect("rows");
        rows.extend(of_table);
    }
    rows
}

/// What could be published now.
async fn unsent(outbox: &PostgresOutbox) -> Vec<Envelope> {
    outbox.renew(Duration::from_mins(1)).await.expect("renew");
    let entries = outbox.unsent(100, &[]).await.expect("unsent");
    outbox.release().await.expect("release");
    entries.into_iter().map(|entry| entry.envelope).collect()
}

/// Takes a field out.
fn field(row: &mut Value, name: &str) -> Value {
    let fields = row.as_object_mut().expect("a row");
    fields.remove(name).expect("a field")
}

/// Inserts a row by the names of its columns; those that it does not name get their defaults.
async fn insert(raw: &mut PgConnection, table: &str, row: &Value) {
    let columns: Vec<_> = row.as_object().expect("a row").keys().cloned().collect();
    let columns = columns.join(", ");
    let insertion = format!(
        "INSERT INTO {table} ({columns}) \
         SELECT {columns} FROM jsonb_populate_record(NULL::{table}, $1::jsonb)"
    );
    sqlx::query(AssertSqlSafe(insertion))
        .bind(row.to_string())
        .execute(raw)
        .await
        .expect("insert a row");
}

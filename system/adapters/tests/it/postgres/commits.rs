//! Commits that meet: what only a server with several transactions under way can show.

use std::sync::Arc;
use std::time::Duration;

use gauntlet_adapters::postgres::PostgresStore;
use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{Label, LabelKind, Series, Task, UserId};
use gauntlet_harness::component::postgres::Postgres;
use gauntlet_ports::testsuite::storage::sample;
use gauntlet_ports::{
    AnswerStore as _, Commit, CommitStore as _, Committed, LabelStore as _, PortError,
    PortErrorKind, TaskStore as _,
};
use libtest_mimic::Trial;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::task::JoinHandle;

use super::fresh::Fresh;
use crate::components::Components;
use crate::trials::trials;

/// Far longer than a statement takes to come to a lock.
const BLOCKED_WITHIN: Duration = Duration::from_secs(10);

pub(super) fn trials(components: &Arc<Components>) -> Vec<Trial> {
    trials!(components, Components::postgres =>
        a_key_whose_commit_is_under_way_is_in_flight,
        a_key_that_was_taken_after_the_statement_began_is_taken,
        of_an_update_that_waited_for_its_repetition_the_key_is_told,
        a_label_that_goes_while_a_stale_change_waits_is_a_conflict,
        a_label_that_stays_lets_the_change_pass,
        two_that_change_the_same_tasks_in_opposite_orders_do_not_wait_in_a_circle,
        two_that_delete_what_the_other_names_do_not_wait_in_a_circle,
        two_that_change_a_task_and_its_series_do_not_wait_in_a_circle,
        a_name_that_is_waited_for_in_a_circle_is_tried_again,
        labels_that_swap_their_names_at_once_are_refused_and_not_failed,
        a_commit_that_gives_way_is_tried_again_a_few_times_and_leaves_its_events_once,
    )
}

/// A transaction of somebody else, which others can be made to wait for.
struct Blocker {
    connection: PgConnection,
    pid: i32,
    /// Sees who waits; the blocker's own connection must stay with its transaction.
    watch: PgConnection,
}

impl Blocker {
    async fn begin(fresh: &Fresh, statement: String) -> Self {
        let (mut connection, watch) = (fresh.raw().await, fresh.raw().await);
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let mut blocker = Self {
            connection,
            pid,
            watch,
        };
        blocker.run(format!("BEGIN; {statement}")).await;
        blocker
    }

    async fn run(&mut self, statements: String) {
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut self.connection)
            .await
            .unwrap();
    }

    /// Starts a commit and returns once it waits for this transaction.
    async fn blocks(&mut self, store: &PostgresStore, commit: &Commit) -> Waiting {
        let before = self.waiting().await;
        let (store, commit) = (store.clone(), commit.clone());
        let waiting = tokio::spawn(async move { store.commit(&commit).await });
        // Each question is a round trip, so this does not spin.
        let is_blocked = async { while self.waiting().await == before {} };
        tokio::time::timeout(BLOCKED_WITHIN, is_blocked)
            .await
            .expect("the commit came to no lock");
        waiting
    }

    /// How many wait for this transaction, or for one that does.
    async fn waiting(&mut self) -> i64 {
        let asked = "WITH RECURSIVE waiting AS (
                         SELECT $1 AS pid
                         UNION
                         SELECT other.pid FROM pg_stat_activity AS other
                         JOIN waiting ON waiting.pid = ANY (pg_blocking_pids(other.pid)))
                     SELECT count(*) - 1 FROM waiting";
        let asked = sqlx::query_scalar(asked).bind(self.pid);
        asked.fetch_one(&mut self.watch).await.unwrap()
    }
}

type Waiting = JoinHandle<Result<Committed, PortError>>;

async fn outcome(waiting: Waiting) -> Result<Committed, PortErrorKind> {
    waiting.await.unwrap().map_err(|error| error.kind)
}

async fn done(store: &PostgresStore, commit: &Commit) {
    assert_eq!(store.commit(commit).await.unwrap(), Committed::Done);
}

async fn tagged(store: &PostgresStore) -> (Label, Task) {
    let label = sample::label(UserId::generate(), LabelKind::Tag, "tag");
    done(store, &sample::label_creation(&label)).await;
    let mut task = sample::task(label.user_id, "tagged");
    task.tags = vec![label.id];
    (label, task)
}

async fn a_key_whose_commit_is_under_way_is_in_flight(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let store = fresh.store();
    let (label, task) = tagged(&store).await;
    let lock = format!("SELECT FROM labels WHERE id = '{}' FOR UPDATE", label.id);
    let first = sample::keyed(sample::creation(&task), "k");
    let other = || sample::creation(&sample::task(task.user_id, "the same request"));
    let one = sample::keyed(other(), "k");
    let many = sample::keyed(sample::together([other(), other()]), "k");
    let stranger = sample::creation(&sample::task(UserId::generate(), "the same key"));

    let mut blocker = Blocker::begin(&fresh, lock).await;
    let waiting = blocker.blocks(&store, &first).await;
    for repetition in [&one, &many] {
        let told = store.commit(repetition).await.expect("commit");
        assert_eq!(told, Committed::KeyInFlight);
    }
    done(&store, &sample::keyed(stranger, "k")).await;
    blocker.run("ROLLBACK".to_owned()).await;
    assert_eq!(outcome(waiting).await, Ok(Committed::Done));
    for repetition in [&one, &many] {
        let told = store.commit(repetition).await.expect("commit");
        assert_eq!(told, Committed::KeyTaken);
    }
}

/// The statement looked for the answer in a snapshot that did not have it.
async fn a_key_that_was_taken_after_the_statement_began_is_taken(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let store = fresh.store();
    let task = sample::task(UserId::generate(), "must not be written");
    let taken = format!(
        "INSERT INTO keyed_answers VALUES ('{}', 'k', 'f', 201, '[]', 'first')",
        task.user_id
    );
    let mut blocker = Blocker::begin(&fresh, taken).await;
    let commit = sample::keyed(sample::creation(&task), "k");
    let waiting = blocker.blocks(&store, &commit).await;
    blocker.run("COMMIT".to_owned()).await;
    assert_eq!(outcome(waiting).await, Ok(Committed::KeyTaken));
    assert_eq!(store.find(task.user_id, task.id).await.expect("find"), None);
    let kept = store.answer(task.user_id, "k").await.expect("answer");
    assert_eq!(kept.map(|kept| kept.answer.body).as_deref(), Some("first"));
}

/// Its row has changed and its key is taken, both by the same request when it came first. A conflict
/// would make a failed precondition out of a success.
async fn of_an_update_that_waited_for_its_repetition_the_key_is_told(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let store = fresh.store();
    let task = sample::task(UserId::generate(), "renamed twice");
    done(&store, &sample::creation(&task)).await;
    let first = format!(
        "UPDATE tasks SET version = 2 WHERE id = '{}'; \
         INSERT INTO keyed_answers VALUES ('{}', 'k', 'f', 200, '[]', 'first')",
        task.id, task.user_id
    );
    let mut blocker = Blocker::begin(&fresh, first).await;
    let renaming = sample::update(&task, &sample::renamed(&task, "again"));
    let waiting = blocker.blocks(&store, &sample::keyed(renaming, "k")).await;
    blocker.run("COMMIT".to_owned()).await;
    assert_eq!(outcome(waiting).await, Ok(Committed::KeyTaken));
}

/// The label was taken off the task, and deleted, while a change that was decided before waited for it.
async fn a_label_that_goes_while_a_stale_change_waits_is_a_conflict(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let store = fresh.store();
    let (label, task) = tagged(&store).await;
    done(&store, &sample::creation(&task)).await;
    let lock = format!("SELECT FROM labels WHERE id = '{}' FOR UPDATE", label.id);
    let mut blocker = Blocker::begin(&fresh, lock).await;
    let renaming = sample::update(&task, &sample::renamed(&task, "renamed"));
    let waiting = blocker.blocks(&store, &renaming).await;
    let (task_id, label_id) = (task.id, label.id);
    blocker
        .run(format!(
            "UPDATE tasks SET version = 2, tags = '{{}}' WHERE id = '{task_id}'; \
             DELETE FROM labels WHERE id = '{label_id}'; COMMIT"
        ))
        .await;
    assert_eq!(outcome(waiting).await, Err(PortErrorKind::Conflict));

    // Had the task not changed, the label would be what is wrong.
    let (label, task) = tagged(&store).await;
    let lock = format!("DELETE FROM labels WHERE id = '{}'", label.id);
    let mut blocker = Blocker::begin(&fresh, lock).await;
    let waiting = blocker.blocks(&store, &sample::creation(&task)).await;
    blocker.run("COMMIT".to_owned()).await;
    assert_eq!(outcome(waiting).await, Ok(Committed::LabelMissing));
}

async fn a_label_that_stays_lets_the_change_pass(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let store = fresh.store();
    let (label, task) = tagged(&store).await;
    let lock = format!("DELETE FROM labels WHERE id = '{}'", label.id);
    let mut blocker = Blocker::begin(&fresh, lock).await;
    let waiting = blocker.blocks(&store, &sample::creation(&task)).await;
    blocker.run("ROLLBACK".to_owned()).await;
    assert_eq!(outcome(waiting).await, Ok(Committed::Done));
    let users = store
        .tasks_with(label.user_id, label.kind, label.id, 10)
        .await;
    assert_eq!(users.expect("tasks"), [task]);
}

/// Tasks of one user in the order of their ids.
async fn three_tasks(store: &PostgresStore) -> [Task; 3] {
    let user_id = UserId::generate();
    let tasks = [1, 2, 3].map(|_| sample::task(user_id, "contested"));
    for task in &tasks {
        done(store, &sample::creation(task)).await;
    }
    tasks
}

/// As when two labels are deleted at once that are on the same tasks. Whoever has the first task must never
/// need one that somebody has who needs the first: the server would end one of the two after a second.
async fn two_that_change_the_same_tasks_in_opposite_orders_do_not_wait_in_a_circle(
    server: Postgres,
) {
    let fresh = Fresh::on(&server).await;
    let store = fresh.store();
    let tasks = three_tasks(&store).await;
    let renaming = |task: &Task| sample::update(task, &sample::renamed(task, "renamed"));
    let forward = sample::together(tasks.iter().map(renaming));
    let backward = sample::together(tasks.iter().rev().map(|task| {
        if task.id == tasks[1].id {
            sample::deletion(task)
        } else {
            renaming(task)
        }
    }));
    let lock = format!("SELECT FROM tasks WHERE id = '{}' FOR UPDATE", tasks[1].id);
    let mut blocker = Blocker::begin(&fresh, lock).await;
    let one = blocker.blocks(&store, &forward).await;
    let other = blocker.blocks(&store, &backward).await;
    blocker.run("ROLLBACK".to_owned()).await;
    assert_eq!(outcome(one).await, Ok(Committed::Done));
    assert_eq!(outcome(other).await, Err(PortErrorKind::Conflict));
}

async fn two_that_delete_what_the_other_names_do_not_wait_in_a_circle(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let store = fresh.store();
    let user_id = UserId::generate();
    let labels =
        ["first", "second", "third"].map(|name| sample::label(user_id, LabelKind::Tag, name));
    for label in &labels {
        done(&store, &sample::label_creation(label)).await;
    }
    let [first, second, third] = &labels;
    let naming = |tags: [&Label; 2]| {
        let task = Task {
            tags: tags.map(|label| label.id).to_vec(),
            ..sample::task(user_id, "names them")
        };
        sample::creation(&task)
    };
    let one = [sample::label_deletion(first), naming([second, third])];
    let other = [sample::label_deletion(third), naming([first, second])];
    let lock = format!("SELECT FROM labels WHERE id = '{}' FOR UPDATE", second.id);
    let mut blocker = Blocker::begin(&fresh, lock).await;
    let one = blocker.blocks(&store, &sample::together(one)).await;
    let other = blocker.blocks(&store, &sample::together(other)).await;
    blocker.run("ROLLBACK".to_owned()).await;
    assert_eq!(outcome(one).await, Ok(Committed::Done));
    assert_eq!(outcome(other).await, Ok(Committed::LabelMissing));
}

async fn two_that_change_a_task_and_its_series_do_not_wait_in_a_circle(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let store = fresh.store();
    let series = sample::series(UserId::generate(), Mode::OnCompletion);
    let task = sample::instance(&series, 1);
    let beside = sample::task(series.user_id, "beside");
    let beginning = [
        sample::series_creation(&series),
        sample::creation(&task),
        sample::creation(&beside),
    ];
    done(&store, &sample::together(beginning)).await;
    let ended = Series {
        ended_at: Some(series.updated_at),
        version: 2,
        ..series.clone()
    };
    let of = |task: &Task| sample::update(task, &sample::renamed(task, "renamed"));
    let of_series = || sample::series_update(&series, &ended);
    let lock = format!("SELECT FROM tasks WHERE id = '{}' FOR UPDATE", beside.id);
    let mut blocker = Blocker::begin(&fresh, lock).await;
    let one = sample::together([of_series(), of(&beside), of(&task)]);
    let one = blocker.blocks(&store, &one).await;
    let other = sample::together([of(&task), of_series()]);
    let other = blocker.blocks(&store, &other).await;
    blocker.run("ROLLBACK".to_owned()).await;
    assert_eq!(outcome(one).await, Ok(Committed::Done));
    assert_eq!(outcome(other).await, Err(PortErrorKind::Conflict));
}

/// Labels of one user.
async fn two_labels(store: &PostgresStore) -> [Label; 2] {
    let user_id = UserId::generate();
    let labels = ["first", "second"].map(|name| sample::label(user_id, LabelKind::Tag, name));
    for label in &labels {
        done(store, &sample::label_creation(label)).await;
    }
    labels
}

fn renaming(label: &Label, name: &str) -> Commit {
    let mut new = label.clone();
    name.clone_into(&mut new.name);
    new.version += 1;
    sample::label_update(label, &new)
}

/// The commit has the first label and waits for the name of the second; whoever has that one wants the first.
/// The server ends the commit, which looks for a circle after a second, and would let the other look much later.
async fn a_name_that_is_waited_for_in_a_circle_is_tried_again(server: Postgres) {
    let fresh = Fresh::on(&server).await;
    let store = fresh.store();
    let [first, second] = two_labels(&store).await;
    let other_half = format!(
        "SET LOCAL deadlock_timeout = '1min'; \
         UPDATE labels SET name = 'x', name_key = 'x', version = 2 WHERE id = '{}'",
        second.id
    );
    let mut blocker = Blocker::begin(&fresh, other_half).await;
    let waiting = blocker.blocks(&store, &renaming(&first, "second")).await;
    let circle = format!("SELECT FROM labels WHERE id = '{}' FOR UPDATE", first.id);
    blocker.run(circle).await;
    blocker.run("COMMIT".to_owned()).await;
    assert_eq!(outcome(waiting).await, Ok(Committed::Done));
    let found = store.find_label(first.user_id, first.kind, first.id).await;
    assert_eq!(
        found.expect("find").map(|label| label.name).as_deref(),
        Some("second")
    );
}

/// Many at once, so that some of the pairs do meet in the middle.
async fn labels_that_swap_their_names_at_once_are_refused_and_not_failed(server: Postgres) {
    const PAIRS: usize = 40;
    let fresh = Fresh::relaxed_on(&server).await;
    let store = fresh.store();
    for _ in 0..PAIRS {
        let [first, second] = two_labels(&store).await;
        let (one, other) = (renaming(&first, "second"), renaming(&second, "first"));
        let (one, other) = tokio::join!(store.commit(&one), store.commit(&other));
        for told in [one, other] {
            assert_eq!(told.expect("commit"), Committed::NameTaken);
        }
    }
}

/// The numbers of a sequence are never taken back, so they count attempts that are.
const GIVE_WAY: &str = "
    CREATE SEQUENCE attempts;
    CREATE FUNCTION give_way() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('attempts') <= TG_ARGV[0]::bigint THEN
            RAISE EXCEPTION 'planted' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN NULL;
    END
    $$;";

async fn a_commit_that_gives_way_is_tried_again_a_few_times_and_leaves_its_events_once(
    server: Postgres,
) {
    let fresh = Fresh::on(&server).await;
    let (store, mut raw) = (fresh.store(), fresh.raw().await);
    sqlx::raw_sql(GIVE_WAY).execute(&mut raw).await.unwrap();
    let user_id = UserId::generate();
    let one = || sample::creation(&sample::task(user_id, "contested"));
    let many = || sample::together([one(), one()]);
    // Behind the outbox's row, so that there is something to take back.
    for (commit, failures, expected, attempts) in [
        (one(), 2, Ok(Committed::Done), 3),
        (one(), 9, Err(PortErrorKind::Unavailable), 3),
        (many(), 2, Ok(Committed::Done), 3),
        (many(), 9, Err(PortErrorKind::Unavailable), 3),
    ] {
        let planted = format!(
            "TRUNCATE outbox; ALTER SEQUENCE attempts RESTART; \
             CREATE OR REPLACE TRIGGER give_way AFTER INSERT ON outbox \
             FOR EACH STATEMENT EXECUTE FUNCTION give_way({failures})"
        );
        sqlx::raw_sql(AssertSqlSafe(planted))
            .execute(&mut raw)
            .await
            .unwrap();
        let told = store.commit(&commit).await.map_err(|error| error.kind);
        assert_eq!(told, expected);
        let (made, events): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT last_value FROM attempts), (SELECT count(*) FROM outbox)",
        )
        .fetch_one(&mut raw)
        .await
        .unwrap();
        assert_eq!(made, attempts);
        let left = if expected.is_ok() {
            commit.events.len()
        } else {
            0
        };
        assert_eq!(usize::try_from(events), Ok(left));
    }
}

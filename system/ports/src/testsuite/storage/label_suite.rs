use futures::join;
use gauntlet_contract::{Label, LabelKind, Task, UserId};

use super::check::{depth, done, find, refused, somebody, told};
use super::sample;
use super::stores::Stores;
use crate::error::PortErrorKind;
use crate::storage::{Committed, LabelQuery, OutboxQueue};

/// How often two commits race for a label. Either may win; none may leave a task with a label that is gone.
const RACES: usize = 20;

/// Runs every case of tags and categories, and of the tasks that have them.
pub async fn label_suite(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    a_label_comes_back_and_is_its_owners_alone(store).await;
    names_differ_in_more_than_case_among_a_users_labels_of_a_kind(store, outbox).await;
    a_label_at_another_version_is_a_conflict(store).await;
    pages_run_by_name(store).await;
    a_task_names_only_labels_that_its_user_has(store, outbox).await;
    a_conflict_is_told_before_a_missing_label(store).await;
    a_label_on_a_task_is_not_deleted(store, outbox).await;
    a_label_leaves_its_tasks_and_goes_in_one_commit(store).await;
    a_deletion_and_a_task_that_names_the_label_cannot_both_win(store).await;
}

async fn a_label_comes_back_and_is_its_owners_alone(store: &dyn Stores) {
    let label = Label {
        color: "#00ff7f".to_owned(),
        ..sample::label(somebody(), LabelKind::Tag, "Größe: \"XL\" 🦀")
    };
    done(store, &sample::label_creation(&label)).await;
    assert_eq!(find_label(store, &label).await.as_ref(), Some(&label));
    let other_kind = Label {
        kind: LabelKind::Category,
        ..label.clone()
    };
    assert_eq!(find_label(store, &other_kind).await, None);
    let strangers = Label {
        user_id: somebody(),
        ..label.clone()
    };
    assert_eq!(find_label(store, &strangers).await, None);
    let theft = sample::label_update(&strangers, &sample::relabelled(&strangers, "stolen"));
    refused(store, &theft, PortErrorKind::Conflict).await;
    refused(
        store,
        &sample::label_deletion(&strangers),
        PortErrorKind::Conflict,
    )
    .await;
    refused(
        store,
        &sample::label_deletion(&other_kind),
        PortErrorKind::Conflict,
    )
    .await;

    let mut renamed = sample::relabelled(&label, "size");
    "#123456".clone_into(&mut renamed.color);
    done(store, &sample::label_update(&label, &renamed)).await;
    assert_eq!(find_label(store, &label).await.as_ref(), Some(&renamed));
    done(store, &sample::label_deletion(&renamed)).await;
    assert_eq!(find_label(store, &label).await, None);
}

async fn names_differ_in_more_than_case_among_a_users_labels_of_a_kind(
    store: &dyn Stores,
    outbox: &dyn OutboxQueue,
) {
    let user_id = somebody();
    let first = sample::label(user_id, LabelKind::Tag, "Ärger");
    done(store, &sample::label_creation(&first)).await;
    let before = depth(outbox).await;
    let double = sample::label(user_id, LabelKind::Tag, "ÄRGER");
    told(
        store,
        &sample::label_creation(&double),
        Committed::NameTaken,
    )
    .await;
    assert_eq!(find_label(store, &double).await, None);
    assert_eq!(depth(outbox).await, before);

    // Its own name in another case is not taken, nor that of another kind or user.
    let louder = sample::relabelled(&first, "ÄRGER");
    done(store, &sample::label_update(&first, &louder)).await;
    let of_other_kind = sample::label(user_id, LabelKind::Category, "ärger");
    done(store, &sample::label_creation(&of_other_kind)).await;
    let of_other_user = sample::label(somebody(), LabelKind::Tag, "ärger");
    done(store, &sample::label_creation(&of_other_user)).await;

    let second = sample::label(user_id, LabelKind::Tag, "calm");
    done(store, &sample::label_creation(&second)).await;
    let clash = sample::label_update(&second, &sample::relabelled(&second, "ärger"));
    told(store, &clash, Committed::NameTaken).await;
    assert_eq!(find_label(store, &second).await, Some(second));

    // A name is free again with the deletion of its label, also within one commit.
    let heir = sample::label(user_id, LabelKind::Tag, "ärger");
    let swap = [
        sample::label_deletion(&louder),
        sample::label_creation(&heir),
    ];
    done(store, &sample::together(swap)).await;
    assert_eq!(find_label(store, &heir).await, Some(heir));
}

async fn a_label_at_another_version_is_a_conflict(store: &dyn Stores) {
    let label = sample::label(somebody(), LabelKind::Category, "first");
    let second = sample::relabelled(&label, "second");
    done(store, &sample::label_creation(&label)).await;
    done(store, &sample::label_update(&label, &second)).await;
    let absent = sample::label(label.user_id, LabelKind::Category, "absent");
    for stale in [
        sample::label_creation(&Label {
            name: "same id".to_owned(),
            ..label.clone()
        }),
        sample::label_update(&label, &sample::relabelled(&label, "late")),
        sample::label_deletion(&label),
        sample::label_update(&absent, &sample::relabelled(&absent, "nowhere")),
        sample::label_deletion(&absent),
    ] {
        refused(store, &stale, PortErrorKind::Conflict).await;
    }
    assert_eq!(find_label(store, &label).await, Some(second));
}

/// By the bytes of the lower-case name, whatever the locale of the store.
async fn pages_run_by_name(store: &dyn Stores) {
    let user_id = somebody();
    for name in ["b", "Ä", "a", "Z", "🦀", "éclair", "B2", "10", "9"] {
        let label = sample::label(user_id, LabelKind::Tag, name);
        done(store, &sample::label_creation(&label)).await;
    }
    let other_kind = sample::label(user_id, LabelKind::Category, "not a tag");
    done(store, &sample::label_creation(&other_kind)).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let query = LabelQuery {
            user_id,
            kind: LabelKind::Tag,
            after: after.take(),
            limit: 2,
        };
        let page = store.labels(&query).await.expect("labels");
        let Some(last) = page.last() else { break };
        after = Some(crate::storage::title_key(&last.name));
        seen.extend(page.into_iter().map(|label| label.name));
    }
    assert_eq!(seen, ["10", "9", "a", "b", "B2", "Z", "Ä", "éclair", "🦀"]);
}

async fn a_task_names_only_labels_that_its_user_has(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    let user_id = somebody();
    let (tag, home) = labels(store, user_id).await;
    let strangers = sample::label(somebody(), LabelKind::Tag, "not mine");
    done(store, &sample::label_creation(&strangers)).await;
    let before = depth(outbox).await;
    let unknown = sample::label(user_id, LabelKind::Tag, "never committed");
    let mut both = vec![tag.id, unknown.id];
    both.sort();
    let task = sample::task(user_id, "labelled");
    let with_tags = |tags| Task {
        tags,
        ..task.clone()
    };
    let of_category = |category| Task {
        category_id: Some(category),
        ..task.clone()
    };
    for wrong in [
        with_tags(vec![strangers.id]),
        with_tags(vec![unknown.id]),
        with_tags(both),
        // Of the wrong kind.
        with_tags(vec![home.id]),
        of_category(tag.id),
        of_category(unknown.id),
    ] {
        told(store, &sample::creation(&wrong), Committed::LabelMissing).await;
        let second = sample::task(user_id, "with another row");
        let several = sample::together([sample::creation(&second), sample::creation(&wrong)]);
        told(store, &several, Committed::LabelMissing).await;
        assert_eq!(find(store, &second).await, None);
    }
    assert_eq!(find(store, &task).await, None);
    assert_eq!(depth(outbox).await, before);

    done(store, &sample::creation(&task)).await;
    let mut labelled = sample::renamed(&task, "labelled later");
    labelled.tags = vec![unknown.id];
    told(
        store,
        &sample::update(&task, &labelled),
        Committed::LabelMissing,
    )
    .await;
    labelled.tags = vec![tag.id];
    labelled.category_id = Some(home.id);
    done(store, &sample::update(&task, &labelled)).await;
    assert_eq!(find(store, &task).await, Some(labelled));
}

/// A client that renames a task names no label. Were the label that somebody else took off meanwhile
/// told first, it would hear of a label instead of being decided anew.
async fn a_conflict_is_told_before_a_missing_label(store: &dyn Stores) {
    let user_id = somebody();
    let (tag, _) = labels(store, user_id).await;
    let mut task = sample::task(user_id, "tagged");
    task.tags = vec![tag.id];
    done(store, &sample::creation(&task)).await;
    let mut bare = sample::renamed(&task, "tagged");
    bare.tags.clear();
    let removal = [sample::update(&task, &bare), sample::label_deletion(&tag)];
    done(store, &sample::together(removal)).await;

    let late = sample::update(&task, &sample::renamed(&task, "renamed"));
    refused(store, &late, PortErrorKind::Conflict).await;
    let other = sample::task(user_id, "another row");
    let several = sample::together([sample::creation(&other), late]);
    refused(store, &several, PortErrorKind::Conflict).await;
}

async fn a_label_on_a_task_is_not_deleted(store: &dyn Stores, outbox: &dyn OutboxQueue) {
    let user_id = somebody();
    let (tag, home) = labels(store, user_id).await;
    let mut task = sample::task(user_id, "uses both");
    task.tags = vec![tag.id];
    task.category_id = Some(home.id);
    done(store, &sample::creation(&task)).await;
    let before = depth(outbox).await;
    for label in [&tag, &home] {
        told(store, &sample::label_deletion(label), Committed::LabelInUse).await;
        assert_eq!(find_label(store, label).await.as_ref(), Some(label));
        let users = store.tasks_with(user_id, label.kind, label.id, 10).await;
        assert_eq!(users.expect("tasks"), std::slice::from_ref(&task));
        let strangers = store.tasks_with(somebody(), label.kind, label.id, 10).await;
        assert_eq!(strangers.expect("tasks"), []);
    }
    assert_eq!(depth(outbox).await, before);

    // Nor is one that the same commit puts on a task.
    let fresh = sample::label(user_id, LabelKind::Tag, "fresh");
    done(store, &sample::label_creation(&fresh)).await;
    let mut other = sample::task(user_id, "uses it from now on");
    other.tags = vec![fresh.id];
    let both = [sample::label_deletion(&fresh), sample::creation(&other)];
    told(store, &sample::together(both), Committed::LabelInUse).await;
    assert_eq!(find(store, &other).await, None);
}

async fn a_label_leaves_its_tasks_and_goes_in_one_commit(store: &dyn Stores) {
    let user_id = somebody();
    let (tag, _) = labels(store, user_id).await;
    let mut commits = Vec::new();
    let mut tasks: Vec<_> = (0..3)
        .map(|number| sample::task(user_id, &format!("task {number}")))
        .collect();
    let in_order: Vec<_> = tasks.iter().map(|task| task.id).collect();
    // Not in the order of their creation, which is the one that a table without an order tends to have.
    tasks.swap(0, 2);
    for mut task in tasks {
        task.tags = vec![tag.id];
        done(store, &sample::creation(&task)).await;
        let mut bare = sample::renamed(&task, &task.title);
        bare.tags.clear();
        commits.push(sample::update(&task, &bare));
    }
    let some = store.tasks_with(user_id, tag.kind, tag.id, 2).await;
    assert_eq!(some.expect("tasks").len(), 2);
    let all = store.tasks_with(user_id, tag.kind, tag.id, 10).await;
    let ids: Vec<_> = all.expect("tasks").iter().map(|task| task.id).collect();
    assert_eq!(ids, in_order);
    commits.push(sample::label_deletion(&tag));
    done(store, &sample::together(commits)).await;
    assert_eq!(find_label(store, &tag).await, None);
    let left = store.tasks_with(user_id, tag.kind, tag.id, 10).await;
    assert_eq!(left.expect("tasks"), []);
}

async fn a_deletion_and_a_task_that_names_the_label_cannot_both_win(store: &dyn Stores) {
    let user_id = somebody();
    for race in 0..RACES {
        let kind = LabelKind::ALL[race % 2];
        let label = sample::label(user_id, kind, &format!("contested {race}"));
        done(store, &sample::label_creation(&label)).await;
        let mut task = sample::task(user_id, "names it");
        match kind {
            LabelKind::Tag => task.tags = vec![label.id],
            LabelKind::Category => task.category_id = Some(label.id),
        }
        let (creation, deletion) = (sample::creation(&task), sample::label_deletion(&label));
        let (named, deleted) = join!(store.commit(&creation), store.commit(&deletion));
        let outcome = (named.expect("commit"), deleted.expect("commit"));
        let is_there = find_label(store, &label).await.is_some();
        match outcome {
            (Committed::Done, Committed::LabelInUse) => assert!(is_there),
            (Committed::LabelMissing, Committed::Done) => assert!(!is_there),
            other => panic!("{other:?}"),
        }
    }
}

/// A tag and a category.
async fn labels(store: &dyn Stores, user_id: UserId) -> (Label, Label) {
    let tag = sample::label(user_id, LabelKind::Tag, "tag");
    let category = sample::label(user_id, LabelKind::Category, "category");
    done(store, &sample::label_creation(&tag)).await;
    done(store, &sample::label_creation(&category)).await;
    (tag, category)
}

async fn find_label(store: &dyn Stores, label: &Label) -> Option<Label> {
    let found = store.find_label(label.user_id, label.kind, label.id).await;
    found.expect("find a label")
}

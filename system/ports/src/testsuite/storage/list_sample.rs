//! Tasks to list: many, with equal keys, and with every field that a list filters or sorts by.

use gauntlet_contract::recurrence::Mode;
use gauntlet_contract::{Label, LabelId, LabelKind, Priority, Series, Task, TaskStatus, UserId};
use jiff::{Timestamp, ToSpan};

use super::check::done;
use super::sample;
use super::stores::Stores;

/// How many tasks there are: divisible by no page size but 1 and 2.
pub(super) const TASKS: usize = 64;

/// Titles of which some differ in case alone, some not at all. Their order by bytes is no locale's.
const TITLES: [&str; 14] = [
    "Äpfel kaufen",
    "apfel",
    "Zebra",
    "zebra",
    "ZEBRA streicheln",
    "éclair",
    "Eclair",
    "🦀 crab",
    "straße fegen",
    "STRASSE",
    "a-b",
    "a b",
    "10 things",
    "9 things",
];

/// Descriptions share words with titles, so that what is found in the one is not found in the other.
const DESCRIPTIONS: [Option<&str>; 4] = [
    None,
    Some("Alpha, beta; gamma."),
    Some("beta-version of the zebra"),
    Some("nothing\nabout äpfel"),
];

/// A user's tasks and what they refer to.
pub(super) struct Listed {
    pub(super) user_id: UserId,
    pub(super) tags: Vec<LabelId>,
    pub(super) categories: Vec<LabelId>,
    pub(super) series: Series,
    pub(super) tasks: Vec<Task>,
}

/// When the first of the tasks was created; noon on the day before the first is due.
pub(super) fn origin() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

/// Fills the store with the tasks of a user, and with some of a stranger that are just like them.
pub(super) async fn fill(store: &dyn Stores) -> Listed {
    let listed = prepared(store, TASKS).await;
    prepared(store, 9).await;
    listed
}

async fn prepared(store: &dyn Stores, count: usize) -> Listed {
    let user_id = UserId::generate();
    let tags = labels(store, user_id, LabelKind::Tag, &["urgent", "home", "café"]).await;
    let categories = labels(store, user_id, LabelKind::Category, &["work", "garden"]).await;
    let series = sample::series(user_id, Mode::OnCompletion);
    done(store, &sample::series_creation(&series)).await;
    let mut listed = Listed {
        user_id,
        tags,
        categories,
        series,
        tasks: Vec::new(),
    };
    for number in 0..count {
        let task = listed.task(number);
        done(store, &sample::creation(&task)).await;
        listed.tasks.push(task);
    }
    listed
}

async fn labels(
    store: &dyn Stores,
    user_id: UserId,
    kind: LabelKind,
    names: &[&str],
) -> Vec<LabelId> {
    let labels: Vec<Label> = names
        .iter()
        .map(|name| sample::label(user_id, kind, name))
        .collect();
    for label in &labels {
        done(store, &sample::label_creation(label)).await;
    }
    labels.iter().map(|label| label.id).collect()
}

impl Listed {
    /// The task of this number. The periods of its fields have no common divisor, so that most
    /// combinations come up.
    fn task(&self, number: usize) -> Task {
        let hours = |hours: usize| i64::try_from(hours).expect("few").hours();
        let created_at = origin() + hours(number % 17);
        let due_date = (!number.is_multiple_of(4)).then(|| origin() + hours(24 + number * 5 % 11));
        let status = TaskStatus::ALL[number % 3];
        let is_instance = number.is_multiple_of(9);
        let occurrence = is_instance.then(|| sample::instance(&self.series, ordinal(number)));
        let mut tags: Vec<_> = (0..self.tags.len())
            .filter(|bit| number >> bit & 1 == 1)
            .map(|bit| self.tags[bit])
            .collect();
        tags.sort();
        Task {
            description: DESCRIPTIONS[number % DESCRIPTIONS.len()].map(str::to_owned),
            status,
            priority: Priority::ALL[number % 5 % 4],
            due_date,
            time_zone: due_date.map(|_| "Europe/Vienna".to_owned()),
            category_id: self.categories.get(number % 3).copied(),
            tags,
            occurrence: occurrence.and_then(|instance| instance.occurrence),
            created_at,
            updated_at: created_at + hours(number % 5),
            completed_at: (status == TaskStatus::Completed).then_some(created_at),
            ..sample::task(self.user_id, TITLES[number % TITLES.len()])
        }
    }
}

/// Numbers that are not in the order of creation.
fn ordinal(number: usize) -> u32 {
    u32::try_from(number * 5 % 64 + 1).expect("few")
}

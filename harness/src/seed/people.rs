use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use uuid::{Builder, Uuid};

use super::task::SeedTask;
use super::text::{description, title};
use super::vocabulary::THINGS;

/// How far back the first task lies.
const YEARS: SignedDuration = SignedDuration::from_hours(3 * 365 * 24);
/// What is younger is mostly still open.
const RECENT: SignedDuration = SignedDuration::from_hours(60 * 24);
const TAGS: usize = 20;
const CATEGORIES: usize = 6;
const TAGS_AT_MOST: usize = 3;
const ZONES: [&str; 4] = ["Europe/Berlin", "UTC", "America/New_York", "Asia/Kolkata"];
const COLORS: [&str; 4] = ["#d33682", "#268bd2", "#859900", "#b58900"];

/// Users with years of tasks. The same seed, moment and users give the same tasks.
#[derive(Clone, Debug)]
pub struct People {
    seed: u64,
    /// Nothing was made later.
    now: Timestamp,
    users: Vec<Uuid>,
    tasks_each: u32,
}

/// A tag or a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedLabel {
    pub id: Uuid,
    pub user_id: Uuid,
    /// `tag` or `category`.
    pub kind: &'static str,
    pub name: String,
    pub color: &'static str,
    pub created_at: Timestamp,
}

impl People {
    /// `now` is rounded down to a whole second.
    pub fn new(seed: u64, now: Timestamp, users: Vec<Uuid>, tasks_each: u32) -> Self {
        let to_second = TimestampRound::new()
            .smallest(Unit::Second)
            .mode(jiff::RoundMode::Floor);
        Self {
            seed,
            // Only the last second that there is could not be rounded.
            now: now.round(to_second).unwrap_or(now),
            users,
            tasks_each,
        }
    }

    /// The labels of all users, each user's tags first.
    pub fn labels(&self) -> Vec<SeedLabel> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let begun = self.now - YEARS;
        let mut labels = Vec::with_capacity(self.users.len() * (TAGS + CATEGORIES));
        for &user_id in &self.users {
            let kinds = [("tag", TAGS), ("category", CATEGORIES)];
            let names = kinds
                .into_iter()
                .flat_map(|(kind, count)| (0..count).map(move |number| (kind, number)));
            for (kind, number) in names {
                labels.push(SeedLabel {
                    id: id_of(begun, &mut rng),
                    user_id,
                    kind,
                    name: format!("{} {number}", THINGS[number]),
                    color: COLORS[number % COLORS.len()],
                    created_at: begun,
                });
            }
        }
        labels
    }

    /// The tasks of all users, in the order in which they were made: the users take turns, so that the rows
    /// of one lie as far apart as they come to lie in years.
    pub fn tasks(&self) -> impl Iterator<Item = SeedTask> {
        let labels = self.labels();
        let of_users: Vec<[Vec<Uuid>; 2]> = self
            .users
            .iter()
            .map(|user| {
                ["tag", "category"].map(|kind| {
                    let of_user = labels.iter();
                    let of_user =
                        of_user.filter(|label| label.user_id == *user && label.kind == kind);
                    of_user.map(|label| label.id).collect()
                })
            })
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(1));
        let users = self.users.len();
        let turns =
            (0..self.tasks_each).flat_map(move |number| (0..users).map(move |user| (number, user)));
        turns.map(move |(number, user)| {
            let [tags, categories] = &of_users[user];
            self.task(&mut rng, number, user, [tags, categories])
        })
    }

    fn task(
        &self,
        rng: &mut ChaCha8Rng,
        number: u32,
        user: usize,
        [tags, categories]: [&[Uuid]; 2],
    ) -> SeedTask {
        let created_at = self.created_at(rng, number);
        let zone = ZONES[user % ZONES.len()];
        let status = self.status(rng, created_at);
        let completed_at = (status == "completed").then(|| {
            let open_for = SignedDuration::from_mins(rng.random_range(1..30 * 24 * 60));
            (created_at + open_for).min(self.now)
        });
        let is_due = rng.random_range(0..10) < 6;
        let due_after = SignedDuration::from_hours(rng.random_range(1..60 * 24));
        SeedTask {
            id: id_of(created_at, rng),
            user_id: self.users[user],
            title: title(rng, number),
            description: description(rng),
            status,
            priority: [0, 0, 1, 1, 1, 1, 1, 2, 2, 3][rng.random_range(0..10)],
            due: is_due.then(|| (whole_hour(created_at + due_after), zone)),
            category_id: (rng.random_range(0..10) < 6).then(|| one_of(rng, categories)),
            tags: some_of(rng, tags),
            created_at,
            updated_at: completed_at.unwrap_or(created_at),
            completed_at,
        }
    }

    /// Evenly over the years, each somewhere in its own part of them.
    fn created_at(&self, rng: &mut ChaCha8Rng, number: u32) -> Timestamp {
        let part = YEARS.as_secs() * 1_000 / i64::from(self.tasks_each.max(1));
        let into = rng.random_range(0..part.max(1));
        let since = SignedDuration::from_millis(part * i64::from(number) + into);
        // The last of them was made an hour ago, so that none is of the load's time.
        self.now - YEARS - SignedDuration::from_hours(1) + since
    }

    /// Most of what is old is done, and most of what is new is not.
    fn status(&self, rng: &mut ChaCha8Rng, created_at: Timestamp) -> &'static str {
        let is_recent = self.now.duration_since(created_at) < RECENT;
        let done_of_hundred = if is_recent { 25 } else { 80 };
        match rng.random_range(0..100) {
            number if number < done_of_hundred => "completed",
            number if number % 5 == 0 => "in_progress",
            _ => "pending",
        }
    }
}

fn one_of(rng: &mut ChaCha8Rng, ids: &[Uuid]) -> Uuid {
    ids[rng.random_range(0..ids.len())]
}

/// None for half of the tasks; the first tags come more often than the last.
fn some_of(rng: &mut ChaCha8Rng, tags: &[Uuid]) -> Vec<Uuid> {
    let count = rng
        .random_range(0..=2 * TAGS_AT_MOST)
        .saturating_sub(TAGS_AT_MOST);
    let mut some: Vec<Uuid> = (0..count)
        .map(|_| {
            let last = rng.random_range(1..=tags.len());
            tags[rng.random_range(0..last)]
        })
        .collect();
    some.sort_unstable();
    some.dedup();
    some
}

/// Ids are time-ordered, as the service's are.
fn id_of(at: Timestamp, rng: &mut ChaCha8Rng) -> Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &rng.random()).into_uuid()
}

fn whole_hour(at: Timestamp) -> Timestamp {
    let to_hour = TimestampRound::new().smallest(Unit::Hour);
    at.round(to_hour).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn people(seed: u64) -> People {
        let now = "2026-03-04T05:06:07.891Z".parse().unwrap();
        let users = vec![Uuid::from_u128(1), Uuid::from_u128(2)];
        People::new(seed, now, users, 2_000)
    }

    fn share(tasks: &[SeedTask], is_one: impl Fn(&SeedTask) -> bool) -> usize {
        100 * tasks.iter().filter(|task| is_one(task)).count() / tasks.len()
    }

    #[test]
    fn a_seed_gives_the_same_tasks_and_another_one_others() {
        let tasks = |seed| people(seed).tasks().collect::<Vec<_>>();
        assert_eq!(tasks(1), tasks(1));
        assert_ne!(tasks(1), tasks(2));
    }

    #[test]
    fn tasks_are_such_as_the_service_would_store() {
        let people = people(1);
        let labels = people.labels();
        let tasks: Vec<_> = people.tasks().collect();
        assert_eq!(tasks.len(), 4_000);
        let ids: HashSet<Uuid> = tasks.iter().map(|task| task.id).collect();
        assert_eq!(ids.len(), tasks.len());
        for task in &tasks {
            assert!((1..=200).contains(&task.title.chars().count()));
            assert_eq!(task.status == "completed", task.completed_at.is_some());
            assert!(task.created_at <= task.updated_at && task.updated_at <= people.now);
            assert!(task.tags.is_sorted() && task.tags.len() <= TAGS_AT_MOST);
            let used = task.tags.iter().chain(&task.category_id);
            for id in used {
                let label = labels.iter().find(|label| label.id == *id);
                assert_eq!(label.map(|label| label.user_id), Some(task.user_id));
            }
        }
    }

    #[test]
    fn there_is_some_of_everything_that_a_list_can_ask_for() {
        let people = people(1);
        let tasks: Vec<_> = people.tasks().collect();
        assert!((60..90).contains(&share(&tasks, |task| task.status == "completed")));
        assert!((2..15).contains(&share(&tasks, |task| task.status == "in_progress")));
        assert!((50..70).contains(&share(&tasks, |task| task.due.is_some())));
        assert!((50..70).contains(&share(&tasks, |task| task.category_id.is_some())));
        assert!((30..60).contains(&share(&tasks, |task| !task.tags.is_empty())));
        assert!((20..40).contains(&share(&tasks, |task| task.description.is_some())));
        let ahead = |task: &&SeedTask| {
            let due = task.due.filter(|_| task.status != "completed");
            due.is_some_and(|(due, _)| due > people.now)
        };
        assert!(tasks.iter().filter(ahead).count() > 10);
    }
}

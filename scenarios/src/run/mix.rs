//! What a lane's people had before the load, and what the load asks of it.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::try_join_all;
use gauntlet_contract::TaskId;
use gauntlet_harness::component::seeding;
use gauntlet_harness::ledger::{RawJson, SeededAnswer};
use gauntlet_harness::seed::{People, SeedLabel, SeedTask};
use gauntlet_harness::stack::Lane;
use gauntlet_loadgen::MixOf;
use gauntlet_loadgen::arrival::Arrival;
use gauntlet_loadgen::client::{Client, Completion, ListQuery, OperationKind, Request, User};
use jiff::Timestamp;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::json;
use uuid::Uuid;

use super::{Purpose, Run};
use crate::scenario::Abort;

/// Seeded tasks that are read through the API before anything changes them.
pub const SAMPLE: usize = 200;
/// Pages that are gone through of each list, for their cursors.
const PAGES: usize = 3;
/// And of the first one: far into the past.
const PAGES_FAR: usize = 40;
/// Of ten seeded tasks that are changed so many get a new title. The others but one are completed or
/// reopened, and that one is deleted.
const RETITLED_OF_TEN: usize = 6;
const PREPARE: &str = "prepare what to ask for";

/// What was put into a lane's database.
#[derive(Debug)]
pub struct Population {
    labels: Vec<SeedLabel>,
    tasks: Vec<SeedTask>,
    now: Timestamp,
}

/// One of the users, with what is theirs.
#[derive(Debug)]
pub struct Owner<'a> {
    pub now: Timestamp,
    /// The most used first.
    pub tags: Vec<Uuid>,
    pub categories: Vec<Uuid>,
    /// The oldest first.
    pub tasks: Vec<&'a SeedTask>,
}

impl Population {
    fn owned_by(&self, user: Uuid) -> Owner<'_> {
        let labels = |kind| {
            let labels = self.labels.iter();
            let labels = labels.filter(|label| label.user_id == user && label.kind == kind);
            labels.map(|label| label.id).collect()
        };
        Owner {
            now: self.now,
            tags: labels("tag"),
            categories: labels("category"),
            tasks: self.tasks.iter().filter(|it| it.user_id == user).collect(),
        }
    }
}

impl Run {
    /// Puts so many tasks of each user into the lane's database, past the system, and reads a sample of them
    /// through the API. Nothing may have been offered to the lane before.
    pub async fn seed(&mut self, lane: &Lane, tasks_each: u32) -> Result<Population, Abort> {
        let during = "seed tasks";
        self.phase(lane, "seeding");
        let seed = self.random(0..u64::MAX);
        let running = self.stack.lane(lane.name());
        let running = running.map_err(Abort::during(during))?;
        let database_url = running.database_url().to_owned();
        let run = self.lane_mut(lane)?;
        let users = run.users().iter().map(|user| user.id().0).collect();
        let now = Timestamp::now();
        let people = People::new(seed, now, users, tasks_each);
        let population = Population {
            labels: people.labels(),
            tasks: people.tasks().collect(),
            now,
        };
        let seeded = seeding::seed(&database_url, &population.labels, &population.tasks).await;
        seeded.map_err(Abort::during(during))?;
        let seeded = run.observer.seeded().await;
        let seeded = seeded.map_err(Abort::during("read what was seeded"))?;
        run.record.enter_seeded(seeded);
        // By chance: tasks are dealt to the users in turn, and any step would meet the same few again.
        let mut sample: Vec<&SeedTask> = population.tasks.iter().collect();
        let (sample, _) = sample.partial_shuffle(&mut ChaCha8Rng::seed_from_u64(!seed), SAMPLE);
        let users = by_id(run.users());
        let client = run.client();
        for task in sample {
            let answered = read(&client, &users, task).await;
            run.record.seeded_answers.push(answered);
        }
        Ok(population)
    }

    /// Asks every question of every user once, so that the load knows the cursors behind the answers, and
    /// chooses the seeded tasks that it gets and those that it changes. A question that finds nothing would be
    /// answered too easily: it ends the run.
    pub async fn prepare_mix(
        &mut self,
        lane: &Lane,
        population: &Population,
        changes: usize,
        questions: fn(&Owner<'_>) -> Vec<ListQuery>,
    ) -> Result<(), Abort> {
        self.phase(lane, "first questions");
        let mut rng = ChaCha8Rng::seed_from_u64(self.random(0..u64::MAX));
        let run = self.lane_mut(lane)?;
        let (client, users) = (run.client(), run.users().to_vec());
        let asking = users.iter().map(|user| {
            let questions = questions(&population.owned_by(user.id().0));
            explore(&client, user, questions)
        });
        let mut mix = MixOf::default();
        for explored in try_join_all(asking).await? {
            mix.lists.extend(explored.lists);
            mix.next_pages.extend(explored.next_pages);
            mix.searches.extend(explored.searches);
        }
        mix.lists.shuffle(&mut rng);
        mix.next_pages.shuffle(&mut rng);
        mix.searches.shuffle(&mut rng);
        let users = by_id(&users);
        let mut tasks: Vec<&SeedTask> = population.tasks.iter().collect();
        tasks.shuffle(&mut rng);
        let (to_change, to_get) = tasks.split_at(changes.min(tasks.len()));
        let to_change = to_change.iter().enumerate();
        mix.changes = to_change
            .filter_map(|(place, task)| Some((owner(&users, task)?, change(place, task))))
            .collect();
        mix.gets = to_get
            .iter()
            .filter_map(|task| Some((owner(&users, task)?, TaskId(task.id))))
            .collect();
        run.prepare_mix(mix);
        Ok(())
    }

    /// Offers a whole load of what was prepared.
    pub async fn offer_mix(
        &mut self,
        lane: &Lane,
        arrival: Arrival,
        purpose: Purpose,
    ) -> Result<(), Abort> {
        let begun = self.lane_mut(lane)?.begin_mix(arrival, purpose);
        let offer = begun.map_err(Abort::during("start the load"))?;
        self.finish(lane, offer).await
    }
}

type Users = HashMap<Uuid, Arc<User>>;

fn by_id(users: &[Arc<User>]) -> Users {
    let users = users.iter();
    users.map(|user| (user.id().0, Arc::clone(user))).collect()
}

fn owner(users: &Users, task: &SeedTask) -> Option<Arc<User>> {
    users.get(&task.user_id).cloned()
}

/// Whatever the answer is, it is judged and not we.
async fn read(client: &Client, users: &Users, task: &SeedTask) -> SeededAnswer {
    let request = Request::Get {
        task: TaskId(task.id),
    };
    let answered = match users.get(&task.user_id) {
        Some(user) => client.ask(user, &request).await,
        None => Ok(json!("nobody owns it")),
    };
    let answered = answered.unwrap_or_else(|error| json!(error.to_string()));
    SeededAnswer {
        task_id: task.id,
        seeded: RawJson::of(&task.as_answered()),
        answered: RawJson::of(&answered),
    }
}

/// Questions that found something.
async fn explore(
    client: &Client,
    user: &Arc<User>,
    questions: Vec<ListQuery>,
) -> Result<MixOf, Abort> {
    let mut found = MixOf::default();
    for (place, question) in questions.into_iter().enumerate() {
        let mut page = question.clone();
        let pages = if place == 0 { PAGES_FAR } else { PAGES };
        for _ in 0..pages {
            let request = Request::Find(page.clone());
            let answer = client.ask(user, &request).await;
            let answer = answer.map_err(Abort::during(PREPARE))?;
            let items = answer["items"].as_array().map_or(0, Vec::len);
            if items == 0 {
                return Err(Abort::because(PREPARE, format!("{page:?} finds nothing")));
            }
            let of_kind = match page.kind() {
                OperationKind::NextPage => &mut found.next_pages,
                OperationKind::Search => &mut found.searches,
                _ => &mut found.lists,
            };
            of_kind.push((Arc::clone(user), page));
            let Some(cursor) = answer["next_cursor"].as_str() else {
                break;
            };
            page = question.clone().behind(cursor);
        }
    }
    Ok(found)
}

/// A task is changed once, so that no change can overtake another.
fn change(place: usize, task: &SeedTask) -> Request {
    let id = TaskId(task.id);
    match place % 10 {
        9 => Request::Delete { task: id },
        turn if turn < RETITLED_OF_TEN => Request::Update { task: id },
        _ => Request::Complete {
            task: id,
            to: match task.status {
                "completed" => Completion::Undone,
                _ => Completion::Done,
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn population() -> (Population, Vec<Uuid>) {
        let users: Vec<Uuid> = (1..3).map(Uuid::from_u128).collect();
        let now = "2026-03-04T05:06:07Z".parse().expect("an instant");
        let people = People::new(1, now, users.clone(), 300);
        let population = Population {
            labels: people.labels(),
            tasks: people.tasks().collect(),
            now,
        };
        (population, users)
    }

    #[test]
    fn a_user_is_asked_for_what_is_theirs() {
        let (population, users) = population();
        for user in users {
            let owner = population.owned_by(user);
            assert_eq!(owner.tasks.len(), 300);
            assert!(owner.tasks.iter().all(|task| task.user_id == user));
            let labels = owner.tags.iter().chain(&owner.categories);
            for id in labels {
                let label = population.labels.iter().find(|label| label.id == *id);
                assert_eq!(label.map(|label| label.user_id), Some(user));
            }
        }
    }

    #[test]
    fn changes_are_of_each_kind_and_find_something_to_change() {
        let (population, _) = population();
        let mut kinds: HashMap<OperationKind, usize> = HashMap::new();
        for (place, task) in population.tasks.iter().enumerate() {
            let request = change(place, task);
            *kinds.entry(request.kind()).or_default() += 1;
            match request.kind() {
                OperationKind::Complete => assert_ne!(task.status, "completed"),
                OperationKind::Reopen => assert_eq!(task.status, "completed"),
                _ => {}
            }
        }
        assert_eq!(kinds[&OperationKind::Update], 360);
        assert_eq!(kinds[&OperationKind::Delete], 60);
        assert!(kinds[&OperationKind::Complete] > 10 && kinds[&OperationKind::Reopen] > 10);
    }
}

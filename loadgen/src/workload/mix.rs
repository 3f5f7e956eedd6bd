use std::sync::Arc;

use gauntlet_contract::TaskId;

use super::operation::in_turn;
use super::{Operation, OperationKey, Workload};
use crate::client::{ListQuery, Request, User};

/// What people do with a list of tasks: of 20 operations 5 lists, 3 next pages, 4 searches, 3 gets, 3
/// creations and 2 changes, mixed at any time.
const TURNS: [Turn; 20] = [
    Turn::List,
    Turn::Search,
    Turn::Get,
    Turn::NextPage,
    Turn::Create,
    Turn::List,
    Turn::Search,
    Turn::Get,
    Turn::List,
    Turn::Change,
    Turn::NextPage,
    Turn::Search,
    Turn::Create,
    Turn::List,
    Turn::Get,
    Turn::Search,
    Turn::List,
    Turn::Create,
    Turn::NextPage,
    Turn::Change,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    List,
    NextPage,
    Search,
    Get,
    Create,
    Change,
}

/// What there is to ask for and to change. Each is by the user who owns what it is about.
#[derive(Clone, Debug, Default)]
pub struct MixOf {
    pub lists: Vec<(Arc<User>, ListQuery)>,
    /// Behind cursors of earlier answers.
    pub next_pages: Vec<(Arc<User>, ListQuery)>,
    pub searches: Vec<(Arc<User>, ListQuery)>,
    pub gets: Vec<(Arc<User>, TaskId)>,
    /// Each is offered once, in order.
    pub changes: Vec<(Arc<User>, Request)>,
}

/// Questions and changes in the shares of [`MixTasks::SHARES`]. Questions come round again and again;
/// changes do not, and the load ends where there are no more of them.
#[derive(Clone, Debug)]
pub struct MixTasks {
    load: String,
    users: Vec<Arc<User>>,
    of: MixOf,
    /// How often each kind had its turn.
    taken: [u64; 6],
}

impl MixTasks {
    /// Operations of each kind in so many of all.
    pub const SHARES: MixShares = MixShares {
        of: 20,
        lists: 5,
        next_pages: 3,
        searches: 4,
        gets: 3,
        creations: 3,
        changes: 2,
    };

    /// The changes that a load of so many operations can have at the most: a begun round of kinds counts as a
    /// whole one.
    pub fn changes_in(operations: u64) -> usize {
        let rounds = operations.div_ceil(MixTasks::SHARES.of);
        usize::try_from(rounds * MixTasks::SHARES.changes).unwrap_or(usize::MAX)
    }

    /// `load` names this load in its keys; `users` are dealt the creations.
    pub fn new(load: impl Into<String>, users: Vec<Arc<User>>, of: MixOf) -> MixTasks {
        MixTasks {
            load: load.into(),
            users,
            of,
            taken: [0; 6],
        }
    }
}

/// How many operations of each kind there are among `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixShares {
    pub of: u64,
    pub lists: u64,
    pub next_pages: u64,
    pub searches: u64,
    pub gets: u64,
    pub creations: u64,
    pub changes: u64,
}

impl Workload for MixTasks {
    fn operation(&mut self, index: u64) -> Option<Operation> {
        let place = usize::try_from(index % MixTasks::SHARES.of).ok()?;
        let turn = TURNS[place];
        let taken = &mut self.taken[turn as usize];
        let number = *taken;
        *taken += 1;
        let find = |queries: &[(Arc<User>, ListQuery)]| {
            let (user, query) = in_turn(queries, number)?;
            Some((Arc::clone(user), Request::Find(query.clone())))
        };
        let (user, request) = match turn {
            Turn::List => find(&self.of.lists)?,
            Turn::NextPage => find(&self.of.next_pages)?,
            Turn::Search => find(&self.of.searches)?,
            Turn::Get => {
                let (user, task) = in_turn(&self.of.gets, number)?;
                (Arc::clone(user), Request::Get { task: *task })
            }
            Turn::Create => {
                let user = in_turn(&self.users, number)?;
                (Arc::clone(user), Request::Create { description: None })
            }
            Turn::Change => {
                let (user, request) = self.of.changes.get(usize::try_from(number).ok()?)?;
                (Arc::clone(user), request.clone())
            }
        };
        Some(Operation {
            key: OperationKey::new(&self.load, index),
            user,
            request,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use gauntlet_contract::UserId;

    use super::*;
    use crate::client::OperationKind;

    fn user() -> Arc<User> {
        Arc::new(User::new(UserId::generate(), "token").expect("a token"))
    }

    fn mix(changes: usize) -> MixTasks {
        let user = user();
        let find = |query: ListQuery| vec![(Arc::clone(&user), query)];
        let change = |_| {
            let task = TaskId::generate();
            (Arc::clone(&user), Request::Update { task })
        };
        let of = MixOf {
            lists: find(ListQuery::list()),
            next_pages: find(ListQuery::list().behind("c")),
            searches: find(ListQuery::search("milk")),
            gets: vec![(Arc::clone(&user), TaskId::generate())],
            changes: (0..changes).map(change).collect(),
        };
        MixTasks::new("load", vec![Arc::clone(&user)], of)
    }

    fn offered(mut mix: MixTasks) -> Vec<Operation> {
        (0..10_000)
            .map_while(|index| mix.operation(index))
            .collect()
    }

    #[test]
    fn the_shares_are_those_that_are_stated_at_any_time() {
        let operations = offered(mix(60));
        let shares = MixTasks::SHARES;
        for stretch in operations.chunks_exact(20) {
            let count = |kind| {
                let kinds = stretch.iter().map(|operation| operation.request.kind());
                kinds.filter(|other| *other == kind).count() as u64
            };
            assert_eq!(count(OperationKind::List), shares.lists);
            assert_eq!(count(OperationKind::NextPage), shares.next_pages);
            assert_eq!(count(OperationKind::Search), shares.searches);
            assert_eq!(count(OperationKind::Get), shares.gets);
            assert_eq!(count(OperationKind::Create), shares.creations);
            assert_eq!(count(OperationKind::Update), shares.changes);
        }
    }

    #[test]
    fn sixty_in_a_hundred_are_lists_and_searches() {
        let MixShares {
            of,
            lists,
            next_pages,
            searches,
            gets,
            creations,
            changes,
        } = MixTasks::SHARES;
        let of_hundred = |count: u64| 100 * count / of;
        assert_eq!(of_hundred(lists + next_pages + searches), 60);
        assert_eq!(of_hundred(gets), 15);
        assert_eq!(of_hundred(creations), 15);
        assert_eq!(of_hundred(changes), 10);
    }

    #[test]
    fn each_change_is_offered_once_and_the_load_ends_with_the_last() {
        let operations = offered(mix(7));
        let changed = operations
            .iter()
            .filter(|operation| operation.request.kind() == OperationKind::Update);
        let tasks: Vec<_> = changed
            .filter_map(|operation| operation.request.task())
            .collect();
        assert_eq!(tasks.iter().collect::<HashSet<_>>().len(), 7);
        assert_eq!(tasks.len(), 7);
        // The place of the eighth.
        assert_eq!(operations.len(), 3 * 20 + 19);
    }

    #[test]
    fn with_nothing_to_ask_for_there_is_no_load() {
        let mut nothing = MixTasks::new("load", vec![user()], MixOf::default());
        assert!(nothing.operation(0).is_none());
    }
}

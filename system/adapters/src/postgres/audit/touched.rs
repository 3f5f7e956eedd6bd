use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gauntlet_contract::EntityId;

/// More would cost more to remember than a look at everything that is kept costs.
const REMEMBERED_MAX: usize = 10_000;

/// Entities that this process has recorded or kept an event of since the gate last looked at them: what is
/// kept of others cannot have become due by its doing.
///
/// The event is there before its entity is touched, and the gate looks after that. So of two processes, one that
/// keeps an event and one that records the version before it, the one that was later sees what both have done.
#[derive(Debug)]
pub(super) struct Touched(Mutex<Look>);

/// What is to be looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Whatever is kept: a process knows nothing of those before it.
    Everything,
    At(HashSet<EntityId>),
}

impl Touched {
    pub(super) fn everything() -> Self {
        Self(Mutex::new(Look::Everything))
    }

    pub(super) fn touch(&self, entities: impl IntoIterator<Item = EntityId>) {
        let mut look = self.look();
        if let Look::At(remembered) = &mut *look {
            remembered.extend(entities);
            if remembered.len() > REMEMBERED_MAX {
                *look = Look::Everything;
            }
        }
    }

    /// What a look came to nothing for, whatever that was.
    pub(super) fn touch_everything(&self) {
        *self.look() = Look::Everything;
    }

    pub(super) fn take(&self) -> Look {
        std::mem::replace(&mut *self.look(), Look::At(HashSet::new()))
    }

    fn look(&self) -> MutexGuard<'_, Look> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn everything_is_looked_at_once_and_then_what_was_touched() {
        let touched = Touched::everything();
        let [one, other] = [1, 2].map(|number| EntityId(Uuid::from_u128(number)));
        touched.touch([one]);
        assert_eq!(touched.take(), Look::Everything);
        assert_eq!(touched.take(), Look::At(HashSet::new()));
        touched.touch([one, other]);
        touched.touch([one]);
        assert_eq!(touched.take(), Look::At(HashSet::from([one, other])));
        touched.touch_everything();
        assert_eq!(touched.take(), Look::Everything);
    }

    #[test]
    fn too_many_to_remember_are_everything() {
        let touched = Touched::everything();
        touched.take();
        let entity = |number: usize| EntityId(Uuid::from_u128(number as u128));
        touched.touch((0..REMEMBERED_MAX).map(entity));
        touched.touch((0..REMEMBERED_MAX).map(entity));
        let Look::At(remembered) = touched.take() else {
            panic!("so many can be remembered");
        };
        assert_eq!(remembered.len(), REMEMBERED_MAX);
        touched.touch((0..=REMEMBERED_MAX).map(entity));
        assert_eq!(touched.take(), Look::Everything);
    }
}

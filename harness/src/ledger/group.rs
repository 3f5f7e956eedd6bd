use std::collections::HashMap;
use std::hash::Hash;

/// Items grouped by key in linear time: the positions of each group's members, in their order.
///
/// One allocation for all groups; a vector for each of a million tasks would cost more than the
/// judgement itself.
#[derive(Clone, Debug)]
pub struct Groups {
    /// Where each group starts in `members`, and one past the last.
    starts: Vec<usize>,
    members: Vec<usize>,
}

impl Groups {
    /// Groups positions `0..` by the key of each item.
    pub fn by_key<K: Eq + Hash>(keys: impl Iterator<Item = K>) -> Self {
        let mut numbers = HashMap::new();
        let group_of: Vec<usize> = keys
            .map(|key| {
                let next = numbers.len();
                *numbers.entry(key).or_insert(next)
            })
            .collect();
        Self::by_number(&group_of, numbers.len())
    }

    /// Groups positions by the number of each item's group, all below `groups`.
    pub(super) fn by_number(group_of: &[usize], groups: usize) -> Self {
        let mut starts = vec![0; groups + 1];
        for &group in group_of {
            starts[group + 1] += 1;
        }
        for group in 0..groups {
            starts[group + 1] += starts[group];
        }
        let mut next = starts.clone();
        let mut members = vec![0; group_of.len()];
        for (position, &group) in group_of.iter().enumerate() {
            members[next[group]] = position;
            next[group] += 1;
        }
        Self { starts, members }
    }

    /// Sorts the members of each group; equal keys keep their order.
    pub(super) fn sort_each_by_key<K: Ord>(&mut self, key: impl Fn(usize) -> K) {
        for bounds in self.starts.windows(2) {
            self.members[bounds[0]..bounds[1]].sort_by_key(|&member| key(member));
        }
    }

    /// Members of a group by its number.
    pub(super) fn members(&self, group: usize) -> &[usize] {
        &self.members[self.starts[group]..self.starts[group + 1]]
    }

    /// The groups, in the order in which their first members came.
    pub fn iter(&self) -> impl Iterator<Item = &[usize]> {
        self.starts
            .windows(2)
            .map(|bounds| &self.members[bounds[0]..bounds[1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order() {
        let groups = Groups::by_key("abacb".chars());
        let found: Vec<&[usize]> = groups.iter().collect();
        assert_eq!(found, [&[0, 2][..], &[1, 4], &[3]]);
    }

    #[test]
    fn nothing_makes_no_group() {
        assert_eq!(Groups::by_key(std::iter::empty::<u8>()).iter().count(), 0);
    }
}

use super::OperationKind;

/// A list of tasks, or what a search finds, as its URL asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    listing: Listing,
    conditions: Vec<(&'static str, String)>,
    cursor: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listing {
    All,
    Search,
}

impl ListQuery {
    /// All tasks of a user, newest first.
    pub fn list() -> ListQuery {
        ListQuery {
            listing: Listing::All,
            conditions: Vec::new(),
            cursor: None,
        }
    }

    /// The tasks that have words which begin like these, best first.
    pub fn search(words: impl Into<String>) -> ListQuery {
        ListQuery {
            listing: Listing::Search,
            ..ListQuery::list()
        }
        .with("q", words)
    }

    /// Adds a field of the query, e.g. `sort` or `status`. The value is encoded here.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl Into<String>) -> ListQuery {
        self.conditions.push((field, value.into()));
        self
    }

    /// The page behind a `next_cursor` of the same list.
    #[must_use]
    pub fn behind(mut self, cursor: impl Into<String>) -> ListQuery {
        self.cursor = Some(cursor.into());
        self
    }

    pub fn kind(&self) -> OperationKind {
        match (&self.cursor, self.listing) {
            (Some(_), _) => OperationKind::NextPage,
            (None, Listing::All) => OperationKind::List,
            (None, Listing::Search) => OperationKind::Search,
        }
    }

    pub(super) fn path(&self) -> &'static str {
        match self.listing {
            Listing::All => "/api/tasks",
            Listing::Search => "/api/tasks/search",
        }
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let cursor = self.cursor.iter().map(|cursor| ("cursor", cursor.as_str()));
        let conditions = self.conditions.iter();
        conditions
            .map(|(field, value)| (*field, value.as_str()))
            .chain(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_behind_a_cursor_is_of_its_own_kind_whatever_list_it_is_of() {
        for (query, kind, path) in [
            (ListQuery::list(), OperationKind::List, "/api/tasks"),
            (
                ListQuery::search("milk"),
                OperationKind::Search,
                "/api/tasks/search",
            ),
        ] {
            assert_eq!((query.kind(), query.path()), (kind, path));
            let behind = query.behind("c");
            assert_eq!(
                (behind.kind(), behind.path()),
                (OperationKind::NextPage, path)
            );
        }
    }

    #[test]
    fn the_fields_are_those_that_were_asked_for() {
        let query = ListQuery::search("milk & more")
            .with("sort", "title")
            .behind("c");
        let fields: Vec<_> = query.fields().collect();
        let expected = [("q", "milk & more"), ("sort", "title"), ("cursor", "c")];
        assert_eq!(fields, expected);
    }
}

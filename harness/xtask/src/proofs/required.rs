/// A family of requirements: `S1` … `S10` is `{ prefix: "S", last: 10 }`.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) last: u32,
    /// Digits that numbers are padded to: `SC-001`.
    digits: usize,
}

pub(crate) const SECTIONS: [Section; 7] = [
    Section {
        title: "Services",
        prefix: "S",
        last: 10,
        digits: 1,
    },
    Section {
        title: "Tasks",
        prefix: "T",
        last: 13,
        digits: 1,
    },
    Section {
        title: "Events",
        prefix: "E",
        last: 3,
        digits: 1,
    },
    Section {
        title: "Dapr building blocks",
        prefix: "D",
        last: 10,
        digits: 1,
    },
    Section {
        title: "What must be proved",
        prefix: "SC-",
        last: 20,
        digits: 3,
    },
    Section {
        title: "Harness",
        prefix: "H",
        last: 11,
        digits: 1,
    },
    Section {
        title: "Delivery",
        prefix: "K",
        last: 4,
        digits: 1,
    },
];

impl Section {
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> + '_ {
        (1..=self.last)
            .map(|number| format!("{}{number:0digits$}", self.prefix, digits = self.digits))
    }
}

/// Every id that the table must hold.
pub(crate) fn required_ids() -> Vec<String> {
    SECTIONS.iter().flat_map(Section::ids).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_the_requirements_write_them() {
        let ids = required_ids();
        for id in ["S1", "S10", "T13", "SC-001", "SC-020", "H11", "K4"] {
            assert!(ids.iter().any(|known| known == id), "{id} is missing");
        }
        assert_eq!(ids.len(), 10 + 13 + 3 + 10 + 20 + 11 + 4);
    }
}

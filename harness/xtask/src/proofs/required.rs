/// The folder of the table as people edit it: one file a section.
pub(crate) const FOLDER: &str = "scenarios/proofs";

/// A family of requirements: `S1` … `S10` is `{ prefix: "S", last: 10 }`.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// Name of its file, without folder and extension.
    file: &'static str,
    prefix: &'static str,
    last: u32,
    /// Digits that numbers are padded to: `SC-001`.
    digits: usize,
}

pub(crate) static SECTIONS: [Section; 7] = [
    Section {
        title: "Services",
        file: "services",
        prefix: "S",
        last: 10,
        digits: 1,
    },
    Section {
        title: "Tasks",
        file: "tasks",
        prefix: "T",
        last: 13,
        digits: 1,
    },
    Section {
        title: "Events",
        file: "events",
        prefix: "E",
        last: 3,
        digits: 1,
    },
    Section {
        title: "Dapr building blocks",
        file: "dapr",
        prefix: "D",
        last: 10,
        digits: 1,
    },
    Section {
        title: "What must be proved",
        file: "success-criteria",
        prefix: "SC-",
        last: 20,
        digits: 3,
    },
    Section {
        title: "Harness",
        file: "harness",
        prefix: "H",
        last: 11,
        digits: 1,
    },
    Section {
        title: "Delivery",
        file: "delivery",
        prefix: "K",
        last: 4,
        digits: 1,
    },
];

impl Section {
    /// The section that a requirement belongs to; none for what is no requirement.
    pub(crate) fn of(id: &str) -> Option<&'static Self> {
        SECTIONS
            .iter()
            .find(|section| section.ids().any(|known| known == id))
    }

    /// Its file, relative to the root.
    pub(crate) fn path(&self) -> String {
        format!("{FOLDER}/{}.toml", self.file)
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = String> + '_ {
        (1..=self.last)
            .map(|number| format!("{}{number:0digits$}", self.prefix, digits = self.digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_the_requirements_write_them() {
        let ids: Vec<String> = SECTIONS.iter().flat_map(Section::ids).collect();
        for id in ["S1", "S10", "T13", "SC-001", "SC-020", "H11", "K4"] {
            assert!(ids.iter().any(|known| known == id), "{id} is missing");
        }
        assert_eq!(ids.len(), 10 + 13 + 3 + 10 + 20 + 11 + 4);
    }
    #[test]
    fn a_prefix_that_begins_another_does_not_take_its_ids() {
        let path = |id: &str| Section::of(id).map(Section::path);
        assert_eq!(path("S1"), Some(format!("{FOLDER}/services.toml")));
        assert_eq!(
            path("SC-001"),
            Some(format!("{FOLDER}/success-criteria.toml"))
        );
        assert_eq!(path("SC-021"), None);
    }
}

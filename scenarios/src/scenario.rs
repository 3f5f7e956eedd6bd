//! What a scenario is. `drive` makes things happen and never asserts; what it recorded is judged
//! afterwards by pure checks.

use std::fmt::{self, Debug};

use async_trait::async_trait;
use gauntlet_harness::check::Check;
use gauntlet_harness::ledger::Ledger;
use gauntlet_harness::stack::{StackKind, Topology};
use gauntlet_reports::evidence::Figure;

use crate::run::{Run, Settings};

/// What a reader needs to know of a scenario before and after it ran.
#[derive(Debug)]
pub struct Meta {
    pub id: &'static str,
    pub title: &'static str,
    /// The claim in the user's words.
    pub claim: &'static str,
    /// What a pass does not show.
    pub not_shown: &'static [&'static str],
    pub requirements: &'static [&'static str],
    pub needs: Needs,
}

/// The least that a scenario can be run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Postgres and Redis; more lanes with more components.
    Light,
    /// A sidecar is part of the claim.
    Dapr,
}

impl Needs {
    pub fn describe(self) -> &'static str {
        match self {
            Needs::Light => {
                "Postgres and Redis; with Kafka and daprd it compares Dapr and direct mode"
            }
            Needs::Dapr => "daprd",
        }
    }

    /// What is missing from an offered stack, if anything.
    pub fn missing_from(self, offered: StackKind) -> Option<&'static str> {
        match (self, offered) {
            (Needs::Dapr, StackKind::Light) => Some("daprd"),
            _ => None,
        }
    }
}

/// Who decides how long a scenario watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The scenario: its load has a length of its own.
    Own,
    /// Whoever runs it: `--for`.
    Chosen,
}

/// Why a scenario could not be driven to its end. Inconclusive, never a fail.
#[derive(Debug, thiserror::Error)]
#[error("{during}: {cause:#}")]
pub struct Abort {
    pub during: &'static str,
    pub cause: anyhow::Error,
}

impl Abort {
    /// An abort without an error below it.
    pub fn because(during: &'static str, cause: impl fmt::Display) -> Self {
        Self {
            during,
            cause: anyhow::anyhow!("{cause}"),
        }
    }

    /// For `map_err`: what was being done when it went wrong.
    pub fn during<E: Into<anyhow::Error>>(during: &'static str) -> impl FnOnce(E) -> Self {
        move |cause| Self {
            during,
            cause: cause.into(),
        }
    }
}

/// A claim, a way to put it to the test, and the checks that judge what was recorded.
#[async_trait]
pub trait Scenario: Send + Sync + Debug {
    fn meta(&self) -> &'static Meta;

    fn length(&self) -> Length {
        Length::Own
    }

    /// The components and lanes to stand up, given what is offered.
    fn topology(&self, offered: StackKind) -> Topology;

    /// What a pass does not show on this topology, beside what the [`Meta`] says of any.
    fn not_shown_on(&self, _topology: &Topology) -> &'static [&'static str] {
        &[]
    }

    /// Steady state, load, fault, heal, drain, in that order.
    async fn drive(&self, run: &mut Run) -> Result<(), Abort>;

    /// The checks that judge what was recorded under these settings.
    fn checks(&self, settings: &Settings) -> Vec<Box<dyn Check>>;

    /// Numbers worth showing that no bar applies to.
    fn figures(&self, _ledger: &Ledger, _settings: &Settings) -> Vec<Figure> {
        Vec::new()
    }
}

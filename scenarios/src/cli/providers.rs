//! Which providers a command's stacks run on, and why.

use std::sync::Arc;

use anyhow::{Result, bail};
use gauntlet_harness::image::{ImageConfig, Images, Part};
use gauntlet_harness::provider::containers::Engine;
use gauntlet_harness::stack::{RunsOn, StackError, StackKind};
use gauntlet_harness::store::ComponentId;

use super::args::ProviderArg;
use crate::failure::failed;

/// A provider, and why it was chosen.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub runs_on: RunsOn,
    pub reason: String,
}

impl Chosen {
    pub fn name(&self) -> &'static str {
        self.runs_on.name()
    }
}

/// Those that were asked for, in that order; else containers where an engine answers and has the images,
/// and processes everywhere else.
pub(super) async fn choose(asked: &[ProviderArg], kind: StackKind) -> Result<Vec<Chosen>> {
    if asked.is_empty() {
        return Ok(vec![by_default(kind).await?]);
    }
    let mut chosen: Vec<Chosen> = Vec::new();
    for provider in asked {
        let runs_on = match provider {
            ProviderArg::Process => RunsOn::Processes,
            ProviderArg::Containers => {
                let images = images().await.map_err(failed)?;
                RunsOn::Containers(Arc::new(images))
            }
        };
        if chosen.iter().any(|before| before.name() == runs_on.name()) {
            bail!(
                "failed to understand the providers: {} is named twice; to mend: name each once",
                runs_on.name()
            );
        }
        chosen.push(Chosen {
            runs_on,
            reason: "asked for".to_owned(),
        });
    }
    Ok(chosen)
}

/// The one provider of a command that brings up a single stack.
pub(super) async fn choose_one(asked: Option<ProviderArg>, kind: StackKind) -> Result<Chosen> {
    let asked: Vec<ProviderArg> = asked.into_iter().collect();
    let chosen = choose(&asked, kind).await?.into_iter().next();
    chosen.ok_or_else(|| {
        anyhow::anyhow!("failed to choose a provider; to mend: name it by --provider")
    })
}

async fn images() -> Result<Images, StackError> {
    // First, because what it refuses no engine mends.
    let config = ImageConfig::from_env()?;
    Ok(Images::open(Engine::connect().await?, config))
}

/// Processes, where containers cannot be had; but a named image that is no reference is a mistake of the
/// command, for whoever names an image wants it to be used.
async fn by_default(kind: StackKind) -> Result<Chosen> {
    let config = ImageConfig::from_env().map_err(failed)?;
    let processes = |error: StackError| Chosen {
        runs_on: RunsOn::Processes,
        reason: format!("not containers: failed to {}", error.without_mend()),
    };
    let images = match Engine::connect().await {
        Ok(engine) => Images::open(engine, config),
        Err(error) => return Ok(processes(error)),
    };
    let found = match Found::of(&images, kind).await {
        Ok(found) => found,
        Err(error) => return Ok(processes(error)),
    };
    let version = images.engine().version().to_owned();
    let reason = found.reason(&version);
    let runs_on = if found.is_complete() {
        RunsOn::Containers(Arc::new(images))
    } else {
        RunsOn::Processes
    };
    Ok(Chosen { runs_on, reason })
}

/// What an engine has of the images of a stack's components. Nothing is pulled to find out.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Named and not in the engine: pulled when images are obtained, which shows it and can be interrupted.
    to_pull: Vec<ComponentId>,
    missing: Vec<ComponentId>,
}

impl Found {
    pub(super) async fn of(images: &Images, kind: StackKind) -> Result<Self, StackError> {
        let mut found = Self::default();
        for id in kind.components() {
            let part = Part::Component(*id);
            let is_named = images.has_given(part);
            let is_there = match images.look(part).await {
                // The command ends with it when it obtains the image, and not on processes instead.
                Err(_) if is_named => false,
                found => found?.is_some(),
            };
            found.enter(*id, is_there, is_named);
        }
        Ok(found)
    }

    /// Whether containers are what a stack runs on by default.
    pub(super) fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }

    fn enter(&mut self, id: ComponentId, is_there: bool, is_named: bool) {
        match (is_there, is_named) {
            (true, _) => {}
            (false, true) => self.to_pull.push(id),
            (false, false) => self.missing.push(id),
        }
    }

    /// Why it is containers, or why it is not.
    fn reason(&self, version: &str) -> String {
        let names = |ids: &[ComponentId]| {
            let names: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
            names.join(", ")
        };
        if !self.is_complete() {
            return format!(
                "not containers: the engine ({version}) has no image of {}; `gauntlet images` builds them",
                names(&self.missing)
            );
        }
        let reason =
            format!("a container engine answers ({version}) and has an image of each component");
        if self.to_pull.is_empty() {
            return reason;
        }
        format!(
            "{reason}, or is told which to pull: {}",
            names(&self.to_pull)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(entries: &[(ComponentId, bool, bool)]) -> Found {
        let mut found = Found::default();
        for (id, is_there, is_named) in entries {
            found.enter(*id, *is_there, *is_named);
        }
        found
    }

    #[test]
    fn planted_named_image_that_is_not_in_the_engine_counts_as_there() {
        let here = (ComponentId::Postgres, true, false);
        let named = found(&[here, (ComponentId::Redis, false, true)]);
        assert!(named.is_complete());
        let reason = named.reason("28.0");
        assert!(reason.ends_with("told which to pull: redis"), "{reason}");
        let all = found(&[here, (ComponentId::Redis, true, true)]);
        assert!(all.reason("28.0").ends_with("an image of each component"));
    }

    #[test]
    fn planted_missing_image_is_named_with_what_builds_it() {
        let one = found(&[
            (ComponentId::Postgres, false, true),
            (ComponentId::Redis, false, false),
        ]);
        assert!(!one.is_complete());
        let reason = one.reason("28.0");
        assert!(reason.starts_with("not containers: "), "{reason}");
        assert!(
            reason.contains("no image of redis; `gauntlet images`"),
            "{reason}"
        );
    }
}

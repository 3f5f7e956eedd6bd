//! Which providers a command's stacks run on, and why.

use std::sync::Arc;

use anyhow::{Result, bail};
use gauntlet_harness::image::{ImageConfig, Images, Part};
use gauntlet_harness::provider::containers::Engine;
use gauntlet_harness::stack::{RunsOn, StackError, StackKind};

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
        return Ok(vec![by_default(kind).await]);
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
    let engine = Engine::connect().await?;
    Ok(Images::open(engine, ImageConfig::from_env()?))
}

async fn by_default(kind: StackKind) -> Chosen {
    match containers_if_ready(kind).await {
        Ok((images, reason)) => Chosen {
            runs_on: RunsOn::Containers(Arc::new(images)),
            reason,
        },
        Err(reason) => Chosen {
            runs_on: RunsOn::Processes,
            reason,
        },
    }
}

/// The images, or why it has to be processes.
async fn containers_if_ready(kind: StackKind) -> Result<(Images, String), String> {
    let images = images()
        .await
        .map_err(|error| format!("not containers: failed to {}", error.without_mend()))?;
    let version = images.engine().version().to_owned();
    let mut missing = Vec::new();
    for id in kind.components() {
        match images.find(Part::Component(*id)).await {
            Ok(Some(_)) => {}
            Ok(None) => missing.push(id.as_str()),
            Err(error) => {
                return Err(format!(
                    "not containers: failed to {}",
                    error.without_mend()
                ));
            }
        }
    }
    if missing.is_empty() {
        let reason =
            format!("a container engine answers ({version}) and has an image of each component");
        return Ok((images, reason));
    }
    Err(format!(
        "not containers: the engine ({version}) has no image of {}; `gauntlet images` builds them",
        missing.join(", ")
    ))
}

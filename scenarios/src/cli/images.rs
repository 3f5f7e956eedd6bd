use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use futures::future::try_join_all;
use gauntlet_harness::component::system::SystemSource;
use gauntlet_harness::image::{Context, Image, ImageConfig, Images, Part};
use gauntlet_harness::provider::containers::Engine;
use gauntlet_harness::stack::{StackKind, obtain};
use gauntlet_harness::store::{ComponentId, Store};
use gauntlet_reports::format::bytes;

use super::args::ImagesArgs;
use super::interrupt;
use super::output::print;
use super::providers::Found;
use crate::console::{ComponentProgress, Console, Verbosity};
use crate::failure::failed;

/// Of an image's id this much is shown, as engines do.
const ID_DIGITS: usize = 12;

/// Builds local images, writes what they are built from, or lists what the engine has.
pub(super) fn images(args: &ImagesArgs) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let interrupt = interrupt::token()?;
        tokio::select! {
            outcome = perform(args) => outcome,
            () = interrupt.cancelled() => bail!("interrupted; what is complete is kept"),
        }
    });
    runtime.shutdown_timeout(interrupt::CLEARED_WITHIN);
    outcome
}

async fn perform(args: &ImagesArgs) -> Result<()> {
    let config = ImageConfig::from_env().map_err(failed)?;
    let parts = if args.parts.is_empty() {
        Part::ALL.to_vec()
    } else {
        args.parts.clone()
    };
    let console = Console::detect(Verbosity::Normal);
    if let Some(dir) = &args.context {
        return write(plan(&parts, &config, &console).await?, dir).await;
    }
    // First, because the files may take minutes to get.
    let engine = Engine::connect().await.map_err(failed)?;
    if args.list {
        let images = Images::open(engine, config);
        return print(&listing(&images, &parts).await?);
    }
    let contexts = plan(&parts, &config, &console).await?;
    let images = Images::open(engine, config);
    let mut lines = String::new();
    for context in contexts {
        let step = console.step(context.part.as_str());
        let left_out = context.left_out.clone();
        match images
            .build(Arc::new(context), &|line| step.update(line))
            .await
        {
            Ok(built) => {
                if built.is_new {
                    for line in left_out {
                        step.note(&format!("left out {line}"));
                    }
                }
                step.done(if built.is_new { "built" } else { "as it was" });
                lines.push_str(&line(&built.image));
            }
            Err(error) => {
                step.failed("could not be built");
                return Err(failed(error));
            }
        }
    }
    print(&lines)?;
    if let Some(told) = now_on_containers(&images).await? {
        console.note(told);
    }
    Ok(())
}

/// What the images change for whoever names no provider.
async fn now_on_containers(images: &Images) -> Result<Option<&'static str>> {
    let is_complete = async |kind| {
        let found = Found::of(images, kind).await.map_err(failed)?;
        anyhow::Ok(found.is_complete())
    };
    let full = is_complete(StackKind::Full).await?;
    Ok(by_default(full, is_complete(StackKind::Light).await?))
}

const fn by_default(full: bool, light: bool) -> Option<&'static str> {
    match (full, light) {
        (true, _) => Some(
            "from now on runs use containers by default on this engine; GAUNTLET_PROVIDER=process keeps \
             them on processes",
        ),
        (false, true) => Some(
            "from now on runs with --stack light use containers by default on this engine; \
             GAUNTLET_PROVIDER=process keeps them on processes",
        ),
        (false, false) => None,
    }
}

/// Gets what the images hold, and plans each of them.
async fn plan(parts: &[Part], config: &ImageConfig, console: &Console) -> Result<Vec<Context>> {
    let ids: Vec<ComponentId> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Component(id) => Some(*id),
            Part::System => None,
        })
        .collect();
    let store = Arc::new(Store::from_env()?);
    let progress = Arc::new(ComponentProgress::new(console.clone()));
    let artifacts = obtain(Arc::clone(&store), &ids, progress)
        .await
        .map_err(failed)?;
    let shim = &config.shim;
    let planning = artifacts
        .into_values()
        .map(|artifact| Context::of_component(Arc::clone(&store), artifact, shim.clone()));
    let mut contexts = try_join_all(planning).await.map_err(failed)?;
    if parts.contains(&Part::System) {
        let step = console.step("system");
        let obtained = SystemSource::Auto
            .obtain(shim, &|line| step.update(line))
            .await;
        let binary = obtained.map_err(failed)?;
        step.done(&binary.provenance.how);
        let context = Context::of_system(binary, shim.clone()).await;
        contexts.push(context.map_err(failed)?);
    }
    Ok(contexts)
}

async fn write(contexts: Vec<Context>, dir: &Path) -> Result<()> {
    let mut lines = String::new();
    for context in contexts {
        let folder = dir.join(context.part.as_str());
        let context = Arc::new(context);
        let command = format!(
            "docker build --tag {} {}\n",
            context.reference(),
            folder.display()
        );
        context.write_to(folder).await.map_err(failed)?;
        lines.push_str(&command);
    }
    print(&lines)
}

async fn listing(images: &Images, parts: &[Part]) -> Result<String> {
    let mut lines = String::new();
    for part in parts {
        let text = match images.look(*part).await.map_err(failed)? {
            Some(image) => line(&image),
            None => lacking(*part, images.config().given.get(part)),
        };
        lines.push_str(&text);
    }
    Ok(lines)
}

/// An image that somebody named is the only one that will do. A dash stands where the reference of an
/// image would.
fn lacking(part: Part, given: Option<&String>) -> String {
    match given {
        Some(given) => format!(
            "{part:10} {:28} missing; {} names {given}, which a run would pull\n",
            "-",
            part.variable()
        ),
        None => format!(
            "{part:10} {:28} missing; `cargo xtask images {part}` builds one\n",
            "-"
        ),
    }
}

fn line(image: &Image) -> String {
    let id = image.id.strip_prefix("sha256:").unwrap_or(&image.id);
    format!(
        "{:10} {:28} {:.ID_DIGITS$} {:>9}  {}\n",
        image.part,
        image.reference,
        id,
        bytes(image.size_bytes),
        image.how
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_missing_image_has_a_dash_for_a_reference() {
        let part = Part::Component(ComponentId::Kafka);
        let given = "mirror/kafka:1".to_owned();
        for line in [lacking(part, None), lacking(part, Some(&given))] {
            let columns: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(columns[..3], ["kafka", "-", "missing;"], "{line}");
        }
        assert!(lacking(part, Some(&given)).contains(&given));
    }

    #[test]
    fn only_a_whole_stack_of_images_changes_what_runs_use() {
        assert_eq!(by_default(false, false), None);
        for (full, light) in [(true, true), (false, true)] {
            let told = by_default(full, light).expect("is told");
            assert!(told.contains("GAUNTLET_PROVIDER=process"), "{told}");
            assert_eq!(told.contains("--stack light"), !full, "{told}");
        }
    }

    #[test]
    fn a_line_names_part_reference_id_size_and_origin() {
        let image = Image {
            part: Part::Component(ComponentId::Redis),
            reference: "gauntlet/redis:9.1.2".to_owned(),
            id: format!("sha256:{}", "0123456789abcdef".repeat(4)),
            version: "9.1.2".to_owned(),
            size_bytes: 7_000_000,
            how: "official image, in the engine".to_owned(),
            layers: Vec::new(),
        };
        assert_eq!(
            line(&image),
            "redis      gauntlet/redis:9.1.2         0123456789ab    7.0 MB  \
             official image, in the engine\n"
        );
    }
}

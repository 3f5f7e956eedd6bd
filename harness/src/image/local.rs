//! Images of our own making: building them, finding them again, and clearing old ones away.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use testcontainers::bollard::body_try_stream;
use testcontainers::bollard::models::{ImageInspect, ImageSummary};
use testcontainers::bollard::query_parameters::{
    BuildImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions,
};

use super::context::Context;
use super::images::{Image, Images, labels};
use super::part::Part;
use super::{stream, versions};
use crate::component::system::SystemBinary;
use crate::error::{StackError, StackErrorKind};

const PART: &str = "gauntlet.part";
const RECIPE: &str = "gauntlet.recipe";
const ORIGIN: &str = "gauntlet.origin";
/// Each build of the system makes one; a few are kept for who goes back and forth.
const SYSTEMS_KEPT: usize = 3;

/// A local image, and whether it had to be built.
#[derive(Debug, Clone)]
pub struct Built {
    pub image: Image,
    /// False: one of the same recipe was there.
    pub is_new: bool,
}

impl Images {
    /// Builds a context, unless the engine has an image of the same recipe. `progress` gets a line at a time.
    pub async fn build(
        &self,
        context: Arc<Context>,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Built, StackError> {
        let reference = context.reference();
        let before = self.inspect(&reference).await?;
        if let Some(found) = before.as_ref().filter(|found| is_of(found, &context)) {
            let image = local_image(context.part, &reference, found.clone());
            return Ok(Built {
                image,
                is_new: false,
            });
        }
        progress(&format!("building {reference}, {}", context.summary()));
        self.send(&context, progress).await?;
        let built = self.inspect(&reference).await?;
        let Some(built) = built.filter(|built| is_of(built, &context)) else {
            return Err(refused(&reference, "the engine has not kept it"));
        };
        if let Some(old) = before.and_then(|before| before.id)
            && Some(&old) != built.id.as_ref()
        {
            // A container may still run from it.
            let _ = self.remove(&old).await;
        }
        let image = local_image(context.part, &reference, built);
        Ok(Built {
            image,
            is_new: true,
        })
    }

    /// The image of one binary of the system. Of the images that earlier binaries left behind the newest are kept, and those that a container uses.
    pub(super) async fn system(
        &self,
        binary: &SystemBinary,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Image, StackError> {
        let context = Context::of_system(binary.clone(), self.config.shim.clone()).await?;
        let built = self.build(Arc::new(context), progress).await?;
        if built.is_new {
            self.clear_systems().await?;
        }
        Ok(built.image)
    }

    async fn clear_systems(&self) -> Result<(), StackError> {
        for old in self.local(Part::System).await?.iter().skip(SYSTEMS_KEPT) {
            // The engine refuses what a container uses, which is what is wanted.
            let _ = self.remove(old).await;
        }
        Ok(())
    }

    async fn send(
        &self,
        context: &Arc<Context>,
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<(), StackError> {
        let reference = context.reference();
        let options = BuildImageOptionsBuilder::new()
            .t(&reference)
            .rm(true)
            .forcerm(true)
            .build();
        let writing = Arc::clone(context);
        let files = stream::written_by(move |out| writing.write(out));
        let body = body_try_stream(files.map(|piece| piece.map(Into::into)));
        let mut messages = self.engine.docker().build_image(options, None, Some(body));
        while let Some(message) = messages.next().await {
            let message = message.map_err(|error| refused(&reference, "").because(error))?;
            if let Some(why) = message.error_detail.and_then(|detail| detail.message) {
                return Err(refused(&reference, &why));
            }
            let said = message.stream.unwrap_or_default();
            said.lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .for_each(progress);
        }
        Ok(())
    }

    /// References of the local images of a part, the newest first.
    async fn local(&self, part: Part) -> Result<Vec<String>, StackError> {
        let label = format!("{PART}={part}");
        let options = ListImagesOptionsBuilder::new()
            .filters(&HashMap::from([("label", vec![label.as_str()])]))
            .build();
        let listed = self.engine.docker().list_images(Some(options)).await;
        let listed = listed.map_err(|error| {
            let what = format!("list the local images of {part}");
            let mend = "see the cause, and the engine's own log";
            StackError::new(StackErrorKind::Engine, what, mend).because(error)
        })?;
        Ok(newest_first(part, &listed))
    }

    async fn remove(&self, image: &str) -> Result<(), StackError> {
        let removed = self
            .engine
            .docker()
            .remove_image(image, None::<RemoveImageOptions>, None)
            .await;
        removed.map(drop).map_err(|error| {
            let what = format!("remove the image {image}");
            StackError::new(StackErrorKind::Engine, what, "see the cause").because(error)
        })
    }
}

/// The local image of a component in the pinned version, else the newest of an accepted one; of the system
/// the newest one.
pub(super) async fn newest(images: &Images, part: Part) -> Result<Option<Image>, StackError> {
    let local = images.local(part).await?;
    let chosen = match part {
        Part::Component(id) => versions::best(&images.config.manifest, id, &local),
        Part::System => local.first(),
    };
    let Some(chosen) = chosen else {
        return Ok(None);
    };
    let found = images.inspect(chosen).await?;
    Ok(found.map(|found| local_image(part, chosen, found)))
}

fn newest_first(part: Part, listed: &[ImageSummary]) -> Vec<String> {
    let own = format!("gauntlet/{part}:");
    let mut listed: Vec<&ImageSummary> = listed.iter().collect();
    listed.sort_by_key(|image| std::cmp::Reverse(image.created));
    let references = listed.into_iter().filter_map(|image| {
        let tag = image.repo_tags.iter().find(|tag| tag.starts_with(&own))?;
        Some(tag.clone())
    });
    references.collect()
}

fn is_of(image: &ImageInspect, context: &Context) -> bool {
    labels(image).get(RECIPE) == Some(&context.recipe)
}

fn local_image(part: Part, reference: &str, inspected: ImageInspect) -> Image {
    let origin = labels(&inspected).remove(ORIGIN).unwrap_or_default();
    let how = format!("local image, built by `cargo xtask images` from: {origin}");
    Image::of(part, reference, how, inspected)
}

fn refused(reference: &str, why: &str) -> StackError {
    let what = match why {
        "" => format!("build the image {reference}"),
        why => format!("build the image {reference}: {why}"),
    };
    StackError::new(
        StackErrorKind::Engine,
        what,
        "see the cause; `gauntlet images --context DIR` writes what is built, for `docker build` by hand",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(tags: &[&str], created: i64) -> ImageSummary {
        ImageSummary {
            repo_tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            created,
            ..ImageSummary::default()
        }
    }

    #[test]
    fn the_newest_comes_first_and_what_is_not_called_ours_is_left_alone() {
        let listed = [
            summary(&["gauntlet/todo:old"], 1),
            summary(&["somebody/todo:fork"], 9),
            summary(&["mirror/x:1", "gauntlet/todo:new"], 5),
            summary(&[], 7),
        ];
        let found = newest_first(Part::System, &listed);
        assert_eq!(found, ["gauntlet/todo:new", "gauntlet/todo:old"]);
    }
}

//! Of which versions a local image may be.

use super::reference;
use crate::store::{ComponentId, Manifest};

/// Of the references `local`, the newest first, the one of the pinned version, else the newest one of a version
/// that the store would hand out as well. An image that was built before the manifest was changed is neither,
/// and would be judged in place of what is wanted.
pub(super) fn best<'a>(
    manifest: &Manifest,
    id: ComponentId,
    local: &'a [String],
) -> Option<&'a String> {
    let is_pinned = |image: &&String| manifest.version(id) == Some(reference::tag(image));
    let is_handed_out = |image: &&String| manifest.hands_out(id, reference::tag(image));
    let pinned = local.iter().find(is_pinned);
    pinned.or_else(|| local.iter().find(is_handed_out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_tags(id: ComponentId, tags: &[&str]) -> Option<String> {
        let manifest = Manifest::embedded().unwrap();
        let local: Vec<String> = tags.iter().map(|tag| format!("gauntlet/x:{tag}")).collect();
        best(&manifest, id, &local).map(|best| reference::tag(best).to_owned())
    }

    #[test]
    fn the_pinned_version_comes_first_and_then_the_newest_accepted_one() {
        let manifest = Manifest::embedded().unwrap();
        for id in ComponentId::ALL {
            let pinned = manifest.version(id).unwrap();
            assert_eq!(of_tags(id, &["0", pinned]).as_deref(), Some(pinned));
        }
        let redis = |tags: &[&str]| of_tags(ComponentId::Redis, tags);
        assert_eq!(redis(&["7.0.15", "8.0.1"]).as_deref(), Some("7.0.15"));
    }

    #[test]
    fn planted_image_of_before_a_bump_counts_as_missing() {
        assert_eq!(of_tags(ComponentId::Daprd, &["1.0.0", "1.16.50"]), None);
        assert_eq!(of_tags(ComponentId::Redis, &["70.1", "latest"]), None);
        assert_eq!(of_tags(ComponentId::Redis, &[]), None);
    }
}

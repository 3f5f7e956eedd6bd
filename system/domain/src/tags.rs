use gauntlet_contract::LabelId;
use gauntlet_contract::task::TAGS_MAX;

use crate::change::Violation;

/// Tags as a task holds them: sorted, each once, not too many.
pub(crate) fn set(mut tags: Vec<LabelId>, violations: &mut Vec<Violation>) -> Vec<LabelId> {
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > TAGS_MAX {
        let detail = format!("must be at most {TAGS_MAX}, are {}", tags.len());
        violations.push(Violation::new("tags", detail));
    }
    tags
}

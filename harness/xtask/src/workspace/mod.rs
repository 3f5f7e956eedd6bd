//! What the rules look at: a plain view of the repository that tests can build by hand.

mod load;
mod source;
mod survey;
mod view;

pub(crate) use load::load;
pub(crate) use source::Source;
pub(crate) use view::{Member, Package, TextFile, Workspace, is_under};

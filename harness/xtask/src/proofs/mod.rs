//! Which test or scenario proves which requirement.

mod known;
mod render;
mod required;
mod table;

pub(crate) use known::Known;
pub(crate) use render::render;
pub(crate) use required::{SECTIONS, required_ids};
pub(crate) use table::{Proof, Requirement, Status, Table};

/// The table as people edit it, and as they read it.
pub(crate) use table::{RENDERED, SOURCE};

//! Which test or scenario proves which requirement.

mod known;
mod read;
mod render;
mod required;
mod table;

pub(crate) use known::Known;
pub(crate) use render::render;
pub(crate) use required::{FOLDER, SECTIONS, Section};
pub(crate) use table::{Line, Proof, RENDERED, Requirement, Status, Table};

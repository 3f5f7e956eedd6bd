//! The crate from outside: one fixture report with every kind of outcome, rendered and judged.

mod compare;
mod files;
mod fixture;
mod fold;
mod gate;
mod rendering;

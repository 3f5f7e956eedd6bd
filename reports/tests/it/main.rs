//! The crate from outside: one fixture report with every kind of outcome, rendered and judged.

mod beside;
mod compare;
mod files;
mod fixture;
mod fold;
mod gate;
mod regression;
mod rendering;

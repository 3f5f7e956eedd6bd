//! The role `recurring`: sees to it that each series gets its next instance.
//!
//! It owns no table and decides nothing. Events (`on_completion`) and the clock (`on_schedule`) only
//! tell it what to ask the api role for; the api decides, and creates an instance of a series once
//! however often it is asked. What is kept in the state store saves questions and is no truth.

mod api;
mod handler;
mod inbox;
mod schedule;
mod settings;
mod status;

pub use api::SeriesApi;
pub use handler::RecurringHandler;
pub use schedule::SchedulePass;
pub use settings::ScheduleSettings;
pub use status::ScheduleStatus;

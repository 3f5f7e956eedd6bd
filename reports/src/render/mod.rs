//! Renderers of a report: JSON, Markdown, `JUnit` XML and one self-contained HTML page.

mod beside;
mod chart;
mod chip;
mod comparison;
mod error;
mod facts;
mod files;
mod html;
mod junit;
mod markdown;
mod plot;
mod regression;
mod strip;
mod ticks;
mod view;

pub use comparison::comparison_markdown;
pub use error::{ReadError, ReadErrorKind, RenderError, RenderErrorKind};
pub use files::{Written, read, render_json, write_all};
pub use html::render_html;
pub use junit::render_junit;
pub use markdown::render_markdown;
pub use regression::regression_markdown;

//! The page that a person opens. It has to survive being mailed, archived and printed, so it is one
//! file without a script.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use super::error::{RenderError, RenderErrorKind};
use super::view::page;
use crate::evidence::Report;

const TEMPLATE_NAME: &str = "report.html.j2";
const TEMPLATE: &str = include_str!("../../templates/report.html.j2");
const STYLE: &str = include_str!("../../templates/report.css");

/// Renders one page that needs nothing beside itself: no script, no request, no font.
///
/// Every value is escaped. Only the style sheet and the drawings, both made here, are taken as
/// markup.
pub fn render_html(report: &Report) -> Result<String, RenderError> {
    let failed = |source: minijinja::Error| RenderError::new(RenderErrorKind::Html, source);
    let page = page(report)?;
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // A misspelt name must fail the tests, not leave a hole in the page.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build();
    environment.set_syntax(syntax.map_err(failed)?);
    environment
        .add_template(TEMPLATE_NAME, TEMPLATE)
        .map_err(failed)?;
    let template = environment.get_template(TEMPLATE_NAME).map_err(failed)?;
    template
        .render(context! { page => Serde(page), style => STYLE })
        .map_err(failed)
}

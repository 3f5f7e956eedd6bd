//! Draws lines on two axes as SVG whose colours the page's style sheet decides.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::ticks::Tick;

/// Distinct line styles in the style sheet; further series begin again.
pub(super) const LINE_STYLES: usize = 6;

/// Drawn at this size in user units and scaled to the page: small, so that a phone, where it shrinks
/// most, still shows legible text.
const SIZE: (u32, u32) = (560, 300);
const FONT_SIZE: u32 = 16;

/// Plotters writes colours into the SVG, where a dark page could not change them. It draws with
/// these placeholders, which then give way to class names.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const FIRST_LINE: u8 = 3;

type DrawError = DrawingAreaErrorKind<std::io::Error>;

/// Where values lie, and which positions are named.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) ticks: Vec<Tick>,
    pub(super) title: String,
}

/// One line a series, in axis positions.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Vec<(f64, f64)>>,
}

/// Plotters' own axes choose their gridlines; here the percentiles that people read get them.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        RangedCoordf64::from(self.range()).map(value, limit)
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(position, _)| *position).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, at: &f64) -> String {
        // Plotters hands back the very positions that it was given.
        let own = |tick: &&Tick| tick.0.total_cmp(at).is_eq();
        let tick = self.ticks.iter().find(own);
        tick.map_or_else(String::new, |(_, label)| label.clone())
    }
}

impl Chart {
    /// An `<svg>` element without width, height or colours.
    pub(super) fn into_svg(self) -> Result<String, DrawError> {
        let (x_title, y_title) = (self.x.title.clone(), self.y.title.clone());
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let mut chart = ChartBuilder::on(&area)
                .margin_top(12)
                .margin_right(24)
                .x_label_area_size(46)
                .y_label_area_size(64)
                .build_cartesian_2d(self.x, self.y)?;
            let text = ("sans-serif", FONT_SIZE).into_font().color(&INK);
            chart
                .configure_mesh()
                .axis_style(INK)
                .bold_line_style(GRID)
                .light_line_style(TRANSPARENT)
                .label_style(text.clone())
                .axis_desc_style(text)
                .x_desc(x_title)
                .y_desc(y_title)
                .draw()?;
            for (index, line) in self.lines.into_iter().enumerate() {
                let style = placeholder(index).stroke_width(2);
                chart.draw_series(LineSeries::new(line, style))?;
            }
            area.present()?;
        }
        Ok(themed(&svg))
    }
}

/// The stand-in colour of a series, told apart from every other by its shade.
fn placeholder(series: usize) -> RGBColor {
    let offset = u8::try_from(series % LINE_STYLES).unwrap_or_default();
    let shade = FIRST_LINE + offset;
    RGBColor(shade, shade, shade)
}

/// Puts classes where plotters put colours and fonts.
fn themed(svg: &str) -> String {
    let hex = |color: RGBColor| format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2);
    let mut themed = svg
        .replacen(
            &format!("width=\"{}\" height=\"{}\" ", SIZE.0, SIZE.1),
            "",
            1,
        )
        .replace(&format!("stroke=\"{}\"", hex(INK)), "class=\"axis\"")
        .replace(&format!("fill=\"{}\"", hex(INK)), "class=\"ink\"")
        .replace(&format!("stroke=\"{}\"", hex(GRID)), "class=\"grid\"")
        .replace("font-family=\"sans-serif\" ", "");
    for series in 0..LINE_STYLES {
        let color = format!("stroke=\"{}\"", hex(placeholder(series)));
        themed = themed.replace(&color, &format!("class=\"line line-{series}\""));
    }
    themed
}

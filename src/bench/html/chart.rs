//! Line charts as SVG. There is no text in them but that of the axes: what comes from a target stands outside, escaped.

use std::ops::Range;

use plotters::backend::SVGBackend;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::{
    ChartBuilder, Circle, Color, IntoDrawingArea, LineSeries, RGBColor, TextStyle,
};
use plotters::style::IntoTextStyle;

/// Twice the size at which it is shown, because coordinates are whole numbers.
const SIZE: (u32, u32) = (960, 600);
const FONT: (&str, u32) = ("sans-serif", 34);
/// The style sheet knows these, and shows others where it is dark.
const INK: RGBColor = RGBColor(0x44, 0x48, 0x50);
const GRID: RGBColor = RGBColor(0xDD, 0xDF, 0xE3);
/// One after the other for the lines; told apart by people who see few colors, too.
pub const COLORS: [RGBColor; 8] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x8F, 0x68),
    RGBColor(0xB8, 0x4C, 0x8C),
    RGBColor(0x8A, 0x6D, 0x00),
    RGBColor(0x2B, 0x8F, 0xC4),
    RGBColor(0x7A, 0x52, 0xC7),
    RGBColor(0x5F, 0x65, 0x70),
];

/// One direction: from where to where, and what is written at which places.
#[derive(Debug, Clone)]
pub struct Axis {
    /// From the first to the last place.
    pub range: Range<f64>,
    /// Places and what is written there.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// These, side by side.
    pub fn of_names(names: impl IntoIterator<Item = String>) -> Axis {
        let ticks: Vec<_> = (0u32..).map(f64::from).zip(names).collect();
        Axis {
            range: -0.25..ticks.len() as f64 - 0.75,
            ticks,
        }
    }

    /// A logarithmic one for these figures.
    pub fn logarithmic(
        values: impl IntoIterator<Item = f64>,
        name: impl Fn(f64) -> String,
    ) -> Axis {
        let (low, high) = values
            .into_iter()
            .filter(|value| *value > 0.0)
            .map(f64::log10)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let room = ((high - low) * 0.06).max(0.08);
        let range = low - room..high + room;
        // Few powers of ten: twos and fives between them.
        let between: &[f64] = match range.end - range.start {
            ..1.0 => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
            ..2.5 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let powers = range.start.floor() as i32..=range.end.ceil() as i32;
        let ticks = powers
            .flat_map(|power| between.iter().map(move |of| of * 10f64.powi(power)))
            .map(|value| (value.log10(), name(value)))
            .filter(|(at, _)| range.contains(at))
            .collect();
        Axis { range, ticks }
    }

    fn label(&self, at: f64) -> String {
        let near = |tick: &&(f64, String)| (tick.0 - at).abs() < 1e-9;
        self.ticks
            .iter()
            .find(near)
            .map(|tick| tick.1.clone())
            .unwrap_or_default()
    }
}

/// The places that are written at are those of the axis.
struct Ticks(Axis);

impl Ranged for Ticks {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let Range { start, end } = self.0.range;
        let part = (value - start) / (end - start);
        from + (part * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.0.ticks.iter().map(|tick| tick.0).collect()
    }

    fn range(&self) -> Range<f64> {
        self.0.range.clone()
    }
}

/// A line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
    /// Its place among [`COLORS`], which begin again behind the last.
    pub color: usize,
    /// How it is drawn.
    pub stroke: Stroke,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    /// A strong line with its points marked.
    Marked,
    /// A strong line.
    Plain,
    /// A pale line.
    Pale,
}

/// Draws a chart.
///
/// # Errors
/// Where plotters cannot.
pub fn draw(x: &Axis, y: &Axis, lines: &[Line]) -> Result<String, String> {
    let mut svg = String::new();
    draw_into(&mut svg, x, y, lines).map_err(|error| error.to_string())?;
    Ok(svg)
}

fn draw_into(
    svg: &mut String,
    x: &Axis,
    y: &Axis,
    lines: &[Line],
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let text: TextStyle = FONT.into_text_style(&area).color(&INK);
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .margin_right(48)
        .x_label_area_size(58)
        .y_label_area_size(132)
        .build_cartesian_2d(Ticks(x.clone()), Ticks(y.clone()))?;
    chart
        .configure_mesh()
        .label_style(text)
        .axis_style(INK)
        .bold_line_style(GRID.stroke_width(2))
        .light_line_style(GRID.mix(0.0))
        .x_label_formatter(&|at| x.label(*at))
        .y_label_formatter(&|at| y.label(*at))
        .draw()?;
    for line in lines {
        let color = COLORS[line.color % COLORS.len()];
        let (color, width) = match line.stroke {
            Stroke::Pale => (color.mix(0.45), 3),
            Stroke::Marked | Stroke::Plain => (color.mix(1.0), 5),
        };
        let style = color.stroke_width(width);
        chart.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
        if line.stroke == Stroke::Marked {
            let points = line.points.iter();
            chart.draw_series(points.map(|point| Circle::new(*point, 8, color.filled())))?;
        }
    }
    area.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_axis_has_ticks_that_people_read() {
        let names = |values: &[f64]| -> Vec<String> {
            let axis = Axis::logarithmic(values.iter().copied(), |value| format!("{value:.0}"));
            axis.ticks.into_iter().map(|tick| tick.1).collect()
        };
        assert_eq!(names(&[40.0, 60_000.0]), ["100", "1000", "10000"]);
        assert_eq!(names(&[40.0, 600.0]), ["50", "100", "200", "500"]);
        assert_eq!(names(&[40.0, 41.0]), [] as [&str; 0]);
        assert_eq!(names(&[]), ["1", "2", "5", "10"]);
    }

    #[test]
    fn a_chart_says_what_its_axes_say_and_has_its_lines() {
        let x = Axis::of_names(["1", "8", "32"].map(String::from));
        let y = Axis::logarithmic([10.0, 1_000.0], |value| format!("<{value:.0}>"));
        let line = Line {
            points: vec![(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)],
            color: 1,
            stroke: Stroke::Marked,
        };
        let svg = draw(&x, &y, &[line]).unwrap();
        assert!(svg.starts_with("<svg"), "{svg}");
        assert!(
            svg.contains("&lt;100&gt;") && !svg.contains("<100>"),
            "{svg}"
        );
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains(r##"stroke="#D55E00""##));
    }
}

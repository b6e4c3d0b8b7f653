//! Draws a [`Chart`]: title, legend, then panels over one x axis.

use super::axis::{Ticked, tick};
use super::canvas::{Anchor, Canvas, bold_width, draw, fitting, fitting_bold, palette, text_width};
use super::{Chart, Mark, Panel, Series, Under};

const TITLE_SIZE: f64 = 21.0;
const TEXT_SIZE: f64 = 16.0;
/// Height of the title's line, of a legend's line and of a panel's heading.
const TITLE_HEIGHT: f64 = 44.0;
const LEGEND_HEIGHT: f64 = 26.0;
const HEADING_HEIGHT: f64 = 38.0;
/// Room under the lowest panel for tick texts and the axis title.
const FOOT_HEIGHT: f64 = 58.0;
const LEFT: f64 = 68.0;
const RIGHT: f64 = 26.0;
/// Space between two panels.
const GAP: f64 = 14.0;

/// Where a panel lies and what its axes span: turns data into pixels.
struct Frame<'a> {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: &'a Ticked,
    y: Ticked,
}

impl Frame<'_> {
    fn x(&self, value: f64) -> f64 {
        self.left + self.x.share(value) * (self.right - self.left)
    }
    fn y(&self, value: f64) -> f64 {
        self.bottom - self.y.share(value) * (self.bottom - self.top)
    }
    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.x(x), self.y(y))
    }
}

/// The least and greatest x and y of some series; none without points.
fn bounds<'a>(series: impl Iterator<Item = &'a Series>) -> Option<[f64; 4]> {
    let mut found: Option<[f64; 4]> = None;
    let mut include = |x: f64, y: f64| {
        if x.is_finite() && y.is_finite() {
            let [left, right, low, high] = found.unwrap_or([x, x, y, y]);
            found = Some([left.min(x), right.max(x), low.min(y), high.max(y)]);
        }
    };
    for one in series {
        match &one.mark {
            Mark::Line(points) | Mark::Step(points) => points.iter().for_each(|(x, y)| include(*x, *y)),
            Mark::Scatter(points) | Mark::Rings(points) => {
                points.iter().for_each(|(x, y, _)| include(*x, *y));
            }
            Mark::Band(points) | Mark::Area(points) => points.iter().for_each(|(x, low, high)| {
                include(*x, *low);
                include(*x, *high);
            }),
            Mark::Bars(bars) => bars.iter().for_each(|(from, to, height)| {
                include(*from, 0.0);
                include(*to, *height);
            }),
            Mark::Arcs(arcs) => arcs.iter().for_each(|arc| {
                include(arc.from.0, arc.from.1);
                include(arc.to.0, arc.to.1);
            }),
        }
    }
    found
}

pub(super) fn draw_chart(chart: &Chart) -> String {
    let (width, height) = chart.size;
    draw(width, height, &chart.title, |canvas| {
        let title = fitting_bold(&chart.title, TITLE_SIZE, width - 40.0);
        canvas.text((20.0, 26.0), Anchor::Left, &title, TITLE_SIZE, palette::INK, true);
        let top = draw_legend(canvas, chart, TITLE_HEIGHT + 4.0);
        let Some([least, greatest, _, _]) = bounds(chart.panels.iter().flat_map(|panel| &panel.series))
        else {
            let (middle, said) = ((width / 2.0, height / 2.0), "nothing was recorded to show here");
            canvas.text(middle, Anchor::Centre, said, TEXT_SIZE, palette::GREY, false);
            return;
        };
        let x = tick(&chart.x, least, greatest, 8, false);
        let count = chart.panels.len() as f64;
        let foot = FOOT_HEIGHT + under_height(chart);
        let room = (height - foot - top - GAP * (count - 1.0)) / count;
        let heading = |panel: &Panel| if panel.y.title.is_empty() { 8.0 } else { HEADING_HEIGHT };
        let ready: Vec<Ticked> =
            chart.panels.iter().map(|panel| vertical(panel, room - heading(panel))).collect();
        let (left, right) = (margin(chart, &ready), width - right_margin(&x));
        for (number, (panel, y)) in chart.panels.iter().zip(ready).enumerate() {
            let upper = top + (room + GAP) * number as f64;
            let frame = Frame { left, right, top: upper + heading(panel), bottom: upper + room, x: &x, y };
            draw_panel(canvas, panel, &frame, number + 1 == chart.panels.len());
            if number + 1 == chart.panels.len() {
                draw_under(canvas, &chart.under, &frame);
            }
        }
        let middle = (left + (right - left) / 2.0, height - foot + FOOT_HEIGHT - 16.0);
        let title = fitting(&x.title, TEXT_SIZE, right - left);
        canvas.text(middle, Anchor::Centre, &title, TEXT_SIZE, palette::GREY, false);
    })
}

/// The vertical axis of a panel that is so high.
fn vertical(panel: &Panel, height: f64) -> Ticked {
    let [_, _, low, high] = bounds(panel.series.iter()).unwrap_or([0.0, 0.0, 0.0, 1.0]);
    let most = (height / 42.0).clamp(2.0, 8.0) as usize;
    let low = if panel.y.is_logarithmic { low } else { low.min(0.0) };
    tick(&panel.y, low, high, most, true)
}

/// Room at the left for the longest text beside a vertical axis, or under the horizontal one.
fn margin(chart: &Chart, axes: &[Ticked]) -> f64 {
    let ticks = axes.iter().flat_map(|axis| &axis.ticks).map(|(_, text)| text_width(text, TEXT_SIZE) + 16.0);
    let under = chart.under.iter().map(|under| under_name_width(&under.name) + 46.0);
    ticks.chain(under).fold(LEFT, f64::max)
}

/// Room at the right for the half of the last tick's text that stands out.
fn right_margin(x: &Ticked) -> f64 {
    x.ticks.last().map_or(RIGHT, |(_, text)| RIGHT.max(text_width(text, TEXT_SIZE) / 2.0 + 6.0))
}

/// How much of the width the name of a line under the axis has.
const UNDER_NAME: f64 = 200.0;

fn under_name_width(name: &str) -> f64 {
    text_width(name, TEXT_SIZE).min(UNDER_NAME)
}

fn under_height(chart: &Chart) -> f64 {
    if chart.under.is_empty() { 0.0 } else { LEGEND_HEIGHT * (chart.under.len() as f64 + 1.0) }
}

/// Draws lines of numbers under the ticks of the axis: how many are still there at each.
fn draw_under(canvas: &Canvas, lines: &[Under], frame: &Frame<'_>) {
    let Some(first) = lines.first() else { return };
    let mut y = frame.bottom + FOOT_HEIGHT + 6.0;
    canvas.text((20.0, y), Anchor::Left, &first.title, TEXT_SIZE, palette::GREY, false);
    for line in lines {
        y += LEGEND_HEIGHT;
        let name = fitting(&line.name, TEXT_SIZE, UNDER_NAME);
        canvas.text((20.0, y), Anchor::Left, &name, TEXT_SIZE, palette::INK, false);
        let mut free_from = 20.0 + under_name_width(&name) + 8.0;
        for (value, _) in &frame.x.ticks {
            let known = line.steps.iter().take_while(|(from, _)| from <= value).last();
            let text = super::grouped(known.map_or(0.0, |(_, count)| *count));
            let (x, half) = (frame.x(*value), text_width(&text, TEXT_SIZE) / 2.0);
            if x - half >= free_from && x + half <= frame.right + right_margin(frame.x) {
                canvas.text((x, y), Anchor::Centre, &text, TEXT_SIZE, palette::INK, false);
                free_from = x + half + 8.0;
            }
        }
    }
}

/// Draws the legend in lines above the panels, where more than one thing is named; returns where the panels
/// begin.
fn draw_legend(canvas: &Canvas, chart: &Chart, top: f64) -> f64 {
    let mut named: Vec<&Series> = Vec::new();
    for series in chart.panels.iter().flat_map(|panel| &panel.series) {
        if !series.name.is_empty() && !named.iter().any(|other| other.name == series.name) {
            named.push(series);
        }
    }
    if named.len() < 2 {
        return top;
    }
    let (mut x, mut y) = (20.0, top + LEGEND_HEIGHT / 2.0);
    for series in named {
        let text = fitting(&series.name, TEXT_SIZE, chart.size.0 - 80.0);
        let width = 26.0 + text_width(&text, TEXT_SIZE) + 18.0;
        if x > 20.0 && x + width > chart.size.0 - 10.0 {
            (x, y) = (20.0, y + LEGEND_HEIGHT);
        }
        match &series.mark {
            Mark::Line(_) | Mark::Step(_) => {
                canvas.stroke(&[(x - 2.0, y), (x + 19.0, y)], series.color, 3.0, series.dash);
            }
            Mark::Arcs(_) => canvas.line(&[(x, y), (x + 20.0, y)], series.color, 3.0),
            Mark::Scatter(_) => canvas.dot((x + 10.0, y), 7.0, series.color.alpha(1.0)),
            Mark::Rings(_) => canvas.ring((x + 10.0, y), 7.0, series.color, 2.0),
            Mark::Band(_) | Mark::Area(_) | Mark::Bars(_) => {
                canvas.rectangle((x + 2.0, y - 7.0), (x + 18.0, y + 7.0), series.color);
            }
        }
        canvas.text((x + 26.0, y), Anchor::Left, &text, TEXT_SIZE, palette::INK, false);
        x += width;
    }
    y + LEGEND_HEIGHT / 2.0 + 2.0
}

fn draw_panel(canvas: &Canvas, panel: &Panel, frame: &Frame<'_>, lowest: bool) {
    canvas.rectangle((frame.left, frame.top), (frame.right, frame.bottom), panel.ground);
    if !frame.y.title.is_empty() {
        let at = (20.0, frame.top - HEADING_HEIGHT + 14.0);
        let title = fitting(&frame.y.title, TEXT_SIZE, frame.right - 20.0);
        canvas.text(at, Anchor::Left, &title, TEXT_SIZE, palette::GREY, false);
    }
    for outline in &panel.backdrop {
        let corners: Vec<_> = outline.iter().map(|corner| frame.at(*corner)).collect();
        canvas.polygon(&corners, palette::LAND);
    }
    for (value, text) in &frame.y.ticks {
        let y = frame.y(*value);
        canvas.line(&[(frame.left, y), (frame.right, y)], palette::GRID, 1.0);
        canvas.text((frame.left - 8.0, y), Anchor::Right, text, TEXT_SIZE, palette::GREY, false);
    }
    for (value, text) in &frame.x.ticks {
        let x = frame.x(*value);
        canvas.line(&[(x, frame.top), (x, frame.bottom)], palette::GRID, 1.0);
        if lowest {
            canvas.text((x, frame.bottom + 16.0), Anchor::Centre, text, TEXT_SIZE, palette::GREY, false);
        }
    }
    for series in &panel.series {
        draw_series(canvas, series, frame);
    }
    canvas.line(&[(frame.left, frame.bottom), (frame.right, frame.bottom)], palette::GREY, 1.5);
    for (number, marker) in panel.markers.iter().enumerate() {
        let x = frame.x(marker.x);
        canvas.dashed((x, frame.top), (x, frame.bottom), palette::INK, 1.5);
        // Under a rising curve the lower right is free; each text has its own height, so that near ones stay
        // apart.
        let y = frame.bottom - 26.0 - 30.0 * (panel.markers.len() - 1 - number) as f64;
        let width = bold_width(&marker.text, TEXT_SIZE);
        let left = if x + width + 14.0 < frame.right { x + 6.0 } else { x - width - 10.0 };
        canvas.rectangle((left, y - 12.0), (left + width + 4.0, y + 12.0), panel.ground.alpha(0.9));
        canvas.text((left + 2.0, y), Anchor::Left, &marker.text, TEXT_SIZE, palette::INK, true);
    }
}

fn draw_series(canvas: &Canvas, series: &Series, frame: &Frame<'_>) {
    let color = series.color;
    match &series.mark {
        Mark::Line(points) => {
            let points: Vec<_> = points.iter().map(|point| frame.at(*point)).collect();
            canvas.stroke(&thinned(&points), color, 2.5, series.dash);
        }
        Mark::Step(points) => {
            let points = thinned(&steps(points.iter().map(|point| frame.at(*point))));
            canvas.stroke(&points, color, 2.5, series.dash);
        }
        Mark::Scatter(points) => {
            for (x, y, radius) in points {
                canvas.dot(frame.at((*x, *y)), *radius, color);
            }
        }
        Mark::Rings(points) => {
            for (x, y, radius) in points {
                canvas.ring(frame.at((*x, *y)), *radius, color, 1.0);
            }
        }
        Mark::Band(points) => {
            let lower = thinned(&steps(points.iter().map(|(x, low, _)| frame.at((*x, *low)))));
            let upper = thinned(&steps(points.iter().map(|(x, _, high)| frame.at((*x, *high)))));
            fill_between(canvas, points, (upper, lower), color);
        }
        Mark::Area(points) => {
            let lower: Vec<_> = points.iter().map(|(x, low, _)| frame.at((*x, *low))).collect();
            let upper: Vec<_> = points.iter().map(|(x, _, high)| frame.at((*x, *high))).collect();
            fill_between(canvas, points, (thinned(&upper), thinned(&lower)), color);
        }
        Mark::Arcs(arcs) => {
            for arc in arcs {
                let (from, to) = (frame.at(arc.from), frame.at(arc.to));
                // Every arc is bent to its left, so that two ways between the same places lie apart.
                let bend = (
                    (from.0 + to.0) / 2.0 + (to.1 - from.1) * 0.18,
                    ((from.1 + to.1) / 2.0 - (to.0 - from.0) * 0.18).max(2.0 * frame.top - from.1.min(to.1)),
                );
                canvas.curve(from, bend, to, color, arc.width);
            }
        }
        Mark::Bars(bars) => {
            for (from, to, height) in bars {
                let (left, right) = (frame.x(*from), frame.x(*to));
                let inset = if right - left > 4.0 { 0.5 } else { 0.0 };
                canvas.rectangle((left + inset, frame.y(*height)), (right - inset, frame.y(0.0)), color);
            }
        }
    }
}

/// A line as corners in pixels.
type Corners = Vec<(f64, f64)>;

fn fill_between(
    canvas: &Canvas,
    points: &[(f64, f64, f64)],
    (upper, lower): (Corners, Corners),
    color: super::Color,
) {
    // An area of no height has nothing to fill, and its edge would still show as a hair line.
    if points.iter().any(|(_, low, high)| high > low) {
        canvas.polygon(&upper.into_iter().chain(lower.into_iter().rev()).collect::<Vec<_>>(), color);
    }
}

/// The corners of a line that keeps each value until the next point.
fn steps(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points {
        if let Some((_, before)) = corners.last().copied() {
            corners.push((x, before));
        }
        corners.push((x, y));
    }
    corners
}

/// The same line with at most four points a pixel column (first, lowest, highest, last): what the eye can
/// tell apart.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() < 2000 {
        return points.to_vec();
    }
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| libm::floor(a.0) == libm::floor(b.0)) {
        let (Some(first), Some(last)) = (column.first(), column.last()) else { continue };
        let by_height = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        kept.push(*first);
        kept.extend(column.iter().min_by(by_height));
        kept.extend(column.iter().max_by(by_height));
        kept.push(*last);
    }
    kept
}

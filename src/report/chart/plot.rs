//! Draws a [`Chart`]: title, legend, then panels over one x axis.

use super::axis::{Ticked, tick};
use super::canvas::{Anchor, Canvas, draw, fitting, palette, text_width};
use super::{Chart, Mark, Panel, Series};

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
            Mark::Band(points) => points.iter().for_each(|(x, low, high)| {
                include(*x, *low);
                include(*x, *high);
            }),
            Mark::Bars(bars) => bars.iter().for_each(|(from, to, height)| {
                include(*from, 0.0);
                include(*to, *height);
            }),
        }
    }
    found
}

pub(super) fn draw_chart(chart: &Chart) -> String {
    let (width, height) = chart.size;
    draw(width, height, &chart.title, |canvas| {
        let title = fitting(&chart.title, TITLE_SIZE, width - 40.0);
        canvas.text((20.0, 26.0), Anchor::Left, &title, TITLE_SIZE, palette::INK, true);
        let top = draw_legend(canvas, chart, TITLE_HEIGHT + 4.0);
        let Some([least, greatest, _, _]) = bounds(chart.panels.iter().flat_map(|panel| &panel.series))
        else {
            let middle = (width / 2.0, height / 2.0);
            canvas.text(
                middle,
                Anchor::Centre,
                "nothing was recorded to show here",
                TEXT_SIZE,
                palette::GREY,
                false,
            );
            return;
        };
        let x = tick(&chart.x, least, greatest, 8, false);
        let count = chart.panels.len() as f64;
        let room = (height - FOOT_HEIGHT - top - GAP * (count - 1.0)) / count;
        for (number, panel) in chart.panels.iter().enumerate() {
            let upper = top + (room + GAP) * number as f64;
            let heading = if panel.y.title.is_empty() { 8.0 } else { HEADING_HEIGHT };
            let [_, _, low, high] = bounds(panel.series.iter()).unwrap_or([0.0, 0.0, 0.0, 1.0]);
            let most = ((room - heading) / 42.0).clamp(2.0, 8.0) as usize;
            let low = if panel.y.is_logarithmic { low } else { low.min(0.0) };
            let y = tick(&panel.y, low, high, most, true);
            let (left, right) = (LEFT, width - RIGHT);
            let frame = Frame { left, right, top: upper + heading, bottom: upper + room, x: &x, y };
            draw_panel(canvas, panel, &frame, number + 1 == chart.panels.len());
        }
        let middle = (LEFT + (width - LEFT - RIGHT) / 2.0, height - 16.0);
        canvas.text(middle, Anchor::Centre, &x.title, TEXT_SIZE, palette::GREY, false);
    })
}

/// Draws the legend in lines above the panels, where more than one thing is named; returns where the panels
/// begin.
fn draw_legend(canvas: &Canvas<'_>, chart: &Chart, top: f64) -> f64 {
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
            Mark::Line(_) | Mark::Step(_) => canvas.line(&[(x, y), (x + 20.0, y)], series.color, 4.0),
            Mark::Scatter(_) => canvas.dot((x + 10.0, y), 7.0, series.color.alpha(1.0)),
            Mark::Rings(_) => canvas.ring((x + 10.0, y), 7.0, series.color, 2.0),
            Mark::Band(_) | Mark::Bars(_) => {
                canvas.rectangle((x + 2.0, y - 7.0), (x + 18.0, y + 7.0), series.color);
            }
        }
        canvas.text((x + 26.0, y), Anchor::Left, &text, TEXT_SIZE, palette::INK, false);
        x += width;
    }
    y + LEGEND_HEIGHT / 2.0 + 2.0
}

fn draw_panel(canvas: &Canvas<'_>, panel: &Panel, frame: &Frame<'_>, lowest: bool) {
    canvas.rectangle((frame.left, frame.top), (frame.right, frame.bottom), panel.ground);
    if !frame.y.title.is_empty() {
        let at = (20.0, frame.top - HEADING_HEIGHT + 14.0);
        canvas.text(at, Anchor::Left, &frame.y.title, TEXT_SIZE, palette::GREY, false);
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
        let width = text_width(&marker.text, TEXT_SIZE);
        let left = if x + width + 14.0 < frame.right { x + 6.0 } else { x - width - 10.0 };
        canvas.rectangle((left, y - 12.0), (left + width + 4.0, y + 12.0), panel.ground.alpha(0.9));
        canvas.text((left + 2.0, y), Anchor::Left, &marker.text, TEXT_SIZE, palette::INK, true);
    }
}

fn draw_series(canvas: &Canvas<'_>, series: &Series, frame: &Frame<'_>) {
    let color = series.color;
    match &series.mark {
        Mark::Line(points) => {
            canvas.line(
                &thinned(&points.iter().map(|point| frame.at(*point)).collect::<Vec<_>>()),
                color,
                2.5,
            );
        }
        Mark::Step(points) => {
            canvas.line(&thinned(&steps(points.iter().map(|point| frame.at(*point)))), color, 2.5);
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
            // An area of no height has nothing to fill, and its edge would still show as a hair line.
            if points.iter().any(|(_, low, high)| high > low) {
                canvas.polygon(&upper.into_iter().chain(lower.into_iter().rev()).collect::<Vec<_>>(), color);
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

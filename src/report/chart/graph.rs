//! Layered graphs: boxes with arrows from the left to the right, or from the top down where there are many layers, each
//! arrow numbered and told below.
//!
//! The only file that knows the crate of the layout. It uses hash maps within; what comes of it does not depend on
//! their order (`layouts_are_always_the_same`).

use rust_sugiyama::configure::Config;
use rust_sugiyama::from_vertices_and_edges;

use super::Color;
use super::canvas::{Anchor, Canvas, Dash, draw, fitting, fitting_bold, palette, text_width};

const TEXT_SIZE: f64 = 16.0;
const TITLE_SIZE: f64 = 21.0;
const WIDTH: f64 = 900.0;
const MARGIN: f64 = 20.0;
const TOP: f64 = 88.0;
const BOX_HEIGHT: f64 = 58.0;
/// The widest box.
const BOX_WIDTH: f64 = 270.0;
/// So many layers lie beside each other; more lie under each other.
const MOST_BESIDE: usize = 3;
/// From layer to layer, where they lie under each other.
const STEP_DOWN: f64 = 124.0;
/// Space above each other.
const SPACE: f64 = 34.0;
const LINE: f64 = 23.0;
/// Lines of a name in its box, and from one to the next.
const BOX_LINES: usize = 3;
const BOX_LINE: f64 = 18.0;

/// An arrow.
#[derive(Clone, PartialEq, Debug)]
pub struct Edge {
    /// From which box.
    pub from: usize,
    /// To which box.
    pub to: usize,
    /// Its colour.
    pub color: Color,
    /// How its line is drawn.
    pub dash: Dash,
    /// What it says: the first part stands in bold.
    pub said: (String, String),
}

/// A graph.
#[derive(Clone, PartialEq, Debug)]
pub struct GraphChart {
    /// What it shows.
    pub title: String,
    /// How it is to be read.
    pub note: String,
    /// The names of the boxes.
    pub boxes: Vec<String>,
    /// The arrows.
    pub edges: Vec<Edge>,
}

/// Where the middles of boxes are, by box, and how much room they take: by layer from the left, and within it.
struct Layout {
    layers: Vec<usize>,
    heights: Vec<f64>,
    layer_count: usize,
    height: f64,
}

fn layout(boxes: usize, edges: &[Edge]) -> Layout {
    // The crate lays out from the top down; the height of a box here is its width there.
    let vertices: Vec<(u32, (f64, f64))> = (0..boxes as u32).map(|n| (n, (BOX_HEIGHT, BOX_HEIGHT))).collect();
    let mut pairs: Vec<(u32, u32)> = edges
        .iter()
        .filter(|edge| edge.from != edge.to)
        .map(|edge| (edge.from as u32, edge.to as u32))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let config = Config { vertex_spacing: SPACE, ..Config::default() };
    let mut parts = from_vertices_and_edges(&vertices, &pairs, &config);
    parts.iter_mut().for_each(|(part, _, _)| part.sort_by_key(|(vertex, _)| *vertex));
    parts.sort_by_key(|(part, _, _)| part.first().map(|(vertex, _)| *vertex));
    let (mut layers, mut heights) = (vec![0; boxes], vec![0.0; boxes]);
    let (mut layer_count, mut height) = (1, 0.0);
    for (part, _, _) in &parts {
        let mut depths: Vec<f64> = part.iter().map(|(_, (_, depth))| *depth).collect();
        depths.sort_by(f64::total_cmp);
        depths.dedup_by(|a, b| (*a - *b).abs() < 1.0);
        // What the layout calls the first layer may be the one to which all arrows lead.
        let least = part.iter().map(|(_, (across, _))| *across).fold(f64::INFINITY, f64::min);
        let most = part.iter().map(|(_, (across, _))| *across).fold(f64::NEG_INFINITY, f64::max);
        let layer_of = |depth: f64| depths.iter().position(|known| (known - depth).abs() < 1.0).unwrap_or(0);
        let of = |box_: usize| {
            part.iter().find(|(vertex, _)| *vertex == box_).map_or(0, |(_, (_, depth))| layer_of(*depth))
        };
        let inside = |edge: &&Edge| part.iter().any(|(vertex, _)| *vertex == edge.from);
        let forward = edges.iter().filter(inside).filter(|edge| of(edge.from) < of(edge.to)).count();
        let backward = edges.iter().filter(inside).filter(|edge| of(edge.from) > of(edge.to)).count();
        for (vertex, (across, depth)) in part {
            let layer = layer_of(*depth);
            layers[*vertex] = if backward > forward { depths.len() - 1 - layer } else { layer };
            heights[*vertex] = height + across - least + BOX_HEIGHT / 2.0;
        }
        layer_count = layer_count.max(depths.len());
        height += most - least + BOX_HEIGHT + SPACE;
    }
    Layout { layers, heights, layer_count, height: (height - SPACE).max(BOX_HEIGHT) }
}

impl GraphChart {
    /// The chart as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        let layout = layout(self.boxes.len(), &self.edges);
        let wide = WIDTH - 2.0 * MARGIN;
        let names = self.boxes.iter().map(|name| text_width(name, TEXT_SIZE) + 24.0).fold(80.0, f64::max);
        let plan = Plan::of(&self.edges, &layout, names.min(BOX_WIDTH));
        let foot_of_plan = plan.bottom();
        let told: Vec<Vec<String>> =
            self.edges.iter().map(|edge| wrapped(&edge.said.1, wide - 40.0)).collect();
        let foot: f64 = told.iter().map(|lines| LINE * (lines.len() as f64 + 1.0) + 6.0).sum();
        let height = foot_of_plan + 34.0 + foot + 10.0;
        draw(WIDTH, height, &self.title, |canvas| {
            let title = fitting_bold(&self.title, TITLE_SIZE, wide);
            canvas.text((MARGIN, 26.0), Anchor::Left, &title, TITLE_SIZE, palette::INK, true);
            let note = fitting(&self.note, TEXT_SIZE, wide);
            canvas.text((MARGIN, 56.0), Anchor::Left, &note, TEXT_SIZE, palette::GREY, false);
            let offsets = plan.offsets();
            let mut badges = Vec::new();
            for (edge, offsets) in self.edges.iter().zip(&offsets) {
                let points = plan.way(edge, *offsets);
                canvas.stroke(&points, edge.color, 2.0, edge.dash);
                canvas.head(points[points.len() - 2], points[points.len() - 1], 11.0, edge.color);
                badges.push(free_spot(&points, &badges));
            }
            for (place, name) in self.boxes.iter().enumerate() {
                draw_box(canvas, plan.turned(plan.middle(place)), plan.box_width, name);
            }
            for (number, (at, edge)) in badges.iter().zip(&self.edges).enumerate() {
                badge(canvas, *at, number + 1, edge.color);
            }
            let mut y = foot_of_plan + 34.0 + LINE / 2.0;
            for (number, (edge, lines)) in self.edges.iter().zip(&told).enumerate() {
                badge(canvas, (MARGIN + 12.0, y), number + 1, edge.color);
                let first = fitting_bold(&edge.said.0, TEXT_SIZE, wide - 40.0);
                canvas.text((MARGIN + 34.0, y), Anchor::Left, &first, TEXT_SIZE, palette::INK, true);
                for line in lines {
                    y += LINE;
                    canvas.text((MARGIN + 34.0, y), Anchor::Left, line, TEXT_SIZE, palette::GREY, false);
                }
                y += LINE + 6.0;
            }
        })
    }
}

/// A side of a box at which arrows end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
    Above,
    Below,
}

/// Where boxes are, for the ways of arrows between them. Points are (along the layers, across them) until they are
/// turned.
struct Plan<'a> {
    edges: &'a [Edge],
    layout: &'a Layout,
    /// Whether layers lie under each other.
    is_deep: bool,
    box_width: f64,
    /// Half of a box along the layers and across them.
    half: (f64, f64),
    /// From layer to layer.
    step: f64,
    /// What a unit of the layout is across the layers.
    scale: f64,
}

impl<'a> Plan<'a> {
    fn of(edges: &'a [Edge], layout: &'a Layout, widest: f64) -> Self {
        let (wide, count) = (WIDTH - 2.0 * MARGIN, layout.layer_count as f64);
        if layout.layer_count <= MOST_BESIDE {
            // Between two layers there is room for arrows and their numbers.
            let box_width = widest.min((wide - 80.0 * (count - 1.0)) / count);
            let step =
                if count > 1.0 { ((wide - box_width) / (count - 1.0)).min(box_width + 260.0) } else { 0.0 };
            let half = (box_width / 2.0, BOX_HEIGHT / 2.0);
            return Self { edges, layout, is_deep: false, box_width, half, step, scale: 1.0 };
        }
        // Neighbours are a box and a space apart in the layout, and have a little space between them here.
        let (apart, across) = (BOX_HEIGHT + SPACE, layout.height - BOX_HEIGHT);
        let box_width = widest.min((apart * wide - 16.0 * across) / (apart + across)).max(40.0);
        let scale = if across > 0.0 { (wide - box_width) / across } else { 1.0 };
        let half = (BOX_HEIGHT / 2.0, box_width / 2.0);
        let scale = scale.min((box_width + 60.0) / apart);
        Self { edges, layout, is_deep: true, box_width, half, step: STEP_DOWN, scale }
    }

    /// The middle of a box.
    fn middle(&self, place: usize) -> (f64, f64) {
        let start = if self.is_deep { (TOP, MARGIN) } else { (MARGIN, TOP) };
        (
            start.0 + self.half.0 + self.step * self.layout.layers[place] as f64,
            start.1 + self.half.1 + (self.layout.heights[place] - BOX_HEIGHT / 2.0) * self.scale,
        )
    }

    /// A point as x and y.
    const fn turned(&self, (along, across): (f64, f64)) -> (f64, f64) {
        if self.is_deep { (across, along) } else { (along, across) }
    }

    /// Where the boxes end.
    fn bottom(&self) -> f64 {
        match self.is_deep {
            true => TOP + BOX_HEIGHT + self.step * (self.layout.layer_count as f64 - 1.0),
            false => TOP + self.layout.height,
        }
    }

    /// At which sides an arrow begins and ends.
    fn sides(&self, edge: &Edge) -> (Side, Side) {
        let (from, to) = (self.layout.layers[edge.from], self.layout.layers[edge.to]);
        match from.cmp(&to) {
            std::cmp::Ordering::Less => (Side::Right, Side::Left),
            std::cmp::Ordering::Greater => (Side::Left, Side::Right),
            std::cmp::Ordering::Equal if edge.from == edge.to => (Side::Above, Side::Above),
            std::cmp::Ordering::Equal if self.middle(edge.from).1 < self.middle(edge.to).1 => {
                (Side::Below, Side::Above)
            }
            std::cmp::Ordering::Equal => (Side::Above, Side::Below),
        }
    }

    /// How far from the middle of its sides each arrow begins and ends, so that those at one side lie beside each
    /// other, in the order of where they come from.
    fn offsets(&self) -> Vec<(f64, f64)> {
        let mut ends: Vec<(usize, Side, f64, usize, bool)> = Vec::new();
        for (number, edge) in self.edges.iter().enumerate() {
            let (begin, end) = self.sides(edge);
            ends.push((edge.from, begin, self.middle(edge.to).1, number, true));
            ends.push((edge.to, end, self.middle(edge.from).1, number, false));
        }
        ends.sort_by(|a, b| {
            (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)).then((a.3, a.4).cmp(&(b.3, b.4)))
        });
        let mut offsets = vec![(0.0, 0.0); self.edges.len()];
        for side in ends.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let step = ((2.0 * self.half.1 - 10.0) / side.len() as f64).min(26.0);
            for (rank, (_, _, _, number, begins)) in side.iter().enumerate() {
                let offset = (rank as f64 - (side.len() as f64 - 1.0) / 2.0) * step;
                if *begins {
                    offsets[*number].0 = offset;
                } else {
                    offsets[*number].1 = offset;
                }
            }
        }
        offsets
    }

    fn end(&self, place: usize, side: Side, offset: f64) -> (f64, f64) {
        let (x, y) = self.middle(place);
        match side {
            Side::Left => (x - self.half.0, y + offset),
            Side::Right => (x + self.half.0, y + offset),
            Side::Above => (x + offset, y - self.half.1),
            Side::Below => (x + offset, y + self.half.1),
        }
    }

    /// The corners of an arrow: straight, around the boxes of layers between, or a loop above its own box.
    fn way(&self, edge: &Edge, offsets: (f64, f64)) -> Vec<(f64, f64)> {
        let (begin, end) = self.sides(edge);
        let (start, tip) = (self.end(edge.from, begin, offsets.0), self.end(edge.to, end, offsets.1));
        if edge.from == edge.to {
            let (left, right) = (start.0.min(tip.0) - 12.0, start.0.max(tip.0) + 12.0);
            let (foot, top) = (start.1, start.1 - 16.0);
            let corners = [(left, foot), (left, top), (right, top), (right, foot)];
            return corners.map(|corner| self.turned(corner)).to_vec();
        }
        let mut points = vec![start];
        let (from, to) = (self.layout.layers[edge.from], self.layout.layers[edge.to]);
        let between: Vec<usize> =
            if from < to { (from + 1..to).collect() } else { (to + 1..from).rev().collect() };
        for layer in between {
            let inside: Vec<(f64, f64)> = (0..self.layout.layers.len())
                .filter(|place| self.layout.layers[*place] == layer)
                .map(|place| self.middle(place))
                .collect();
            let Some((x, _)) = inside.first().copied() else { continue };
            let straight = start.1 + (tip.1 - start.1) * (x - start.0) / (tip.0 - start.0);
            let clear = self.half.1 + 12.0;
            let is_free = |y: f64| inside.iter().all(|(_, middle)| (middle - y).abs() >= clear - 0.01);
            let around = inside.iter().flat_map(|(_, middle)| [middle - clear, middle + clear]);
            let free = around.chain([straight]).filter(|y| is_free(*y));
            let y =
                free.min_by(|a, b| (a - straight).abs().total_cmp(&(b - straight).abs())).unwrap_or(straight);
            let ahead = if from < to { self.half.0 } else { -self.half.0 };
            points.extend([(x - ahead, y), (x + ahead, y)]);
        }
        points.push(tip);
        points.into_iter().map(|point| self.turned(point)).collect()
    }
}

/// Where the number of an arrow stands: on its first stretch, apart from the numbers that stand already.
fn free_spot(points: &[(f64, f64)], taken: &[(f64, f64)]) -> (f64, f64) {
    // The loop above a box has its number on top.
    let is_loop =
        points.len() == 4 && libm::hypot(points[0].0 - points[3].0, points[0].1 - points[3].1) < 60.0;
    let (from, to) = if is_loop { (points[1], points[2]) } else { (points[0], points[1]) };
    let at = |share: f64| (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
    let is_free =
        |spot: &(f64, f64)| taken.iter().all(|other| libm::hypot(spot.0 - other.0, spot.1 - other.1) >= 26.0);
    [0.4, 0.55, 0.25, 0.7, 0.85].into_iter().map(at).find(is_free).unwrap_or(at(0.4))
}

fn draw_box(canvas: &Canvas, (x, y): (f64, f64), width: f64, name: &str) {
    let (from, to) = ((x - width / 2.0, y - BOX_HEIGHT / 2.0), (x + width / 2.0, y + BOX_HEIGHT / 2.0));
    canvas.rectangle(from, to, palette::SEA);
    canvas.frame(from, to, palette::GREY, 1.5);
    let room = width - 12.0;
    let mut lines = wrapped(name, room);
    if lines.len() > BOX_LINES {
        let rest = lines.split_off(BOX_LINES - 1).join(" ");
        lines.push(fitting(&rest, TEXT_SIZE, room));
    }
    let first = y - BOX_LINE / 2.0 * (lines.len() as f64 - 1.0);
    for (number, line) in lines.iter().enumerate() {
        let at = (x, first + BOX_LINE * number as f64);
        canvas.text(at, Anchor::Centre, line, TEXT_SIZE, palette::INK, false);
    }
}

fn badge(canvas: &Canvas, at: (f64, f64), number: usize, color: Color) {
    canvas.dot(at, 12.0, palette::PAPER);
    canvas.ring(at, 12.0, color, 2.0);
    let size = if number < 100 { TEXT_SIZE - 1.0 } else { TEXT_SIZE - 6.0 };
    canvas.text(at, Anchor::Centre, &number.to_string(), size, palette::INK, false);
}

/// A text in lines of at most this width, broken at spaces; a word that is wider is cut.
fn wrapped(text: &str, width: f64) -> Vec<String> {
    const MOST: usize = 6;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = fitting(word, TEXT_SIZE, width);
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), TEXT_SIZE) <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > MOST {
        lines.truncate(MOST);
        let last = lines.last_mut().map(|line| fitting(&format!("{line} {}", "…"), TEXT_SIZE, width));
        lines.truncate(MOST - 1);
        lines.extend(last);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: usize, to: usize) -> Edge {
        let said = ("grant".to_owned(), "/dms/deployment /dms/node ".repeat(12));
        Edge { from, to, color: palette::BLUE, dash: Dash::Solid, said }
    }

    fn chart() -> GraphChart {
        let boxes =
            (0..9).map(|n| format!("nodes of <providers> {n} with a name that is quite long")).collect();
        let edges = [(0, 1), (0, 1), (1, 2), (0, 3), (3, 2), (2, 0), (4, 4), (5, 6), (6, 7), (7, 5)];
        let edges = edges.into_iter().map(|(from, to)| edge(from, to)).collect();
        GraphChart { title: "who may call whom".into(), note: String::new(), boxes, edges }
    }

    #[test]
    fn layouts_are_always_the_same() {
        // The hash maps of the layout have another order each time.
        let first = chart().svg();
        assert!((0..50).all(|_| chart().svg() == first));
    }

    #[test]
    fn arrows_lead_to_the_right_where_they_can() {
        let edges = [edge(0, 1), edge(1, 2), edge(0, 2)];
        let found = layout(4, &edges);
        assert_eq!(found.layers, [0, 1, 2, 0]);
        let apart = |a: usize, b: usize| {
            found.layers[a] != found.layers[b] || (found.heights[a] - found.heights[b]).abs() >= BOX_HEIGHT
        };
        assert!((0..4).all(|a| (0..a).all(|b| apart(a, b))), "{:?}", found.heights);
    }

    #[test]
    fn long_texts_are_broken_and_end() {
        let lines = wrapped(&"word ".repeat(500), 300.0);
        assert_eq!(lines.len(), 6);
        assert!(lines.iter().all(|line| text_width(line, TEXT_SIZE) <= 300.0) && lines[5].ends_with('…'));
        assert!(wrapped(&"x".repeat(500), 200.0)[0].ends_with('…'));
    }
}

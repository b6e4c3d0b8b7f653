//! Rows over time: what each was busy with, from when to when, and what happened to it.

use std::collections::{BTreeMap, BTreeSet};

use super::across::Across;
use super::axis::tick;
use super::canvas::{Anchor, Canvas, draw, fitting, fitting_bold, fitting_middle, palette, text_width};
use super::{Axis, Color, number, text};
use crate::observe::Table;

const TEXT_SIZE: f64 = 15.0;
const TITLE_SIZE: f64 = 21.0;
const WIDTH: f64 = 900.0;
const MARGIN: f64 = 20.0;
/// Room for the name of a row at most.
const NAME: f64 = 210.0;
/// Height of a row with one thing at a time.
const ROW: f64 = 20.0;
/// What every further thing at the same time adds.
const LANE: f64 = 8.0;
/// Things at the same time that are drawn apart.
const MOST_LANES: usize = 6;
const LEGEND_HEIGHT: f64 = 26.0;
const FOOT: f64 = 56.0;
/// Things of a kind with less space between them, in pixels, are drawn as one: nobody can tell them apart.
const CLOSE: f64 = 0.5;
/// Things that are drawn. Where there are more, those with more space between them are drawn as one, too.
const MOST_DRAWN: usize = 2000;

/// How something is drawn in a row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Look {
    /// A bar.
    Bar(Color),
    /// A bar with slanted lines.
    Hatched(Color),
    /// A bar of half the height.
    Thin(Color),
    /// The whole height, behind everything else.
    Shade(Color),
    /// A cross at a moment.
    Cross(Color),
    /// A diamond at a moment.
    Diamond(Color),
}

impl Look {
    const fn is_moment(self) -> bool {
        matches!(self, Self::Cross(_) | Self::Diamond(_))
    }
    const fn is_behind(self) -> bool {
        matches!(self, Self::Shade(_))
    }
}

/// A kind of things with its place in the legend.
#[derive(Clone, PartialEq, Debug)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// How it is drawn.
    pub look: Look,
}

/// Something in a row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Item {
    /// Its kind: a place in the legend.
    pub key: usize,
    /// When it begins.
    pub from: f64,
    /// When it ends; the same for a moment.
    pub to: f64,
}

/// A row.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub items: Vec<Item>,
}

/// A chart of rows.
#[derive(Clone, PartialEq, Debug)]
pub struct RowChart {
    /// What it shows.
    pub title: String,
    /// What is left out, or how it is to be read; may be empty.
    pub note: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The kinds of things; those of which there is one stand in the legend.
    pub keys: Vec<Key>,
    /// The rows from the top down.
    pub rows: Vec<Row>,
}

/// A row with the lane of each of its items.
struct Laid<'a> {
    row: &'a Row,
    lanes: Vec<usize>,
    /// How many lanes there are.
    count: usize,
}

/// Something that is drawn: an item, or several of a kind that are close to one another.
struct Drawn {
    key: usize,
    lane: usize,
    /// From where to where, in pixels.
    from: f64,
    to: f64,
}

/// Where everything is.
struct Layout<'a> {
    rows: Vec<Laid<'a>>,
    frame: Across,
    /// Room for the names of the rows.
    names: f64,
    /// What is drawn in each row.
    drawn: Vec<Vec<Drawn>>,
    /// Things of a kind with less space between them, in pixels, are drawn as one.
    close: f64,
}

impl RowChart {
    /// What the chart shows as a table with a row for each item.
    #[must_use]
    pub fn table(&self, row: &str) -> Table<'static> {
        let header = [row, "what", "from_s", "to_s"].map(str::to_owned).to_vec();
        let lines = self.rows.iter().flat_map(|row| row.items.iter().map(move |item| (row, item)));
        let line = |(row, item): (&Row, &Item)| {
            vec![text(&row.name), text(&self.keys[item.key].name), number(item.from), number(item.to)]
        };
        Table { header, rows: lines.map(line).collect() }
    }

    /// That things are drawn as one, and which. None where nobody could tell them apart anyway.
    #[must_use]
    pub fn drawn_as_one(&self) -> Option<String> {
        Self::said(self.layout().close)
    }

    fn said(close: f64) -> Option<String> {
        (close > CLOSE).then(|| format!("what is closer than {close} px is drawn as one"))
    }

    /// Lines under the title: one where all fits into it.
    fn notes(&self, close: f64) -> Vec<String> {
        let note = Some(self.note.clone()).filter(|note| !note.is_empty());
        let notes: Vec<String> = note.into_iter().chain(Self::said(close)).collect();
        let joined = notes.join("; ");
        if notes.len() > 1 && text_width(&joined, TEXT_SIZE) <= WIDTH - 2.0 * MARGIN {
            vec![joined]
        } else {
            notes
        }
    }

    fn layout(&self) -> Layout<'_> {
        let rows: Vec<Laid<'_>> = self.rows.iter().map(|row| self.laid(row)).collect();
        let (least, greatest) = self.bounds();
        let x = tick(&self.x, least, greatest, 8, false);
        let names =
            self.rows.iter().map(|row| text_width(&row.name, TEXT_SIZE)).fold(40.0, f64::max).min(NAME);
        let left = MARGIN + names + 10.0;
        let end = x.ticks.last().map_or(0.0, |(_, text)| text_width(text, TEXT_SIZE) / 2.0);
        let frame = Across { left, right: WIDTH - MARGIN.max(end + 4.0), x };
        let drawn =
            |close| -> Vec<Vec<Drawn>> { rows.iter().map(|row| self.drawn(row, &frame, close)).collect() };
        let (mut close, mut all) = (CLOSE, drawn(CLOSE));
        while all.iter().map(Vec::len).sum::<usize>() > MOST_DRAWN && close < WIDTH {
            close *= 2.0;
            all = drawn(close);
        }
        Layout { drawn: all, rows, frame, names, close }
    }

    /// What is drawn of a row, in the order of its items: those of a kind in one lane with less space than that between
    /// them are one.
    fn drawn(&self, laid: &Laid<'_>, frame: &Across, close: f64) -> Vec<Drawn> {
        let items = &laid.row.items;
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by(|a, b| items[*a].from.total_cmp(&items[*b].from));
        let mut last: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut drawn: Vec<(usize, Drawn)> = Vec::new();
        for place in order {
            let (item, lane) = (&items[place], laid.lanes[place]);
            let is_moment = self.keys[item.key].look.is_moment();
            let (from, to) = if is_moment { [frame.at(item.from); 2].into() } else { span(frame, item) };
            let before = last.get(&(item.key, lane)).map(|number| &mut drawn[*number].1);
            match before.filter(|before| from - before.to < close) {
                // A moment stays where the first one is.
                Some(_) if is_moment => {}
                Some(before) => before.to = before.to.max(to),
                None => {
                    last.insert((item.key, lane), drawn.len());
                    drawn.push((place, Drawn { key: item.key, lane, from, to }));
                }
            }
        }
        drawn.sort_by_key(|(place, _)| *place);
        drawn.into_iter().map(|(_, one)| one).collect()
    }

    /// The chart as an SVG file.
    #[must_use]
    pub fn svg(&self) -> String {
        let layout = self.layout();
        let Layout { rows: laid, frame, names, .. } = &layout;
        let notes = self.notes(layout.close);
        let height_of = |laid: &Laid<'_>| ROW + LANE * (laid.count.max(1) - 1) as f64;
        let legend = self.legend();
        let note = LEGEND_HEIGHT * notes.len() as f64;
        let lines = legend.last().map_or(0, |(line, _, _)| line + 1);
        let top = 52.0 + note + LEGEND_HEIGHT * lines as f64 + 6.0;
        let rows: f64 = laid.iter().map(height_of).sum();
        let height = top + rows.max(ROW) + FOOT;
        draw(WIDTH, height, &self.title, |canvas| {
            let title = fitting_bold(&self.title, TITLE_SIZE, WIDTH - 2.0 * MARGIN);
            canvas.text((MARGIN, 26.0), Anchor::Left, &title, TITLE_SIZE, palette::INK, true);
            for (line, said) in notes.iter().enumerate() {
                let at = (MARGIN, 56.0 + LEGEND_HEIGHT * line as f64);
                let said = fitting(said, TEXT_SIZE, WIDTH - 2.0 * MARGIN);
                canvas.text(at, Anchor::Left, &said, TEXT_SIZE, palette::GREY, false);
            }
            for (line, at, key) in &legend {
                let y = 50.0 + note + LEGEND_HEIGHT * (*line as f64 + 0.5);
                sample(canvas, key.look, (*at, y));
                let name = fitting(&key.name, TEXT_SIZE, WIDTH - 100.0);
                canvas.text((at + 26.0, y), Anchor::Left, &name, TEXT_SIZE, palette::INK, false);
            }
            let mut y = top;
            for (number, one) in laid.iter().enumerate() {
                let height = height_of(one);
                if number % 2 == 0 {
                    canvas.rectangle((MARGIN / 2.0, y), (frame.right, y + height), palette::SEA);
                }
                let name = fitting_middle(&one.row.name, TEXT_SIZE, *names);
                let at = (frame.left - 10.0, y + height / 2.0);
                canvas.text(at, Anchor::Right, &name, TEXT_SIZE, palette::INK, false);
                y += height;
            }
            frame.draw(canvas, (top, y.max(top + ROW)), TEXT_SIZE, MARGIN);
            let mut y = top;
            for (one, drawn) in laid.iter().zip(&layout.drawn) {
                self.draw_row(canvas, drawn, one.count, (y, y + height_of(one)));
                y += height_of(one);
            }
            if self.rows.is_empty() {
                let at = (WIDTH / 2.0, top + ROW / 2.0);
                canvas.text(at, Anchor::Centre, "nothing", TEXT_SIZE, palette::GREY, false);
            }
        })
    }

    fn bounds(&self) -> (f64, f64) {
        let items = self.rows.iter().flat_map(|row| &row.items);
        items.fold((0.0, 0.0), |(least, greatest), item| (least.min(item.from), greatest.max(item.to)))
    }

    /// Line, place and key of each entry of the legend.
    fn legend(&self) -> Vec<(usize, f64, &Key)> {
        let is_used = |key: usize| self.rows.iter().flat_map(|row| &row.items).any(|item| item.key == key);
        let (mut line, mut x) = (0, MARGIN);
        let mut legend = Vec::new();
        for (_, key) in self.keys.iter().enumerate().filter(|(number, _)| is_used(*number)) {
            let width = 26.0 + text_width(&key.name, TEXT_SIZE) + 20.0;
            if x > MARGIN && x + width > WIDTH - 10.0 {
                (line, x) = (line + 1, MARGIN);
            }
            legend.push((line, x, key));
            x += width;
        }
        legend
    }

    /// Gives each item the first lane that is free.
    fn laid<'a>(&self, row: &'a Row) -> Laid<'a> {
        let mut lanes = vec![0; row.items.len()];
        let mut order: Vec<usize> = (0..row.items.len()).collect();
        order.sort_by(|a, b| row.items[*a].from.total_cmp(&row.items[*b].from));
        let mut free: Vec<f64> = Vec::new();
        for place in order {
            let item = row.items[place];
            let look = self.keys[item.key].look;
            if look.is_moment() || look.is_behind() {
                continue;
            }
            let lane =
                free.iter().position(|end| *end <= item.from).unwrap_or(free.len()).min(MOST_LANES - 1);
            if lane == free.len() {
                free.push(item.to);
            } else {
                free[lane] = free[lane].max(item.to);
            }
            lanes[place] = lane;
        }
        // What happens at an end of a bar is drawn on that bar, and what happens to several at once on one each.
        let mut ends: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (place, item) in row.items.iter().enumerate() {
            let look = self.keys[item.key].look;
            if !look.is_moment() && !look.is_behind() {
                ends.entry(item.from.to_bits()).or_default().push(place);
                ends.entry(item.to.to_bits()).or_default().push(place);
            }
        }
        let mut taken = BTreeSet::new();
        for (place, item) in row.items.iter().enumerate() {
            if self.keys[item.key].look.is_moment() {
                let mut bars = ends.get(&item.from.to_bits()).into_iter().flatten();
                if let Some(bar) = bars.find(|bar| taken.insert((item.key, **bar))) {
                    lanes[place] = lanes[*bar];
                }
            }
        }
        Laid { row, lanes, count: free.len() }
    }

    fn draw_row(&self, canvas: &Canvas, drawn: &[Drawn], lanes: usize, (top, bottom): (f64, f64)) {
        let count = lanes.max(1) as f64;
        let lane_height = (bottom - top - 4.0) / count;
        let looks = || drawn.iter().map(|one| (self.keys[one.key].look, one));
        for (look, one) in looks() {
            if let Look::Shade(color) = look {
                canvas.rectangle((one.from, top), (one.to, bottom), color);
            }
        }
        for (look, one) in looks() {
            let upper = top + 2.0 + lane_height * one.lane as f64;
            let lower = upper + lane_height - if count > 1.0 { 1.0 } else { 0.0 };
            draw_bar(canvas, look, (one.from, upper), (one.to, lower));
        }
        for (look, one) in looks() {
            let at = (one.from, top + 2.0 + lane_height * (one.lane as f64 + 0.5));
            match look {
                Look::Cross(color) => canvas.cross(at, 4.5, color, 2.0),
                Look::Diamond(color) => {
                    canvas.diamond(at, 6.0, palette::PAPER);
                    canvas.diamond(at, 4.5, color);
                }
                _ => {}
            }
        }
    }
}

fn draw_bar(canvas: &Canvas, look: Look, from: (f64, f64), to: (f64, f64)) {
    match look {
        Look::Bar(color) => canvas.rectangle(from, to, color),
        Look::Hatched(color) => {
            canvas.rectangle(from, to, color);
            canvas.hatch(from, to, palette::PAPER);
        }
        Look::Thin(color) => {
            let quarter = (to.1 - from.1) / 4.0;
            canvas.rectangle((from.0, from.1 + quarter), (to.0, to.1 - quarter), color);
        }
        Look::Shade(_) | Look::Cross(_) | Look::Diamond(_) => {}
    }
}

/// The entry of a legend.
fn sample(canvas: &Canvas, look: Look, (x, y): (f64, f64)) {
    let (from, to) = ((x, y - 7.0), (x + 18.0, y + 7.0));
    draw_bar(canvas, look, from, to);
    match look {
        Look::Shade(color) => canvas.rectangle(from, to, color),
        Look::Cross(color) => canvas.cross((x + 9.0, y), 4.5, color, 2.0),
        Look::Diamond(color) => canvas.diamond((x + 9.0, y), 5.0, color),
        Look::Bar(_) | Look::Hatched(_) | Look::Thin(_) => {}
    }
}

/// From where to where an item reaches; what is too short to be seen is as wide as a line.
fn span(across: &Across, item: &Item) -> (f64, f64) {
    let (from, to) = (across.at(item.from), across.at(item.to));
    (from.min(across.right - 1.2), to.max(from + 1.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::Quantity;

    /// A row of bars that are so long, one every 10 s, each with a cross at its end.
    fn chart(rows: usize, bars: u32, length: f64) -> RowChart {
        let at = |number: u32| f64::from(number) * 10.0;
        let bar = |number| Item { key: 0, from: at(number), to: at(number) + length };
        let cross = |number| Item { key: 1, from: at(number) + length, to: at(number) + length };
        let items: Vec<Item> = (0..bars).map(bar).chain((0..bars).map(cross)).collect();
        let key = |name: &str, look| Key { name: name.to_owned(), look };
        RowChart {
            title: "rows".to_owned(),
            note: "rows: some".to_owned(),
            x: Axis::new("time", Quantity::Time).over(0.0, at(bars)),
            keys: vec![key("task", Look::Hatched(palette::GREEN)), key("lost", Look::Cross(palette::INK))],
            rows: vec![Row { name: "a".to_owned(), items }; rows],
        }
    }

    #[test]
    fn a_few_bars_are_drawn_one_by_one() {
        let few = chart(2, 30, 5.0);
        let layout = few.layout();
        assert_eq!(layout.drawn.iter().map(Vec::len).collect::<Vec<_>>(), [60, 60]);
        assert_eq!(few.drawn_as_one(), None);
        let svg = few.svg();
        // One for the legend.
        assert_eq!(svg.matches("<path ").count(), 61);
        assert!(svg.len() < 120 * 350 && svg.contains("rows: some\n"), "{}", svg.len());
    }

    #[test]
    fn many_bars_are_drawn_as_fewer_and_it_is_said() {
        let many = chart(40, 5000, 9.9);
        let svg = many.svg();
        assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
        assert!(many.layout().drawn.iter().map(Vec::len).sum::<usize>() <= MOST_DRAWN);
        assert!(svg.contains("rows: some; what is closer than 32 px is drawn as one"), "{svg}");
        let wordy = RowChart { note: format!("rows: {}", "some ".repeat(18)), ..many.clone() };
        assert!(
            wordy.svg().contains("\nwhat is closer than 32 px is drawn as one\n"),
            "on a line of its own"
        );
        assert!(many.drawn_as_one().is_some_and(|said| said.contains("closer than 32 px")));
        assert_eq!(many.table("row").rows.len(), 40 * 10_000);
    }
}

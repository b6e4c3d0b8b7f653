//! Virtual machines of the first public trace of Azure, in the text form of which a flavour trace, a duration trace and
//! two maps are parts.
//!
//! A line of the flavour trace is a moment in seconds and the machines that were asked for since the moment before, by
//! their flavours: `300 g,|,b,m,|`, where `|` ends a batch of one tenant. The duration trace has `U15` for a machine
//! that ran for a time of the 15th interval, or `C46` for one that still ran at the end of the trace, in the same
//! places.

use std::io;

use super::lines::{Line, Lines, RowError, shown};
use super::{Cards, Row, Rows, TraceError, TraceFile, stream};
use crate::kernel::sample::uniform;
use crate::kernel::{Span, Streams};

/// The files, in this order.
pub const FILES: [&str; 4] = ["flavors", "durations", "flavor_map", "interval_map"];
const FLAVORS: usize = 0;
const DURATIONS: usize = 1;
const FLAVOR_MAP: usize = 2;
const INTERVAL_MAP: usize = 3;
/// The most lines of a map.
const MOST_OF_MAP: usize = 1_000_000;
const GIB: f64 = (1_u64 << 30) as f64;

/// What a flavour is.
struct Flavor {
    name: String,
    cores_milli: u64,
    ram_bytes: u64,
}

/// The machines of a trace.
pub struct Machines {
    flavors: Lines<'static>,
    durations: Lines<'static>,
    known: Vec<Flavor>,
    /// Where each interval begins, in seconds, and behind the last one where it ends.
    bounds_s: Vec<f64>,
    streams: Streams,
    entry: u32,
    /// The moment of the line before.
    before_s: Option<f64>,
    number: u64,
    /// Those of a line, the last first.
    waiting: Vec<Row>,
    ended: bool,
}

impl Machines {
    /// Those of these files, drawn from the streams of an entry of the workload.
    ///
    /// # Errors
    /// What is wrong with the maps, or with a file as a whole.
    pub fn new(files: &[TraceFile; 4], streams: Streams, entry: u32) -> Result<Self, Vec<TraceError>> {
        let (mut errors, mut all) = (Vec::new(), Vec::new());
        for (file, one) in files.iter().enumerate() {
            match one.lines() {
                Ok(lines) => all.push(lines),
                Err(reason) => errors.push(whole(file, &reason)),
            }
        }
        let Ok([flavors, durations, flavor_map, interval_map]) = <[Lines<'static>; 4]>::try_from(all) else {
            return Err(errors);
        };
        let known = map(flavor_map, FLAVOR_MAP, &mut errors, flavor);
        let intervals = map(interval_map, INTERVAL_MAP, &mut errors, interval);
        let bounds_s = bounds(&intervals, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            flavors,
            durations,
            known,
            bounds_s,
            streams,
            entry,
            before_s: None,
            number: 0,
            waiting: Vec::new(),
            ended: false,
        })
    }

    /// Reads a line of each trace.
    fn fill(&mut self) -> Result<(), TraceError> {
        let at = |file: usize| move |row: RowError| TraceError { file, row };
        let flavors = next_line(&mut self.flavors).map_err(at(FLAVORS));
        let durations = next_line(&mut self.durations).map_err(at(DURATIONS));
        let (flavors, durations) = match (flavors, durations) {
            (Ok(Some(flavors)), Ok(Some(durations))) => (flavors, durations),
            (Ok(None), Ok(None)) => {
                self.ended = true;
                return Ok(());
            }
            (Err(error), _) | (_, Err(error)) => {
                self.ended = true;
                return Err(error);
            }
            (Ok(Some((text, number))), _) => {
                self.ended = true;
                let line = Line { text: &text, number };
                return Err(at(FLAVORS)(line.error("the duration trace ends before this line", PARTNER)));
            }
            (_, Ok(Some((text, number)))) => {
                self.ended = true;
                let line = Line { text: &text, number };
                return Err(at(DURATIONS)(line.error("the flavour trace ends before this line", PARTNER)));
            }
        };
        self.join((&flavors.0, flavors.1), (&durations.0, durations.1))
    }

    fn join(&mut self, flavors: (&str, u64), durations: (&str, u64)) -> Result<(), TraceError> {
        let at = |file: usize| move |row: RowError| TraceError { file, row };
        let line = Line { text: flavors.0, number: flavors.1 };
        let partner = Line { text: durations.0, number: durations.1 };
        let (moment_s, asked) = moment(line).map_err(at(FLAVORS))?;
        let (own_s, lasted) = moment(partner).map_err(at(DURATIONS))?;
        if moment_s.total_cmp(&own_s).is_ne() {
            let message = format!("the moment {own_s} is not that of the flavour trace, {moment_s}");
            return Err(at(DURATIONS)(partner.error(message, PARTNER)));
        }
        let before_s = self.before_s.unwrap_or((moment_s - 300.0).max(0.0));
        if self.before_s.is_some_and(|before_s| moment_s <= before_s) {
            let message = format!("the moment {moment_s} is not after that of the line before, {before_s}");
            return Err(at(FLAVORS)(line.error(message, "sort the lines of both traces by their moments")));
        }
        self.before_s = Some(moment_s);
        let (mut asked, mut lasted) = (tokens(asked), tokens(lasted));
        // Machines of one batch come together; batches come anywhere between two moments.
        let (mut rows, mut batch_s): (Vec<Row>, Option<f64>) = (Vec::new(), None);
        loop {
            let (flavor, duration) = match (asked.next(), lasted.next()) {
                (None, None) => break,
                (Some("|"), Some("|")) => {
                    batch_s = None;
                    continue;
                }
                (Some(flavor), Some(duration)) if flavor != "|" && duration != "|" => (flavor, duration),
                (_, found) => {
                    let message = "the machines of this line are not those of the flavour trace";
                    return Err(at(DURATIONS)(partner.error_at(found.unwrap_or(""), message, PARTNER)));
                }
            };
            let (entry, number) = (self.entry, self.number);
            self.number += 1;
            let mut rng = stream(self.streams, entry, number);
            let at_s = *batch_s.get_or_insert_with(|| uniform(&mut rng, before_s, moment_s));
            let Some(known) = self.known.iter().find(|one| one.name == flavor) else {
                let message = format!("{} is not a flavour of the map", shown(flavor));
                return Err(at(FLAVORS)(line.error_at(flavor, message, "add it to the map")));
            };
            let run = self.lasts(partner, duration, &mut rng).map_err(at(DURATIONS))?;
            rows.push(Row {
                at: Span::from_secs_f64(at_s),
                run,
                cores_milli: Some(known.cores_milli),
                ram_bytes: Some(known.ram_bytes),
                cards: Some(Cards { count: 0, vram_bytes: 0, model: None }),
                user: None,
                line: line.number,
            });
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        self.waiting = rows;
        Ok(())
    }

    /// How long a machine runs; none where its end was not seen.
    fn lasts(
        &self,
        line: Line<'_>,
        token: &str,
        rng: &mut crate::kernel::Rng<'_>,
    ) -> Result<Option<Span>, RowError> {
        let error = || {
            let last = self.bounds_s.len() - 1;
            let help =
                format!("it is `U` or `C` and the number of an interval from 0 to {last}, as in `U15`");
            line.error_at(token, format!("{} is not a duration", shown(token)), help)
        };
        let (is_seen, number) = match token.split_at_checked(1) {
            Some(("U", number)) => (true, number),
            Some(("C", number)) => (false, number),
            _ => return Err(error()),
        };
        let number: usize = number.parse().map_err(|_| error())?;
        let from_s = *self.bounds_s.get(number).ok_or_else(error)?;
        if !is_seen {
            return Ok(None);
        }
        // Behind the last interval there is no end to draw to.
        let to_s = self.bounds_s.get(number + 1).copied().unwrap_or(from_s);
        Ok(Some(Span::from_secs_f64(uniform(rng, from_s, to_s))))
    }
}

impl Rows for Machines {
    fn next_row(&mut self) -> Option<Result<Option<Row>, TraceError>> {
        while self.waiting.is_empty() && !self.ended {
            if let Err(error) = self.fill() {
                return Some(Err(error));
            }
        }
        self.waiting.pop().map(|row| Ok(Some(row)))
    }
}

const PARTNER: &str = "use a flavour trace and its own duration trace, which have the same lines";

fn whole(file: usize, reason: &io::Error) -> TraceError {
    let row = Line { text: "", number: 1 }.error(format!("cannot read the file: {reason}"), "");
    TraceError { file, row }
}

/// The next line that is not blank.
fn next_line(lines: &mut Lines<'_>) -> Result<Option<(String, u64)>, RowError> {
    loop {
        match lines.next_line()? {
            Some(line) if line.is_blank() => {}
            Some(line) => return Ok(Some((line.text.to_owned(), line.number))),
            None => return Ok(None),
        }
    }
}

/// The moment of a line in seconds, and the rest of it.
fn moment(line: Line<'_>) -> Result<(f64, &str), RowError> {
    let (moment, rest) = line.text.trim().split_once(' ').unwrap_or((line.text.trim(), ""));
    match moment.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok((seconds, rest)),
        _ => {
            let help = "a line is a moment in seconds, a space and machines, as in `300 g,|,b,m,|`";
            Err(line.error_at(moment, format!("{} is not a moment", shown(moment)), help))
        }
    }
}

fn tokens(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|token| !token.is_empty())
}

/// The lines of a map.
fn map<T>(
    mut lines: Lines<'_>,
    file: usize,
    errors: &mut Vec<TraceError>,
    read: fn(Line<'_>) -> Result<T, RowError>,
) -> Vec<T> {
    let mut all = Vec::new();
    loop {
        match next_line(&mut lines) {
            Ok(Some((text, number))) if all.len() < MOST_OF_MAP => match read(Line { text: &text, number }) {
                Ok(one) => all.push(one),
                Err(row) => errors.push(TraceError { file, row }),
            },
            Ok(Some((text, number))) => {
                let line = Line { text: &text, number };
                let row = line.error(format!("the map has more than {MOST_OF_MAP} lines"), "");
                errors.push(TraceError { file, row });
                return all;
            }
            Ok(None) => break,
            Err(row) => {
                errors.push(TraceError { file, row });
                return all;
            }
        }
    }
    if all.is_empty() && errors.iter().all(|error| error.file != file) {
        errors.push(TraceError { file, row: Line { text: "", number: 1 }.error("the map is empty", "") });
    }
    all
}

/// `4,7 k`: cores, GB of memory and the name.
fn flavor(line: Line<'_>) -> Result<Flavor, RowError> {
    let error =
        || line.error("this is not a flavour", "write cores, GB of memory and the name, as in `4,7 k`");
    let (sizes, name) = line.text.trim().split_once(' ').ok_or_else(error)?;
    let (cores, memory) = sizes.split_once(',').ok_or_else(error)?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|one| one.is_finite() && *one > 0.0);
    let (cores, memory) = (number(cores).ok_or_else(error)?, number(memory).ok_or_else(error)?);
    Ok(Flavor {
        name: name.trim().to_owned(),
        cores_milli: (cores * 1000.0) as u64,
        ram_bytes: (memory * GIB) as u64,
    })
}

/// `3900 13`: seconds and the number of their interval.
fn interval(line: Line<'_>) -> Result<(f64, usize, u64), RowError> {
    let error = || line.error("this is not an interval", "write seconds and the number, as in `3900 13`");
    let (seconds, number) = line.text.trim().split_once(' ').ok_or_else(error)?;
    let seconds =
        seconds.parse::<f64>().ok().filter(|one| one.is_finite() && *one >= 0.0).ok_or_else(error)?;
    Ok((seconds, number.trim().parse().map_err(|_| error())?, line.number))
}

/// Where each interval begins: at the first of its seconds. The last one ends as long after its last as that is after
/// the one before.
fn bounds(intervals: &[(f64, usize, u64)], errors: &mut Vec<TraceError>) -> Vec<f64> {
    let mut bounds_s = Vec::new();
    let (mut last_s, mut step_s) = (0.0, 0.0);
    for &(seconds, number, line) in intervals {
        let goes_on = number + 1 == bounds_s.len() || number == bounds_s.len();
        if !goes_on || !bounds_s.is_empty() && seconds <= last_s {
            let message = "seconds go up, and intervals from 0 on without a gap";
            let row = Line { text: "", number: line }.error(message, "sort the lines by their seconds");
            errors.push(TraceError { file: INTERVAL_MAP, row });
            return bounds_s;
        }
        if number == bounds_s.len() {
            bounds_s.push(seconds);
        }
        (last_s, step_s) = (seconds, seconds - last_s);
    }
    bounds_s.push(last_s + step_s);
    bounds_s
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Bytes;
    use super::*;

    const TWO_FLAVORS: &str = "1,1.75 b\n2,3.5 g\n";
    const INTERVALS: &str = "0 0\n300 1\n600 2\n900 2\n1200 2\n";

    fn machines(texts: [&str; 4]) -> (Vec<Row>, Vec<String>) {
        let file = |text: &str| TraceFile {
            bytes: Bytes::Memory(Arc::from(text.as_bytes())),
            copy: String::new(),
            sha256: String::new(),
        };
        let told = |error: &TraceError| format!("{}: {error}", FILES[error.file]);
        let mut machines = match Machines::new(&texts.map(file), Streams::new(4), 0) {
            Ok(machines) => machines,
            Err(errors) => return (Vec::new(), errors.iter().map(told).collect()),
        };
        let (mut rows, mut errors) = (Vec::new(), Vec::new());
        while let Some(next) = machines.next_row() {
            match next {
                Ok(row) => rows.extend(row),
                Err(error) => errors.push(told(&error)),
            }
        }
        (rows, errors)
    }

    #[test]
    fn two_lines_are_the_machines_of_a_moment() {
        let (rows, errors) = machines([
            "300 g,|,b,g,|\n\n600 b,|,\n",
            "300 U1,|,U2,C1,|\n600 U3,|,\n",
            TWO_FLAVORS,
            INTERVALS,
        ]);
        assert_eq!((rows.len(), errors), (4, vec![]));
        assert!(rows.is_sorted_by_key(|row| row.at) && rows[2].at <= Span::secs(300));
        assert!((Span::secs(300)..Span::secs(600)).contains(&rows[3].at));
        // A batch comes at one moment.
        let batch: Vec<&Row> =
            rows.iter().filter(|row| rows.iter().filter(|one| one.at == row.at).count() == 2).collect();
        assert_eq!(batch.len(), 2);
        assert_eq!(batch.iter().filter(|row| row.run.is_none()).count(), 1, "its end was not seen");
        let lasted = |from_s, to_s| {
            let is_in = |row: &&Row| {
                row.run.is_some_and(|run| (Span::secs(from_s)..=Span::secs(to_s)).contains(&run))
            };
            rows.iter().filter(is_in).count()
        };
        assert_eq!((lasted(300, 599), lasted(600, 1499), lasted(1500, 1500)), (1, 1, 1));
        assert_eq!(rows.iter().filter(|row| row.cores_milli == Some(2000)).count(), 2);
        assert_eq!(rows[3].ram_bytes, Some(1_879_048_192));
    }

    /// Durations are anywhere in their interval alike.
    #[test]
    fn durations_are_uniform_within_their_interval() {
        let many = |token: &str| format!("300 {}\n", format!("{token},").repeat(4000));
        let (rows, _) = machines([&many("b"), &many("U2"), TWO_FLAVORS, INTERVALS]);
        let all: Vec<f64> = rows.iter().map(|row| row.run.unwrap().as_secs_f64()).collect();
        let mean = all.iter().sum::<f64>() / 4000.0;
        assert!((mean - 1050.0).abs() < 4.0 * 900.0 / (12.0_f64 * 4000.0).sqrt(), "{mean}");
        assert!(all.iter().all(|run| (600.0..1500.0).contains(run)));
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_file() {
        let errors = |flavors, durations| machines([flavors, durations, TWO_FLAVORS, INTERVALS]).1;
        assert_eq!(
            errors("300 z,|\n", "300 U1,|\n"),
            ["flavors: line 1, column 5: `z` is not a flavour of the map"]
        );
        assert_eq!(
            errors("300 b,|\n", "300 X1,|\n"),
            ["durations: line 1, column 5: `X1` is not a duration"]
        );
        assert_eq!(
            errors("300 b,|\n", "300 U9,|\n"),
            ["durations: line 1, column 5: `U9` is not a duration"]
        );
        assert_eq!(
            errors("300 b,b,|\n300 b\n", "300 U1,|,U1\n300 U1\n"),
            [
                "durations: line 1, column 8: the machines of this line are not those of the flavour trace",
                "flavors: line 2, column 1: the moment 300 is not after that of the line before, 300",
            ]
        );
        assert_eq!(
            errors("300 b\n600 b\n", "300 U1\n"),
            ["flavors: line 2, column 1: the duration trace ends before this line"]
        );
        assert_eq!(errors("x b\n", "300 U1\n"), ["flavors: line 1, column 1: `x` is not a moment"]);
        let (_, maps) = machines(["300 b\n", "300 U1\n", "1 b\n", "0 0\n300 2\n"]);
        assert_eq!(
            maps,
            [
                "flavor_map: line 1, column 1: this is not a flavour",
                "interval_map: line 2, column 1: seconds go up, and intervals from 0 on without a gap",
            ]
        );
    }
}

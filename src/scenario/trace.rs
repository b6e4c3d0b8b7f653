//! Availability traces: a CSV file with a line for each time that a host was up.
//!
//! The columns `host`, `start` and `end` are found by their names; others are ignored, as are blank lines and lines
//! that begin with `#`. Lines may come in any order.

use std::cell::OnceCell;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use indexmap::IndexMap;

use super::diagnostic::Diagnostic;
use super::reader::shortened;
use super::{Report, Sources, files, unreadable, yaml};
use crate::dms::ensemble::finding::{Finding, Findings};
use crate::dms::ensemble::suggest::did_you_mean;
use crate::dms::ensemble::tree::Position;
use crate::workload::fitting::Session;

/// The longest file that is read.
pub(super) const MAX_BYTES: u64 = 1 << 30;
/// More errors than these are only counted: a wrong column makes one in every line.
const MOST_SHOWN: usize = 20;
/// What must be there.
const COLUMNS: [&str; 3] = ["host", "start", "end"];
const HEADER_HELP: &str = "the first line names the columns, as in `host,start,end`";

/// What the numbers of a trace count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum TraceUnit {
    /// Seconds.
    #[default]
    Seconds,
    /// Hours.
    Hours,
}

/// A trace that was read.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// How many hosts it has.
    pub hosts: usize,
    /// When they were up, sorted by host and then by start; no two of a host overlap.
    pub sessions: Vec<Session>,
}

impl Trace {
    /// The sessions as a file has them, in seconds, with a number for each host; read again they are the same.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", COLUMNS.join(","));
        for Session { host, start_s, end_s } in &self.sessions {
            text.push_str(&format!("{host},{start_s},{end_s}\n"));
        }
        text
    }
}

impl TraceUnit {
    /// So many seconds are one of it.
    #[must_use]
    pub const fn seconds(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Hours => 3600.0,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Hours => "hours",
        }
    }
}

/// Reads a trace.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path, unit: TraceUnit) -> Result<Trace, Report> {
    let shown = super::shown(path);
    let bytes = files::read_file_up_to(path, MAX_BYTES).map_err(|reason| unreadable(&shown, &reason))?;
    read(&bytes, unit).map_err(|findings| {
        let diagnostics = findings.into_iter().map(|finding| Diagnostic::new("trace", &shown, finding));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Report { diagnostics: diagnostics.collect(), sources: Sources::from_iter([(shown.clone(), text)]) }
    })
}

pub(super) fn read(bytes: &[u8], unit: TraceUnit) -> Result<Trace, Vec<Finding>> {
    let text = yaml::utf8(bytes)
        .map_err(|finding| vec![finding.with_help("traces must be saved as UTF-8".to_owned())])?;
    let mut reader =
        TraceReader { text, unit, findings: Findings::default(), errors: 0, starts: OnceCell::new() };
    let trace = reader.read();
    if reader.errors > MOST_SHOWN {
        let mut findings = reader.findings.into_sorted();
        findings.truncate(MOST_SHOWN);
        let message = format!("{} further errors are not shown", reader.errors - findings.len());
        let last = findings.last().map_or(Position::START, |finding| finding.position);
        findings.push(Finding::error(Position { length: 1, ..last }, message));
        return Err(findings);
    }
    trace.filter(|_| reader.errors == 0).ok_or_else(|| reader.findings.into_sorted())
}

/// A session with where it was written.
struct Row {
    session: Session,
    /// Where its line begins, in bytes.
    byte: u64,
}

struct TraceReader<'t> {
    text: &'t str,
    unit: TraceUnit,
    findings: Findings,
    errors: usize,
    /// Where the lines of the text begin, once somebody asks.
    starts: OnceCell<Vec<usize>>,
}

impl TraceReader<'_> {
    fn error(&mut self, at: Position, message: String, help: impl Into<Option<String>>) {
        self.errors += 1;
        // What is not shown need not be kept; a few more, because they come in the order of hosts.
        if self.errors <= 1000 {
            self.findings.error_with_help(at, message, help);
        }
    }

    fn read(&mut self) -> Option<Trace> {
        let mut lines = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .comment(Some(b'#'))
            .from_reader(self.text.as_bytes());
        let mut record = StringRecord::new();
        if !matches!(lines.read_record(&mut record), Ok(true)) {
            self.error(Position::START, "the trace is empty".to_owned(), HEADER_HELP.to_owned());
            return None;
        }
        let columns = self.columns(&record)?;
        let width = record.len();
        let mut names: IndexMap<String, ()> = IndexMap::new();
        let mut rows = Vec::new();
        // Reading from memory what is UTF-8 and may have lines of any length cannot fail.
        while let Ok(true) = lines.read_record(&mut record) {
            let byte = record.position().map_or(0, csv::Position::byte);
            let Some((host, start_s, end_s)) = self.row(&record, byte, columns, width) else { continue };
            let host = match names.get_index_of(host) {
                Some(known) => known,
                None => names.insert_full(host.to_owned(), ()).0,
            };
            rows.push(Row { session: Session { host: host as u32, start_s, end_s }, byte });
        }
        if rows.is_empty() && self.errors == 0 {
            let help =
                "after the names of the columns, a line is a time that a host was up, as in `ada,0,3600`";
            self.error(self.place(0, None), "the trace has no sessions".to_owned(), help.to_owned());
        }
        rows.sort_by(|Row { session: a, .. }, Row { session: b, .. }| {
            let times = a.start_s.total_cmp(&b.start_s).then(a.end_s.total_cmp(&b.end_s));
            a.host.cmp(&b.host).then(times)
        });
        self.overlaps(&rows, &names, columns[1]);
        Some(Trace { hosts: names.len(), sessions: rows.into_iter().map(|row| row.session).collect() })
    }

    /// Where the columns are, in the order of [`COLUMNS`].
    fn columns(&mut self, header: &StringRecord) -> Option<[usize; 3]> {
        let byte = header.position().map_or(0, csv::Position::byte);
        let mut found = [None; 3];
        for (name, found) in COLUMNS.iter().zip(&mut found) {
            let mut places = header.iter().enumerate().filter(|(_, own)| own == name).map(|(at, _)| at);
            *found = places.next();
            if let Some(again) = places.next() {
                let message = format!("there are two columns `{name}`");
                self.error(self.place(byte, Some(again)), message, HEADER_HELP.to_owned());
            }
            if found.is_none() {
                let others = header.iter().filter(|own| !COLUMNS.contains(own));
                let help = match did_you_mean(name, others) {
                    Some(own) => format!("rename `{own}` to `{name}`"),
                    None if header.len() == 1 && header[0].contains([';', '\t']) => {
                        format!("{HEADER_HELP}, with commas between them")
                    }
                    None => HEADER_HELP.to_owned(),
                };
                self.error(self.place(byte, None), format!("there is no column `{name}`"), help);
            }
        }
        Some([found[0]?, found[1]?, found[2]?])
    }

    /// The host, start and end of a line.
    fn row<'r>(
        &mut self,
        record: &'r StringRecord,
        byte: u64,
        [host, start, end]: [usize; 3],
        width: usize,
    ) -> Option<(&'r str, f64, f64)> {
        if record.len() != width {
            let message = format!("the line has {} cells, the header {width}", record.len());
            let help = "a cell with a comma stands in quotes".to_owned();
            self.error(self.place(byte, None), message, help);
            return None;
        }
        let name = &record[host];
        if name.is_empty() {
            let help = "any name will do, the same for all sessions of a host".to_owned();
            self.error(self.place(byte, Some(host)), "`host` is empty".to_owned(), help);
        }
        let (start_s, end_s) =
            (self.time(&record[start], "start", byte, start), self.time(&record[end], "end", byte, end));
        let (start_s, end_s) = (start_s?, end_s?);
        if end_s < start_s {
            let message =
                format!("the session ends before it starts: `{}` to `{}`", &record[start], &record[end]);
            let help = "correct it, or remove the line".to_owned();
            self.error(self.place(byte, Some(end)), message, help);
            return None;
        }
        Some((name, start_s, end_s)).filter(|_| !name.is_empty())
    }

    fn time(&mut self, cell: &str, what: &str, byte: u64, column: usize) -> Option<f64> {
        let parsed = cell.parse::<f64>().ok().filter(|time| (time * self.unit.seconds()).is_finite());
        if parsed.is_none() {
            let found = if cell.is_empty() { "nothing".to_owned() } else { format!("`{}`", shortened(cell)) };
            let message = format!("`{what}` must be a number, not {found}");
            let unit = self.unit.name();
            let help = format!("write {unit} since any moment that is the same for all hosts, as in `3600`");
            self.error(self.place(byte, Some(column)), message, help);
        }
        parsed.map(|time| time * self.unit.seconds())
    }

    /// Says which sessions of a host overlap one before.
    fn overlaps(&mut self, rows: &[Row], names: &IndexMap<String, ()>, start: usize) {
        for of_host in rows.chunk_by(|a, b| a.session.host == b.session.host) {
            let Some(mut latest) = of_host.first() else { continue };
            for row in &of_host[1..] {
                if row.session.start_s < latest.session.end_s {
                    let name = names.get_index(row.session.host as usize).map_or("", |(name, ())| name);
                    let line = self.place(latest.byte, None).line;
                    let message = format!("`{}` is up already, since line {line}", shortened(name));
                    let help = "sessions of a host must not overlap: correct the times, or make them one";
                    self.error(self.place(row.byte, Some(start)), message, help.to_owned());
                }
                if row.session.end_s > latest.session.end_s {
                    latest = row;
                }
            }
        }
    }

    /// Where a cell is, or the whole line, of the record that was read from `byte` on.
    fn place(&self, byte: u64, cell: Option<usize>) -> Position {
        let starts = self.starts.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
        });
        let first = starts.partition_point(|start| *start as u64 <= byte).saturating_sub(1);
        // A record is read from the end of the one before on, with the blank lines and comments between.
        let lines = self.text[starts[first]..].lines().enumerate();
        let mut told = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let (skipped, line) = told.next().unwrap_or((0, ""));
        let number = (first + skipped + 1) as u32;
        let (column, length) = match cell {
            Some(cell) => cell_in(line, cell),
            None => (0, line.trim_end().chars().count()),
        };
        Position { line: number, column: column as u32 + 1, length: length.max(1) as u32 }
    }
}

/// The column, from 0, and the length of a cell in a line, in characters.
fn cell_in(line: &str, cell: usize) -> (usize, usize) {
    let (mut start, mut number, mut quoted) = (0, 0, false);
    let characters: Vec<char> = line.chars().collect();
    let mut end = characters.len();
    for (at, character) in characters.iter().enumerate() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted && number == cell => {
                end = at;
                break;
            }
            ',' if !quoted => (number, start) = (number + 1, at + 1),
            _ => {}
        }
    }
    while start < end && characters[start].is_whitespace() {
        start += 1;
    }
    while end > start && characters[end - 1].is_whitespace() {
        end -= 1;
    }
    (start, end - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let findings = read(text.as_bytes(), TraceUnit::Seconds).unwrap_err();
        findings.into_iter().map(|finding| format!("{}: {}", finding.position, finding.message)).collect()
    }

    #[test]
    fn rows_come_in_any_order_and_columns_too() {
        let text =
            "# by hand\n\nend, start ,host,why\n 9,7,\"b, the second\",\n3,1,a,x\n\n# more\n6.5,5e0,a,\n";
        let trace = read(text.as_bytes(), TraceUnit::Hours).unwrap();
        let session =
            |host, start: f64, end: f64| Session { host, start_s: start * 3600.0, end_s: end * 3600.0 };
        assert_eq!((trace.hosts, trace.sessions.len()), (2, 3));
        assert_eq!(trace.sessions, [session(0, 7.0, 9.0), session(1, 1.0, 3.0), session(1, 5.0, 6.5)]);
    }

    #[test]
    fn places_are_those_of_the_cells() {
        let text = "host,start,end\n\n# a comment\n\"a, b\",  x ,2\n\nc,3\n";
        assert_eq!(
            messages(text),
            ["4:10: `start` must be a number, not `x`", "6:1: the line has 2 cells, the header 3"]
        );
        assert_eq!(cell_in("\"a, b\",  x ,2", 1), (9, 1));
    }

    #[test]
    fn an_overlap_names_the_session_before_wherever_it_stands() {
        let text = "host,start,end\na,5,6\nb,0,9\na,1,2\na,0,8\na,8,9\n";
        assert_eq!(
            messages(text),
            ["2:3: `a` is up already, since line 5", "4:3: `a` is up already, since line 5"]
        );
    }

    #[test]
    fn a_thousand_errors_are_counted() {
        let lines: String = (0..3000).map(|number| format!("h{number},1,x\n")).collect();
        let messages = messages(&format!("host,start,end\n{lines}"));
        assert_eq!(messages.len(), MOST_SHOWN + 1);
        assert_eq!(messages[0], "2:6: `end` must be a number, not `x`");
        assert_eq!(messages[MOST_SHOWN], "21:7: 2980 further errors are not shown");
    }
}

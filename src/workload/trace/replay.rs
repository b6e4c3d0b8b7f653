//! A trace in the order of its times, moved to those of the run.
//!
//! A trace need not be sorted: [`WINDOW`] rows are read ahead, and the earliest of them comes next. So a trace of so
//! many rows may be in any order, and a longer one must have no row further than that from its place. What is held does
//! not grow with the trace.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::azure::Machines;
use super::lines::{Line, Lines, RowError};
use super::openb::Pods;
use super::swf::Log;
use super::{Row, Rows, TraceError, TraceFile};
use crate::kernel::{Domain, Span, Streams, Time};
use crate::workload::jobs::entity;

/// Which jobs are asked for where not all are.
const SAMPLE: Domain = Domain::new("workload.trace.sample");
/// So many rows are read ahead.
pub const WINDOW: usize = 1 << 16;
/// More errors of a trace than these are only counted.
pub const MOST_ERRORS: usize = 20;
/// What runs to the end of every run: a century.
const FOR_EVER: Span = Span::hours(876_600);

/// A trace of jobs, and how it is replayed.
#[derive(Clone, PartialEq, Debug)]
pub struct Replay {
    /// The format, with its files.
    pub format: Format,
    /// Jobs that come earlier than this after the first one are left out.
    pub from: Span,
    /// When the run gets to that moment.
    pub start: Span,
    /// All times of the trace are multiplied by this: below one they pass more quickly.
    pub time_scale: f64,
    /// So many times as much is asked for in the same time: times between jobs are divided by it, run times are not.
    pub load: f64,
    /// Which part of the jobs is asked for, above 0 and up to 1; the others are left out, each by a draw of its own.
    pub sample: f64,
}

/// The formats of traces.
#[derive(Clone, PartialEq, Debug)]
pub enum Format {
    /// Pods of the GPU trace of Alibaba of 2023.
    Openb {
        /// The pods.
        file: TraceFile,
        /// Memory of a card of which jobs take thousandths; none = by the models that they name, else 16 GiB.
        card_bytes: Option<u64>,
    },
    /// Virtual machines of the first trace of Azure: [`azure::FILES`](super::azure::FILES).
    AzureV1(Box<[TraceFile; 4]>),
    /// The Standard Workload Format.
    Swf {
        /// The log.
        file: TraceFile,
        /// Only the jobs of this partition.
        partition: Option<u64>,
    },
}

impl Format {
    /// Its files, in the order in which errors number them.
    #[must_use]
    pub fn files(&self) -> &[TraceFile] {
        match self {
            Self::Openb { file, .. } | Self::Swf { file, .. } => std::slice::from_ref(file),
            Self::AzureV1(files) => &**files,
        }
    }

    fn rows(&self, streams: Streams, entry: u32) -> Result<Box<dyn Rows>, Vec<TraceError>> {
        let lines = |file: &TraceFile| {
            file.lines().map_err(|reason| {
                let row = Line { text: "", number: 1 }.error(format!("cannot read the file: {reason}"), "");
                vec![TraceError { file: 0, row }]
            })
        };
        Ok(match self {
            Self::Openb { file, card_bytes } => Box::new(Pods::new(lines(file)?, *card_bytes)),
            Self::Swf { file, partition } => Box::new(Log::new(lines(file)?, *partition)),
            Self::AzureV1(files) => Box::new(Machines::new(files, streams, entry)?),
        })
    }
}

/// What is known of a trace that was read once, as it will be replayed.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Survey {
    /// Jobs that come within the run.
    pub jobs: u64,
    /// The sum of the moments at which they come, in seconds.
    pub moments_s: f64,
    /// The sum of the times for which they run within the run, in seconds.
    pub running_s: f64,
    /// All rows that were read.
    pub rows: u64,
    /// Rows of which the trace does not say enough, or that are not asked for.
    pub left_out: u64,
}

impl Replay {
    /// The jobs in order, drawn from the streams of an entry of the workload.
    ///
    /// # Errors
    /// If the files cannot be read at all.
    pub fn jobs(&self, streams: Streams, entry: u32) -> Result<Replayed, Vec<TraceError>> {
        Ok(self.of(self.format.rows(streams, entry)?, streams, entry))
    }

    /// The same of rows from elsewhere.
    #[must_use]
    pub fn of(&self, rows: Box<dyn Rows>, streams: Streams, entry: u32) -> Replayed {
        Replayed {
            ordered: Ordered::new(rows),
            streams,
            entry,
            sample: self.sample,
            origin: None,
            from: self.from,
            start: self.start,
            time_scale: self.time_scale,
            gap_scale: self.time_scale / self.load,
        }
    }

    /// Reads all of it to see whether it can be replayed, and what that makes until `end`; at most `count` jobs are
    /// asked for.
    ///
    /// # Errors
    /// What is wrong with its rows, at most [`MOST_ERRORS`] of it, and how many further errors there are.
    pub fn survey(
        &self,
        streams: Streams,
        entry: u32,
        end: Span,
        count: u64,
    ) -> Result<Survey, (Vec<TraceError>, usize)> {
        let mut replayed = self.jobs(streams, entry).map_err(|errors| (errors, 0))?;
        let mut survey = Survey::default();
        let (mut errors, mut unshown) = (Vec::new(), 0);
        for next in replayed.by_ref() {
            match next {
                Ok(job) if job.at < Time::ZERO + end && survey.jobs < count => {
                    let at_s = job.at.as_secs_f64();
                    survey.jobs += 1;
                    survey.moments_s += at_s;
                    survey.running_s += job.run.as_secs_f64().min(end.as_secs_f64() - at_s);
                }
                Ok(_) => {}
                Err(error) if errors.len() < MOST_ERRORS => errors.push(error),
                Err(_) => unshown += 1,
            }
        }
        (survey.rows, survey.left_out) = (replayed.ordered.rows_read, replayed.ordered.left_out);
        if errors.is_empty() { Ok(survey) } else { Err((errors, unshown)) }
    }
}

/// A job of a trace at its time in the run.
#[derive(Clone, PartialEq, Debug)]
pub struct TraceJob {
    /// When it is asked for.
    pub at: Time,
    /// How long it runs.
    pub run: Span,
    /// All else.
    pub row: Row,
    /// Its number among the rows of the trace, from 0.
    pub number: u64,
}

/// A trace that is being replayed.
pub struct Replayed {
    ordered: Ordered,
    streams: Streams,
    entry: u32,
    sample: f64,
    /// When the first job came, by the clock of the trace.
    origin: Option<Span>,
    from: Span,
    start: Span,
    time_scale: f64,
    gap_scale: f64,
}

impl Iterator for Replayed {
    type Item = Result<TraceJob, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (number, row) = match self.ordered.next()? {
                Ok(found) => found,
                Err(error) => return Some(Err(error)),
            };
            let origin = *self.origin.get_or_insert(row.at);
            let Some(after) = row.at.0.saturating_sub(origin.0).checked_sub(self.from.0) else { continue };
            if self.sample < 1.0
                && !self.streams.owned(SAMPLE, entity(self.entry, number)).chance(self.sample)
            {
                continue;
            }
            let at = Time::ZERO + self.start + scaled(Span(after), self.gap_scale);
            let run = row.run.map_or(FOR_EVER, |run| scaled(run, self.time_scale));
            return Some(Ok(TraceJob { at, run, row, number }));
        }
    }
}

fn scaled(span: Span, by: f64) -> Span {
    if by.total_cmp(&1.0).is_eq() { span } else { Span::from_secs_f64(span.as_secs_f64() * by) }
}

/// A row with its number among those of the file, by its time.
struct Waiting(u64, Row);

impl Waiting {
    const fn key(&self) -> (Span, u64) {
        (self.1.at, self.0)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// Rows in the order of their times.
struct Ordered {
    rows: Box<dyn Rows>,
    ahead: BinaryHeap<Reverse<Waiting>>,
    /// The time of the row that came last, and its line.
    last: Option<(Span, u64)>,
    rows_read: u64,
    left_out: u64,
    ended: bool,
}

impl Ordered {
    fn new(rows: Box<dyn Rows>) -> Self {
        Self { rows, ahead: BinaryHeap::new(), last: None, rows_read: 0, left_out: 0, ended: false }
    }

    fn next(&mut self) -> Option<Result<(u64, Row), TraceError>> {
        while !self.ended && self.ahead.len() < WINDOW {
            match self.rows.next_row() {
                None => self.ended = true,
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(None)) => self.left_out += 1,
                Some(Ok(Some(row))) => {
                    let number = self.rows_read;
                    self.rows_read += 1;
                    if let Some((_, line)) = self.last.filter(|(at, _)| row.at < *at) {
                        return Some(Err(TraceError { file: 0, row: out_of_order(&row, line) }));
                    }
                    self.ahead.push(Reverse(Waiting(number, row)));
                }
            }
        }
        let Reverse(Waiting(number, row)) = self.ahead.pop()?;
        self.last = Some((row.at, row.line));
        Some(Ok((number, row)))
    }
}

fn out_of_order(row: &Row, line: u64) -> RowError {
    RowError {
        line: row.line,
        column: 1,
        length: 1,
        message: format!("this job comes before that of line {line}, more than {WINDOW} rows further up"),
        help: "sort the rows by the times at which jobs are asked for".to_owned(),
    }
}

/// Lines of whatever bytes, for rows that come from no file.
///
/// # Errors
/// If the first of them cannot be read.
pub fn lines_of<'r>(bytes: impl std::io::Read + Send + 'r) -> std::io::Result<Lines<'r>> {
    Ok(Lines::new(super::lines::unpacked(bytes)?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Bytes;
    use super::*;

    fn replay(text: &str) -> Replay {
        let file = TraceFile {
            bytes: Bytes::Memory(Arc::from(text.as_bytes())),
            copy: String::new(),
            sha256: String::new(),
        };
        let format = Format::Swf { file, partition: None };
        Replay { format, from: Span::ZERO, start: Span::ZERO, time_scale: 1.0, load: 1.0, sample: 1.0 }
    }

    fn job(at_s: u64, run_s: i64) -> String {
        format!("1 {at_s} -1 {run_s} 1 -1 -1 -1 -1 -1 1 1 1 -1 -1 1 -1 -1\n")
    }

    fn times(replay: &Replay) -> Vec<(u64, u64, u64)> {
        let seconds = |span: Span| span.0 / 1_000_000_000;
        let all = replay.jobs(Streams::new(1), 0).unwrap().map(Result::unwrap);
        all.map(|job| (seconds(job.at.since(Time::ZERO)), seconds(job.run), job.number)).collect()
    }

    #[test]
    fn rows_come_in_the_order_of_their_times_and_equal_ones_in_that_of_the_file() {
        let text = [job(500, 5), job(100, 1), job(500, 6), job(300, -1), job(300, 3)].concat();
        assert_eq!(times(&replay(&text)), [(0, 1, 1), (200, 3, 3), (400, 5, 0), (400, 6, 2)]);
    }

    #[test]
    fn a_part_of_a_trace_is_moved_and_stretched() {
        let text = [job(1000, 60), job(1100, 60), job(1300, 120)].concat();
        let part = Replay { from: Span::secs(100), start: Span::secs(10), ..replay(&text) };
        assert_eq!(times(&part), [(10, 60, 1), (210, 120, 2)]);
        let quick = Replay { time_scale: 0.5, ..part.clone() };
        assert_eq!(times(&quick), [(10, 30, 1), (110, 60, 2)]);
        let dense = Replay { load: 2.0, ..part };
        assert_eq!(times(&dense), [(10, 60, 1), (110, 120, 2)]);
    }

    #[test]
    fn a_sample_is_a_part_of_all_jobs_and_of_a_larger_sample() {
        let text: String = (0..4000).map(|at| job(at, 1)).collect();
        let numbers = |sample: f64| {
            let all = times(&Replay { sample, ..replay(&text) });
            all.into_iter().map(|(.., number)| number).collect::<Vec<_>>()
        };
        let (tenth, half) = (numbers(0.1), numbers(0.5));
        assert!((tenth.len() as f64 - 400.0).abs() < 76.0 && (half.len() as f64 - 2000.0).abs() < 127.0);
        assert!(tenth.iter().all(|number| half.contains(number)));
    }

    #[test]
    fn a_survey_counts_what_comes_within_the_run() {
        let text = [job(0, 60), job(50, 60), job(90, -1), job(200, 5)].concat();
        let survey = |count| replay(&text).survey(Streams::new(1), 0, Span::secs(100), count).unwrap();
        let expected = Survey { jobs: 2, moments_s: 50.0, running_s: 110.0, rows: 3, left_out: 1 };
        assert_eq!(survey(9), expected);
        assert_eq!(survey(1), Survey { jobs: 1, moments_s: 0.0, running_s: 60.0, ..expected });
        let bad = format!("{}{}", job(1, 1), "oops\n".repeat(50));
        let (errors, unshown) = replay(&bad).survey(Streams::new(1), 0, Span::secs(100), 9).unwrap_err();
        assert_eq!((errors.len(), unshown, errors[0].row.line), (MOST_ERRORS, 30, 2));
    }

    #[test]
    fn a_row_far_from_its_place_is_named() {
        let late = WINDOW as u64 + 10;
        let text: String = (10..late - 1).map(|at| job(at, 1)).chain([job(1, 1)]).collect();
        assert_eq!(times(&replay(&text)).len(), WINDOW, "as many rows as are read ahead may be in any order");
        let text: String = (10..late).map(|at| job(at, 1)).chain([job(1, 1)]).collect();
        let (errors, _) = replay(&text).survey(Streams::new(1), 0, Span::secs(9), 9).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!(
            errors[0].to_string(),
            "line 65537, column 1: this job comes before that of line 1, more than 65536 rows further up"
        );
    }
}

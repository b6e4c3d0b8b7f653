//! The Standard Workload Format of the Parallel Workloads Archive: 18 numbers in a line, `-1` for what is not known,
//! comments behind `;`, times in seconds.

use super::lines::{Line, Lines, RowError, shown};
use super::{Cards, Row, Rows, TraceError};
use crate::kernel::Span;

const FIELDS: usize = 18;
const NAMES: [&str; FIELDS] = [
    "job number",
    "submit time",
    "wait time",
    "run time",
    "allocated processors",
    "average CPU time",
    "used memory",
    "requested processors",
    "requested time",
    "requested memory",
    "status",
    "user",
    "group",
    "executable",
    "queue",
    "partition",
    "preceding job",
    "think time",
];
const SUBMIT: usize = 1;
const RUN: usize = 3;
const ALLOCATED: usize = 4;
const USED_MEMORY: usize = 6;
const REQUESTED: usize = 7;
const REQUESTED_MEMORY: usize = 9;
const USER: usize = 11;
const PARTITION: usize = 15;

/// The jobs of a log.
pub struct Log<'r> {
    lines: Lines<'r>,
    /// Only those of this partition.
    partition: Option<u64>,
    ended: bool,
}

impl<'r> Log<'r> {
    /// Those of these lines; of one partition alone where that is said.
    #[must_use]
    pub const fn new(lines: Lines<'r>, partition: Option<u64>) -> Self {
        Self { lines, partition, ended: false }
    }
}

impl Rows for Log<'_> {
    fn next_row(&mut self) -> Option<Result<Option<Row>, TraceError>> {
        while !self.ended {
            match self.lines.next_line() {
                Ok(Some(line)) if line.is_blank() || line.text.trim_start().starts_with(';') => {}
                Ok(Some(line)) => {
                    return Some(job(line, self.partition).map_err(|row| TraceError { file: 0, row }));
                }
                Ok(None) => self.ended = true,
                Err(row) => {
                    self.ended = true;
                    return Some(Err(TraceError { file: 0, row }));
                }
            }
        }
        None
    }
}

/// The job of a line; none of another partition, or without a run time.
fn job(line: Line<'_>, partition: Option<u64>) -> Result<Option<Row>, RowError> {
    let mut fields = [""; FIELDS];
    let mut count = 0;
    for field in line.text.split_whitespace() {
        if let Some(own) = fields.get_mut(count) {
            *own = field;
        }
        count += 1;
    }
    if count != FIELDS {
        let help = "comments begin with `;`";
        return Err(line.error(format!("the line has {count} numbers, the format {FIELDS}"), help));
    }
    let number = |field: usize| known(line, fields[field], field);
    let Some(at_s) = number(SUBMIT)? else {
        let help = "a job without a time cannot be placed: remove the line";
        return Err(line.error_at(fields[SUBMIT], "the submit time is not known", help));
    };
    let (run_s, own) = (number(RUN)?, number(PARTITION)?);
    let processors = match number(REQUESTED)? {
        Some(requested) => Some(requested),
        None => number(ALLOCATED)?,
    };
    let memory_kib = match number(REQUESTED_MEMORY)? {
        Some(requested) => Some(requested),
        None => number(USED_MEMORY)?,
    };
    let user = number(USER)?;
    let processors = processors.filter(|processors| *processors > 0.0);
    if partition.is_some_and(|wanted| own.is_none_or(|own| own as u64 != wanted)) {
        return Ok(None);
    }
    let Some(run_s) = run_s else { return Ok(None) };
    // Memory is that of each processor.
    let ram = memory_kib.map(|kib| kib * 1024.0 * processors.unwrap_or(1.0));
    Ok(Some(Row {
        at: Span::from_secs_f64(at_s),
        run: Some(Span::from_secs_f64(run_s)),
        cores_milli: processors.map(|processors| (processors * 1000.0) as u64),
        ram_bytes: ram.map(|bytes| bytes as u64).filter(|bytes| *bytes > 0),
        cards: None::<Cards>,
        user: user.map(|user| user as u64),
        line: line.number,
    }))
}

/// A number from 0 on, or none for what is not known.
fn known(line: Line<'_>, field: &str, place: usize) -> Result<Option<f64>, RowError> {
    match field.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
        Ok(number) if number.total_cmp(&-1.0).is_eq() => Ok(None),
        _ => {
            let message = format!("the {} must be a number, not {}", NAMES[place], shown(field));
            Err(line.error_at(field, message, "it is 0 or more, or -1 where it is not known"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines::unpacked;
    use super::*;

    fn log(text: &str, partition: Option<u64>) -> (Vec<Row>, usize, Vec<String>) {
        let mut log = Log::new(Lines::new(unpacked(text.as_bytes()).unwrap()), partition);
        let (mut rows, mut without, mut errors) = (Vec::new(), 0, Vec::new());
        while let Some(next) = log.next_row() {
            match next {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => without += 1,
                Err(error) => errors.push(error.to_string()),
            }
        }
        (rows, without, errors)
    }

    #[test]
    fn a_line_is_a_job() {
        let text = "; Version: 2.2\n\n  1  10 -1 83 1 -1 -1 4 1200 2048 1 7 1 -1 -1 3 -1 -1\n\
            2 11.5 -1 -1 1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 3 -1 -1\n3 12 0 5 2 -1 512 -1 -1 -1 1 2 2 -1 -1 4 -1 -1\n";
        let (rows, without, errors) = log(text, None);
        assert_eq!((rows.len(), without, errors.len()), (2, 1, 0), "what has no run time is left out");
        let first = &rows[0];
        assert_eq!((first.at, first.run, first.line), (Span::secs(10), Some(Span::secs(83)), 3));
        assert_eq!((first.cores_milli, first.ram_bytes, first.user), (Some(4000), Some(8 << 20), Some(7)));
        assert_eq!((rows[1].cores_milli, rows[1].ram_bytes), (Some(2000), Some(1 << 20)), "what was used");
        let (rows, without, _) = log(text, Some(4));
        assert_eq!((rows.len(), without), (1, 2));
    }

    #[test]
    fn all_wrong_lines_are_named() {
        let text = "1 2 3\n1 x -1 83 1 -1 -1 4 1200 2048 1 7 1 -1 -1 3 -1 -1\n\
            1 -1 -1 83 1 -1 -1 4 1200 -1 1 7 1 -1 -1 3 -1 -1\n\
            1 1 -1 -5 1 -1 -1 4 1200 2048 1 7 1 -1 -1 3 -1 -1\n";
        assert_eq!(
            log(text, None).2,
            [
                "line 1, column 1: the line has 3 numbers, the format 18",
                "line 2, column 3: the submit time must be a number, not `x`",
                "line 3, column 3: the submit time is not known",
                "line 4, column 8: the run time must be a number, not `-5`",
            ]
        );
    }
}

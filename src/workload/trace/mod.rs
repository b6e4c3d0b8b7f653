//! Traces of jobs and lists of machines: text files that are read row by row, however long they are.
//!
//! Three formats of jobs are known, a file each: pods of the GPU trace of Alibaba ([`openb`]), virtual machines of the
//! first trace of Azure ([`azure`]), and the Standard Workload Format ([`swf`]). A reader gives [`Row`]s; [`replay`]
//! puts them in the order of their times and moves them to those of the run.

pub mod azure;
pub mod columns;
pub mod lines;
pub mod openb;
pub mod replay;
pub mod swf;

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use self::lines::{Lines, RowError, unpacked};
use crate::kernel::{Domain, Rng, Span, Streams};

/// What is drawn of a trace that says it in classes: durations and moments.
const TRACE: Domain = Domain::new("workload.trace");

/// A job as a trace has it. What the trace does not know is none.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// When it was asked for, by the clock of the trace.
    pub at: Span,
    /// How long it ran; none = nobody has seen its end.
    pub run: Option<Span>,
    /// Thousandths of cores.
    pub cores_milli: Option<u64>,
    /// Memory in bytes.
    pub ram_bytes: Option<u64>,
    /// Graphics cards; none where the trace knows of no cards at all.
    pub cards: Option<Cards>,
    /// A number of who asked.
    pub user: Option<u64>,
    /// In which line it stands.
    pub line: u64,
}

/// Graphics cards that a job wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cards {
    /// How many.
    pub count: u32,
    /// How much of the memory of each, in bytes; 0 = all of a card that nobody else uses.
    pub vram_bytes: u64,
    /// Of which model; several are alternatives, with `|` between them.
    pub model: Option<Arc<str>>,
}

/// What is wrong with a trace, and in which of its files.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{row}")]
pub struct TraceError {
    /// The place of the file among those of the trace.
    pub file: usize,
    /// Where in it, and what.
    pub row: RowError,
}

/// The rows of a trace in the order of the file. An error concerns its row alone, unless the file cannot be read on;
/// then nothing follows it.
pub trait Rows: Send {
    /// The next job; `Ok(None)` in place of one that the trace says nothing of.
    fn next_row(&mut self) -> Option<Result<Option<Row>, TraceError>>;
}

/// Where the bytes of a file are.
#[derive(Clone)]
pub enum Bytes {
    /// On a disk, to be read row by row.
    File(PathBuf),
    /// In memory.
    Memory(Arc<[u8]>),
}

/// A file of a trace.
#[derive(Clone)]
pub struct TraceFile {
    /// Its bytes, plain or packed by gzip.
    pub bytes: Bytes,
    /// Under which name a copy of it is kept with the results.
    pub copy: String,
    /// The SHA-256 of its bytes in hexadecimal. Files of the same bytes are equal.
    pub sha256: String,
}

impl PartialEq for TraceFile {
    fn eq(&self, other: &Self) -> bool {
        self.sha256 == other.sha256 && self.copy == other.copy
    }
}

/// Where it is says nothing of what is in it.
impl fmt::Debug for TraceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceFile({} {})", self.copy, self.sha256)
    }
}

impl TraceFile {
    /// Its bytes, from the first on.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.bytes {
            Bytes::File(path) => Box::new(File::open(path)?),
            Bytes::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }

    /// Its lines.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn lines(&self) -> io::Result<Lines<'static>> {
        Ok(Lines::new(unpacked(self.open()?)?))
    }
}

/// The stream of one job of a trace.
fn stream(streams: Streams, entry: u32, number: u64) -> Rng<'static> {
    streams.owned(TRACE, super::jobs::entity(entry, number))
}

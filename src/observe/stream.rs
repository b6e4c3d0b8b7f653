//! Files that grow while a run goes on: what single peers tell of themselves. Lines reach them in the order of events.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::folder::FolderError;
use super::rows::Text;

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamFile {
    /// The records that peers wrote: JSON lines.
    Logs,
    /// The documents that Elasticsearch took: JSON lines.
    Index,
    /// The events on the buses of peers: JSON lines.
    Bus,
    /// The traces that the APM server took: JSON lines.
    Traces,
    /// The metrics that peers exported: CSV.
    Metrics,
}

impl StreamFile {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Logs, Self::Index, Self::Bus, Self::Traces, Self::Metrics];

    /// Its name in the results folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logs => "logs.jsonl",
            Self::Index => "elastic.jsonl",
            Self::Bus => "bus.jsonl",
            Self::Traces => "traces.jsonl",
            Self::Metrics => "peer-metrics.csv",
        }
    }

    /// Its first line; empty where every line stands for itself.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::Metrics => "time_s,peer,did,metric,attribute,value\n",
            _ => "",
        }
    }
}

/// A line of `peer-metrics.csv`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct PeerMetricRow {
    /// When it was exported.
    pub time_s: f64,
    /// The peer.
    pub peer: Text,
    /// Its DID, the attribute that every metric has.
    pub did: Text,
    /// Which metric.
    pub metric: Text,
    /// A further attribute, `key=value`; empty without one.
    pub attribute: Text,
    /// What it is from now on.
    pub value: f64,
}

impl PeerMetricRow {
    /// The row as text, with the end of its line.
    ///
    /// # Panics
    /// Never: memory takes all of it.
    #[must_use]
    pub fn line(&self) -> String {
        let terminator = csv::Terminator::Any(b'\n');
        let mut writer =
            csv::WriterBuilder::new().has_headers(false).terminator(terminator).from_writer(Vec::new());
        writer.serialize(self).expect("a row is flat, and memory takes all of it");
        let bytes = writer.into_inner().expect("memory takes all of it");
        String::from_utf8(bytes).expect("texts are UTF-8")
    }
}

/// Writes them. A file is made with its first line.
#[derive(Debug)]
pub struct Streams {
    folder: PathBuf,
    files: [Option<BufWriter<File>>; StreamFile::ALL.len()],
    failure: Option<FolderError>,
}

impl Streams {
    /// In this folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: Default::default(), failure: None }
    }

    /// Adds a line, its end included. After a failure nothing more is written.
    pub fn write(&mut self, file: StreamFile, line: &str) {
        if self.failure.is_none()
            && let Err(source) = self.try_write(file, line)
        {
            let path = self.folder.join(file.name());
            self.failure = Some(FolderError::Io { action: "write", path, source });
        }
    }

    fn try_write(&mut self, file: StreamFile, line: &str) -> io::Result<()> {
        let slot = &mut self.files[file as usize];
        let writer = match slot {
            Some(writer) => writer,
            None => {
                let mut writer = BufWriter::new(File::create(self.folder.join(file.name()))?);
                writer.write_all(file.header().as_bytes())?;
                slot.insert(writer)
            }
        };
        writer.write_all(line.as_bytes())
    }

    /// All lines are there.
    ///
    /// # Errors
    /// [`FolderError::Io`], the first that there was.
    pub fn finish(mut self) -> Result<(), FolderError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        for (file, writer) in StreamFile::ALL.into_iter().zip(&mut self.files) {
            if let Some(writer) = writer {
                let path = self.folder.join(file.name());
                writer.flush().map_err(|source| FolderError::Io { action: "write", path, source })?;
            }
        }
        Ok(())
    }
}

//! Recording a run in formats of other tools: which there are, and the files that grow while it goes on.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::events::write_event;
use super::folder::FolderError;
use super::open_metrics::write_open_metrics;
use super::otlp::{write_log, write_span};
use super::perfetto::Timeline;
use super::record::{Preface, Record, What};
use super::rows::{MetricRow, SeriesRow};
use super::spans::Spans;
use crate::kernel::Time;

/// A format in which a run can be recorded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RecordFormat {
    /// Every fact and message, JSON lines.
    Events,
    /// Series and final metrics as OpenMetrics text.
    OpenMetrics,
    /// Traces and logs as OTLP/JSON lines.
    Otlp,
    /// A timeline for Perfetto.
    Perfetto,
}

impl RecordFormat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Events, Self::OpenMetrics, Self::Otlp, Self::Perfetto];

    /// Its file in the results folder.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Events => "events.jsonl",
            Self::OpenMetrics => "metrics.om",
            Self::Otlp => "otlp.jsonl",
            Self::Perfetto => "trace.perfetto-trace",
        }
    }
}

/// A recording that is being made.
#[derive(Debug)]
pub struct Recording {
    folder: PathBuf,
    files: Vec<(RecordFormat, BufWriter<File>)>,
    preface: Option<Preface>,
    end: Time,
    spans: Spans,
    timeline: Timeline,
    failure: Option<FolderError>,
}

impl Recording {
    /// Makes the files of these formats in a folder.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn create(folder: &Path, formats: &[RecordFormat]) -> Result<Self, FolderError> {
        let mut formats = formats.to_vec();
        formats.sort_unstable();
        formats.dedup();
        let open = |format: RecordFormat| {
            let path = folder.join(format.file());
            let file =
                File::create(&path).map_err(|source| FolderError::Io { action: "create", path, source })?;
            Ok((format, BufWriter::new(file)))
        };
        Ok(Self {
            folder: folder.to_owned(),
            files: formats.into_iter().map(open).collect::<Result<_, _>>()?,
            preface: None,
            end: Time::ZERO,
            spans: Spans::default(),
            timeline: Timeline::default(),
            failure: None,
        })
    }

    /// Takes a record, of which the first says what is run. After a failure nothing more is written.
    pub fn take(&mut self, record: &Record<'_>) {
        if let What::Begin(preface) = record.what {
            self.preface = Some(preface.clone());
        }
        self.end = self.end.max(record.at);
        if self.failure.is_some() {
            return;
        }
        let Some(preface) = &self.preface else { return };
        let (spans, timeline) = (&mut self.spans, &mut self.timeline);
        let mut failed = None;
        let mut note = |format: RecordFormat, result: io::Result<()>| {
            if let Err(source) = result {
                failed.get_or_insert((format, source));
            }
        };
        // What ends or begins by a record lies around it: a slice begins before what happens in it.
        let files = &mut self.files;
        spans.take(record, &mut |change| {
            for (format, out) in files.iter_mut() {
                match format {
                    RecordFormat::Otlp => note(*format, write_span(out, preface, change)),
                    RecordFormat::Perfetto => note(*format, timeline.change(out, preface, change)),
                    RecordFormat::Events | RecordFormat::OpenMetrics => {}
                }
            }
        });
        for (format, out) in files {
            let result = match format {
                RecordFormat::Events => write_event(out, preface, record),
                RecordFormat::Otlp => write_log(out, preface, record),
                RecordFormat::Perfetto => timeline.take(out, preface, record),
                RecordFormat::OpenMetrics => Ok(()),
            };
            note(*format, result);
        }
        if let Some((format, source)) = failed {
            self.failure = Some(self.cannot_write(format, source));
        }
    }

    /// The run is over: writes what is made of its tables, and the rest of the files.
    ///
    /// # Errors
    /// [`FolderError::Io`], the first that there was.
    pub fn finish(mut self, series: &[SeriesRow], metrics: &[MetricRow]) -> Result<(), FolderError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        for (format, mut out) in std::mem::take(&mut self.files) {
            let written = match (format, &self.preface) {
                (RecordFormat::OpenMetrics, Some(preface)) => {
                    write_open_metrics(&mut out, preface, (series, metrics), self.end)
                }
                _ => Ok(()),
            };
            written.and_then(|()| out.flush()).map_err(|source| self.cannot_write(format, source))?;
        }
        Ok(())
    }

    fn cannot_write(&self, format: RecordFormat, source: io::Error) -> FolderError {
        FolderError::Io { action: "write", path: self.folder.join(format.file()), source }
    }
}

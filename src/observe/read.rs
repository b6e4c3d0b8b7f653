//! Reading a results folder back: every file into its rows, with errors that name file, line, column and a
//! way out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::columns::Columns;
use super::manifest::{Provenance, RunManifest};
use super::rows::{
    AllocationRow, AttackRow, ConnectionRow, ContractRow, DeploymentRow, HistoryRow, InvoiceRow, MessageRow,
    MetricRow, OperationRow, PeerRow, RefusalRow, RequestRow, Row, SCHEMA_VERSION, SeriesRow,
};
use crate::kernel::path_text;

/// Why a result file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {}: {source}; is this a results folder that `dmsim run` finished?", path_text(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A column of the schema is missing.
    #[error(
        "{}:1: there is no column `{column}`: the file was changed, or written by a program with another schema \
         than {SCHEMA_VERSION}; run the scenario again to write it anew",
        path_text(path)
    )]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A cell or a line is not what its column holds.
    #[error(
        "{}:{line}: {}{reason}; correct it or run the scenario again",
        path_text(path),
        in_column(column)
    )]
    Cell {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column's name, where one is to blame.
        column: Option<String>,
        /// What is wrong.
        reason: String,
    },
    /// A JSON file is not what it should be.
    #[error("{}:{line}:{column}: {reason}; correct it or run the scenario again", path_text(path))]
    Json {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// The folder was written under another schema.
    #[error(
        "{} has schema {found}, this program reads {SCHEMA_VERSION}: run the scenario again with this version",
        path_text(path)
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// A file of a sweep or a baseline was written under another schema than this program knows.
    #[error(
        "{} has schema {found}, this program reads {known}: make it anew with this version, or read it with the other",
        path_text(path)
    )]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The one that is known.
        known: u32,
    },
}

fn in_column(column: &Option<String>) -> String {
    column.as_ref().map_or_else(String::new, |column| format!("column `{column}`: "))
}

/// Reads a table of any row type. Columns are found by name, in any order; columns of a later schema are
/// ignored.
///
/// # Errors
/// [`ReadError`] for a file that cannot be read, lacks a column or holds a cell of another type, or a number that its
/// column cannot hold: a moment before the run, a share above one, what is not finite.
pub fn read_table<R: Row>(path: &Path) -> Result<Vec<R>, ReadError> {
    let bytes = bytes_of(path)?;
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes.as_slice());
    let header = reader.headers().map_err(|error| cell_error(path, &error, None))?.clone();
    for column in R::COLUMNS {
        if !header.iter().any(|name| name == *column) {
            return Err(ReadError::MissingColumn { path: path.to_owned(), column });
        }
    }
    let columns = Columns::of::<R>(&header);
    let broken = |error: csv::Error| cell_error(path, &error, Some(&header));
    let (mut rows, mut line) = (Vec::new(), csv::StringRecord::new());
    while reader.read_record(&mut line).map_err(broken)? {
        if let Some((column, reason)) = columns.fault(&line) {
            let number = line.position().map_or(1, csv::Position::line);
            let column = Some(column.to_owned());
            return Err(ReadError::Cell { path: path.to_owned(), line: number, column, reason });
        }
        rows.push(line.deserialize(Some(&header)).map_err(broken)?);
    }
    Ok(rows)
}

fn cell_error(path: &Path, error: &csv::Error, header: Option<&csv::StringRecord>) -> ReadError {
    let line = error.position().map_or(1, csv::Position::line);
    let (column, reason) = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let column = err.field().and_then(|field| header?.get(usize::try_from(field).ok()?));
            (column.map(str::to_owned), err.kind().to_string())
        }
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            (None, format!("the line has {len} cells, the header {expected_len}"))
        }
        csv::ErrorKind::Utf8 { .. } => (None, "the line is not UTF-8".to_owned()),
        _ => (None, error.to_string()),
    };
    ReadError::Cell { path: path.to_owned(), line, column, reason }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ReadError> {
    parse_json(path, &bytes_of(path)?)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, ReadError> {
    let read = || match fs::metadata(path)?.is_file() {
        true => fs::read(path),
        // Of a pipe there may never come anything.
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")),
    };
    read().map_err(|source| ReadError::Io { path: path.to_owned(), source })
}

fn parse_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
        ReadError::Json { path: path.to_owned(), line: error.line(), column: error.column(), reason }
    })
}

/// The schema that a JSON file says it has; 0 where it says none.
fn schema_of(path: &Path, bytes: &[u8]) -> Result<u32, ReadError> {
    let value: serde_json::Value = parse_json(path, bytes)?;
    let said = value.get("schema").and_then(serde_json::Value::as_u64).unwrap_or(0);
    Ok(u32::try_from(said).unwrap_or(u32::MAX))
}

/// Reads a JSON file of this `schema`, which it says itself, so that one of another is told apart from a broken one.
///
/// # Errors
/// [`ReadError::OtherSchema`], [`ReadError::Json`] or [`ReadError::Io`].
pub fn read_versioned<T: DeserializeOwned>(path: &Path, known: u32) -> Result<T, ReadError> {
    let bytes = bytes_of(path)?;
    match schema_of(path, &bytes)? {
        found if found == known => parse_json(path, &bytes),
        found => Err(ReadError::OtherSchema { path: path.to_owned(), found, known }),
    }
}

/// Reads `run.json`.
///
/// # Errors
/// [`ReadError::Schema`] for a folder of another schema; [`ReadError::Json`] or [`ReadError::Io`].
pub fn read_run(path: &Path) -> Result<RunManifest, ReadError> {
    let bytes = bytes_of(path)?;
    match schema_of(path, &bytes)? {
        SCHEMA_VERSION => parse_json(path, &bytes),
        found => Err(ReadError::Schema { path: path.to_owned(), found }),
    }
}

/// Reads `provenance.json`.
///
/// # Errors
/// [`ReadError::Json`] or [`ReadError::Io`].
pub fn read_provenance(path: &Path) -> Result<Provenance, ReadError> {
    read_json(path)
}

macro_rules! reader {
    ($name:ident, $row:ident, $file:literal) => {
        #[doc = concat!("Reads `", $file, "`.")]
        ///
        /// # Errors
        /// As [`read_table`].
        pub fn $name(path: &Path) -> Result<Vec<$row>, ReadError> {
            read_table(path)
        }
    };
}

reader!(read_metrics, MetricRow, "metrics.csv");
reader!(read_series, SeriesRow, "series.csv");
reader!(read_deployments, DeploymentRow, "deployments.csv");
reader!(read_allocations, AllocationRow, "allocations.csv");
reader!(read_refusals, RefusalRow, "refusals.csv");
reader!(read_peers, PeerRow, "peers.csv");
reader!(read_attacks, AttackRow, "attacks.csv");
reader!(read_operations, OperationRow, "operations.csv");
reader!(read_connections, ConnectionRow, "connections.csv");
reader!(read_requests, RequestRow, "requests.csv");
reader!(read_contracts, ContractRow, "contracts.csv");
reader!(read_invoices, InvoiceRow, "invoices.csv");
reader!(read_history, HistoryRow, "history.csv");
reader!(read_messages, MessageRow, "messages.csv");

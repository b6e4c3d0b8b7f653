//! What a run records and how it lies on disk: rows, metric names, manifests and the results folder.
//!
//! The rows are a public schema ([`SCHEMA_VERSION`]) that scripts, notebooks and the report read; the
//! simulator fills them at the end of a run and hands them to a [`RunFolder`]. This room knows the kernel's
//! time and nothing else: no peers, no protocol, no scenario. Everything it writes except `provenance.json`
//! is the same, byte for byte, for the same rows.
//!
//! Start with [`rows`] (what the tables hold), then [`folder`] (where they lie) and [`metrics`] (what is
//! measured).

mod columns;
pub mod events;
pub mod folder;
pub mod format;
pub mod histogram;
pub mod history;
#[cfg(feature = "cli")]
pub mod junit;
pub mod manifest;
pub mod metrics;
pub mod open_metrics;
pub mod otlp;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod perfetto;
pub mod read;
pub mod record;
pub mod recording;
pub mod rows;
pub mod saved;
pub mod spans;
pub mod stream;
pub mod sweep;

pub use folder::{FolderError, RunFolder, copy_into, csv_text, write_atomically, write_into};
pub use histogram::{SpanHistogram, nearest_rank};
pub use history::{History, HistoryLimits};
pub use manifest::{Branch, InputHash, Provenance, RunManifest, Verdict, json_text, sha256_hex};
pub use metrics::{Better, Metric, all, better, metric, metric_names};
pub use read::{
    ReadError, read_allocations, read_attacks, read_connections, read_contracts, read_deployments,
    read_history, read_invoices, read_messages, read_metrics, read_operations, read_peers, read_provenance,
    read_refusals, read_requests, read_run, read_series, read_table, read_versioned,
};
pub use record::{
    FactRecord, FaultRecord, Labels, MessageRecord, Passage, Preface, Record, Step, Value, What,
};
pub use recording::{RecordFormat, Recording};
pub use rows::{
    AllocationRow, AttackRow, CapabilityRow, ConnectionRow, ContractRow, DeploymentRow, HistoryRow,
    InvoiceRow, MessageRow, MetricRow, OperationRow, PeerRow, RefusalRow, RequestRow, Row, SCHEMA_VERSION,
    SeriesRow, Text, labels,
};
pub use saved::{SAVED_SCHEMA, Saved, SavedError, SavedFile, SavedHead, SavedMoment};
pub use stream::{PeerMetricRow, StreamFile, Streams};
pub use sweep::{
    Arm, CellOutcome, CellResult, CellRow, FailureKind, FailureRow, FinishedCell, Kept, PlannedEnd,
    PlannedMetric, PlannedSetup, SWEEP_SCHEMA, SeriesName, SweepFolder, SweepPlan, Table, cells_table,
    failures_csv,
};

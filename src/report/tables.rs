//! The tables of one run, read from its folder, and the look-ups that plots and page share.

use std::path::Path;

use crate::observe::rows::label;
use crate::observe::{
    AllocationRow, AttackRow, CapabilityRow, ConnectionRow, ContractRow, DeploymentRow, HistoryRow,
    InvoiceRow, MessageRow, MetricRow, PeerRow, Provenance, ReadError, RefusalRow, RequestRow, Row,
    RunManifest, SeriesRow, read_provenance, read_run, read_table,
};

/// Everything that a report is made from.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `run.json`.
    pub run: RunManifest,
    /// `provenance.json`; a run may be published without it.
    pub provenance: Option<Provenance>,
    /// `metrics.csv`.
    pub metrics: Vec<MetricRow>,
    /// `series.csv`.
    pub series: Vec<SeriesRow>,
    /// `deployments.csv`.
    pub deployments: Vec<DeploymentRow>,
    /// `allocations.csv`.
    pub allocations: Vec<AllocationRow>,
    /// `refusals.csv`.
    pub refusals: Vec<RefusalRow>,
    /// `peers.csv`.
    pub peers: Vec<PeerRow>,
    /// `attacks.csv`.
    pub attacks: Vec<AttackRow>,
    /// `connections.csv`.
    pub connections: Vec<ConnectionRow>,
    /// `requests.csv`.
    pub requests: Vec<RequestRow>,
    /// `contracts.csv`.
    pub contracts: Vec<ContractRow>,
    /// `invoices.csv`.
    pub invoices: Vec<InvoiceRow>,
    /// `history.csv`; none where the run was made without one.
    pub history: Vec<HistoryRow>,
    /// `messages.csv`; none where the run was made without them.
    pub messages: Vec<MessageRow>,
    /// `capabilities.csv`; none where the run was made without it.
    pub capabilities: Vec<CapabilityRow>,
}

/// A table that a run may have been made without.
fn read_if_there<R: Row>(folder: &Path) -> Result<Vec<R>, ReadError> {
    let path = folder.join(R::FILE);
    if path.exists() { read_table(&path) } else { Ok(Vec::new()) }
}

impl Tables {
    /// Reads the files of a results folder.
    ///
    /// # Errors
    /// [`ReadError`] for the first file that is faulty or missing; `provenance.json`, `history.csv`, `messages.csv` and
    /// `capabilities.csv` may be missing.
    pub fn read(folder: &Path) -> Result<Self, ReadError> {
        let provenance = folder.join("provenance.json");
        Ok(Self {
            run: read_run(&folder.join("run.json"))?,
            provenance: if provenance.exists() { Some(read_provenance(&provenance)?) } else { None },
            metrics: read_table(&folder.join("metrics.csv"))?,
            series: read_table(&folder.join("series.csv"))?,
            deployments: read_table(&folder.join("deployments.csv"))?,
            allocations: read_table(&folder.join("allocations.csv"))?,
            refusals: read_table(&folder.join("refusals.csv"))?,
            peers: read_table(&folder.join("peers.csv"))?,
            attacks: read_table(&folder.join("attacks.csv"))?,
            connections: read_table(&folder.join("connections.csv"))?,
            requests: read_table(&folder.join("requests.csv"))?,
            contracts: read_table(&folder.join("contracts.csv"))?,
            invoices: read_table(&folder.join("invoices.csv"))?,
            history: read_if_there(folder)?,
            messages: read_if_there(folder)?,
            capabilities: read_if_there(folder)?,
        })
    }

    /// A metric of the whole run; none where it is missing or nothing was measured.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        let row = self.metrics.iter().find(|row| &*row.metric == name && row.labels.is_empty())?;
        (!row.value.is_nan()).then_some(row.value)
    }

    /// The samples of a series without labels, as (seconds, value).
    #[must_use]
    pub fn samples(&self, metric: &str) -> Vec<(f64, f64)> {
        let rows = self.series.iter().filter(|row| &*row.metric == metric && row.labels.is_empty());
        rows.map(|row| (row.time_s, row.value)).collect()
    }

    /// The samples of a series for each value of one of its labels, in order of first appearance.
    #[must_use]
    pub fn samples_by(&self, metric: &str, key: &str) -> Vec<(String, Vec<(f64, f64)>)> {
        let mut found = indexmap::IndexMap::<String, Vec<(f64, f64)>>::new();
        for row in self.series.iter().filter(|row| &*row.metric == metric) {
            if let Some(value) = label(&row.labels, key) {
                found.entry(value.to_owned()).or_default().push((row.time_s, row.value));
            }
        }
        found.into_iter().collect()
    }

    /// Seconds from submission to running of every deployment that ran, sorted.
    #[must_use]
    pub fn times_to_running(&self) -> Vec<f64> {
        let spans = self.deployments.iter().filter_map(|row| Some(row.running_s? - row.submitted_s));
        let mut spans: Vec<f64> = spans.collect();
        spans.sort_by(f64::total_cmp);
        spans
    }
}

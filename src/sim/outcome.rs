//! What a finished run has to show.

use super::check::Checked;
use super::crash_points::Passed;
use crate::kernel::Time;
use crate::observe::{
    AllocationRow, AttackRow, CapabilityRow, ConnectionRow, ContractRow, DeploymentRow, InvoiceRow,
    MetricRow, OperationRow, PeerRow, RefusalRow, RequestRow, RunManifest, SeriesRow,
};
use crate::sim::event::PeerId;

/// Everything that a run puts out.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// `run.json`.
    pub manifest: RunManifest,
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
    /// `capabilities.csv`.
    pub capabilities: Vec<CapabilityRow>,
    /// `attacks.csv`.
    pub attacks: Vec<AttackRow>,
    /// `operations.csv`.
    pub operations: Vec<OperationRow>,
    /// `connections.csv`.
    pub connections: Vec<ConnectionRow>,
    /// `requests.csv`.
    pub requests: Vec<RequestRow>,
    /// `contracts.csv`.
    pub contracts: Vec<ContractRow>,
    /// `invoices.csv`.
    pub invoices: Vec<InvoiceRow>,
    /// What the rules of every run have seen, if somebody watched whether they hold.
    pub checked: Checked,
    /// Where peers might have crashed, if that was asked for.
    pub passed: Passed,
    /// Over all facts, in order.
    pub digest: u128,
    /// Events handled.
    pub events: u64,
    /// Messages that reached a peer without an event, because what it does with them was foreseen.
    pub foreseen: u64,
    /// When the run has gone on with another setup, and the digest of all facts up to then.
    pub turned: Vec<(Time, u128)>,
    /// The digest after every fact, when the run was asked to keep it.
    pub trace: Option<Vec<(Time, PeerId, u128)>>,
}

impl Outcome {
    /// The value of a metric over the whole run.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|row| *row.metric == *name && row.labels.is_empty()).map(|row| row.value)
    }

    /// The first fact at which two runs part: its number, time and peer in this run. None when they are the same.
    ///
    /// # Panics
    /// If one of the two kept no trace.
    #[must_use]
    pub fn first_divergence(&self, other: &Self) -> Option<(usize, Time, PeerId)> {
        let (Some(ours), Some(theirs)) = (&self.trace, &other.trace) else {
            panic!("both runs must have kept a trace");
        };
        let place = ours.iter().zip(theirs).position(|(a, b)| a != b);
        let place = place.or_else(|| (ours.len() != theirs.len()).then_some(ours.len().min(theirs.len())));
        place.map(|place| {
            let (time, peer, _) = ours.get(place).or_else(|| theirs.get(place)).copied().expect("one has it");
            (place, time, peer)
        })
    }
}

//! What users of a run got, as the literature on scheduling measures it (docs/placement.md): slowdown, makespan,
//! fairness, and edges that do not hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tables::Metrics;
use super::{DeploymentRecord, Ledger};
use crate::dms::fact::DeploymentStatus;
use crate::kernel::{Span, Time};
use crate::sim::event::PeerId;

/// Jobs that are shorter count as if they took so long, or the slowdown of the shortest would decide everything
/// (Feitelson et al., "Theory and practice in parallel job scheduling", JSSPP 1997).
const SHORTEST_S: f64 = 10.0;

/// Edges of deployments that came to run.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    /// Deployments that have come to run since the world looked last.
    due: Vec<u32>,
    checked: u64,
    violated: u64,
}

impl Ledger {
    /// A deployment has come to run: its edges are to be looked at.
    pub(super) fn note_edges(&mut self, number: u32) {
        let entry = self.deployments[number as usize].entry;
        if !self.entries[entry as usize].1.edges.is_empty() {
            self.edges.due.push(number);
        }
    }

    /// Whether edges are to be looked at.
    pub(in crate::sim) const fn has_due_edges(&self) -> bool {
        !self.edges.due.is_empty()
    }

    /// Looks at the edges of deployments that have come to run, by the shortest round trip that there can be between
    /// two peers: an edge whose limit is below that cannot hold.
    pub(in crate::sim) fn check_edges(&mut self, shortest: impl Fn(PeerId, PeerId) -> Span) {
        for number in std::mem::take(&mut self.edges.due) {
            let entry = self.deployments[number as usize].entry;
            let ensemble = Arc::clone(&self.entries[entry as usize].1);
            for edge in ensemble.edges.iter().filter(|edge| edge.rtt_ms > 0) {
                let ends = [&edge.source, &edge.target].map(|node| self.host_of(number, node));
                let [Some(source), Some(target)] = ends else { continue };
                self.edges.checked += 1;
                let rtt_ms = shortest(source, target).as_secs_f64() * 1e3;
                self.edges.violated += u64::from(source != target && rtt_ms > edge.rtt_ms as f64);
            }
        }
    }

    /// The peer that holds the allocations of a node.
    fn host_of(&self, number: u32, node: &str) -> Option<PeerId> {
        let places = self.committed.get(number as usize)?;
        let records = places.iter().rev().map(|place| &self.allocations[*place]);
        let is_of = |key: &str| key.strip_prefix(node).is_some_and(|rest| rest.starts_with('.'));
        records.filter(|record| record.ended.is_none()).find(|record| is_of(&record.key)).map(|one| one.peer)
    }

    /// Slowdown, makespan, fairness and edges.
    pub(super) fn job_metrics(&self, m: &mut Metrics) {
        let mut slowdowns: Vec<f64> =
            (0..self.deployments.len()).filter_map(|number| self.slowdown(number)).collect();
        slowdowns.sort_by(f64::total_cmp);
        let count = slowdowns.len();
        m.add("slowdown.mean", slowdowns.iter().sum::<f64>() / count as f64);
        let at = |part: f64| {
            let place = (libm::ceil(part * count as f64) as usize).clamp(1, count.max(1)) - 1;
            slowdowns.get(place).copied().unwrap_or(f64::NAN)
        };
        m.add("slowdown.p50", at(0.5));
        m.add("slowdown.p95", at(0.95));
        m.add("makespan", self.makespan_s());
        m.add("fairness", self.fairness());
        m.add("edges.checked", self.edges.checked as f64);
        m.add("edges.violated", self.edges.violated as f64);
    }

    /// How much longer a deployment took from being asked for to its end than its tasks ran; none unless it came to a
    /// good end by itself.
    fn slowdown(&self, number: usize) -> Option<f64> {
        let record = &self.deployments[number];
        let took_s = record.ended?.since(record.submitted).as_secs_f64();
        if record.status != DeploymentStatus::Completed || record.cancelled {
            return None;
        }
        let ran = self.committed.get(number)?.iter().map(|place| self.allocations[*place].ran);
        let ran_s = ran.max()?.as_secs_f64().max(SHORTEST_S);
        Some((took_s / ran_s).max(1.0))
    }

    /// From the first request to the last end of a deployment whose tasks all ended well.
    fn makespan_s(&self) -> f64 {
        let first = self.deployments.iter().map(|record| record.submitted).min();
        let well =
            |record: &&DeploymentRecord| record.status == DeploymentStatus::Completed && !record.cancelled;
        let last: Option<Time> = self.deployments.iter().filter(well).filter_map(|record| record.ended).max();
        first.zip(last).map_or(f64::NAN, |(first, last)| last.since(first).as_secs_f64())
    }

    /// Jain's index over those who asked for deployments, of the part of these that came to run (Jain, Chiu and Hawe,
    /// DEC-TR-301, 1984): one where all got as much, and 1/n where one of n got everything.
    fn fairness(&self) -> f64 {
        let mut owners: BTreeMap<PeerId, (f64, f64)> = BTreeMap::new();
        for record in &self.deployments {
            let (asked, ran) = owners.entry(record.by).or_default();
            *asked += 1.0;
            *ran += f64::from(u8::from(record.running.is_some()));
        }
        let parts = || owners.values().map(|(asked, ran)| ran / asked);
        let (sum, squares) = (parts().sum::<f64>(), parts().map(|part| part * part).sum::<f64>());
        sum * sum / (owners.len() as f64 * squares)
    }
}

//! What is sampled all the time: `series.csv`.

use std::sync::Arc;

use super::Ledger;
use crate::dms::fact::DeploymentStatus;
use crate::kernel::Time;
use crate::observe::{SeriesRow, Text, labels};

impl Ledger {
    /// Whether somebody reads the series and tables.
    pub(in crate::sim) const fn keeps_tables(&self) -> bool {
        !self.metrics_only
    }

    /// Nobody does, nor the tables.
    pub(in crate::sim) const fn keep_metrics_only(&mut self) {
        self.metrics_only = true;
    }

    /// Samples every series.
    pub(in crate::sim) fn sample(&mut self, now: Time, flows: usize, unbooked_rejections: u64) {
        let time_s = now.as_secs_f64();
        let deployments = |status| self.deployments.iter().filter(|record| record.status == status).count();
        let (wanted, running) = self.services.now();
        let before = [self.peers_up as f64];
        let after = [
            wanted as f64,
            running as f64,
            self.counters.sent as f64,
            (self.counters.rejected.values().sum::<u64>() + unbooked_rejections) as f64,
            flows as f64,
            self.allocated_cores_milli as f64 / 1000.0,
        ];
        let by_status = DeploymentStatus::ALL.map(|status| deployments(status) as f64);
        let values = before.into_iter().chain(by_status).chain(after);
        self.series.extend(self.series_names.iter().zip(values).map(|((metric, labels), value)| SeriesRow {
            time_s,
            metric: Arc::clone(metric),
            labels: Arc::clone(labels),
            value,
        }));
    }

    /// Samples the series of graphics cards, where there are some: what is held of them, and what is free and of no
    /// use.
    pub(in crate::sim) fn sample_cards(&mut self, now: Time, shares: Option<[f64; CARDS.len()]>) {
        let names = &self.series_names[self.series_names.len() - CARDS.len()..];
        self.series.extend(names.iter().zip(shares.into_iter().flatten()).map(
            |((metric, labels), value)| SeriesRow {
                time_s: now.as_secs_f64(),
                metric: Arc::clone(metric),
                labels: Arc::clone(labels),
                value,
            },
        ));
    }
}

/// Those of graphics cards, the last of all: only runs with such cards have them.
const CARDS: [&str; 2] = ["cards.allocation_ratio", "cards.fragmentation"];

/// Metric and labels of every series of `series.csv`, in the order in which `Ledger::sample` takes them; shared by
/// all of its rows.
pub fn names() -> Vec<(Text, Text)> {
    let plain = |metric: &str| (metric.into(), "".into());
    let by_status = DeploymentStatus::ALL
        .map(|status| ("deployments".into(), labels(&[("status", &status.as_str().to_lowercase())])));
    let after = [
        "services.wanted",
        "services.running",
        "messages.sent",
        "messages.rejected",
        "flows.active",
        "resources.allocated_cpu_cores",
    ];
    [plain("peers.up")].into_iter().chain(by_status).chain(after.map(plain)).chain(CARDS.map(plain)).collect()
}

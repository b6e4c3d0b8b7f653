//! The spans of time that a run has measured one by one, for distributions.

use std::collections::BTreeMap;

use crate::observe::{AllocationRow, DeploymentRow, Text};
use crate::report::tables::Tables;

/// A span that was measured, in seconds, with what it can be grouped by.
pub(super) struct Measured {
    pub(super) seconds: f64,
    labels: Vec<(&'static str, Text)>,
}

impl Measured {
    /// What it is by one of the keys of its kind.
    pub(super) fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(name, _)| *name == key).map(|(_, value)| &**value)
    }
}

/// A kind of spans.
pub(super) struct Span {
    /// Its name.
    pub(super) name: &'static str,
    /// What it is, for titles.
    pub(super) title: &'static str,
    /// From when to when.
    pub(super) about: &'static str,
    /// What it can be grouped by.
    pub(super) keys: &'static [&'static str],
    /// All of a run.
    pub(super) of: fn(&Tables) -> Vec<Measured>,
}

/// All kinds; the first that a run has is the one that is drawn where none is named.
pub(super) const SPANS: [Span; 6] = [
    Span {
        name: "time_to_running",
        title: "Time to running",
        about: "from the submission of a deployment to its running",
        keys: &["orchestrator", "ensemble"],
        of: |tables| of_deployments(tables, |row| Some(row.running_s? - row.submitted_s)),
    },
    Span {
        name: "deployment_life",
        title: "Lives of deployments",
        about: "from running to the end, of deployments that ended",
        keys: &["orchestrator", "ensemble"],
        of: |tables| of_deployments(tables, |row| Some(row.ended_s? - row.running_s?)),
    },
    Span {
        name: "recovery",
        title: "Times to recover",
        about: "from the end of an allocation to the start of the one that replaces it",
        keys: &["orchestrator", "ensemble", "kind", "country"],
        of: recoveries,
    },
    Span {
        name: "allocation_life",
        title: "Lives of allocations",
        about: "from the start of an allocation to its end, of those that ended",
        keys: &["orchestrator", "ensemble", "kind", "country", "end"],
        of: |tables| of_allocations(tables, |row| Some(row.ended_s? - row.started_s?)),
    },
    Span {
        name: "allocation_start",
        title: "Times to start allocations",
        about: "from commit to start of an allocation, transfers of images and volumes among it",
        keys: &["orchestrator", "ensemble", "kind", "country", "end"],
        of: |tables| of_allocations(tables, |row| Some(row.started_s? - row.committed_s)),
    },
    Span {
        name: "message_delay",
        title: "Delays of messages",
        about: "from sending to arrival, of messages of deployments",
        keys: &["behaviour", "from"],
        of: |tables| {
            let arrived = tables.messages.iter().filter_map(|row| {
                let labels = vec![("behaviour", row.behaviour.clone()), ("from", row.from.clone())];
                Some(Measured { seconds: row.arrived_s? - row.sent_s, labels })
            });
            arrived.collect()
        },
    },
];

fn labels_of(row: &DeploymentRow) -> Vec<(&'static str, Text)> {
    vec![("orchestrator", row.orchestrator.clone()), ("ensemble", row.ensemble.clone())]
}

fn of_deployments(tables: &Tables, span: impl Fn(&DeploymentRow) -> Option<f64>) -> Vec<Measured> {
    let measured = tables.deployments.iter().map(|row| (row, span(row)));
    measured
        .filter_map(|(row, seconds)| Some(Measured { seconds: seconds?, labels: labels_of(row) }))
        .collect()
}

fn by_number(tables: &Tables) -> BTreeMap<u32, &DeploymentRow> {
    tables.deployments.iter().map(|row| (row.deployment, row)).collect()
}

fn all_labels(row: &AllocationRow, deployments: &BTreeMap<u32, &DeploymentRow>) -> Vec<(&'static str, Text)> {
    let mut labels = deployments.get(&row.deployment).map_or_else(Vec::new, |row| labels_of(row));
    labels.extend([("kind", row.kind.clone()), ("country", row.country.clone()), ("end", row.end.clone())]);
    labels
}

fn of_allocations(tables: &Tables, span: impl Fn(&AllocationRow) -> Option<f64>) -> Vec<Measured> {
    let deployments = by_number(tables);
    let measured = tables.allocations.iter().map(|row| (row, span(row)));
    measured
        .filter_map(|(row, seconds)| {
            Some(Measured { seconds: seconds?, labels: all_labels(row, &deployments) })
        })
        .collect()
}

fn recoveries(tables: &Tables) -> Vec<Measured> {
    let deployments = by_number(tables);
    let mut generations: BTreeMap<(u32, &str, &str), Vec<&AllocationRow>> = BTreeMap::new();
    // What never started has neither stopped nor replaced anything.
    for row in tables.allocations.iter().filter(|row| row.started_s.is_some()) {
        generations.entry((row.deployment, &row.node, &row.allocation)).or_default().push(row);
    }
    let mut found = Vec::new();
    for rows in generations.values_mut() {
        rows.sort_by_key(|row| row.generation);
        for pair in rows.windows(2) {
            if let (Some(ended), Some(started)) = (pair[0].ended_s, pair[1].started_s)
                && started >= ended
            {
                found.push(Measured { seconds: started - ended, labels: all_labels(pair[1], &deployments) });
            }
        }
    }
    found
}

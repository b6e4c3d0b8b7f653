//! How often public addresses changed, and how long names and those who use them were wrong about it.

use std::collections::BTreeMap;

use super::Ledger;
use super::tables::Metrics;
use crate::dms::dynamic_dns::{Lease, Refusal};
use crate::kernel::{Digest, Span};
use crate::observe::SpanHistogram;

/// What is known of addresses and names over a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    moves: u64,
    sent: u64,
    accepted: u64,
    refused: BTreeMap<&'static str, u64>,
    /// From a move until the record is right.
    record: SpanHistogram,
    /// From a move until nobody remembers the old address.
    clients: SpanHistogram,
}

impl Ledger {
    /// The public address of a peer has changed.
    pub(in crate::sim) const fn address_changed(&mut self) {
        self.moves.moves += 1;
    }

    /// A peer has said where its name is to lead.
    pub(in crate::sim) const fn name_update_sent(&mut self) {
        self.moves.sent += 1;
    }

    /// The server of a zone has taken an update or not.
    pub(in crate::sim) fn name_update_judged(&mut self, result: &Result<Lease, Refusal>) {
        match result {
            Ok(_) => self.moves.accepted += 1,
            Err(refusal) => *self.moves.refused.entry(refusal.kind()).or_default() += 1,
        }
    }

    /// So long after a move the record was right.
    pub(in crate::sim) fn record_was_stale(&mut self, window: Span) {
        self.moves.record.record(window);
    }

    /// So long after a move the last user outside had forgotten the old address.
    pub(in crate::sim) fn users_were_stale(&mut self, window: Span) {
        self.moves.clients.record(window);
    }
}

impl Moves {
    fn is_used(&self) -> bool {
        self.moves + self.sent > 0
    }

    /// Puts it into the digest of a run that has any of it.
    pub(super) fn absorb(&self, digest: &mut Digest) {
        if self.is_used() {
            [self.moves, self.sent, self.accepted].into_iter().for_each(|count| digest.write_u64(count));
            self.refused.values().for_each(|count| digest.write_u64(*count));
            for windows in [&self.record, &self.clients] {
                digest.write_u64(windows.mean().unwrap_or_default().0);
            }
        }
    }

    /// The metrics of a run that has any of it.
    pub(super) fn metrics(&self, m: &mut Metrics) {
        if !self.is_used() {
            return;
        }
        m.add("peers.moved", self.moves as f64);
        m.add("names.updates", self.sent as f64);
        m.add("names.accepted", self.accepted as f64);
        m.add_counts(
            "names.refused",
            "reason",
            self.refused.iter().map(|(reason, count)| (&**reason, *count)),
        );
        for (median, greatest, windows) in [
            ("names.record_stale.p50", "names.record_stale.max", &self.record),
            ("names.users_stale.p50", "names.users_stale.max", &self.clients),
        ] {
            m.add(median, windows.quantile_s(0.50));
            m.add(greatest, windows.greatest().map_or(f64::NAN, Span::as_secs_f64));
        }
    }
}

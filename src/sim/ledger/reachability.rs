//! The books of who reached whom, how and at what cost, where hosts are hidden from each other.

use indexmap::IndexMap;

use super::tables::Metrics;
use crate::kernel::Span;
use crate::net::{LossReason, NatClass, Occurrence, PairCounts, Way};
use crate::observe::{ConnectionRow, SpanHistogram, labels};

/// Dials between two classes.
#[derive(Clone, Copy, Debug, Default)]
struct Dials {
    ways: [u64; 4],
    unreachable: u64,
    refused: u64,
    ready: Span,
    /// Connections that were relayed at first and direct in the end, and how long that took them.
    upgraded: u64,
    direct: Span,
}

impl Dials {
    fn connected(&self) -> u64 {
        self.ways.iter().sum()
    }
}

/// All that happened between hidden hosts.
#[derive(Clone, Debug, Default)]
pub(super) struct Reachability {
    dials: IndexMap<[NatClass; 2], Dials>,
    failed: IndexMap<LossReason, u64>,
    renewed: u64,
    ready: SpanHistogram,
    direct: SpanHistogram,
    messages: u64,
    bytes: u64,
    detours: SpanHistogram,
    deaths: u64,
    clients_lost: u64,
    replacements: SpanHistogram,
}

impl Reachability {
    pub(super) fn record(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Dialled { between, way, ready, direct, renewed } => {
                self.renewed += u64::from(renewed && way.is_ok());
                let dials = self.dials.entry(between).or_default();
                match way {
                    Ok(way) => {
                        dials.ways[way as usize] += 1;
                        dials.ready += ready;
                        self.ready.record(ready);
                        if let Some(direct) = direct.filter(|_| way != Way::Direct) {
                            dials.upgraded += 1;
                            dials.direct += direct;
                            self.direct.record(direct);
                        }
                    }
                    Err(reason) => {
                        let unreachable = reason == LossReason::Unreachable;
                        dials.unreachable += u64::from(unreachable);
                        dials.refused += u64::from(!unreachable);
                        *self.failed.entry(reason).or_default() += 1;
                    }
                }
            }
            Occurrence::Forwarded { bytes, detour } => {
                self.messages += 1;
                self.bytes += bytes;
                self.detours.record(detour);
            }
            Occurrence::RelayDied { clients, .. } => {
                self.deaths += 1;
                self.clients_lost += u64::from(clients);
            }
            Occurrence::Replaced { after } => self.replacements.record(after),
        }
    }

    /// `connections.csv`: by the classes of the two, in the order of the classes.
    pub(super) fn rows(&self) -> Vec<ConnectionRow> {
        let mut found: Vec<_> = self.dials.iter().collect();
        found.sort_by_key(|(between, _)| **between);
        let mean =
            |sum: Span, count: u64| if count == 0 { f64::NAN } else { sum.as_secs_f64() / count as f64 };
        let row = |(between, dials): (&[NatClass; 2], &Dials)| ConnectionRow {
            caller: between[0].as_str().into(),
            called: between[1].as_str().into(),
            direct: dials.ways[Way::Direct as usize],
            reversed: dials.ways[Way::Reversed as usize],
            punched: dials.ways[Way::Punched as usize],
            relayed: dials.ways[Way::Relayed as usize],
            unreachable: dials.unreachable,
            refused: dials.refused,
            ready_mean_s: mean(dials.ready, dials.connected()),
            direct_mean_s: mean(dials.direct, dials.upgraded),
        };
        found.into_iter().map(row).collect()
    }

    pub(super) fn metrics(&self, m: &mut Metrics, pairs: Option<&PairCounts>) {
        let total = |way: Way| self.dials.values().map(|dials| dials.ways[way as usize]).sum::<u64>() as f64;
        let of = |way: Way| labels(&[("way", way.as_str())]);
        m.add("connections.dialled", Way::ALL.into_iter().map(total).sum());
        for way in Way::ALL.into_iter().filter(|way| total(*way) > 0.0) {
            m.add_labelled("connections.dialled", of(way), total(way));
        }
        let failed = self.failed.iter().map(|(reason, count)| (reason.as_str(), *count));
        m.add_counts("connections.failed", "reason", failed);
        m.add("connections.renewed", self.renewed as f64);
        for (name, fraction) in [("connections.dial_time.p50", 0.50), ("connections.dial_time.p95", 0.95)] {
            m.add(name, self.ready.quantile_s(fraction));
        }
        for (name, fraction) in [("connections.direct_time.p50", 0.50), ("connections.direct_time.p95", 0.95)]
        {
            m.add(name, self.direct.quantile_s(fraction));
        }
        m.add("relays.messages", self.messages as f64);
        m.add("relays.bytes", self.bytes as f64);
        m.add("relays.detour.p50", self.detours.quantile_s(0.50));
        m.add("relays.detour.p95", self.detours.quantile_s(0.95));
        m.add("relays.deaths", self.deaths as f64);
        m.add("relays.clients_lost", self.clients_lost as f64);
        m.add("relays.replacements", self.replacements.count() as f64);
        m.add("relays.replacement_time.p50", self.replacements.quantile_s(0.50));
        m.add("relays.replacement_time.p95", self.replacements.quantile_s(0.95));
        let nothing = PairCounts::default();
        let pairs = pairs.unwrap_or(&nothing);
        m.add("peers.undialable_fraction", pairs.undialable as f64 / pairs.hosts as f64);
        let reached: u64 = pairs.ways.iter().sum();
        let all = (reached + pairs.unreachable) as f64;
        m.add("pairs.reached_fraction", reached as f64 / all);
        for way in Way::ALL.into_iter().filter(|_| reached > 0) {
            m.add_labelled("pairs.reached_fraction", of(way), pairs.ways[way as usize] as f64 / all);
        }
    }
}

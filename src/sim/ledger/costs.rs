//! What the machines of a run cost: money that providers won, and energy.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::tables::Metrics;
use super::{AllocationRecord, Ledger};
use crate::kernel::Time;
use crate::sim::event::PeerId;
use crate::sim::setup::{Power, Setup};

/// Millionths of a unit of money per hour, times nanoseconds, in a unit of money.
const MICRO_HOURS: f64 = 1e6 * 3.6e12;

/// Prices that were agreed on, and what machines draw.
#[derive(Clone, Debug, Default)]
pub(super) struct Costs {
    /// Nodes that were won, by deployment and name, until their first allocation is committed: the rate.
    won: FxHashMap<(u32, Arc<str>), u64>,
    awards: u64,
    /// The sum of all rates that were agreed on.
    rates_micro: u128,
    powers: Vec<Option<Power>>,
}

impl Costs {
    pub(super) fn of(setup: &Setup) -> Self {
        Self { powers: setup.groups.iter().map(|group| group.power).collect(), ..Self::default() }
    }

    /// What is paid for the node of an allocation that is being committed, if that is its first one.
    pub(super) fn take_rate(&mut self, deployment: u32, key: &str) -> u64 {
        if self.won.is_empty() {
            return 0;
        }
        let node: Arc<str> = key.split_once('.').map_or(key, |(node, _)| node).into();
        self.won.remove(&(deployment, node)).unwrap_or(0)
    }
}

impl Ledger {
    /// A provider has won a node and will be paid so much.
    pub(super) fn awarded(&mut self, deployment: Option<u32>, node: &Arc<str>, paid_micro_per_h: u64) {
        let Some(deployment) = deployment else { return };
        self.costs.awards += 1;
        self.costs.rates_micro += u128::from(paid_micro_per_h);
        self.costs.won.insert((deployment, Arc::clone(node)), paid_micro_per_h);
    }

    /// Money and energy.
    pub(super) fn cost_metrics(&self, m: &mut Metrics, now: Time) {
        let held = |record: &AllocationRecord| record.ended.unwrap_or(now).since(record.committed).0;
        let paid =
            self.allocations.values().map(|record| record.paid_micro_per_h as f64 * held(record) as f64);
        m.add("cost", paid.sum::<f64>() / MICRO_HOURS);
        m.add("price.mean", self.costs.rates_micro as f64 / 1e6 / self.costs.awards as f64);
        m.add("energy", self.energy_kwh(now));
    }

    /// What the machines drew, in kWh: each its idle power while it was up, and beside that what the cores that were
    /// held took.
    fn energy_kwh(&self, now: Time) -> f64 {
        if self.costs.powers.iter().all(Option::is_none) {
            return f64::NAN;
        }
        let mut core_hours: FxHashMap<PeerId, f64> = FxHashMap::default();
        for record in self.allocations.values() {
            let hours = record.ended.unwrap_or(now).since(record.committed).as_secs_f64() / 3600.0;
            let cores = record.resources.cpu.cores_milli as f64 / 1000.0;
            *core_hours.entry(record.peer).or_default() += cores * hours;
        }
        let of_peer = |(number, presence): (usize, &super::Presence)| {
            let Some(power) = self.costs.powers[self.names[number].group] else { return 0.0 };
            let peer = PeerId(number as u32);
            let cores = self.offers.cores(peer);
            let held = core_hours.get(&peer).map_or(0.0, |hours| hours / cores.max(f64::MIN_POSITIVE));
            power.idle_w * presence.total.as_secs_f64() / 3600.0 + (power.busy_w - power.idle_w) * held
        };
        self.presence.iter().enumerate().map(of_peer).sum::<f64>() / 1000.0
    }
}

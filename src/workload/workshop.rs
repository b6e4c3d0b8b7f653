//! Repairers who are fewer than what may fail: the machine-repair model.
//!
//! With exponential times of `N` machines and `c` repairers this is the queue M/M/c//N: a machine that fails waits
//! until a repairer is free, the first to fail is the first to be repaired, and the time that it is down is what it
//! waits and its repair.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::churn::{ChurnModel, PeerChurn};
use crate::kernel::{Span, Streams, Time};

/// How many rounds of comings and goings a group has behind it when it starts in the middle of its history.
const ROUNDS_BEFORE: f64 = 20.0;

/// The repairers of a group of peers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Workshop {
    repairers: u32,
    busy: u32,
    waiting: VecDeque<u32>,
}

impl Workshop {
    /// So many repairers with nothing to do.
    #[must_use]
    pub const fn new(repairers: u32) -> Self {
        Self { repairers, busy: 0, waiting: VecDeque::new() }
    }

    /// A machine has failed: whether there is a repairer for it; else it waits.
    fn take(&mut self, machine: u32) -> bool {
        let is_free = self.busy < self.repairers;
        if is_free {
            self.busy += 1;
        } else {
            self.waiting.push_back(machine);
        }
        is_free
    }

    /// The next change of a machine comes about. Whose repair begins with it, if anybody's: its own, or that of one
    /// which has waited; when that ends, the caller has [`PeerChurn::begin_repair`] draw.
    pub fn pass(
        &mut self,
        machine: u32,
        churn: &mut PeerChurn,
        model: &ChurnModel,
        streams: Streams,
    ) -> Option<u32> {
        if churn.is_up() {
            churn.wait();
            return self.take(machine).then_some(machine);
        }
        churn.change(model, streams, u64::from(machine));
        let next = self.waiting.pop_front();
        self.busy -= u32::from(next.is_none());
        next
    }

    /// Lets the machines from number `first` on live for long before the run begins, so that it begins in the middle
    /// of their history. What they are given is what each would be in if there were a repairer for each.
    pub fn live_before(
        &mut self,
        machines: &mut [PeerChurn],
        first: u32,
        model: &ChurnModel,
        streams: Streams,
    ) {
        let crowd = (machines.len() as f64 / f64::from(self.repairers)).max(1.0);
        let round_s = model.up.mean_s() + model.down.mean_s() * crowd;
        let before = Time::ZERO + Span::from_secs_f64(ROUNDS_BEFORE * round_s);
        let mut pending = BinaryHeap::new();
        for (machine, number) in machines.iter_mut().zip(first..) {
            if !machine.is_up() && !self.take(number) {
                machine.wait();
            } else {
                pending.push(Reverse((machine.next_change(), number)));
            }
        }
        while let Some(Reverse((now, number))) = pending.pop().filter(|Reverse((at, _))| *at <= before) {
            let churn = &mut machines[(number - first) as usize];
            let begins = self.pass(number, churn, model, streams);
            if churn.is_up() {
                pending.push(Reverse((churn.next_change(), number)));
            }
            if let Some(other) = begins {
                let churn = &mut machines[(other - first) as usize];
                churn.begin_repair(now, model, streams, u64::from(other));
                pending.push(Reverse((churn.next_change(), other)));
            }
        }
        machines.iter_mut().for_each(|machine| machine.move_back(Span(before.0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Distribution;
    use crate::workload::ChurnStart;

    const MODEL: ChurnModel = ChurnModel {
        up: Distribution::Exponential { mean_s: 600.0 },
        down: Distribution::Exponential { mean_s: 200.0 },
    };

    /// The mean number of machines that are down in M/M/c//N with a repair that takes `ratio` of a life.
    pub(super) fn down_in_the_long_run(machines: u32, repairers: u32, ratio: f64) -> f64 {
        let (mut weight, mut sum, mut down) = (1.0, 1.0, 0.0);
        for broken in 1..=machines {
            weight *= f64::from(machines - broken + 1) * ratio / f64::from(broken.min(repairers));
            sum += weight;
            down += weight * f64::from(broken);
        }
        down / sum
    }

    #[test]
    fn a_history_begins_in_the_middle() {
        assert!((down_in_the_long_run(1, 1, 0.25) - 0.2).abs() < 1e-12);
        let streams = Streams::new(17);
        for repairers in [1, 2, 4, 12] {
            let (mut down, groups) = (0, 2000);
            for group in 0..groups {
                let first = group * 12;
                let new =
                    |number| PeerChurn::new(&MODEL, ChurnStart::Stationary, streams, number, Time::ZERO);
                let mut machines: Vec<PeerChurn> = (u64::from(first)..).take(12).map(new).collect();
                let mut workshop = Workshop::new(repairers);
                workshop.live_before(&mut machines, first, &MODEL, streams);
                down += machines.iter().filter(|machine| !machine.is_up()).count();
                let waiting = machines.iter().filter(|machine| machine.next_change() == Time::MAX).count();
                assert_eq!(waiting, workshop.waiting.len());
                assert!(workshop.busy <= repairers && (waiting == 0 || workshop.busy == repairers));
            }
            let (mean, expected) =
                (down as f64 / f64::from(groups), down_in_the_long_run(12, repairers, 1.0 / 3.0));
            assert!((mean - expected).abs() < 0.15, "{repairers} repairers: {mean}, {expected} are expected");
        }
    }
}

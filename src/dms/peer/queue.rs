//! A node that works on a few deployments of its own at once, and lets the others wait (an extension of DMS, off unless
//! a strategy asks for it).
//!
//! When one that is under way has ended, the one with the highest priority begins, and of equals the one that was asked
//! for first. The queue itself is not stored. Each deployment has on disk whether it waits, and all stand there in the
//! order in which they were asked for.

use std::collections::VecDeque;

use super::Peer;
use crate::dms::desk::Desk;
use crate::dms::orchestrator::Deployment;
use crate::dms::outbox::Outbox;
use crate::kernel::Timestamp;

/// The deployments of a node that have not ended, by their numbers.
#[derive(Debug, Default)]
pub(super) struct DeploymentQueue {
    under_way: Vec<u32>,
    /// Those that have not begun, in order.
    waiting: VecDeque<u32>,
}

impl DeploymentQueue {
    /// Takes up a deployment: whether it has to wait, where at most `at_once` are worked on.
    pub(super) fn join(&mut self, deployments: &[Deployment], number: u32, at_once: u32) -> bool {
        self.drop_ended(deployments);
        let waits = !self.waiting.is_empty() || self.under_way.len() >= at_once as usize;
        if waits {
            self.wait(deployments, number);
        } else {
            self.under_way.push(number);
        }
        waits
    }

    /// Goes behind all that are as urgent, or more so.
    fn wait(&mut self, deployments: &[Deployment], number: u32) {
        let priority = |number: u32| deployments[number as usize].priority();
        let own = priority(number);
        let place = self.waiting.partition_point(|other| priority(*other) >= own);
        self.waiting.insert(place, number);
    }

    /// Takes up a deployment as it was stored.
    fn restore(&mut self, deployments: &[Deployment], number: u32) {
        if deployments[number as usize].is_queued() {
            self.wait(deployments, number);
        } else {
            self.under_way.push(number);
        }
    }

    /// The next that may begin.
    fn next(&mut self, deployments: &[Deployment], at_once: u32) -> Option<u32> {
        if self.waiting.is_empty() {
            return None;
        }
        self.drop_ended(deployments);
        let next = if self.under_way.len() < at_once as usize { self.waiting.pop_front() } else { None };
        self.under_way.extend(next);
        next
    }

    fn drop_ended(&mut self, deployments: &[Deployment]) {
        let goes_on = |number: &u32| {
            deployments
                .get(*number as usize)
                .is_some_and(|one| !one.status().is_terminal() && !one.is_handed_over())
        };
        self.under_way.retain(goes_on);
        self.waiting.retain(goes_on);
    }
}

impl Peer {
    /// Whether a deployment that has just been asked for has to wait.
    pub(super) fn has_to_wait(&mut self, number: u32) -> bool {
        let queue = &mut self.queue;
        self.strategy.at_once.is_some_and(|at_once| queue.join(&self.deployments, number, at_once))
    }

    /// Takes up what was stored, in order.
    pub(super) fn restore_queue(&mut self) {
        if self.strategy.at_once.is_some() {
            (0..self.deployments.len())
                .for_each(|number| self.queue.restore(&self.deployments, number as u32));
        }
    }

    /// Takes up the last deployment, which was another node's.
    pub(super) fn join_queue(&mut self) {
        if let (Some(last), Some(_)) = (self.deployments.len().checked_sub(1), self.strategy.at_once) {
            self.queue.restore(&self.deployments, last as u32);
        }
    }

    /// Lets deployments begin for which there is room now.
    pub(super) fn serve_queue(&mut self, now: Timestamp, out: &mut Outbox<'_>) {
        let Some(at_once) = self.strategy.at_once else { return };
        while let Some(number) = self.queue.next(&self.deployments, at_once) {
            let mut desk = Desk { now, security: &mut self.security, out };
            self.deployments[number as usize].set_off(&mut desk);
        }
    }
}

//! Allocations that wait for each other on a machine that runs a few at once (an extension of DMS, off unless the
//! machine's operator asks for it).
//!
//! First come, first served: what is to start while all places are taken waits, in the order in which the orders came.
//! It holds its resources and ports, reports that it is `queued`, can be undone like anything else, and starts as soon
//! as it is its turn. A place is taken from the order to the executor until the executor says that nothing runs any
//! more. Bids tell of resources and promise no place.
//!
//! Turns are on disk. After a restart everything starts again in the order in which it was accepted, so that what was
//! running comes before what was waiting for it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Allocation, Provider, arm_single_regrant};
use crate::dms::actor::{AllocationState, Envelope, Message};
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::outbox::{Action, RunId, Timer};

/// How many allocations a machine runs at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Places {
    /// So many run, one at least.
    pub at_once: u32,
    /// So many more may wait; none = any number. Whatever comes then is refused when it is to start.
    pub waiting: Option<u32>,
}

/// What waits, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    waiting: VecDeque<Waiting>,
    pub(super) next_turn: u64,
}

#[derive(Clone, Debug)]
struct Waiting {
    allocation: Arc<str>,
    /// Whether it was here before the process started: then it is another run, and its volumes are mounted again.
    is_again: bool,
}

/// What becomes of an order to start something.
enum Admission {
    Now,
    InTurn,
    Refused,
}

impl Provider {
    fn admission(&self) -> Admission {
        let Some(places) = self.machine.places else { return Admission::Now };
        if self.has_free_turn() {
            return Admission::Now;
        }
        match places.waiting {
            Some(most) if self.line.waiting.len() >= most as usize => Admission::Refused,
            _ => Admission::InTurn,
        }
    }

    /// Whether what comes now need not wait.
    fn has_free_turn(&self) -> bool {
        self.line.waiting.is_empty() && self.has_free_place()
    }

    fn has_free_place(&self) -> bool {
        let Some(places) = self.machine.places else { return true };
        let taken = self.allocations.values().filter(|allocation| allocation.takes_place()).count();
        taken + self.endings.len() < places.at_once as usize
    }

    /// An order to start an allocation for the first time.
    pub(super) fn start(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, request: &Envelope) {
        let admission = self.admission();
        let turn = self.line.next_turn;
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        let answer = match allocation.state {
            AllocationState::Running => Message::Ok,
            AllocationState::Queued => Message::Queued,
            AllocationState::Pending if !allocation.is_starting => match admission {
                Admission::Now => {
                    allocation.start_reply = OwedReply::to(request);
                    allocation.turn = turn;
                    self.line.next_turn += 1;
                    return allocation.launch(desk);
                }
                Admission::InTurn => {
                    self.line_up(desk, id, false);
                    Message::Queued
                }
                Admission::Refused => no_room(),
            },
            _ => Message::Error("the allocation cannot be started in its state".into()),
        };
        if let Some(allocation) = self.allocations.get_mut(id) {
            desk.reply(&mut allocation.actor, request, answer);
        }
    }

    /// Stops what runs and starts it again, as another run of the same slot. What has a place keeps it; what has ended
    /// waits for one like anything that comes anew.
    pub(super) fn restart(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, request: &Envelope) {
        let admission = self.admission();
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        let admission = if allocation.takes_place() { Admission::Now } else { admission };
        let refused = match (allocation.state, &admission) {
            (AllocationState::Pending | AllocationState::Restarting, _) => {
                Some(Message::Error("the allocation has never run: state is empty".into()))
            }
            (AllocationState::Queued, _) => Some(Message::Queued),
            (_, Admission::Refused) => Some(no_room()),
            _ => None,
        };
        if let Some(answer) = refused {
            return desk.reply(&mut allocation.actor, request, answer);
        }
        desk.action(Action::Stop(allocation.run));
        allocation.run.run += 1;
        arm_single_regrant(desk, allocation.run);
        if let Admission::Now = admission {
            allocation.set_state(desk, id, AllocationState::Restarting, None);
            allocation.start_reply = OwedReply::to(request);
            return allocation.launch(desk);
        }
        self.line_up(desk, id, false);
        if let Some(allocation) = self.allocations.get_mut(id) {
            desk.reply(&mut allocation.actor, request, Message::Queued);
        }
    }

    /// An allocation waits from now on, behind all that wait already.
    fn line_up(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, is_again: bool) {
        let Some(allocation) = self.allocations.get_mut(id) else { return };
        if !is_again {
            allocation.turn = self.line.next_turn;
            self.line.next_turn += 1;
        }
        allocation.set_state(desk, id, AllocationState::Queued, None);
        allocation.begin_to_report(desk);
        self.line.waiting.push_back(Waiting { allocation: Arc::clone(id), is_again });
    }

    /// An allocation waits no more, because it is gone.
    pub(super) fn leave_line(&mut self, id: &Arc<str>) {
        self.line.waiting.retain(|waiting| waiting.allocation != *id);
    }

    /// Starts what there are places for now.
    pub(super) fn serve_line(&mut self, desk: &mut Desk<'_, '_>) {
        while !self.line.waiting.is_empty() && self.has_free_place() {
            let Some(Waiting { allocation: id, is_again }) = self.line.waiting.pop_front() else { return };
            if is_again {
                self.start_again(desk, &id);
            } else if let Some(allocation) = self.allocations.get_mut(&id) {
                allocation.launch(desk);
            }
        }
    }

    /// What is to run again after a restart waits for its turn, in the order in which it was accepted.
    pub(super) fn line_up_again(&mut self, desk: &mut Desk<'_, '_>, mut to_run: Vec<Arc<str>>) {
        to_run.sort_by_key(|id| self.allocations.get(id).map(|allocation| allocation.turn));
        for id in to_run {
            if self.has_free_turn() {
                // Bids wait for it.
                let run = self.start_again(desk, &id);
                self.recovering.extend(run);
            } else {
                self.line_up(desk, &id, true);
                self.report(desk, &id);
            }
        }
    }

    /// Starts something that was here before the process started, as another run.
    fn start_again(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>) -> Option<RunId> {
        let allocation = self.allocations.get_mut(id)?;
        allocation.run.run += 1;
        arm_single_regrant(desk, allocation.run);
        allocation.set_state(desk, id, AllocationState::Restarting, None);
        let (run, config) = (allocation.run, Arc::clone(&allocation.config));
        if !self.remount(desk, id, run, &config.volumes) {
            desk.action(Action::Start(run, config));
        }
        Some(run)
    }
}

impl Allocation {
    /// Whether it runs or is about to.
    pub(super) const fn takes_place(&self) -> bool {
        self.is_starting || matches!(self.state, AllocationState::Running | AllocationState::Restarting)
    }

    fn launch(&mut self, desk: &mut Desk<'_, '_>) {
        self.is_starting = true;
        desk.action(Action::Start(self.run, Arc::clone(&self.config)));
    }

    /// Reports from now on how it is, unless it does so already in this run.
    pub(super) fn begin_to_report(&mut self, desk: &mut Desk<'_, '_>) {
        if self.reporting != Some(self.run) {
            self.reporting = Some(self.run);
            desk.timer(self.report_every, Timer::Heartbeat(self.run));
        }
    }
}

fn no_room() -> Message {
    Message::Error("no more may wait on this machine".into())
}

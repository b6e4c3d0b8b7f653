//! How an allocation ends on its provider (dms-orchestration section 3.7): ports first, then its container is
//! terminated, then what it held is given back.
//!
//! An executor may fail to terminate. The real DMS then keeps the resources for ever (W9); as it is meant, the provider
//! tries again until it succeeds.

use std::sync::Arc;

use super::{Allocation, Provider};
use crate::dms::actor::{Actor, AllocationState, Commit, Envelope};
use crate::dms::constants::{TERMINATION_RETRY_MAX, TERMINATION_RETRY_MIN};
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::fact::{ContainerFact, Fact};
use crate::dms::outbox::{Action, Execution, KillCause, RunId, Timer};
use crate::dms::profile::Weakness;
use crate::dms::store::EndingRecord;
use crate::kernel::{Span, Timestamp};

/// An allocation that is gone but for its container and what it holds.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// Its full id.
    id: Arc<str>,
    generation: u32,
    /// How often its executor could not terminate it.
    failures: u32,
    /// A commit for its next life that waits for the executor's first word, with the lease and the reply.
    next: Option<Box<(Commit, Timestamp, OwedReply)>>,
}

impl Provider {
    /// Ends an allocation, if it is of that generation or an older one. What it held is given back at once if nothing
    /// of it can be running, else when the executor says that it is gone.
    pub(super) fn release(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, generation: u32) {
        let Some(allocation) = self.allocations.get(id).filter(|found| found.generation <= generation) else {
            // A commit at most, unless the allocation is being terminated and goes on holding what it has.
            match self.endings.iter().find(|(_, ending)| ending.id == *id) {
                None => self.give_back(desk, id, generation),
                Some((run, ending)) => {
                    // The real DMS has given up, and tries again only if it is asked again.
                    if ending.failures > 0 && desk.security.profile.has(Weakness::LeakingTerminations) {
                        desk.action(Action::Terminate(*run));
                    }
                }
            }
            return;
        };
        let (run, own, state) = (allocation.run, allocation.generation, allocation.state);
        let runs = allocation.takes_place();
        self.ports.release(id);
        self.recovering.retain(|other| *other != run);
        self.subnets.remove(allocation.ensemble, id);
        self.allocations.shift_remove(id);
        self.leave_line(id);
        if runs {
            desk.action(Action::Terminate(run));
            let ending = Ending { id: Arc::clone(id), generation: own, failures: 0, next: None };
            self.endings.insert(run, ending);
            return;
        }
        self.unmount(desk, run.slot);
        if !matches!(state, AllocationState::Completed | AllocationState::Failed) {
            terminated(desk, id, own, None);
        }
        self.give_back(desk, id, generation);
    }

    /// What an allocation or a commit held is free again.
    fn give_back(&mut self, desk: &mut Desk<'_, '_>, id: &Arc<str>, generation: u32) {
        if let Some(holding) = self.pool.release(id, generation) {
            self.ports.release(id);
            desk.fact(Fact::Released {
                allocation: Arc::clone(id),
                generation: holding.generation,
                lapsed: false,
            });
        }
    }

    /// What is on disk of what is being terminated.
    pub(super) fn endings_on_disk(&self) -> Vec<EndingRecord> {
        let record = |(run, ending): (&RunId, &Ending)| EndingRecord {
            id: Arc::clone(&ending.id),
            generation: ending.generation,
            holding: self.pool.held(&ending.id).cloned().unwrap_or_default(),
            run: *run,
        };
        self.endings.iter().map(record).collect()
    }

    /// Goes on terminating what the executor has kept over a restart. Comes before anything else takes of the pool.
    pub(super) fn go_on_ending(&mut self, desk: &mut Desk<'_, '_>, record: EndingRecord) {
        let EndingRecord { id, generation, holding, run } = record;
        self.pool.restore(&id, holding).expect("endings fitted into the pool together before");
        self.endings.insert(run, Ending { id, generation, failures: 0, next: None });
        desk.action(Action::Terminate(run));
    }

    /// Whether a commit has to wait for the end of the former life of its allocation; then it is kept.
    pub(super) fn waits_for_ending(&mut self, request: &Envelope, commit: &Commit, lease: Timestamp) -> bool {
        let of_it = |ending: &&mut Ending| ending.id == commit.allocation && ending.failures == 0;
        let Some(ending) = self.endings.values_mut().find(of_it) else { return false };
        ending.next = OwedReply::to(request).map(|owed| Box::new((commit.clone(), lease, owed)));
        true
    }

    /// The executor has killed something that is here or is being terminated.
    pub(super) fn handle_killed(&self, desk: &mut Desk<'_, '_>, run: RunId, cause: KillCause) {
        // It may be a former run of what is here, or is being terminated.
        let of_slot = |(_, allocation): &(&Arc<str>, &Allocation)| allocation.run.slot == run.slot;
        let here = self.allocations.iter().find(of_slot);
        let here = here.map(|(id, allocation)| (Arc::clone(id), allocation.generation));
        let ending = || {
            let (_, ending) = self.endings.iter().find(|(other, _)| other.slot == run.slot)?;
            Some((Arc::clone(&ending.id), ending.generation))
        };
        if let Some((allocation, generation)) = here.or_else(ending) {
            desk.fact(Fact::Container { allocation, generation, what: ContainerFact::Killed(cause) });
        }
    }

    /// The executor has terminated something, or could not.
    pub(super) fn handle_termination(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        report: Execution,
    ) {
        let run = report.run();
        let Some(ending) = self.endings.get_mut(&run) else { return };
        let (id, generation) = (Arc::clone(&ending.id), ending.generation);
        let next = ending.next.take();
        match report {
            Execution::NotTerminated(_, reason) => {
                ending.failures += 1;
                let pause = TERMINATION_RETRY_MIN.0 << (ending.failures - 1).min(16);
                desk.fact(Fact::NotTerminated { allocation: id, generation, reason });
                if !desk.security.profile.has(Weakness::LeakingTerminations) {
                    desk.timer(Span(pause.min(TERMINATION_RETRY_MAX.0)), Timer::Terminate(run));
                }
            }
            report => {
                self.endings.shift_remove(&run);
                let Execution::Terminated(_, code) = report else { return };
                terminated(desk, &id, generation, code);
                self.unmount(desk, run.slot);
                self.give_back(desk, &id, generation);
            }
        }
        if let Some((commit, lease, owed)) = next.map(|next| *next) {
            let answer = self.reserve(desk, &commit, lease);
            desk.reply_later(root, owed, answer);
        }
    }
}

/// Tells that an allocation is no more.
pub(super) fn terminated(desk: &mut Desk<'_, '_>, id: &Arc<str>, generation: u32, exit_code: Option<i32>) {
    let (allocation, state) = (Arc::clone(id), AllocationState::Terminated);
    desk.fact(Fact::AllocationState { allocation, generation, state, exit_code });
}

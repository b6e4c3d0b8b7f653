//! Allocations that wait on their providers until these run fewer others (an extension of DMS, off unless a provider's
//! operator asks for it; `dms::provider::turns` has the order).
//!
//! To be told to wait is an answer to the order to start: the other nodes go on, and what depends on the allocation
//! waits with it. The deployment is Provisioning until all of its allocations run, so that its deadline limits the
//! waiting, as that of a job does in a batch system; nothing else does, as long as the provider reports. One that is
//! silent for as long as would make what runs suspected has lost the node its place. What runs of a node already is
//! supervised while the rest waits; where it fails or is unwell, the node has not started, and another place is tried.

use std::sync::Arc;

use super::node::{MemberState, Node};
use super::{Deployment, Phase};
use crate::dms::actor::AllocationState;
use crate::dms::constants::HEALTH_CHECK_INTERVAL;
use crate::dms::desk::Desk;
use crate::dms::fact::{Stage, Suspicion};
use crate::dms::outbox::Timer;
use crate::kernel::Timestamp;

/// Why a node is in line no more whose peer does not report.
pub(super) const SILENT_IN_LINE: &str = "its peer, where it waited for its turn, is silent";

impl Deployment {
    /// Has its supervisor look at its allocations from time to time.
    pub(super) fn begin_to_tick(&mut self, desk: &mut Desk<'_, '_>) {
        if self.ticked.is_none() {
            self.ticked = Some(desk.now);
            desk.timer(HEALTH_CHECK_INTERVAL, Timer::Supervise(self.number));
        }
    }

    /// A provider has said how an allocation is that waits, or that one waits again which was running.
    pub(super) fn notice_turn(
        &mut self,
        desk: &mut Desk<'_, '_>,
        at: (usize, usize),
        status: AllocationState,
    ) {
        let node = &mut self.nodes[at.0];
        let member = &mut node.members[at.1];
        match (member.state, status) {
            (MemberState::Running, AllocationState::Queued) => member.state = MemberState::Queued,
            (MemberState::Queued, AllocationState::Running) => {
                member.state = MemberState::Running;
                member.watch.reset(desk.now);
                if node.phase == Phase::Mapped {
                    self.advance(desk);
                }
            }
            (MemberState::Queued, AllocationState::Failed) if node.phase == Phase::Started => {
                member.state = MemberState::Running;
                self.suspect(desk, at, Suspicion::Ended);
            }
            (MemberState::Queued, AllocationState::Failed) => {
                self.leave_line(desk, at.0, "it could not be started when its turn came");
            }
            _ => {}
        }
    }

    /// A node that waits for its turn does so at its peer no longer.
    pub(super) fn leave_line(&mut self, desk: &mut Desk<'_, '_>, index: usize, reason: &str) {
        self.give_up_place(desk, index, Stage::Start, reason.into());
        self.advance(desk);
    }

    /// Gives up what waits on providers that have stopped to report. The supervisor of the real DMS misses nobody (W2).
    pub(super) fn look_at_lines(&mut self, desk: &mut Desk<'_, '_>) {
        let mut index = 0;
        while index < self.nodes.len() {
            let node = &self.nodes[index];
            let is_lost = |place: &usize| {
                let member = &node.members[*place];
                member.state == MemberState::Queued && member.watch.is_stale(desk.now)
            };
            match (node.phase, (0..node.members.len()).find(is_lost)) {
                (Phase::Mapped, Some(_)) => self.leave_line(desk, index, SILENT_IN_LINE),
                (Phase::Started, Some(place)) => self.suspect(desk, (index, place), Suspicion::Stale),
                _ => {}
            }
            index += 1;
        }
    }
}

impl Node {
    /// After a restart of the orchestrator: whether the node waits for its turn, by what its provider has of it. Then
    /// it goes on doing so.
    pub(super) fn goes_on_waiting(
        &mut self,
        states: &[(Arc<str>, u32, AllocationState)],
        now: Timestamp,
    ) -> bool {
        let found: Option<Vec<MemberState>> =
            self.members.iter().map(|member| member.resumed_as(states)).collect();
        let Some(found) = found.filter(|found| found.contains(&MemberState::Queued)) else { return false };
        let has_begun = |level: &&Vec<usize>| level.iter().all(|&place| found[place] != MemberState::Waiting);
        let begun = self.levels.iter().take_while(has_begun).count();
        // What was being told to start is not known to be: then the node begins anew.
        let is_whole =
            self.levels.iter().skip(begun).flatten().all(|&place| found[place] == MemberState::Waiting);
        if !is_whole {
            return false;
        }
        (self.phase, self.level) = (Phase::Mapped, begun);
        for (member, state) in self.members.iter_mut().zip(found) {
            member.state = state;
            member.watch.reset(now);
        }
        true
    }
}

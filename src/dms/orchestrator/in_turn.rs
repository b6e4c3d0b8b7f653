//! The supervisor of the real DMS (W2; dms-orchestration sections 4.1 to 4.3): it checks one allocation after another,
//! restarts in place what fails three times, whatever the ensemble file declares, and knows no other remedy.
//!
//! Only allocations with a registered health check are looked at. A dead one costs the 5 s of its check and the 2 min
//! of its restart in every pass, during which no other allocation is checked. Heartbeats are noted and never missed.

use super::node::MemberState;
use super::{Deployment, Outcome, Pending, Purpose};
use crate::dms::constants::HEALTH_CHECK_TIMEOUT;
use crate::dms::desk::Desk;
use crate::dms::fact::{Fact, Suspicion};
use crate::dms::supervision::Observation;

impl Deployment {
    /// The ticker: begins a pass, unless the last one is still under way; a tick that is missed is not made up for.
    pub(super) fn begin_pass(&mut self, desk: &mut Desk<'_, '_>) {
        let under_way = |pending: &Pending| matches!(pending.purpose, Purpose::Health | Purpose::Restart);
        if self.pass.is_empty() && !self.pending.iter().any(under_way) {
            let nodes = self.nodes.iter().enumerate();
            let all = nodes.flat_map(|(node, each)| (0..each.members.len()).map(move |place| (node, place)));
            self.pass = all.collect();
            self.check_next(desk);
        }
    }

    /// Checks the next allocation of the pass. One that has ended is skipped.
    fn check_next(&mut self, desk: &mut Desk<'_, '_>) {
        while let Some(at) = self.pass.pop_front() {
            if self.watches(at) && self.check_health(desk, at) {
                return;
            }
        }
    }

    /// A check or a restart has been answered, or not: the pass goes on.
    pub(super) fn go_on_with_pass(
        &mut self,
        desk: &mut Desk<'_, '_>,
        pending: Pending,
        outcome: &Outcome<'_>,
    ) {
        let at = (pending.node, pending.member);
        let refused = outcome.refusal(HEALTH_CHECK_TIMEOUT).is_some();
        let node = &mut self.nodes[at.0];
        let member = &mut node.members[at.1];
        if pending.purpose == Purpose::Restart {
            if refused {
                // The counter stays where it is, so that the next pass tries again, and so for ever.
                return self.check_next(desk);
            }
            member.state = MemberState::Running;
            member.watch.reset(desk.now);
            return self.check_next(desk);
        }
        let observation = if refused { Observation::Unanswered } else { Observation::Healthy };
        if member.state == MemberState::Running && member.watch.note(observation, desk.now) {
            let (allocation, generation, cause) =
                (member.id.clone(), member.generation, Suspicion::HealthCheck);
            desk.fact(Fact::Suspected { allocation, generation, cause });
            return self.restart(desk, at);
        }
        self.check_next(desk);
    }
}

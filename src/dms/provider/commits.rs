//! Reserving, creating and undoing (dms-orchestration sections 2.9 and 2.10).

use std::sync::Arc;

use super::bids::counted;
use super::{Allocation, Hosted, Provider, arm_single_regrant, grant_health_checks};
use crate::dms::actor::{
    Actor, Allocate, AllocationOrder, AllocationState, Commit, EnsembleBehaviours, Envelope, Message, Revert,
};
use crate::dms::constants::LIVENESS_REPORT_INTERVAL;
use crate::dms::desk::Desk;
use crate::dms::ensemble::Executor;
use crate::dms::fact::Fact;
use crate::dms::identity::{EnsembleId, Handle, Inbox};
use crate::dms::outbox::RunId;
use crate::dms::profile::Weakness;
use crate::dms::resources::Ports;
use crate::kernel::Timestamp;

fn error(text: impl Into<Arc<str>>) -> Message {
    Message::Error(text.into())
}

impl Provider {
    /// Reserves for one allocation: a bid must have been made and be young enough, then hardware, pool and ports
    /// must do. No answer while a former life of it is being terminated: that comes first.
    pub(super) fn handle_commit(
        &mut self,
        desk: &mut Desk<'_, '_>,
        request: &Envelope,
        commit: &Commit,
    ) -> Option<Message> {
        let lease = match self.bids.get(&commit.ensemble) {
            None => return Some(error(format!("no bid requests for ensemble {}", commit.ensemble))),
            Some(bid) if desk.now > bid.expire => {
                return Some(error(format!("bid request for ensemble {} has expired", commit.ensemble)));
            }
            Some(bid) => bid.expire,
        };
        // A newer life of an allocation replaces an older one that nobody could end here, such as behind a partition.
        // The real DMS knows no lives: what is committed stands in the way (W6).
        if commit.generation > 0 && !desk.security.profile.has(Weakness::LostCommit) {
            self.release(desk, &commit.allocation, commit.generation - 1);
            self.end_farewell(&commit.allocation, commit.generation - 1);
            self.forget_if_empty(commit.ensemble);
            if self.waits_for_ending(request, commit, lease) {
                return None;
            }
        }
        Some(self.reserve(desk, commit, lease))
    }

    /// Takes what one allocation needs out of the pool, until `lease`.
    pub(super) fn reserve(&mut self, desk: &mut Desk<'_, '_>, commit: &Commit, lease: Timestamp) -> Message {
        let profile = desk.security.profile;
        let resources = counted(&commit.resources, profile);
        if let Err(shortage) = self.machine.total.checked_minus(&resources) {
            return error(format!("the machine is too small: {shortage}"));
        }
        let (id, generation) = (&commit.allocation, commit.generation);
        let tenant = self.bids.get(&commit.ensemble).and_then(|bid| bid.tenant);
        if let Some((quota, tenant)) = self.quota_of(tenant)
            && let Err(over) = quota.check(&self.pool, tenant, &resources)
        {
            return error(over.to_string());
        }
        if let Err(refused) = self.pool.commit_with(id, generation, &resources, &commit.cards, lease) {
            return error(refused.to_string());
        }
        self.pool.attribute(id, tenant);
        let (fixed, dynamic): (Vec<_>, Vec<_>) = commit.ports.iter().partition(|port| port.public != 0);
        let fixed: Vec<u16> = fixed.into_iter().map(|port| port.public).collect();
        let dynamic = dynamic.len() as u32;
        let reserve = if profile.has(Weakness::LoosePorts) { Ports::reserve_as_read } else { Ports::reserve };
        if let Err(refused) = reserve(&mut self.ports, &commit.allocation, &fixed, dynamic) {
            self.pool.release(&commit.allocation, commit.generation);
            return error(refused.to_string());
        }
        desk.fact(Fact::Committed {
            allocation: Arc::clone(&commit.allocation),
            generation: commit.generation,
            resources: commit.resources.clone(),
        });
        self.arm_sweep(desk);
        Message::Ok
    }

    /// Creates the allocations of a node, in these slots as far as they have any. The first that fails ends it; those
    /// before it stay until they are reverted.
    pub(super) fn handle_allocate(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &Actor,
        allocate: &Allocate,
        slots: &[u32],
    ) -> Message {
        self.hosted.entry(allocate.ensemble).or_insert_with(|| Hosted {
            orchestrator: Arc::clone(&allocate.orchestrator),
            mandate: None,
            behaviours: Arc::new(EnsembleBehaviours::new(allocate.ensemble)),
            heard: desk.now,
            confirmation: None,
        });
        let mandate = allocate.mandate.as_ref();
        if let Err(refused) = self.recognise(desk, &allocate.orchestrator, mandate) {
            self.forget_if_empty(allocate.ensemble);
            return refused;
        }
        let mut handles = Vec::with_capacity(allocate.allocations.len());
        for (place, order) in allocate.allocations.iter().enumerate() {
            match self.create(desk, root, allocate, order, slots.get(place).copied()) {
                Ok(handle) => handles.push(handle),
                Err(reason) => {
                    self.forget_if_empty(allocate.ensemble);
                    return Message::Error(reason);
                }
            }
        }
        self.arm_renewal(desk);
        Message::Allocated(handles)
    }

    fn create(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &Actor,
        allocate: &Allocate,
        order: &AllocationOrder,
        slot: Option<u32>,
    ) -> Result<Arc<Handle>, Arc<str>> {
        self.pool.allocate(&order.id, order.generation).map_err(|refused| Arc::from(refused.to_string()))?;
        // The real DMS bids for what any of its executors runs, and makes allocations for docker only (section 3.5).
        let executor = order.config.executor;
        if executor != Executor::Docker && desk.security.profile.is_nearer_as_is() {
            return Err(format!("allocations of the executor {executor} cannot be created").into());
        }
        let secret = Self::child_secret(desk);
        let inbox = Inbox::Allocation(Arc::clone(&order.id));
        let actor = Actor::child(secret, root.handle.did.clone(), root.handle.host, inbox, desk.now);
        let handle = Arc::clone(&actor.handle);
        let slot = slot.unwrap_or_else(|| {
            self.next_slot += 1;
            self.next_slot - 1
        });
        let run = RunId { slot, run: 0 };
        let allocation = Allocation {
            ensemble: allocate.ensemble,
            generation: order.generation,
            config: Arc::clone(&order.config),
            actor,
            run,
            state: AllocationState::Pending,
            sequence: 0,
            start_reply: None,
            probe_reply: None,
            log_reply: None,
            created: desk.now,
            started: desk.now,
            stats_reply: None,
            probes: 0,
            report_every: order.report_every.unwrap_or(LIVENESS_REPORT_INTERVAL),
            reporting: None,
            is_starting: false,
            turn: 0,
        };
        self.allocations.insert(Arc::clone(&order.id), allocation);
        let (orchestrator, own) = (&allocate.orchestrator.did, handle.id.did());
        self.grant_orchestrator(desk, orchestrator, &own, allocate.ensemble);
        grant_health_checks(desk, orchestrator, &own);
        arm_single_regrant(desk, run);
        desk.fact(Fact::AllocationCreated {
            allocation: Arc::clone(&order.id),
            generation: order.generation,
        });
        Ok(handle)
    }

    /// Undoes commits and allocations up to the generations named, and forgets the bid. What is not there is fine.
    pub(super) fn handle_revert(&mut self, desk: &mut Desk<'_, '_>, revert: &Revert) {
        self.bids.shift_remove(&revert.ensemble);
        self.stop_mounting(desk, &revert.allocations);
        for (id, generation) in &revert.allocations {
            self.release(desk, id, *generation);
            self.end_farewell(id, *generation);
        }
        self.forget_if_empty(revert.ensemble);
    }

    /// Whether an allocation of an ensemble lives here.
    pub(super) fn hosts(&self, ensemble: EnsembleId) -> bool {
        self.allocations.values().any(|allocation| allocation.ensemble == ensemble)
    }

    /// The subnet of an ensemble goes with its last allocation, its behaviours with the last that is known of one.
    pub(super) fn forget_if_empty(&mut self, ensemble: EnsembleId) {
        if self.hosts(ensemble) {
            return;
        }
        self.subnets.abandon(ensemble);
        let remembered = self.farewells.values().any(|farewell| farewell.ensemble == ensemble)
            || self.kept.values().any(|kept| kept.ensemble == ensemble);
        match self.hosted.get_mut(&ensemble) {
            Some(hosted) if remembered => hosted.confirmation = None,
            _ => drop(self.hosted.shift_remove(&ensemble)),
        }
    }
}

//! What of a provider is on disk, and how it goes on after its process has started again (dms-orchestration section
//! 4.6).
//!
//! Each allocation is committed and allocated again, its actor comes back with its key, its subnet, names and port maps
//! are made anew, and what ran runs again, all without asking the orchestrator. A run that the executor has kept while
//! only the process was away goes on as it is, and one that its executor starts again with the machine is waited for.
//! Bids wait until everything has started. Then the orchestrators are asked whether they still want it
//! (`confirmation`).
//!
//! Commits are not on disk: an orchestrator that meant to allocate finds nothing and begins anew.

use std::sync::Arc;

use super::endings::terminated;
use super::{Allocation, Hosted, Provider, arm_single_regrant, grant_health_checks};
use crate::dms::actor::{AllocationState, Behaviour, EnsembleBehaviours, Message};
use crate::dms::desk::Desk;
use crate::dms::fact::{Fact, Stage};
use crate::dms::identity::EnsembleId;
use crate::dms::outbox::{Action, RunId};
use crate::dms::resources::PoolError;
use crate::dms::store::{AllocationRecord, HostedRecord, ProviderRecord};

impl Provider {
    /// What is on disk.
    pub(in crate::dms) fn record(&self) -> ProviderRecord {
        let allocation = |(id, allocation): (&Arc<str>, &Allocation)| AllocationRecord {
            id: Arc::clone(id),
            ensemble: allocation.ensemble,
            generation: allocation.generation,
            config: Arc::clone(&allocation.config),
            actor: allocation.actor.clone(),
            holding: self.pool.held(id).cloned().unwrap_or_default(),
            run: allocation.run,
            state: allocation.state,
            is_to_run: allocation.takes_place() || allocation.state == AllocationState::Queued,
            turn: allocation.turn,
            sequence: allocation.sequence,
            report_every: allocation.report_every,
            created: allocation.created,
        };
        let hosted = |(id, hosted): (&EnsembleId, &Hosted)| {
            let (orchestrator, mandate) = (Arc::clone(&hosted.orchestrator), hosted.mandate.clone());
            (*id, HostedRecord { orchestrator, mandate, heard: hosted.heard })
        };
        let mut ports = self.ports.clone();
        for (id, _) in self.pool.holdings().filter(|(_, holding)| holding.lease.is_some()) {
            ports.release(id);
        }
        ProviderRecord {
            ensembles: self.hosted.iter().map(hosted).collect(),
            allocations: self.allocations.iter().map(allocation).collect(),
            endings: self.endings_on_disk(),
            ports,
            subnets: self.subnets.on_disk(|id| self.hosts(id)),
            next_slot: self.next_slot,
            farewells: self.farewells.clone(),
            kept: self.kept.clone(),
            next_turn: self.line.next_turn,
        }
    }

    /// Takes up what is on disk. `running` are the runs that the executor has kept, `rising` those that it is starting
    /// again by itself.
    pub(in crate::dms) fn recover(
        &mut self,
        desk: &mut Desk<'_, '_>,
        record: ProviderRecord,
        running: &[RunId],
        rising: &[RunId],
    ) {
        self.ports = record.ports;
        self.subnets = record.subnets;
        self.next_slot = record.next_slot;
        self.line.next_turn = record.next_turn;
        let mut to_run = Vec::new();
        for (id, HostedRecord { orchestrator, mandate, heard }) in record.ensembles {
            let behaviours = Arc::new(EnsembleBehaviours::new(id));
            self.hosted.insert(id, Hosted { orchestrator, mandate, behaviours, heard, confirmation: None });
        }
        // An order to stop that had not left when the process ended is given once more: what runs, and is to be another
        // run by now, would go on beside that one.
        let is_known = |run: RunId| {
            let ends = record.endings.iter().any(|ending| ending.run == run);
            ends || record.allocations.iter().any(|stored| stored.run == run)
        };
        let former = running.iter().chain(rising).filter(|run| !is_known(**run));
        former.for_each(|run| desk.action(Action::Stop(*run)));
        // What was to end when the machine went down has ended with it, unless its executor starts it again.
        let is_there = |run: RunId| running.contains(&run) || rising.contains(&run);
        for stored in record.endings {
            if is_there(stored.run) {
                self.go_on_ending(desk, stored);
            } else {
                terminated(desk, &stored.id, stored.generation, None);
            }
        }
        for stored in record.allocations {
            let (id, ensemble) = (Arc::clone(&stored.id), stored.ensemble);
            if let Err(refused) = self.take_up(desk, stored, (running, rising), &mut to_run) {
                self.ports.release(&id);
                self.subnets.remove(ensemble, &id);
                self.forget_if_empty(ensemble);
                let reason = format!("an allocation cannot be taken up again: {refused}").into();
                desk.fact(Fact::StageFailed { ensemble, stage: Stage::Allocate, reason });
            }
        }
        self.line_up_again(desk, to_run);
        self.take_up_ended(desk, record.farewells, record.kept);
        self.begin_confirmations(desk);
        self.arm_renewal(desk);
    }

    fn take_up(
        &mut self,
        desk: &mut Desk<'_, '_>,
        stored: AllocationRecord,
        (running, rising): (&[RunId], &[RunId]),
        to_run: &mut Vec<Arc<str>>,
    ) -> Result<(), PoolError> {
        let AllocationRecord { id, ensemble, generation, holding, .. } = stored;
        self.pool.restore(&id, holding)?;
        let mut allocation = Allocation {
            ensemble,
            generation,
            config: stored.config,
            actor: stored.actor.revived(desk.now, self.allocations.len()),
            run: stored.run,
            state: stored.state,
            // Never the first report again: what runs now has been ordered before.
            sequence: stored.sequence + 1,
            report_every: stored.report_every,
            start_reply: None,
            probe_reply: None,
            log_reply: None,
            created: stored.created,
            started: desk.now,
            stats_reply: None,
            probes: 0,
            reporting: None,
            is_starting: false,
            turn: stored.turn,
        };
        desk.fact(Fact::AllocationRestored { allocation: Arc::clone(&id), generation });
        let (goes_on, rises) = (running.contains(&stored.run), rising.contains(&stored.run));
        if goes_on {
            self.still_mounted(allocation.run, &allocation.config.volumes);
            allocation.set_state(desk, &id, AllocationState::Running, None);
        } else if rises {
            allocation.set_state(desk, &id, AllocationState::Restarting, None);
            self.recovering.push(allocation.run);
        } else if stored.is_to_run && self.machine.places.is_some() {
            if stored.state != AllocationState::Queued {
                allocation.state = AllocationState::Stopped;
            }
            to_run.push(Arc::clone(&id));
        } else if stored.is_to_run {
            allocation.run.run += 1;
            allocation.set_state(desk, &id, AllocationState::Restarting, None);
            self.recovering.push(allocation.run);
            if !self.remount(desk, &id, allocation.run, &allocation.config.volumes) {
                desk.action(Action::Start(allocation.run, Arc::clone(&allocation.config)));
            }
        }
        let (run, own) = (allocation.run, allocation.actor.handle.id.did());
        self.allocations.insert(Arc::clone(&id), allocation);
        if let Some(orchestrator) = self.hosted.get(&ensemble).map(|hosted| hosted.orchestrator.did.clone()) {
            self.grant_orchestrator(desk, &orchestrator, &own, ensemble);
            grant_health_checks(desk, &orchestrator, &own);
            arm_single_regrant(desk, run);
        }
        if !stored.is_to_run || goes_on {
            self.report(desk, &id);
        }
        if (goes_on || stored.state == AllocationState::Failed)
            && let Some(allocation) = self.allocations.get_mut(&id)
        {
            allocation.begin_to_report(desk);
        }
        Ok(())
    }

    /// What is here of the ensemble whose orchestrator asks, and what has ended and is still to be told.
    pub(super) fn states_of(&self, behaviour: &Behaviour) -> Message {
        let asked = self.hosted.iter().find(|(_, hosted)| hosted.behaviours.allocation_states == *behaviour);
        let of_ensemble =
            |allocation: &Allocation| asked.is_some_and(|(ensemble, _)| *ensemble == allocation.ensemble);
        let states = self
            .allocations
            .iter()
            .filter(|(_, allocation)| of_ensemble(allocation))
            .map(|(id, allocation)| (Arc::clone(id), allocation.generation, allocation.state));
        let is_of_it = |ensemble| asked.is_some_and(|(asked, _)| *asked == ensemble);
        Message::AllocationStates(states.chain(self.ends_to_tell(is_of_it)).collect())
    }
}

//! What users ask for by themselves, as the workload foresees it: deployments, and their ends.

use std::sync::Arc;

use super::event::Event;
use super::routine::Concern;
use super::world::World;
use crate::dms::actor::NewDeployment;
use crate::dms::outbox::{Command, Input};
use crate::kernel::{Domain, Time};

impl World<'_> {
    pub(super) fn schedule_next_deploy(&mut self, entry: u32) {
        let count = self.setup.workload[entry as usize].count;
        if self.ledger.asked(entry) < count
            && let Some(at) = self.arrivals[entry as usize].next()
        {
            self.queue.post(at, Event::Deploy { entry });
        }
    }

    pub(super) fn deploy(&mut self, now: Time, entry: u32) {
        let request = &self.setup.workload[entry as usize];
        let by = request.by.after(self.ledger.asked(entry));
        let pins = self.population.pins(&request.ensemble, &self.hosts);
        // Users look at the clock of their node.
        let expire = self.clock_of(by, now) + request.timeout;
        let deployment = self.ledger.deployment_asked(now, entry, by, now + request.timeout);
        let contracts = match self.contract_refs(&request.contracts, &request.ensemble) {
            _ if !self.hosts[by.0 as usize].up => Err("the orchestrator is down".to_owned()),
            _ if self.troubles.is_frozen(by) => Err("the orchestrator does not answer".to_owned()),
            found => found,
        };
        match contracts {
            Ok(contracts) => {
                let ensemble = Arc::clone(&request.ensemble);
                let new = Box::new(NewDeployment { ensemble, pins, contracts });
                let command = Command::Deploy { new, expire, wishes: request.wishes.clone() };
                self.feed_about(now, by, Concern::Nothing, |_| Input::Command(command));
                if let Some(after) = &request.shutdown_after {
                    let mut rng = self.streams.owned(Domain::new("sim.shutdown"), u64::from(deployment));
                    self.queue.post(now + after.sample(&mut rng), Event::Shutdown { deployment });
                }
            }
            Err(reason) => {
                self.ledger.deployment_refused(now, deployment, &reason);
                self.note_unheard(now, by, deployment, &reason);
            }
        }
        self.schedule_next_deploy(entry);
    }

    pub(super) fn shutdown(&mut self, now: Time, deployment: u32) {
        if let Some((by, ensemble)) = self.ledger.deployment(deployment)
            && self.hosts[by.0 as usize].up
        {
            let concern = Concern::Ensemble(ensemble);
            self.feed_about(now, by, concern, |_| Input::Command(Command::Shutdown(ensemble)));
        }
    }
}

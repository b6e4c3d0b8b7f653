//! What users ask for by themselves, as the workload foresees it: deployments, and their ends.

use std::sync::Arc;

use super::event::Event;
use super::requests::ensemble_of;
use super::routine::Concern;
use super::world::World;
use crate::dms::actor::NewDeployment;
use crate::dms::outbox::{Command, Input};
use crate::kernel::{Domain, Time};

impl World<'_> {
    pub(super) fn schedule_next_deploy(&mut self, number: u32) {
        let requests = &mut self.requests[number as usize];
        let (request, entry) = (Arc::clone(requests.deploy()), requests.entry());
        if self.ledger.asked(entry) >= request.count {
            return;
        }
        match requests.next() {
            Some(Ok(at)) => self.queue.post(at, Event::Deploy { entry: number }),
            None => {}
            // The trace was fine when the run was set up: somebody has changed the file since then.
            Some(Err(reason)) => {
                let (now, by) = (self.queue.now(), request.by.after(self.ledger.asked(entry)));
                let deployment = self.ledger.deployment_asked(now, entry, by, now);
                let reason = format!("the trace of jobs cannot be read on: {reason}");
                self.ledger.deployment_refused(now, deployment, &reason);
                self.note_unheard(now, by, deployment, &reason);
            }
        }
    }

    pub(super) fn deploy(&mut self, now: Time, number: u32) {
        let requests = &mut self.requests[number as usize];
        if requests.is_over() {
            return;
        }
        let (request, entry) = (Arc::clone(requests.deploy()), requests.entry());
        let job = requests.take();
        let by = match job.as_ref().and_then(|job| job.user) {
            Some(user) => request.by.of_user(user),
            None => request.by.after(self.ledger.asked(entry)),
        };
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
                let ensemble = match &job {
                    Some(job) => ensemble_of(&request.ensemble, job),
                    None => Arc::clone(&request.ensemble),
                };
                self.run_times.extend(job.map(|job| (deployment, job.run)));
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
        self.schedule_next_deploy(number);
    }

    pub(super) fn shutdown(&mut self, now: Time, deployment: u32) {
        if let Some((by, ensemble)) = self.ledger.deployment(deployment)
            && self.hosts[by.0 as usize].up
        {
            if !self.troubles.is_frozen(by) {
                self.check_asked_to_end(by, ensemble);
            }
            let concern = Concern::Ensemble(ensemble);
            self.feed_about(now, by, concern, |_| Input::Command(Command::Shutdown(ensemble)));
        }
    }
}

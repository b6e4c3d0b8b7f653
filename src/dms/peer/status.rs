//! A node's status report, and the configuration in it, which is gathered when somebody asks; and what is known of one
//! that does not run.

use std::sync::Arc;

use super::{Desk, Envelope, Message, Node, Outbox, Peer, Timestamp};
use crate::dms::actor::{AllocationState, Configuration};
use crate::dms::outbox::RunId;

impl Peer {
    /// What the command line tells of the version of DMS that is installed, which no behaviour does (dms-capabilities
    /// section 9.3). Here versions differ in the weaknesses that they have.
    #[must_use]
    pub fn version(&self) -> String {
        self.security.profile.to_string()
    }

    /// All that the node is configured with.
    fn configuration(&self) -> Configuration {
        let machine = self.provider.machine();
        let observer = self.observer.as_ref().map(|observer| observer.config());
        Configuration {
            location: machine.location.clone(),
            executors: machine.executors.to_vec(),
            limits: self.pipeline.limiter.limits().clone(),
            strategy: self.strategy.clone(),
            contracts: self.contracts.config().clone(),
            gateway: self.gateway.as_ref().map(|gateway| gateway.config().clone()),
            logger: self.node.logging(observer, self.security.profile),
        }
    }

    /// Answers who asks for the status report.
    pub(super) fn tell_status(&mut self, now: Timestamp, request: &Envelope, out: &mut Outbox<'_>) {
        let parts = (self.provider.machine(), self.provider.pool());
        let report = Node::status(&self.root, out.system, parts, self.configuration());
        let mut desk = Desk { now, security: &mut self.security, out };
        desk.reply(&mut self.root, request, Message::Report(Arc::new(report)));
    }

    /// The allocations that a node has on disk whose process does not run: full id, generation, state and run.
    pub fn stored_allocations(&self) -> impl Iterator<Item = (&Arc<str>, u32, AllocationState, RunId)> {
        let stored = self.store.iter().flat_map(|store| &store.provider.allocations);
        stored.map(|one| (&one.id, one.generation, one.state, one.run))
    }
}

//! One peer: the whole of a DMS node as a state machine without I/O.
//!
//! [`Peer::handle`] is the only way in. It routes an input to the part that it concerns (the provider, one of the
//! deployments that it orchestrates, the node itself) after the pipeline and the node's authority have let it
//! through.

use std::net::Ipv4Addr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use self::queue::DeploymentQueue;
use crate::dms::actor::{
    Account, Actor, Behaviour, BehaviourKind, DeploymentRequest, Envelope, Message, NewDeployment, Pipeline,
    Rejection, Report, SecurityContext, check_direct, gossip,
};
use crate::dms::atlas::Atlas;
use crate::dms::capability::{Capability, CapabilityContext, Rules};
use crate::dms::constants::MIN_DEPLOYMENT_TIME;
use crate::dms::contract::{Contracts, ContractsConfig};
use crate::dms::deputy::Deputies;
use crate::dms::desk::{Asker, Desk};
use crate::dms::dynamic_dns::{Name, Updater};
use crate::dms::fact::Fact;
use crate::dms::gateway::{Gateway, GatewayConfig};
use crate::dms::identity::{EnsembleId, Handle, Inbox, PeerId, SecretKey};
use crate::dms::node::Node;
use crate::dms::observability::{Glance, Observer, ObserverConfig, Signal, Tally};
use crate::dms::orchestrator::{Deployment, Strategy, Wishes};
use crate::dms::outbox::{Action, Command, Input, Outbox, Owner, Remains, Timer};
use crate::dms::profile::{Profile, Weakness};
use crate::dms::provider::{Bidder, Machine, Provider};
use crate::dms::storage::{VolumeRequest, VolumeServer};
use crate::dms::store::Store;
use crate::dms::subnet::AddressRange;
use crate::dms::suppression::Ticket;
use crate::kernel::Timestamp;

/// What a node is configured with.
#[derive(Debug)]
pub struct PeerConfig {
    /// The node's key.
    pub secret: SecretKey,
    /// Its capability context, already set up.
    pub capabilities: CapabilityContext,
    /// The weaknesses of the software that it runs.
    pub profile: Profile,
    /// Its machine.
    pub machine: Machine,
    /// Its operator's choices.
    pub strategy: Strategy,
    /// Its list of cities.
    pub atlas: &'static dyn Atlas,
}

/// One peer.
#[derive(Debug)]
pub struct Peer {
    root: Actor,
    security: SecurityContext,
    pipeline: Pipeline,
    provider: Provider,
    strategy: Strategy,
    atlas: &'static dyn Atlas,
    deployments: Vec<Deployment>,
    /// Those that wait for each other, where not all are worked on at once.
    queue: DeploymentQueue,
    node: Node,
    /// What is on disk, while the process does not run.
    store: Option<Box<Store>>,
    contracts: Contracts,
    /// The volumes that it serves.
    volumes: VolumeServer,
    deputies: Deputies,
    gateway: Option<Box<Gateway>>,
    /// Looks at what it does, where somebody wants to know.
    observer: Option<Box<Observer>>,
}

/// Which actor of a peer a message is for.
enum Receiver {
    Root,
    Deployment(usize),
    Allocation(Arc<str>),
    /// The actor of a contract, which has a key and an authority of its own.
    Contract(Arc<Handle>),
}

impl Peer {
    /// A peer that has just started.
    #[must_use]
    pub fn new(config: PeerConfig, now: Timestamp) -> Self {
        Self {
            root: Actor::root(config.secret, now),
            security: SecurityContext::new(config.capabilities, config.profile),
            pipeline: Pipeline::default(),
            provider: Provider::new(config.machine),
            strategy: config.strategy,
            atlas: config.atlas,
            deployments: Vec::new(),
            queue: DeploymentQueue::default(),
            node: Node::default(),
            store: None,
            contracts: Contracts::default(),
            volumes: VolumeServer::default(),
            deputies: Deputies::default(),
            gateway: None,
            observer: None,
        }
    }

    /// Configures what concerns contracts.
    pub fn configure_contracts(&mut self, config: ContractsConfig) {
        self.contracts.configure(config);
    }

    /// Tells it which providers there are, as its table of peers would; it asks some of these where its strategy asks
    /// only a few.
    pub fn know_providers(&mut self, known: &Arc<[PeerId]>) {
        if let Some(asked) = self.strategy.scored_bids.as_mut().and_then(|scored| scored.ask.as_mut()) {
            asked.known = Arc::clone(known);
        }
    }

    /// Makes it a server of volumes.
    pub fn serve_volumes(&mut self, server: VolumeServer) {
        self.volumes = server;
    }

    /// The volumes that it serves.
    #[must_use]
    pub const fn volumes(&self) -> &VolumeServer {
        &self.volumes
    }

    /// Keeps the record of a name right that leads to it.
    #[must_use]
    pub fn updater(&self, name: &Name, address: Ipv4Addr, now: Timestamp) -> Updater {
        Updater::new(self.root.secret().clone(), name, address, now)
    }

    /// Makes it a compute gateway.
    pub fn configure_gateway(&mut self, config: GatewayConfig) {
        self.gateway = Some(Box::new(Gateway::new(config)));
    }

    /// The disk is new, and so is the machine: of a former one nothing is left but the node's key and its anchors.
    pub fn reinstall(&mut self, machine: Machine) {
        self.stop();
        self.store = None;
        self.security.forget_caught();
        self.provider = Provider::new(machine);
    }

    /// The disk of its machine is lost while it does not run: of all that it had nothing is left but its key, its
    /// anchors and what its operator has configured, which the operator sets up again.
    pub fn lose_disk(&mut self) {
        let machine = self.provider.machine().clone();
        self.reinstall(machine);
        self.contracts.lose_disk();
        self.volumes.lose_disk();
    }

    /// Its part in contracts.
    #[must_use]
    pub const fn contracts(&self) -> &Contracts {
        &self.contracts
    }

    /// What the node trusts, holds and knows to be revoked.
    #[must_use]
    pub const fn capabilities(&self) -> &CapabilityContext {
        &self.security.capabilities
    }

    /// The root actor's handle.
    #[must_use]
    pub const fn handle_of_root(&self) -> &Arc<Handle> {
        &self.root.handle
    }

    /// The provider's part.
    #[must_use]
    pub const fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Whether no message waits for its workers.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pipeline.is_empty()
    }

    /// What decides whether it bids for an ensemble, as long as nothing else happens to it. `ticket` is its own.
    #[must_use]
    pub fn bidder(&self, ticket: Ticket, ensemble: EnsembleId) -> Bidder<'_> {
        self.provider.bidder(&self.root.handle.host, ticket, ensemble, self.security.profile)
    }

    /// The deployments that this peer orchestrates or has orchestrated.
    #[must_use]
    pub fn deployments(&self) -> &[Deployment] {
        &self.deployments
    }

    /// What it accepts and may do.
    #[must_use]
    pub const fn security(&self) -> &SecurityContext {
        &self.security
    }

    /// What another host is worth to it as a gossip peer (dms-capabilities section 3.7): most when hello succeeded
    /// both ways, something when they are connected, else nothing.
    #[must_use]
    pub fn application_score(&self, other: &PeerId) -> f64 {
        self.node.score_of(other)
    }

    /// The process ends, on purpose or not: everything that only lived in memory is gone. What is on disk stays (key,
    /// anchors, what is onboarded, deployments, allocations) and is taken up with [`Input::Started`].
    pub fn stop(&mut self) {
        if self.store.is_none() {
            let deployments = self.deployments.drain(..).map(|deployment| deployment.record()).collect();
            let gateway = self.gateway.as_ref().map(|gateway| gateway.record()).unwrap_or_default();
            let (provider, kept) = (self.provider.record(), self.deputies.stop());
            self.store = Some(Box::new(Store { deployments, provider, gateway, kept }));
        }
        self.queue = DeploymentQueue::default();
        self.pipeline = Pipeline::default();
        self.provider.stop();
        self.node = Node::default();
        self.contracts.stop();
        self.volumes.stop(self.security.profile.has(Weakness::LostUsageEvents));
        if let Some(gateway) = &mut self.gateway {
            gateway.stop();
        }
        if let Some(observer) = &mut self.observer {
            observer.stop();
        }
    }

    /// Another version of DMS is installed while the process does not run: what is on disk was written by the former
    /// one.
    pub fn upgrade(&mut self, profile: Profile) {
        self.security.profile = profile;
        self.security.capabilities.set_rules(Rules::of(profile));
        self.contracts.upgrade(profile);
    }

    /// Cores get lost, for tests of what notices.
    #[cfg(test)]
    pub(crate) fn lose_cores(&mut self, cores_milli: u64) {
        self.provider.lose_cores(cores_milli);
    }

    /// The process starts. A provider takes up its allocations first, and bids only then; then come the deployments
    /// (dms-capabilities section 9.4).
    fn start(&mut self, now: Timestamp, remains: Remains, out: &mut Outbox<'_>) {
        let Some(store) = self.store.take() else { return };
        let mut desk = Desk { now, security: &mut self.security, out };
        self.provider.recover(&mut desk, store.provider, &remains.running, &remains.rising);
        if let Some(gateway) = &mut self.gateway {
            gateway.recover(&mut desk, store.gateway, &remains.machines);
        }
        // Of volumes that were deleted, and whose data was not removed before the process ended.
        for brick in remains.bricks.into_iter().filter(|brick| !self.volumes.has_brick(brick)) {
            desk.action(Action::RemoveBrick(brick));
        }
        for (record, number) in store.deployments.into_iter().zip(0..) {
            let restored = Deployment::restored(number, record, self.atlas, now);
            let contracts = self.contracts.of_deployment(restored.id());
            let location = self.provider.machine().location.clone();
            self.deployments.push(restored.under(contracts).at(location));
        }
        self.deputies.start(&mut desk, store.kept);
        self.restore_queue();
        self.resume_deployments(now, out);
        let mut desk = Desk { now, security: &mut self.security, out };
        self.contracts.start(&mut desk, &self.root, &self.provider);
    }

    /// Lets something happen to the peer at `now`, by its own clock. What it wants done is in `out` afterwards.
    pub fn handle(&mut self, now: Timestamp, input: Input<'_>, out: &mut Outbox<'_>) {
        let since = (out.effects.facts.len(), out.effects.sends.len());
        let glance = self.observer.as_ref().map(|_| Glance::at(&input));
        let touched = Touched::by(&input);
        self.take(now, input, out);
        self.serve_queue(now, out);
        self.inform_deputy(now, touched, out);
        if self.contracts.is_watching() {
            let mut desk = Desk { now, security: &mut self.security, out };
            self.contracts.watch(&mut desk, &mut self.root, &self.provider, since.0);
        }
        if let (Some(observer), Some(glance)) = (&mut self.observer, glance) {
            let parts = (&self.provider, self.deployments.as_slice());
            observer.watch(now, &glance, out.effects, since, parts);
            observer.configure(now, self.node.logger());
        }
    }

    fn take(&mut self, now: Timestamp, input: Input<'_>, out: &mut Outbox<'_>) {
        match input {
            Input::Arrival { envelope, bytes, transport } => self.admit(now, envelope, bytes, transport, out),
            Input::Dispatch(envelope) => self.dispatch(now, envelope, out),
            Input::Timer(timer) => self.handle_timer(now, timer, out),
            Input::Command(command) => self.handle_command(now, command, out),
            Input::Execution(execution) => {
                let mut desk = Desk { now, security: &mut self.security, out };
                self.provider.handle_execution(&mut desk, &mut self.root, execution);
            }
            Input::Started(remains) => self.start(now, remains, out),
            Input::Transfer { tx_hash, found } => {
                let mut desk = Desk { now, security: &mut self.security, out };
                self.contracts.transfer_found(&mut desk, &mut self.root, &tx_hash, found.as_ref());
            }
            Input::Machine(report) => {
                let mut desk = Desk { now, security: &mut self.security, out };
                if let Some(gateway) = &mut self.gateway {
                    gateway.handle_report(&mut desk, &mut self.root, report);
                }
            }
            Input::Connected(to) => {
                let mut desk = Desk { now, security: &mut self.security, out };
                self.node.connected(&mut desk, to);
            }
            Input::Reconnected(to) => {
                let mut desk = Desk { now, security: &mut self.security, out };
                self.node.reconnected(&mut desk, &mut self.root, &to);
            }
        }
    }

    fn admit(
        &mut self,
        now: Timestamp,
        envelope: &Envelope,
        bytes: u64,
        transport: Option<&PeerId>,
        out: &mut Outbox<'_>,
    ) {
        let checked = match transport {
            Some(transport) => check_direct(&self.root.handle.host, envelope, transport),
            None => gossip::validate(envelope, self.security.capabilities.trust().mode(), now),
        };
        let inbox = inbox_of(envelope);
        let receiver = if self.has_actor(inbox) { inbox } else { &Inbox::Root };
        match checked.and_then(|()| self.pipeline.admit(envelope, receiver, bytes)) {
            Ok(worker) => out.effects.admitted = Some(worker),
            Err(rejection) => {
                out.effects.offended = transport.is_none() && gossip::blames_forwarder(rejection);
                out.effects.facts.push(rejected(envelope, rejection, None));
            }
        }
    }

    /// A worker has got to the message: which actor, does it have the behaviour, may the sender call it; then its
    /// handler.
    fn dispatch(&mut self, now: Timestamp, envelope: &Envelope, out: &mut Outbox<'_>) {
        self.pipeline.take(inbox_of(envelope));
        self.security.collect(now);
        let receiver = match self.find_receiver(envelope) {
            Ok(receiver) => receiver,
            Err(rejection) => return out.effects.facts.push(rejected(envelope, rejection, None)),
        };
        let topic = expected_topic(envelope);
        let judged = if matches!(receiver, Receiver::Root) {
            self.security.authorize(envelope, &self.root.handle, topic, now)
        } else {
            let handle = Arc::clone(self.handle_of(&receiver));
            self.authority(&receiver).authorize(envelope, &handle, topic, now)
        };
        if let Err((rejection, refusal)) = judged {
            let explanation = refusal.map(|refusal| refusal.explain().into());
            return out.effects.facts.push(rejected(envelope, rejection, explanation));
        }
        let class = crate::dms::actor::class(envelope);
        if self.pipeline.limiter.acquire(class) {
            out.effects.executed = true;
            self.call(now, &receiver, envelope, out);
            self.pipeline.limiter.release(class);
        } else {
            out.effects.facts.push(rejected(envelope, Rejection::RateLimited, None));
        }
        self.authority(&receiver).discard(&envelope.tokens);
    }

    /// By whose authority a receiver's messages are judged: the node's, or that of the contract.
    fn authority(&mut self, receiver: &Receiver) -> &mut SecurityContext {
        match receiver {
            Receiver::Contract(actor) => self.contracts.authority(actor).unwrap_or(&mut self.security),
            _ => &mut self.security,
        }
    }

    /// The handler of a message that is authorised.
    fn call(&mut self, now: Timestamp, receiver: &Receiver, envelope: &Envelope, out: &mut Outbox<'_>) {
        if matches!(receiver, Receiver::Root) && self.answers_contracts(envelope) {
            return self.handle_contract_reply(now, envelope, out);
        }
        if matches!(receiver, Receiver::Root) && self.concerns_deputies(&envelope.behaviour) {
            return self.handle_deputy(now, envelope, out);
        }
        let mut desk = Desk { now, security: &mut self.security, out };
        let kind = envelope.behaviour.kind;
        match receiver {
            Receiver::Contract(actor) => {
                self.contracts.handle_actor(now, desk.out, actor, envelope);
                self.contracts.rearm(&mut desk);
            }
            Receiver::Root if Contracts::is_responsible(kind) => {
                self.contracts.handle(&mut desk, &mut self.root, envelope);
            }
            Receiver::Root
                if kind == BehaviourKind::BidRequest
                    && (self.provider.machine().onboarded.is_some() || self.gateway.is_some())
                    && self.contracts.screen(&mut desk, &mut self.root, envelope) => {}
            Receiver::Root if kind.is_about_volumes() => {
                serve_volume(&mut desk, &mut self.root, &mut self.volumes, envelope);
            }
            Receiver::Root if kind.asks_for_status() => self.tell_status(now, envelope, out),
            Receiver::Root if kind.is_about_deployments() => self.handle_operator(now, envelope, out),
            Receiver::Root if self.provider.awaits(&envelope.behaviour) => {
                self.provider.handle_probe_reply(&mut desk, &mut self.root, envelope);
            }
            Receiver::Root if is_for_gateway(self.gateway.as_deref(), &envelope.behaviour) => {
                serve(&mut desk, &mut self.root, &mut self.gateway, &mut self.provider, envelope);
            }
            Receiver::Root if Node::is_responsible(kind) => {
                self.node.handle(&mut desk, &mut self.root, &mut self.provider, envelope);
            }
            Receiver::Root => self.provider.handle_root(&mut desk, &mut self.root, envelope),
            Receiver::Deployment(place) => {
                self.deployments[*place].handle_message(&mut desk, envelope);
                give_answers(&mut desk, &mut self.root, &mut self.deployments[*place]);
            }
            Receiver::Allocation(id) => self.provider.handle_allocation(&mut desk, id, envelope),
        }
    }

    /// Whether a message is the reply to a call about contracts.
    fn answers_contracts(&self, envelope: &Envelope) -> bool {
        envelope.behaviour.reply_nonce().is_some_and(|nonce| self.contracts.awaits(nonce))
    }

    /// The reply to a call about contracts, or none in time. A request for bids whose contracts hold goes to the
    /// provider now, by the authority that it came with.
    fn handle_contract_reply(&mut self, now: Timestamp, envelope: &Envelope, out: &mut Outbox<'_>) {
        if let Some(nonce) = envelope.behaviour.reply_nonce() {
            self.resolve_contract_call(now, nonce, Some(&envelope.message), out);
        }
    }

    fn resolve_contract_call(
        &mut self,
        now: Timestamp,
        nonce: u64,
        reply: Option<&Message>,
        out: &mut Outbox<'_>,
    ) {
        let mut desk = Desk { now, security: &mut self.security, out };
        let passed = self.contracts.handle_reply(&mut desk, &mut self.root, nonce, reply);
        if let Some(request) = passed {
            if let (Some(observer), Message::BidRequest(bid)) = (&mut self.observer, &request.message) {
                observer.contract_verified(bid.ensemble);
            }
            desk.security.recall(&request.from.did, &request.tokens, now);
            serve(&mut desk, &mut self.root, &mut self.gateway, &mut self.provider, &request);
            desk.security.discard(&request.tokens);
        }
    }

    /// The account of what the node will decide about a message that its worker gets to at `now`; none when nobody
    /// here is called by it.
    #[must_use]
    pub fn account_of(&self, envelope: &Envelope, now: Timestamp) -> Option<Account> {
        let receiver = self.find_receiver(envelope).ok()?;
        let topic = expected_topic(envelope);
        let authority = match &receiver {
            Receiver::Contract(actor) => self.contracts.actor(&actor.did.to_string())?.1,
            _ => &self.security,
        };
        Some(authority.account(envelope, self.handle_of(&receiver), topic, now))
    }

    fn handle_of<'a>(&'a self, receiver: &'a Receiver) -> &'a Arc<Handle> {
        match receiver {
            Receiver::Root => &self.root.handle,
            Receiver::Deployment(place) => self.deployments[*place].handle(),
            Receiver::Allocation(id) => self.provider.receiver(id).expect("found just before"),
            Receiver::Contract(actor) => actor,
        }
    }

    fn find_receiver(&self, envelope: &Envelope) -> Result<Receiver, Rejection> {
        let behaviour = &envelope.behaviour;
        let (receiver, known) = match inbox_of(envelope) {
            Inbox::Root => {
                let known = if Contracts::is_responsible(behaviour.kind)
                    || self.answers_contracts(envelope)
                    || self.concerns_deputies(behaviour)
                    || is_for_gateway(self.gateway.as_deref(), behaviour)
                {
                    true
                } else if Node::is_responsible(behaviour.kind) {
                    self.node.has_behaviour(self.security.profile, behaviour)
                        || self.provider.awaits(behaviour)
                } else {
                    self.provider.has_root_behaviour(behaviour)
                        || self.deployments.iter().any(|own| own.calls_its_node_by(behaviour))
                };
                (Receiver::Root, known)
            }
            Inbox::Ensemble(id) => {
                let place = self.place_of(*id).ok_or(Rejection::UnknownActor)?;
                let profile = self.security.profile;
                (Receiver::Deployment(place), self.deployments[place].has_behaviour(profile, envelope))
            }
            Inbox::Allocation(id) => {
                self.provider.receiver(id).ok_or(Rejection::UnknownActor)?;
                let known = self.provider.has_allocation_behaviour(id, behaviour);
                (Receiver::Allocation(Arc::clone(id)), known)
            }
            Inbox::Other(inbox) => {
                let (actor, _) = self.contracts.actor(inbox).ok_or(Rejection::UnknownActor)?;
                (Receiver::Contract(Arc::clone(actor)), behaviour.kind.is_of_contract_actors())
            }
        };
        if known { Ok(receiver) } else { Err(Rejection::UnknownBehaviour) }
    }

    /// Until when somebody here takes a message of which very many may come: a bid, as long as the round of its
    /// deployment is open and unless another is opened; an answer to a call that was broadcast, as long as answers are
    /// collected. None for all others, and where nobody is called by it.
    #[must_use]
    pub fn listens_until(&self, envelope: &Envelope) -> Option<Timestamp> {
        match (inbox_of(envelope), envelope.behaviour.kind) {
            (Inbox::Ensemble(id), BehaviourKind::Bid) => {
                Some(self.deployments[self.place_of(*id)?].takes_bids_until())
            }
            (Inbox::Root, BehaviourKind::ReplyTo) => {
                self.node.collects_until(envelope.behaviour.reply_nonce()?)
            }
            _ => None,
        }
    }

    /// Whether somebody reads what comes to an inbox.
    fn has_actor(&self, inbox: &Inbox) -> bool {
        match inbox {
            Inbox::Root => true,
            Inbox::Ensemble(id) => self.place_of(*id).is_some(),
            Inbox::Allocation(id) => self.provider.receiver(id).is_some(),
            Inbox::Other(inbox) => self.contracts.actor(inbox).is_some(),
        }
    }

    fn handle_timer(&mut self, now: Timestamp, timer: Timer, out: &mut Outbox<'_>) {
        if let Timer::Reply(Owner::Contracts, nonce) = timer {
            return self.resolve_contract_call(now, nonce, None, out);
        }
        if matches!(timer, Timer::Beat | Timer::WatchPrincipals | Timer::Reply(Owner::Deputy, _)) {
            return self.handle_deputy_timer(now, timer, out);
        }
        let mut desk = Desk { now, security: &mut self.security, out };
        if timer == Timer::Contracts {
            return self.contracts.tick(&mut desk, &mut self.root);
        }
        if let (Timer::Machines | Timer::Reply(Owner::Gateway, _), Some(gateway)) = (timer, &mut self.gateway)
        {
            return match timer {
                Timer::Reply(_, nonce) => gateway.resolve(&mut desk, &mut self.root, nonce, None),
                _ => gateway.tick(&mut desk, &mut self.root),
            };
        }
        if matches!(timer, Timer::Hello(_) | Timer::CompareRevocations | Timer::Reply(Owner::Root, _)) {
            return self.node.handle_timer(&mut desk, &mut self.root, timer);
        }
        match timer.deployment() {
            Some(number) => {
                if let Some(deployment) = self.deployments.get_mut(number as usize) {
                    deployment.handle_timer(&mut desk, timer);
                    give_answers(&mut desk, &mut self.root, deployment);
                }
            }
            None => self.provider.handle_timer(&mut desk, timer),
        }
    }

    fn handle_command(&mut self, now: Timestamp, command: Command, out: &mut Outbox<'_>) {
        match command {
            Command::Deploy { new, expire, wishes } => {
                // Whoever asked sees the fact.
                drop(self.deploy(now, &new, expire, wishes, out));
            }
            Command::Contract { operation, order } => {
                let mut desk = Desk { now, security: &mut self.security, out };
                self.contracts.carry_out(&mut desk, &mut self.root, operation, *order);
            }
            Command::Shutdown(id) => {
                self.control(now, Asker::NOBODY, &DeploymentRequest::Shutdown(id), now, out);
            }
            Command::New { operation, new, expire } => {
                self.begin_new(now, Asker::Operator(operation), &new, expire, out);
            }
            Command::Control { operation, request, expire } => {
                self.control(now, Asker::Operator(operation), &request, expire, out);
            }
            Command::AnchorRevocations(tokens) => {
                let mut desk = Desk { now, security: &mut self.security, out };
                self.node.anchor_revocations(&mut desk, &tokens);
            }
            Command::Operate { operation, order } => {
                let mut desk = Desk { now, security: &mut self.security, out };
                self.node.carry_out(&mut desk, &mut self.root, operation, *order);
            }
        }
    }

    fn deploy(
        &mut self,
        now: Timestamp,
        new: &NewDeployment,
        expire: Timestamp,
        wishes: Wishes,
        out: &mut Outbox<'_>,
    ) -> Result<EnsembleId, Arc<str>> {
        let refused = |out: &mut Outbox<'_>, reason: Arc<str>| {
            out.effects.facts.push(Fact::DeploymentRefused(Arc::clone(&reason)));
            Err(reason)
        };
        if expire.since(now) < MIN_DEPLOYMENT_TIME {
            return refused(out, "requested deployment time too short".into());
        }
        let unique: [u8; 16] = out.random.bytes();
        let hash =
            Sha256::new().chain_update(self.root.handle.host.to_string()).chain_update(unique).finalize();
        let id = EnsembleId(hash.into());
        // The subnet is drawn with the same bytes.
        let range = AddressRange::new([unique[0], unique[1]]);
        let secret = SecretKey::ed25519(out.random.bytes(), self.security.capabilities.trust().mode());
        let (did, host) = (self.root.handle.did.clone(), self.root.handle.host);
        let actor = Actor::child(secret, did, host, Inbox::Ensemble(id), now);
        let number = self.deployments.len() as u32;
        let strategy = self.strategy.clone().with(wishes);
        let (ensemble, pins, contracts) = (Arc::clone(&new.ensemble), &new.pins, Arc::clone(&new.contracts));
        let deployment =
            Deployment::new(number, id, range, ensemble, pins, actor, strategy, self.atlas, expire);
        match deployment {
            Ok(deployment) => {
                let location = self.provider.machine().location.clone();
                self.deployments.push(deployment.under(Arc::clone(&contracts)).at(location));
            }
            Err(reason) => return refused(out, reason),
        }
        self.contracts.bind(id, contracts, &self.root.handle.did);
        let has_to_wait = self.has_to_wait(number);
        let mut desk = Desk { now, security: &mut self.security, out };
        self.deployments[number as usize].begin(&mut desk, has_to_wait);
        Ok(id)
    }
}

fn is_for_gateway(gateway: Option<&Gateway>, behaviour: &Behaviour) -> bool {
    gateway.is_some_and(|gateway| gateway.is_responsible(behaviour))
}

/// Lets a message to the node about deployments be handled: by the gateway's part what is its, the rest by the
/// provider's.
fn serve(
    desk: &mut Desk<'_, '_>,
    root: &mut Actor,
    gateway: &mut Option<Box<Gateway>>,
    provider: &mut Provider,
    envelope: &Envelope,
) {
    match gateway {
        Some(gateway) if gateway.is_responsible(&envelope.behaviour) => {
            gateway.handle(desk, root, &provider.machine().location, envelope);
        }
        _ => provider.handle_root(desk, root, envelope),
    }
}

/// Tells those who asked a deployment something what it has answered meanwhile.
fn give_answers(desk: &mut Desk<'_, '_>, root: &mut Actor, deployment: &mut Deployment) {
    for (asker, answer) in deployment.take_answers() {
        asker.answer(desk, root, answer);
    }
}

/// Answers somebody who wants something of the volumes that a node serves (dms-capabilities section 8). Like the real
/// DMS it takes the sender for whom the message says that it is (C2).
fn serve_volume(desk: &mut Desk<'_, '_>, root: &mut Actor, volumes: &mut VolumeServer, request: &Envelope) {
    let answer = match &request.message {
        Message::Volume(volume) if volume.behaviour() == request.behaviour.kind => {
            let random = match **volume {
                VolumeRequest::Create { .. } => u64::from_le_bytes(desk.out.random.bytes()),
                VolumeRequest::Start(_) | VolumeRequest::Delete(_) => 0,
            };
            match volumes.carry_out(volume, &request.from.did, random) {
                Ok((Some(created), _)) => Message::Report(Arc::new(Report::Volume(created))),
                Ok((None, deleted)) => {
                    deleted.into_iter().for_each(|gone| desk.action(Action::RemoveBrick(gone.brick)));
                    Message::Ok
                }
                Err(refused) => Message::Error(refused.to_string().into()),
            }
        }
        _ => Message::lacking(),
    };
    desk.reply(root, request, answer);
}

/// Where a message is delivered; a broadcast goes to the node.
fn inbox_of(envelope: &Envelope) -> &Inbox {
    envelope.to.as_ref().map_or(&Inbox::Root, |to| &to.inbox)
}

/// The topic on which a behaviour may be broadcast, when the message is a broadcast.
fn expected_topic(envelope: &Envelope) -> Option<&'static Capability> {
    envelope.is_broadcast().then(|| envelope.behaviour.kind.topic()).flatten()
}

fn rejected(envelope: &Envelope, rejection: Rejection, explanation: Option<Arc<str>>) -> Fact {
    let behaviour = envelope.behaviour.kind;
    Fact::MessageRejected { rejection, behaviour, ensemble: envelope.ensemble(), explanation }
}

mod essence;
mod observing;
mod operating;
mod queue;
mod routine;
mod status;
mod strategy;
mod succession;
#[cfg(test)]
mod tests;

use self::succession::Touched;

pub use self::essence::Essence;

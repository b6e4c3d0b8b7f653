//! A compute provider: it bids, reserves, creates allocations, runs them and reports (dms-orchestration sections
//! 2.3, 2.9 and 3).
//!
//! - `bids`: which requests it answers, with the reason for each that it does not;
//! - `offers`: what it tells of itself with a bid, and what it wants to be paid;
//! - `edges`: verifying links to other providers for an orchestrator;
//! - `commits`: reserving and creating, undoing both;
//! - `endings`: terminating what ran and giving back what it held;
//! - `onboarding`: what of the machine is offered;
//! - `networks`: the subnets of its ensembles, addresses, names and port maps;
//! - `volumes`: what is mounted for an allocation;
//! - `runs`: starting, restarting, health, heartbeats and the end of an allocation;
//! - `turns`: waiting for others to end, where a machine runs a few at once;
//! - `farewells`: how its orchestrator learns of that end, and the logs that are kept;
//! - `recovery`: what is on disk, and taking it up after a restart;
//! - `confirmation`: whether an orchestrator still wants what runs here;
//! - `succession`: who the orchestrator is, where deployments are handed over.

mod bids;
mod commits;
mod confirmation;
mod edges;
mod endings;
mod farewells;
mod networks;
pub mod offers;
mod onboarding;
pub mod quotas;
mod recovery;
mod runs;
mod succession;
mod turns;
mod volumes;

use std::sync::Arc;

use smallvec::SmallVec;

use self::edges::EdgeTest;
pub(in crate::dms) use bids::compare_hardware;
pub use bids::{BidRefusal, Bidder, Equipment};

use self::confirmation::Confirmation;
use self::endings::Ending;
pub(in crate::dms) use self::farewells::{Farewell, KeptLog};
use self::offers::{Count, Tariff};
use self::quotas::Quota;
use self::turns::Line;
pub use self::turns::Places;
use self::volumes::Volumes;

use crate::dms::actor::{
    Actor, AllocationInfo, AllocationState, Behaviour, BehaviourKind, EnsembleBehaviours, Envelope, Message,
};
use crate::dms::capability::Capability;
use crate::dms::constants::{
    BID_STATE_GC_INTERVAL, BID_STATE_TIMEOUT, CLEAR_COMMITS_FREQUENCY, GRANT_ALLOCATION_CAPS_FREQUENCY,
    HEALTH_CHECK_GRANT_DURATION,
};
use crate::dms::deputy::{DeputyMessage, Mandate};
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::ensemble::{AllocationConfig, Executor, Location};
use crate::dms::fact::Fact;
use crate::dms::identity::{Did, EnsembleId, Handle, SecretKey, SignatureMode};
use crate::dms::outbox::{Action, Owner, RunId, Timer};
use crate::dms::profile::Weakness;
use crate::dms::resources::{Pool, Ports, Resources};
use crate::dms::subnet::Subnets;
use crate::dms::suppression::Ticket;
use crate::kernel::{OrderedMap, Span, Timestamp};

/// What a machine is and has, as the provider's operator configured it.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// What the hardware has.
    pub total: Resources,
    /// What is offered of it; none for a peer that was not onboarded.
    pub onboarded: Option<Resources>,
    /// Where GeoIP places it.
    pub location: Location,
    /// What can run allocations here.
    pub executors: Arc<[Executor]>,
    /// What is to be paid for it; none where that is nobody's concern.
    pub tariff: Option<Tariff>,
    /// How many of them run at once; none = as many as there are resources for.
    pub places: Option<Places>,
    /// What organizations may have of it; all of it where they have none.
    pub quotas: Arc<[Quota]>,
}

/// A bid that was made, kept so that a commit can refer to it.
#[derive(Clone, Debug)]
struct StoredBid {
    expire: Timestamp,
    /// Whose quota it is made under.
    tenant: Option<u16>,
    answered: SmallVec<[u64; 4]>,
}

/// An ensemble of which allocations live here.
#[derive(Clone, Debug)]
struct Hosted {
    orchestrator: Arc<Handle>,
    /// By which it is that, where another one has begun the deployment.
    mandate: Option<Arc<Mandate>>,
    behaviours: Arc<EnsembleBehaviours>,
    /// When its orchestrator last showed that it wants what is here.
    heard: Timestamp,
    /// The question whether it still does, while it is open.
    confirmation: Option<Confirmation>,
}

/// An allocation that lives here.
#[derive(Clone, Debug)]
struct Allocation {
    ensemble: EnsembleId,
    generation: u32,
    config: Arc<AllocationConfig>,
    actor: Actor,
    run: RunId,
    state: AllocationState,
    sequence: u64,
    /// Who waits for the start that is under way.
    start_reply: Option<OwedReply>,
    /// Who waits for the health probe that is under way, and its number.
    probe_reply: Option<(u32, OwedReply)>,
    /// Who waits for the look at its log that is under way.
    log_reply: Option<Box<OwedReply>>,
    /// When it was created.
    created: Timestamp,
    /// When the present run began.
    started: Timestamp,
    /// Who waits for the look at what it uses that is under way.
    stats_reply: Option<Box<OwedReply>>,
    /// Health probes so far.
    probes: u32,
    /// How often it reports that it lives.
    report_every: Span,
    /// The run for which these reports have begun.
    reporting: Option<RunId>,
    /// Whether its executor has been told to start it and has not said what became of it.
    is_starting: bool,
    /// When it was accepted, where allocations wait for each other: a number that grows.
    turn: u64,
}

impl Allocation {
    /// Whether it has ever been started.
    const fn has_run(&self) -> bool {
        !matches!(self.state, AllocationState::Pending | AllocationState::Standby | AllocationState::Queued)
    }
}

/// The provider's part of a peer.
#[derive(Clone, Debug)]
pub struct Provider {
    machine: Machine,
    pool: Pool,
    ports: Ports,
    subnets: Subnets,
    bids: OrderedMap<EnsembleId, StoredBid>,
    hosted: OrderedMap<EnsembleId, Hosted>,
    allocations: OrderedMap<Arc<str>, Allocation>,
    /// Ends of tasks that their orchestrators have not acknowledged.
    farewells: OrderedMap<Arc<str>, Farewell>,
    /// What ended runs printed.
    kept: OrderedMap<Arc<str>, KeptLog>,
    edge_tests: Vec<EdgeTest>,
    /// What is being terminated, by its last run.
    endings: OrderedMap<RunId, Ending>,
    next_slot: u32,
    sweeping: bool,
    renewing: bool,
    /// Runs that are being started again after a restart; bids wait for them.
    recovering: Vec<RunId>,
    volumes: Volumes,
    /// By which it takes part in draws, once it has been asked to.
    ticket: Option<Ticket>,
    /// Questions to orchestrators so far.
    confirmations: u32,
    /// What it counted last of what is free and in use, and when, where orchestrators are content with what is some
    /// time old.
    count: Option<(Timestamp, Count)>,
    /// What waits for a place to run.
    line: Line,
}

impl Provider {
    /// A provider on this machine that holds nothing.
    #[must_use]
    pub fn new(machine: Machine) -> Self {
        let pool = Pool::new(machine.onboarded.clone().unwrap_or_default());
        Self {
            machine,
            pool,
            ports: Ports::default(),
            subnets: Subnets::default(),
            bids: OrderedMap::default(),
            hosted: OrderedMap::default(),
            allocations: OrderedMap::default(),
            farewells: OrderedMap::default(),
            kept: OrderedMap::default(),
            edge_tests: Vec::new(),
            endings: OrderedMap::default(),
            next_slot: 0,
            sweeping: false,
            renewing: false,
            recovering: Vec::new(),
            volumes: Volumes::default(),
            ticket: None,
            confirmations: 0,
            count: None,
            line: Line::default(),
        }
    }

    /// What it wants to be paid; none where that is nobody's concern.
    #[must_use]
    pub const fn tariff(&self) -> Option<&Tariff> {
        self.machine.tariff.as_ref()
    }

    /// What is offered, held and free.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Whether it judges requests for bids as one does that has just been onboarded: nothing of it is taken, and no bid
    /// that it made is remembered.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        let idle = self.bids.is_empty() && self.recovering.is_empty() && self.count.is_none();
        idle && self.ports.is_empty() && self.pool.holdings().next().is_none()
    }

    /// Whether nothing was ever run or reserved here, and nothing is remembered: it is as one that was just made.
    pub(in crate::dms) fn is_untouched(&self) -> bool {
        let never_ran = self.next_slot == 0 && self.confirmations == 0 && self.kept.is_empty();
        let idle = !self.sweeping && !self.renewing && self.edge_tests.is_empty() && self.endings.is_empty();
        let forgotten = self.hosted.is_empty() && self.allocations.is_empty() && self.farewells.is_empty();
        never_ran && idle && forgotten && self.is_fresh() && self.subnets.is_empty()
    }

    /// The machine and what is offered of it.
    #[must_use]
    pub const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// What of the machine is in use: what is held by everything that runs.
    #[must_use]
    pub fn usage(&self) -> Resources {
        let runs =
            self.allocations.iter().filter(|(_, allocation)| allocation.state == AllocationState::Running);
        let held = runs.filter_map(|(id, _)| self.pool.held(id));
        held.fold(Resources::default(), |sum, holding| sum.plus(&holding.resources))
    }

    /// The allocations that live here, as the node reports them.
    #[must_use]
    pub fn allocation_infos(&self) -> Vec<AllocationInfo> {
        let info = |(id, allocation): (&Arc<str>, &Allocation)| AllocationInfo {
            id: Arc::clone(id),
            kind: allocation.config.kind.word(),
            orchestrator: self.hosted.get(&allocation.ensemble).map(|hosted| hosted.orchestrator.host),
            resources: self.pool.held(id).map(|holding| holding.resources.clone()).unwrap_or_default(),
            status: allocation.state,
            executor: allocation.config.executor,
            execution_id: allocation.has_run().then(|| {
                let RunId { slot, run } = allocation.run;
                format!("{slot}-{run}").into()
            }),
            ports: self.ports.of(id).collect(),
            created: allocation.created.0,
            started: allocation.has_run().then_some(allocation.started.0),
        };
        self.allocations.iter().map(info).collect()
    }

    /// The allocations that live here: full id, generation and state.
    pub fn allocations(&self) -> impl Iterator<Item = (&Arc<str>, u32, AllocationState)> {
        self.allocations.iter().map(|(id, allocation)| (id, allocation.generation, allocation.state))
    }

    /// Who orchestrates an allocation that is here, as far as it knows.
    #[must_use]
    pub fn orchestrator_of(&self, allocation: &str) -> Option<&Arc<Handle>> {
        let found = self.allocations.get(allocation)?;
        self.hosted.get(&found.ensemble).map(|hosted| &hosted.orchestrator)
    }

    /// The handle of the allocation actor with this inbox.
    pub(in crate::dms) fn receiver(&self, id: &str) -> Option<&Arc<Handle>> {
        let ended = || self.farewells.get(id).map(|farewell| &farewell.actor.handle);
        self.allocations.get(id).map(|allocation| &allocation.actor.handle).or_else(ended)
    }

    /// The process has ended: what lived in memory is gone.
    pub fn stop(&mut self) {
        *self = Self::new(std::mem::take(&mut self.machine));
    }

    /// Cores get lost, for tests of what notices.
    #[cfg(test)]
    pub(crate) fn lose_cores(&mut self, cores_milli: u64) {
        self.pool.lose_cores(cores_milli);
    }

    /// Handles a message to the node itself.
    pub(in crate::dms) fn handle_root(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        request: &Envelope,
    ) {
        // Whoever asks for bids orders nothing.
        let needs_no_mandate = match &request.message {
            Message::Allocate(allocate) => allocate.mandate.is_some(),
            message => matches!(message, Message::Deputy(_) | Message::BidRequest(_)),
        };
        if !needs_no_mandate && let Some(refused) = self.refuse_superseded(request) {
            return desk.reply(root, request, refused);
        }
        match &request.message {
            Message::BidRequest(bid_request) => self.handle_bid_request(desk, root, request, bid_request),
            Message::EdgeConstraint(edge) => self.handle_edge(desk, root, request, edge),
            Message::EdgeProbe(_) => desk.reply(root, request, Message::Ok),
            Message::Commit(commit) => {
                if let Some(answer) = self.handle_commit(desk, request, commit) {
                    desk.reply(root, request, answer);
                }
            }
            Message::Allocate(allocate) => {
                if let Some(answer) = self.mount_first(desk, root, request, allocate) {
                    desk.reply(root, request, answer);
                }
            }
            Message::Revert(revert) | Message::AllocationShutdown(revert) => {
                self.handle_revert(desk, revert);
                desk.reply(root, request, Message::Ok);
            }
            Message::SubnetCreate(order) => {
                let answer = self.create_subnet(order);
                desk.reply(root, request, answer);
            }
            Message::SubnetDestroy(id) => {
                self.subnets.destroy(*id);
                desk.reply(root, request, Message::Ok);
            }
            Message::SubnetJoin(order) => {
                let answer = self.join_subnet(desk, root.handle.host, order);
                desk.reply(root, request, answer);
            }
            Message::SignBid(wanted) => {
                let answer = self.sign_bid(desk, root, wanted);
                desk.reply(root, request, answer);
            }
            Message::Deputy(said) => {
                if let DeputyMessage::TakeOver(mandate) = &**said {
                    let answer = self.handle_take_over(desk, &request.from, mandate);
                    desk.reply(root, request, answer);
                }
            }
            Message::LogRequest(log) => self.handle_log_request(desk, root, request, log),
            Message::Query if request.behaviour.kind == BehaviourKind::AllocationStates => {
                let answer = self.states_of(&request.behaviour);
                desk.reply(root, request, answer);
            }
            _ => {}
        }
    }

    /// Whether the node itself has this behaviour now; those of an ensemble exist while one of its
    /// allocations does, or a log of one.
    pub(in crate::dms) fn has_root_behaviour(&self, behaviour: &Behaviour) -> bool {
        let of_hosted = |path: fn(&EnsembleBehaviours) -> &Behaviour| {
            self.hosted.values().any(|hosted| path(&hosted.behaviours) == behaviour)
        };
        match behaviour.kind {
            BehaviourKind::BidRequest
            | BehaviourKind::Commit
            | BehaviourKind::Allocate
            | BehaviourKind::Revert
            | BehaviourKind::EdgeConstraint
            | BehaviourKind::EdgeProbe
            | BehaviourKind::SignBid
            | BehaviourKind::DeputyTakeOver => true,
            BehaviourKind::SubnetCreate => of_hosted(|b| &b.subnet_create),
            BehaviourKind::SubnetDestroy => of_hosted(|b| &b.subnet_destroy),
            BehaviourKind::AllocationShutdown => of_hosted(|b| &b.allocation_shutdown),
            BehaviourKind::AllocationLogs => of_hosted(|b| &b.allocation_logs),
            BehaviourKind::AllocationStates => of_hosted(|b| &b.allocation_states),
            _ => false,
        }
    }

    /// Handles a timer of the provider.
    pub(in crate::dms) fn handle_timer(&mut self, desk: &mut Desk<'_, '_>, timer: Timer) {
        match timer {
            Timer::Sweep => self.sweep(desk),
            Timer::RenewOrchestrators => self.renew_orchestrators(desk),
            Timer::RegrantHealthChecks(run) => self.regrant_health_checks(desk, run),
            Timer::Heartbeat(run) => self.heartbeat(desk, run),
            Timer::Farewell(run) => self.say_farewell(desk, run),
            Timer::ForgetLog(run) => self.forget_log(run),
            Timer::Confirm(number) => self.go_on_confirming(desk, number),
            Timer::Reply(Owner::Provider, nonce) => {
                self.forget_probe(nonce);
                self.resolve_confirmation(desk, nonce, None);
            }
            Timer::Terminate(run) if self.endings.contains_key(&run) => desk.action(Action::Terminate(run)),
            _ => {}
        }
    }

    /// Drops bids that are too old and commits whose lease has ended; goes on for as long as there are any. The real
    /// DMS looks every minute; minutes in which nothing can end are left out here.
    ///
    /// The sweep of the real DMS over commits has no loop (W7): it runs once, a minute after the node has started,
    /// when no lease of five minutes can have ended. So there it gives nothing back, ever.
    pub(super) fn sweep(&mut self, desk: &mut Desk<'_, '_>) {
        const { assert!(CLEAR_COMMITS_FREQUENCY.0 < BID_STATE_TIMEOUT.0) };
        self.bids.retain(|_, bid| desk.now <= bid.expire);
        if self.bids.is_empty() {
            self.forget_count();
        }
        let lapses = !desk.security.profile.has(Weakness::LeakingLeases);
        for (id, holding) in lapses.then(|| self.pool.lapse(desk.now)).into_iter().flatten() {
            self.ports.release(&id);
            desk.fact(Fact::Released { allocation: id, generation: holding.generation, lapsed: true });
        }
        self.sweeping = false;
        self.arm_sweep(desk);
    }

    fn arm_sweep(&mut self, desk: &mut Desk<'_, '_>) {
        if self.sweeping {
            // A commit is leased for as long as its bid holds, and a later bid holds longer: nothing ends before.
            return;
        }
        let lapses = !desk.security.profile.has(Weakness::LeakingLeases);
        let leases = lapses.then(|| self.pool.first_lease_end()).flatten();
        if let Some(first) = self.bids.values().map(|bid| bid.expire).chain(leases).min() {
            self.sweeping = true;
            let minutes = first.since(desk.now).0 / BID_STATE_GC_INTERVAL.0 + 1;
            desk.timer(BID_STATE_GC_INTERVAL.times(minutes), Timer::Sweep);
        }
    }

    /// Renews in time what the orchestrators of living allocations may do here.
    pub(super) fn renew_orchestrators(&mut self, desk: &mut Desk<'_, '_>) {
        self.renewing = false;
        let allocations: Vec<(Did, Did, EnsembleId)> = self
            .allocations
            .values()
            .filter_map(|allocation| {
                let hosted = self.hosted.get(&allocation.ensemble)?;
                Some((hosted.orchestrator.did.clone(), allocation.actor.handle.id.did(), allocation.ensemble))
            })
            .collect();
        for (orchestrator, actor, ensemble) in allocations {
            self.grant_orchestrator(desk, &orchestrator, &actor, ensemble);
            if !health_grants_lapse(desk) {
                grant_health_checks(desk, &orchestrator, &actor);
            }
        }
        self.question_silent_orchestrators(desk);
        self.arm_renewal(desk);
    }

    fn arm_renewal(&mut self, desk: &mut Desk<'_, '_>) {
        if !self.renewing && !self.allocations.is_empty() {
            self.renewing = true;
            desk.timer(Span(GRANT_ALLOCATION_CAPS_FREQUENCY.0 / 2), Timer::RenewOrchestrators);
        }
    }

    /// The real DMS renews the right to check an allocation's health once, two hours after its actor started, and
    /// never again (C8).
    fn regrant_health_checks(&self, desk: &mut Desk<'_, '_>, run: RunId) {
        let of_run = |allocation: &&Allocation| allocation.run == run;
        let Some(allocation) = self.allocations.values().find(of_run) else { return };
        if let Some(hosted) = self.hosted.get(&allocation.ensemble) {
            grant_health_checks(desk, &hosted.orchestrator.did, &allocation.actor.handle.id.did());
        }
    }

    /// Lets an orchestrator work with an allocation and with the ensemble's part of this node (dms-capabilities
    /// section 5, dynamic grants).
    fn grant_orchestrator(
        &self,
        desk: &mut Desk<'_, '_>,
        orchestrator: &Did,
        actor: &Did,
        ensemble: EnsembleId,
    ) {
        static ALLOCATION: Capability = Capability::fixed("/dms/allocation");
        if self.hosted.contains_key(&ensemble) {
            desk.grant(orchestrator, actor, &ALLOCATION, GRANT_ALLOCATION_CAPS_FREQUENCY);
            self.grant_ensemble(desk, orchestrator, ensemble);
        }
    }

    /// The latter alone.
    fn grant_ensemble(&self, desk: &mut Desk<'_, '_>, orchestrator: &Did, ensemble: EnsembleId) {
        let Some(hosted) = self.hosted.get(&ensemble) else { return };
        let node = desk.security.capabilities.did().clone();
        desk.grant(orchestrator, &node, &hosted.behaviours.ensemble, GRANT_ALLOCATION_CAPS_FREQUENCY);
    }

    fn child_secret(desk: &mut Desk<'_, '_>) -> SecretKey {
        let mode: SignatureMode = desk.security.capabilities.trust().mode();
        SecretKey::ed25519(desk.out.random.bytes(), mode)
    }
}

/// Lets a supervisor check the health of the allocation whose actor this is (dms-capabilities section 3.6).
fn grant_health_checks(desk: &mut Desk<'_, '_>, supervisor: &Did, actor: &Did) {
    static HEALTH: Capability = Capability::fixed("/dms/actor/healthcheck");
    desk.grant(supervisor, actor, &HEALTH, HEALTH_CHECK_GRANT_DURATION);
}

/// Whether the right to check health is renewed only once: read in the capabilities of DMS (C8) and in its supervision
/// (W13). It takes both to be mended.
fn health_grants_lapse(desk: &Desk<'_, '_>) -> bool {
    let profile = desk.security.profile;
    profile.has(Weakness::LapsingHealthGrants) || profile.has(Weakness::LapsingCheckGrants)
}

/// Where the real DMS renews the right to check health only once, the clock of that starts with the actor.
fn arm_single_regrant(desk: &mut Desk<'_, '_>, run: RunId) {
    if health_grants_lapse(desk) {
        desk.timer(HEALTH_CHECK_GRANT_DURATION, Timer::RegrantHealthChecks(run));
    }
}
#[cfg(test)]
mod tests;

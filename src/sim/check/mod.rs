//! What must hold in every run, watched from outside: one file a rule.
//!
//! A rule (`Invariant`) sees facts, executed messages, programs that begin, and once a simulated minute the whole
//! world. It changes nothing, so a run is the same with and without it, and it trusts nothing that the logic of `dms`
//! believes where it can look for itself: what runs is asked of the executors, who may do what of the slow authoriser,
//! and what an ensemble wants of its file.
//!
//! Two kinds of rules are told. What is *wrong* must never be, whatever breaks. What is *stuck* must not last once
//! nothing has been broken for a while (`Invariant::minute`): faults may delay what is due, and not for ever.

mod addresses;
mod answers;
mod authority;
mod billing;
mod calm;
mod contracts;
mod endings;
mod generations;
mod lasting;
mod leases;
mod listed;
mod living;
mod machines;
mod manifests;
mod memberships;
mod memory;
mod names;
mod order;
mod outputs;
mod placement;
mod programs;
mod queues;
mod reach;
mod recovery;
mod revocations;
mod rounds;
mod states;
mod transitions;
mod volumes;
mod wishes;

use std::fmt;
use std::sync::Arc;

pub(super) use self::authority::Verdict;
use self::calm::Calm;
pub use self::listed::listed;
use self::memory::Memory;
pub use self::reach::{Feature, Reached};
pub use self::transitions::{ALLOCATION_TRANSITIONS, DEPLOYMENT_TRANSITIONS};
use super::event::{Event, PeerId};
use super::host::Inside;
use super::setup::Operation;
use super::world::World;
use crate::dms::actor::{Envelope, Message};
use crate::dms::capability::slow::FoundSigned;
use crate::dms::fact::Fact;
use crate::dms::identity::{Did, EnsembleId, Handle};
use crate::dms::orchestrator::Deployment;
use crate::dms::outbox::RunId;
use crate::kernel::{Span, Time};

/// Findings that a run keeps; what comes after tells nothing new.
const MOST_FINDINGS: usize = 32;

/// For so long nothing must have been broken before every rule about what must not last has looked.
pub const LONGEST_PATIENCE: Span = Span::mins(15);

/// What kind of rule was broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A state that must never be.
    Wrong,
    /// Something that is due and does not come, although nothing keeps it.
    Stuck,
}

/// A rule that was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The rule's name.
    pub rule: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// When it was seen.
    pub at: Time,
    /// Where, if at one peer.
    pub peer: Option<Arc<str>>,
    /// What, in words.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} s", self.rule, self.at.as_secs_f64())?;
        if let Some(peer) = &self.peer {
            write!(f, " on {peer}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// What a rule sees of the world.
pub(super) struct Look<'a, 's> {
    /// All of it.
    pub(super) world: &'a World<'s>,
    /// The time of the run.
    pub(super) now: Time,
}

impl<'a> Look<'a, '_> {
    /// The name of a deployment.
    fn name_of(&self, ensemble: EnsembleId) -> &'a str {
        let number = self.world.ledger.number_of(ensemble);
        number.map_or("a deployment", |number| self.world.ledger.name_of(number))
    }

    /// The peer whose node has this DID.
    fn node(&self, did: &Did) -> Option<PeerId> {
        self.world.directory.find(&Handle::root(did.public_key().ok()?).host)
    }

    /// A deployment by its number in the run, with its orchestrator, where that still has it.
    fn deployment(&self, number: u32) -> Option<(PeerId, &'a Deployment)> {
        let (by, id) = self.world.ledger.deployment(number)?;
        let deployment = self.world.hosts[by.0 as usize].peer.deployment(id)?;
        // Who has taken it over may have lost it with its disk, and whoever had it before has heard of that one.
        (!deployment.is_handed_over()).then_some((by, deployment))
    }

    /// The peers that are up and to which something has happened.
    fn up(&self) -> impl Iterator<Item = (PeerId, &'a Inside)> {
        let up = self.world.hosts.iter().zip(0..).filter(|(host, _)| host.up);
        up.filter_map(|(host, number)| Some((PeerId(number), host.built()?)))
    }
}

/// Takes down what a rule finds.
pub(super) struct Found<'a> {
    rule: &'static str,
    now: Time,
    all: &'a mut Vec<Finding>,
}

impl Found<'_> {
    /// A state that must never be.
    fn wrong(&mut self, look: &Look<'_, '_>, peer: PeerId, what: String) {
        self.add(Kind::Wrong, Some(Arc::clone(look.world.population.name_of(peer))), what);
    }

    /// Something that is due and does not come.
    fn stuck(&mut self, look: &Look<'_, '_>, peer: PeerId, what: String) {
        self.add(Kind::Stuck, Some(Arc::clone(look.world.population.name_of(peer))), what);
    }

    fn add(&mut self, kind: Kind, peer: Option<Arc<str>>, what: String) {
        if self.all.len() < MOST_FINDINGS {
            self.all.push(Finding { rule: self.rule, kind, at: self.now, peer, what });
        }
    }
}

/// A rule about every run.
pub(super) trait Invariant {
    /// Its name.
    fn name(&self) -> &'static str;

    /// A peer reports a fact, which is not in the books yet.
    fn fact(&mut self, _look: &Look<'_, '_>, _peer: PeerId, _fact: &Fact, _found: &mut Found<'_>) {}

    /// A peer has handled a message and executed what it asks for; `verdict` is what was right before that.
    fn executed(
        &mut self,
        _look: &Look<'_, '_>,
        _peer: PeerId,
        _message: (&Envelope, Verdict),
        _found: &mut Found<'_>,
    ) {
    }

    /// A node shows its operator the answer to an operation.
    fn shown(
        &mut self,
        _look: &Look<'_, '_>,
        _peer: PeerId,
        _answer: (&Operation, &Message),
        _found: &mut Found<'_>,
    ) {
    }

    /// A program is up.
    fn program(&mut self, _look: &Look<'_, '_>, _peer: PeerId, _run: RunId, _found: &mut Found<'_>) {}

    /// A process has stopped, or has started and taken up what it had on disk.
    fn process(&mut self, _look: &Look<'_, '_>, _peer: PeerId, _up: bool, _found: &mut Found<'_>) {}

    /// A user has ended a deployment at its orchestrator, which is up and answers.
    fn asked_to_end(&mut self, _look: &Look<'_, '_>, _peer: PeerId, _ensemble: EnsembleId) {}

    /// A machine's disk is lost with all that was on it.
    fn disk_lost(&mut self, _peer: PeerId) {}

    /// A simulated minute is over, or the run is, and for `calm` nothing has been broken. It is not asked while
    /// something is.
    fn minute(&mut self, _look: &Look<'_, '_>, _calm: Span, _found: &mut Found<'_>) {}
}

/// The rules of a run, and what they have found.
pub(super) struct Checks {
    /// Each with its name.
    rules: Vec<(&'static str, Box<dyn Invariant + Send>)>,
    calm: Calm,
    /// The longest while in which nothing was broken, as far as anybody looked.
    longest_calm: Span,
    /// What the plain authoriser remembers.
    known: FoundSigned,
    reached: Reached,
    findings: Vec<Finding>,
    /// Whether the run ends with the first finding.
    stops: bool,
}

/// All of them.
fn all_rules() -> Vec<Box<dyn Invariant + Send>> {
    vec![
        Box::<addresses::Addresses>::default(),
        Box::<answers::Answers>::default(),
        Box::<authority::Authority>::default(),
        Box::<billing::Billing>::default(),
        Box::<contracts::Contracts>::default(),
        Box::<endings::Endings>::default(),
        Box::<generations::Generations>::default(),
        Box::<leases::Leases>::default(),
        Box::<machines::Machines>::default(),
        Box::<manifests::Manifests>::default(),
        Box::<Memory>::default(),
        Box::<names::Names>::default(),
        Box::<order::Order>::default(),
        Box::<outputs::Outputs>::default(),
        Box::<placement::Placement>::default(),
        Box::<programs::Programs>::default(),
        Box::<queues::Queues>::default(),
        Box::<recovery::Recovery>::default(),
        Box::<revocations::Revocations>::default(),
        Box::<rounds::Rounds>::default(),
        Box::<transitions::Transitions>::default(),
        Box::<volumes::Volumes>::default(),
        Box::<wishes::Wishes>::default(),
    ]
}

/// The names of the rules that a run may watch.
#[must_use]
pub fn rules() -> Vec<&'static str> {
    all_rules().iter().map(|rule| rule.name()).collect()
}

impl Checks {
    fn new(stops: bool, only: Option<&str>) -> Self {
        let named = all_rules().into_iter().map(|rule| (rule.name(), rule));
        let rules = named.filter(|(name, _)| only.is_none_or(|only| *name == only)).collect();
        let (calm, known, reached) = (Calm::default(), FoundSigned::default(), Reached::default());
        Self { rules, calm, longest_calm: Span::ZERO, known, reached, findings: Vec::new(), stops }
    }

    /// Whether the run has nothing more to tell.
    pub(super) fn is_enough(&self) -> bool {
        self.calm.stands_still() || self.stops && !self.findings.is_empty()
    }

    /// Time does not go on, so the run ends here.
    fn stand_still(&mut self, now: Time, event: &Event) {
        let mut found = Found { rule: "progress", now, all: &mut self.findings };
        found.add(
            Kind::Stuck,
            None,
            format!("time stands still: events bring forth others at once, the last {event:?}"),
        );
    }
}

/// What the rules of a run have seen.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// What they have found, in the order in which it was seen.
    pub findings: Vec<Finding>,
    /// Which states, transitions and refusals the run came to.
    pub reached: Reached,
    /// The longest while in which nothing was broken; none when nobody watched.
    pub calm: Option<Span>,
}

impl Checked {
    /// The longest while in which nothing was broken, where it was so short that not every rule about what must not
    /// last has looked.
    #[must_use]
    pub fn short_calm(&self) -> Option<Span> {
        self.calm.filter(|calm| *calm < LONGEST_PATIENCE)
    }
}

impl World<'_> {
    /// Watches from here on whether the rules of every run hold, or one `only`. With `stops` the run ends with the
    /// first finding.
    pub fn check(&mut self, stops: bool, only: Option<&str>) {
        self.checks = Some(Box::new(Checks::new(stops, only)));
    }

    /// What was found so far; nothing when nobody watches.
    #[must_use]
    pub fn take_checked(&mut self) -> Checked {
        let Some(checks) = self.checks.take() else { return Checked::default() };
        Checked { findings: checks.findings, reached: checks.reached, calm: Some(checks.longest_calm) }
    }

    /// Lets every rule look.
    fn consult(&mut self, ask: impl Fn(&mut dyn Invariant, &Look<'_, '_>, &mut Found<'_>)) {
        let Some(mut checks) = self.checks.take() else { return };
        let now = self.queue.now();
        let look = Look { world: self, now };
        let Checks { rules, findings, .. } = &mut *checks;
        for (name, rule) in rules {
            let mut found = Found { rule: name, now, all: findings };
            ask(&mut **rule, &look, &mut found);
        }
        self.checks = Some(checks);
    }

    /// Something happens that may break things.
    #[inline]
    pub(super) fn check_event(&mut self, now: Time, event: &Event) {
        if let Some(checks) = &mut self.checks {
            checks.calm.note(&self.plans, now, event);
            if checks.calm.stands_still() {
                checks.stand_still(now, event);
            }
        }
    }

    /// A peer reports a fact, which is not in the books yet.
    #[inline]
    pub(super) fn check_fact(&mut self, peer: PeerId, fact: &Fact) {
        if let Some(checks) = &mut self.checks {
            checks.reached.note(peer, fact);
            self.consult(|rule, look, found| rule.fact(look, peer, fact, found));
        }
    }

    /// A message is about to be handled: what is right now.
    #[inline]
    pub(super) fn check_before(&mut self, now: Time, peer: PeerId, parcel: u32) -> Option<Verdict> {
        let mut checks = self.checks.take()?;
        let parcel = self.parcels.get(parcel);
        let verdict = parcel.map(|parcel| Verdict::of(self, now, peer, &parcel.envelope, &mut checks.known));
        self.checks = Some(checks);
        verdict
    }

    /// A message was handled and executed.
    pub(super) fn check_executed(&mut self, peer: PeerId, parcel: u32, verdict: Option<Verdict>) {
        let Some(verdict) = verdict else { return };
        self.consult(|rule, look, found| {
            if let Some(parcel) = look.world.parcels.get(parcel) {
                rule.executed(look, peer, (&parcel.envelope, verdict), found);
            }
        });
    }

    /// A node shows its operator the answers to operations.
    pub(super) fn check_shown(&mut self, peer: PeerId, answers: &[(u32, Message)]) {
        if self.checks.is_some() {
            for (operation, message) in answers {
                let Some(operation) = self.plans.operations.get(*operation).cloned() else {
                    continue;
                };
                self.consult(|rule, look, found| rule.shown(look, peer, (&operation, message), found));
            }
        }
    }

    /// A program is up.
    #[inline]
    pub(super) fn check_program(&mut self, peer: PeerId, run: RunId) {
        if self.checks.is_some() {
            self.consult(|rule, look, found| rule.program(look, peer, run, found));
        }
    }

    /// A process has stopped, or has started.
    #[inline]
    pub(super) fn check_process(&mut self, peer: PeerId, up: bool) {
        if self.checks.is_some() {
            self.consult(|rule, look, found| rule.process(look, peer, up, found));
        }
    }

    /// A user has ended a deployment.
    pub(super) fn check_asked_to_end(&mut self, peer: PeerId, ensemble: EnsembleId) {
        self.consult(|rule, look, _| rule.asked_to_end(look, peer, ensemble));
    }

    /// The disk of a machine that is down is lost.
    pub(super) fn check_disk_lost(&mut self, peer: PeerId) {
        if let Some(checks) = &mut self.checks {
            checks.rules.iter_mut().for_each(|(_, rule)| rule.disk_lost(peer));
        }
    }

    /// Something breaks at a crash point, and works again at this time.
    pub(super) fn check_broken(&mut self, until: Time) {
        if let Some(checks) = &mut self.checks {
            checks.calm.breaks(until);
        }
    }

    /// A minute is over, or the run is.
    pub(super) fn check_all(&mut self) {
        let Some(checks) = &self.checks else { return };
        let calm = checks.calm.at(self, self.queue.now());
        if let Some(checks) = &mut self.checks {
            checks.longest_calm = checks.longest_calm.max(calm);
        }
        if calm > Span::ZERO {
            self.consult(|rule, look, found| rule.minute(look, calm, found));
        }
    }
}

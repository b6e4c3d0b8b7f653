//! Attackers: peers that try what they must not be able to do (`docs/attacks.md`).
//!
//! An attacker is an ordinary host with an ordinary peer, and a tool beside it: an [`Attack`]. At its times the tool
//! makes envelopes, by the real sealing code or by corrupting what that has made, and gives them to the network like
//! any other message. It hears what reaches its host and knows what everybody may know; it never calls a receiver.
//! [`judge`] watches what becomes of each message, [`account`] counts.

mod account;
mod clock_skew;
mod flooder;
mod forger;
mod insider;
mod judge;
mod kit;
mod over_delegator;
mod replayer;
mod sybil;
mod thief;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::account::Account;
use self::judge::Replays;
pub(super) use self::judge::breach;
use self::kit::{Identity, Kit, Shot};
use super::event::{Event, PeerId};
use super::population::Population;
use super::setup::{AttackKind, AttackPlan, Setup};
use super::world::{Parcel, World};
use crate::dms::actor::Envelope;
use crate::dms::capability::{CapabilityContext, Token};
use crate::dms::identity::SecretKey;
use crate::dms::outbox::{Command, Input};
use crate::kernel::{Cursor, Domain, Span, Streams, Time, Timestamp};
use crate::observe::{AttackRow, SpanHistogram};

/// What an attacker draws.
const ATTACK: Domain = Domain::new("sim.attack");
/// At whom the attackers of a group strike.
const TARGETS: Domain = Domain::new("sim.attack.targets");
/// Who anchors a revocation, and when.
const ANCHOR: Domain = Domain::new("sim.attack.anchor");
/// The message counter of an attacker's node starts with its clock; that of its tool a second later, where the first
/// never gets.
const COUNTER_START: Span = Span::secs(1);

/// A way of attacking.
trait Attack {
    /// One attempt.
    fn strike(&mut self, kit: &mut Kit<'_>);

    /// A message of somebody honest has reached the attacker's host.
    fn overhear(&mut self, _envelope: &Envelope) {}
}

/// What an attacker holds beside its node.
pub(super) struct Credentials {
    /// Its host.
    pub(super) peer: PeerId,
    /// Its node's key.
    pub(super) secret: SecretKey,
    /// Its node's context.
    pub(super) node: CapabilityContext,
    /// Its user's context.
    pub(super) user: CapabilityContext,
    /// What withdraws its membership; none where it has none.
    pub(super) revocation: Option<Arc<Token>>,
}

/// Whose attempt a message is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    /// Its place among the attackers.
    attacker: u32,
    /// Whether it names another's DID as its sender's.
    impersonates: bool,
}

struct Attacker {
    peer: PeerId,
    group: usize,
    attack: Box<dyn Attack>,
    cursor: Cursor,
    account: Account,
}

/// What came of all attacks.
#[derive(Clone, Debug, Default)]
pub(super) struct AttackReport {
    /// `attacks.csv`.
    pub(super) rows: Vec<AttackRow>,
    /// From each revocation to each anchoring of it.
    pub(super) anchoring: SpanHistogram,
}

/// The attackers of a run.
pub(super) struct Attackers {
    all: Vec<Attacker>,
    by_peer: FxHashMap<PeerId, u32>,
    /// Everybody else.
    honest: Vec<PeerId>,
    /// At whom each group strikes.
    targets: FxHashMap<usize, Vec<PeerId>>,
    /// What each group of insiders has to be revoked with.
    revocations: FxHashMap<usize, Arc<[Arc<Token>]>>,
    anchoring: SpanHistogram,
    replays: Replays,
}

impl Attackers {
    /// Whether a peer is one of them.
    pub(super) fn is_one(&self, peer: PeerId) -> bool {
        self.by_peer.contains_key(&peer)
    }

    pub(super) fn new(
        setup: &Setup,
        population: &Population,
        credentials: Vec<Credentials>,
        streams: Streams,
    ) -> Self {
        let is_honest = |peer: &PeerId| setup.groups[population.group_of(*peer)].attack.is_none();
        let mut attackers = Self {
            all: Vec::with_capacity(credentials.len()),
            by_peer: FxHashMap::default(),
            honest: Vec::new(),
            targets: FxHashMap::default(),
            revocations: FxHashMap::default(),
            anchoring: SpanHistogram::new(),
            replays: Replays::default(),
        };
        if credentials.is_empty() {
            return attackers;
        }
        attackers.honest = (0..population.members().len() as u32).map(PeerId).filter(is_honest).collect();
        for (group, description) in setup.groups.iter().enumerate() {
            let Some(plan) = &description.attack else { continue };
            let mut targets = population.draw(&plan.targets, &mut streams.owned(TARGETS, group as u64));
            targets.retain(is_honest);
            attackers.targets.insert(group, targets);
            if matches!(plan.kind, AttackKind::RevokedInsider { .. }) {
                let of_group = credentials.iter().filter(|one| population.group_of(one.peer) == group);
                let revocations = of_group.filter_map(|one| one.revocation.clone()).collect();
                attackers.revocations.insert(group, revocations);
            }
        }
        for one in credentials {
            let group = population.group_of(one.peer);
            let Some(plan) = &setup.groups[group].attack else { continue };
            let number = attackers.all.len() as u32;
            attackers.replays.watching |= plan.kind == AttackKind::Replayer;
            attackers.by_peer.insert(one.peer, number);
            let (peer, mut cursor) = (one.peer, Cursor::default());
            let mut rng = streams.rng(ATTACK, u64::from(peer.0), &mut cursor);
            let attack = prepare(plan, one, setup.epoch + COUNTER_START, &mut rng);
            drop(rng);
            attackers.all.push(Attacker { peer, group, attack, cursor, account: Account::default() });
        }
        attackers
    }

    /// The peer of an attacker, by its place among all.
    pub(super) fn peer(&self, attacker: u32) -> PeerId {
        self.all[attacker as usize].peer
    }

    /// Whether nobody attacks in this run.
    pub(super) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What came of it.
    pub(super) fn report(&mut self, setup: &Setup, population: &Population) -> AttackReport {
        let row = |attacker: &Attacker| {
            let group = &setup.groups[attacker.group];
            let plan = group.attack.as_ref().expect("an attacker has a plan");
            let name = population.name_of(attacker.peer);
            let end = plan.end.unwrap_or(Time::ZERO + setup.duration);
            attacker.account.row(
                Arc::clone(name),
                plan.kind.name(),
                &group.organizations.join(" "),
                plan.start,
                end,
            )
        };
        let rows = self.all.iter().map(row).collect();
        AttackReport { rows, anchoring: std::mem::take(&mut self.anchoring) }
    }
}

/// The tool for a plan; its message counters start at `counter`.
fn prepare(
    plan: &AttackPlan,
    holder: Credentials,
    counter: Timestamp,
    rng: &mut crate::kernel::Rng<'_>,
) -> Box<dyn Attack> {
    let me = |holder: &Credentials| Identity::new(holder.secret.clone(), holder.node.clone(), counter);
    match &plan.kind {
        AttackKind::Forger { forges } => Box::new(forger::Forger::new(me(&holder), forges.clone())),
        AttackKind::Replayer => Box::new(replayer::Replayer::default()),
        AttackKind::TokenThief => Box::new(thief::TokenThief::new(me(&holder))),
        AttackKind::OverDelegator => {
            Box::new(over_delegator::OverDelegator::new(me(&holder), holder.user, counter, rng))
        }
        AttackKind::Sybil { identities } => {
            Box::new(sybil::Sybil::new(&holder.node, *identities, counter, rng))
        }
        AttackKind::Flooder { burst } => Box::new(flooder::Flooder::new(me(&holder), *burst)),
        AttackKind::RevokedInsider { .. } => Box::new(insider::Insider::new(me(&holder))),
        AttackKind::ClockSkew { .. } => Box::new(clock_skew::WrongClock::new(me(&holder))),
    }
}

impl World<'_> {
    /// Puts the first attempt of every attacker into the queue, and the anchorings of every revocation.
    pub(super) fn begin_attacks(&mut self) {
        let setup = self.setup;
        for (attacker, number) in self.attackers.all.iter_mut().zip(0..) {
            let plan = setup.groups[attacker.group].attack.as_ref().expect("an attacker has a plan");
            let mut rng = self.streams.rng(ATTACK, u64::from(attacker.peer.0), &mut attacker.cursor);
            let phase = Span(rng.below(plan.every.0));
            self.queue.post(plan.start + phase, Event::Attack { attacker: number });
        }
        for (group, description) in setup.groups.iter().enumerate() {
            let Some(AttackKind::RevokedInsider { revoked, anchored, delay }) =
                description.attack.as_ref().map(|plan| &plan.kind)
            else {
                continue;
            };
            let mut rng = self.streams.owned(ANCHOR, group as u64);
            for &peer in &self.attackers.honest {
                let own = &setup.groups[self.population.group_of(peer)].organizations;
                let (anchors, after) = (rng.chance(*anchored), delay.sample(&mut rng));
                let is_concerned = own.iter().any(|one| description.organizations.contains(one));
                if anchors && is_concerned {
                    self.queue.post(*revoked + after, Event::Anchor { group: group as u32, peer });
                }
            }
        }
    }

    /// One attempt of an attacker, and the time of its next.
    pub(super) fn attack(&mut self, now: Time, number: u32) {
        let setup = self.setup;
        let attacker = &mut self.attackers.all[number as usize];
        let plan = setup.groups[attacker.group].attack.as_ref().expect("an attacker has a plan");
        if plan.end.is_some_and(|end| now >= end) {
            return;
        }
        self.queue.post(now + plan.every, Event::Attack { attacker: number });
        let targets = &self.attackers.targets[&attacker.group];
        let peer = attacker.peer;
        let (host, clock) = (&self.hosts[peer.0 as usize], self.setup.epoch + Span(now.0));
        if !host.up || targets.is_empty() {
            return;
        }
        self.attackers.replays.forget_expired(clock);
        let mut random = self.streams.rng(ATTACK, u64::from(peer.0), &mut attacker.cursor);
        let target = targets[random.index(targets.len())];
        let bystander = self.attackers.honest[random.index(self.attackers.honest.len())];
        let handle = |peer: PeerId| Arc::clone(self.hosts[peer.0 as usize].peer.handle_of_root());
        let mut kit = Kit {
            now: host.clock.reads(self.setup.epoch, now),
            own_did: host.peer.handle_of_root().did.clone(),
            broadcast: random.chance(plan.broadcasts),
            target_peer: target,
            target: handle(target),
            bystander: handle(bystander),
            random,
            shots: Vec::new(),
        };
        attacker.attack.strike(&mut kit);
        let shots = std::mem::take(&mut kit.shots);
        drop(kit);
        for shot in shots {
            self.launch(now, number, shot);
        }
    }

    fn launch(&mut self, now: Time, number: u32, shot: Shot) {
        let sender = self.attackers.all[number as usize].peer;
        let Shot { envelope, to, host, impersonates, replays } = shot;
        if replays {
            self.attackers.replays.expect(&envelope, number);
        }
        let graylisted = to.is_none() && self.is_graylisted(now, sender);
        self.attackers.all[number as usize].account.attempt(now, graylisted);
        let strike = Some(Strike { attacker: number, impersonates });
        match to {
            Some(to) => {
                let own = self.hosts[sender.0 as usize].peer.handle_of_root().host;
                let transport = Some(host.unwrap_or(own));
                self.ship(now, to, Parcel { envelope, sender, sent: now, transport, strike });
            }
            None => self.publish(now, Parcel { envelope, sender, sent: now, transport: None, strike }),
        }
    }

    /// A peer hears of the revocation of a group of insiders; one that is down never does.
    pub(super) fn anchor_revocation(&mut self, now: Time, group: u32, peer: PeerId) {
        let Some(AttackKind::RevokedInsider { revoked, .. }) =
            self.setup.groups[group as usize].attack.as_ref().map(|plan| &plan.kind)
        else {
            return;
        };
        if self.hosts[peer.0 as usize].up {
            self.attackers.anchoring.record(now.since(*revoked));
            let tokens = Arc::clone(&self.attackers.revocations[&(group as usize)]);
            self.feed(now, peer, |_| Input::Command(Command::AnchorRevocations(tokens)));
        }
    }
}

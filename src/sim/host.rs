//! What the world keeps for each peer: whether it is up, and, once something has happened to it, the peer itself with
//! its machine.
//!
//! Of a million peers most are never more than asked whether they would bid. Such a peer is wholly given by the setup
//! and the seed, so it is built (keys, memberships, pools, disk) only when somebody first needs it: [`Host`] stands for
//! both, and dereferences to what is [`Inside`]. When nobody needs it any more and nothing of it is left but what it
//! has learnt ([`Essence`]), it is put away again ([`Host::put_away`]), and built anew with that the next time.

use std::cell::OnceCell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::clocks::Clock;
use super::disks::Disk;
use super::event::PeerId;
use super::executor::Executor;
use super::office::User;
use super::population::Blueprint;
use crate::dms::actor::{ReplayGuard, Worker};
use crate::dms::capability::RevocationSet;
use crate::dms::identity::PeerId as HostId;
use crate::dms::orchestrator::Strategy;
use crate::dms::outbox::Execution;
use crate::dms::profile::Profile;
use crate::dms::resources::Resources;
use crate::dms::scored_bids::Disclosure;
use crate::dms::{Essence, Peer};
use crate::kernel::{Cursor, Time, Timestamp};
use crate::net::CityId;
use crate::placement::Machine;
use crate::workload::PeerChurn;

/// A peer with its machine.
pub(super) struct Inside {
    pub(super) peer: Peer,
    pub(super) executor: Executor,
    pub(super) disk: Disk,
    /// Runs that ended while only the process was down.
    pub(super) unheard: Vec<Execution>,
    /// Until when each of its workers has something to do (see [`Worker`]).
    busy_until: SmallVec<[Time; 2]>,
    /// The changes of its pool up to which its books were checked.
    pub(super) audited: u32,
    pub(super) peer_cursor: Cursor,
    pub(super) executor_cursor: Cursor,
    pub(super) fetch_cursor: Cursor,
}

impl Inside {
    /// A peer that has just started on a machine on which nothing runs.
    pub(super) fn new(peer: Peer, disk: Disk) -> Self {
        Self {
            peer,
            executor: Executor::default(),
            disk,
            unheard: Vec::new(),
            busy_until: SmallVec::new(),
            audited: 0,
            peer_cursor: Cursor::default(),
            executor_cursor: Cursor::default(),
            fetch_cursor: Cursor::default(),
        }
    }

    /// What is left of it at `now`, if it can be put away: a peer that holds nothing, on a machine on which nothing
    /// ever ran.
    fn remains(&self, now: Time, clock: Timestamp) -> Option<Remains> {
        let idle = self.busy_until.iter().all(|until| *until <= now) && self.unheard.is_empty();
        if !idle || !self.executor.is_untouched() || !self.disk.is_untouched() {
            return None;
        }
        let cursors = [self.peer_cursor, self.executor_cursor, self.fetch_cursor];
        self.peer.essence(clock).map(|essence| Remains { essence, cursors })
    }

    /// Goes on where it was put away.
    fn recall(&mut self, remains: &Remains) {
        self.peer.recall(&remains.essence);
        [self.peer_cursor, self.executor_cursor, self.fetch_cursor] = remains.cursors;
    }

    /// Sets apart what its workers have to do.
    pub(super) fn take_busy(&mut self) -> SmallVec<[Time; 2]> {
        std::mem::take(&mut self.busy_until)
    }

    /// Adds what its workers have to do beside what they have now.
    pub(super) fn join_busy(&mut self, other: &[Time]) {
        let length = self.busy_until.len().max(other.len());
        self.busy_until.resize(length, Time::ZERO);
        for (own, other) in self.busy_until.iter_mut().zip(other) {
            *own = (*own).max(*other);
        }
    }

    /// Until when a worker has something to do.
    pub(super) fn busy_until(&mut self, worker: Worker) -> &mut Time {
        let place = worker.place();
        if self.busy_until.len() <= place {
            self.busy_until.resize(place + 1, Time::ZERO);
        }
        &mut self.busy_until[place]
    }
}

/// What can be told beforehand of what a peer will answer (see [`foresight`](super::foresight)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rest {
    /// Nothing has happened to it, or nothing of it is left: it judges as one that has just been built.
    Fresh,
    /// It is at rest, and judges by what it holds.
    Changed,
    /// The same, and what it knows of others is not what its group began with.
    Granted,
    /// A message waits for one of its workers.
    Busy,
    /// Nothing, ever: it is not like others of its group.
    Exempt,
}

/// Whether a peer is part of the network, up or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Existence {
    /// It joins later.
    Coming,
    Here,
    /// It has left for good.
    Gone,
}

/// What is left of a peer that was put away.
struct Remains {
    essence: Essence,
    /// How far it has drawn from its random streams.
    cursors: [Cursor; 3],
}

/// What peers that were put away have in common: many know the same.
pub(super) struct Lore {
    /// By a number that stands for each; the first is the empty one.
    sets: Vec<Arc<RevocationSet>>,
    by_print: FxHashMap<u128, u32>,
    /// What the one that was put away last must not handle again.
    handled: Arc<ReplayGuard>,
}

impl Default for Lore {
    fn default() -> Self {
        Self { sets: vec![Arc::default()], by_print: FxHashMap::default(), handled: Arc::default() }
    }
}

impl Lore {
    /// What is known to be revoked by those that have learnt what this number stands for.
    pub(super) fn sets(&self) -> &[Arc<RevocationSet>] {
        &self.sets
    }

    /// The number of a set of revocations.
    fn number_of(&mut self, known: &Arc<RevocationSet>) -> u32 {
        *self.by_print.entry(known.print()).or_insert_with(|| {
            self.sets.push(Arc::clone(known));
            self.sets.len() as u32 - 1
        })
    }
}

/// A peer as the world sees it from outside.
pub(super) struct Host {
    inside: OnceCell<Box<Inside>>,
    /// What is left of it, while it is not built.
    remains: Option<Box<Remains>>,
    blueprint: Arc<Blueprint>,
    /// Its number, which its random streams go by.
    pub(super) number: u32,
    pub(super) city: CityId,
    /// Counts up when it stops: what was meant for a former life is recognised by it.
    pub(super) life: u32,
    /// Counts up when its machine stops; executions carry it, for they outlive the process.
    pub(super) power: u32,
    pub(super) up: bool,
    pub(super) rest: Rest,
    /// What it knows to be revoked, by its number in the [`Lore`]; zero for nothing.
    known: u32,
    /// Crashed by a fault; churn does not bring it back before its repair.
    pub(super) crashed: bool,
    pub(super) churn: Option<PeerChurn>,
    pub(super) clock: Clock,
    pub(super) existence: Existence,
}

const _: () = assert!(size_of::<Host>() <= 96, "a million of them are kept, most of them for nothing else");

impl Host {
    /// A peer that nothing has happened to.
    pub(super) fn new(
        blueprint: Arc<Blueprint>,
        number: u32,
        city: CityId,
        churn: Option<PeerChurn>,
    ) -> Self {
        Self {
            inside: OnceCell::new(),
            remains: None,
            blueprint,
            number,
            city,
            life: 0,
            power: 0,
            up: churn.as_ref().is_none_or(PeerChurn::is_up),
            rest: Rest::Fresh,
            known: 0,
            crashed: false,
            churn,
            clock: Clock::default(),
            existence: Existence::Here,
        }
    }

    /// What it offers, whether anything of it is in use or not.
    pub(super) fn offer(&self) -> Resources {
        match self.built() {
            Some(inside) => inside.peer.provider().pool().onboarded().clone(),
            None => self.blueprint.machine(self.number, self.city).onboarded.unwrap_or_default(),
        }
    }

    /// Its machine as a policy sees it, with nothing in use.
    pub(super) fn fresh_machine(&self) -> Machine {
        Disclosure::unused(&self.offer()).machine(None)
    }

    /// It follows another strategy from now on. `renewed` is how its group is built then, once that is known.
    pub(super) fn follow(&mut self, strategy: &Strategy, renewed: &mut Option<Arc<Blueprint>>) {
        let blueprint = renewed.get_or_insert_with(|| Arc::new(self.blueprint.following(strategy)));
        self.blueprint = Arc::clone(blueprint);
        if let Some(inside) = self.built_mut() {
            inside.peer.follow(strategy);
        }
    }

    /// Puts in what was built by hand.
    pub(super) fn furnish(&mut self, inside: Inside) {
        self.inside = OnceCell::from(Box::new(inside));
    }

    /// The inside, if there is one: for those who look at all peers and want nothing of those that are as they were.
    pub(super) fn built(&self) -> Option<&Inside> {
        self.inside.get().map(|inside| &**inside)
    }

    /// The same, to change it.
    pub(super) fn built_mut(&mut self) -> Option<&mut Inside> {
        self.inside.get_mut().map(|inside| &mut **inside)
    }

    /// It, or, where nothing has happened to it, one that is like it but for its key and its machine.
    pub(super) fn likeness(&self) -> &Inside {
        self.built().unwrap_or_else(|| self.blueprint.specimen())
    }

    /// Whether anything of it is more than follows from the setup and what it has learnt.
    pub(super) fn is_built(&self) -> bool {
        self.inside.get().is_some()
    }

    /// What it knows to be revoked.
    pub(super) fn revocations(&self) -> &RevocationSet {
        match (&self.remains, self.built()) {
            (Some(remains), None) => &remains.essence.revocations,
            _ => self.likeness().peer.capabilities().revocations(),
        }
    }

    /// How many tokens it keeps at `now`, and how many of these have expired.
    pub(super) fn stored(&self, now: Timestamp) -> (u64, u64) {
        let security = self.likeness().peer.security();
        let (stored, expired) = security.stored(now);
        let Some(learnt) = self.remains.as_ref().filter(|_| !self.is_built()) else {
            return (stored, expired);
        };
        let learnt = security.counting(learnt.essence.revocations.stored(now));
        (stored + learnt.0, expired + learnt.1)
    }

    /// The number in the [`Lore`] of what it knew to be revoked when it last came to rest; zero for nothing.
    pub(super) const fn known(&self) -> u32 {
        self.known
    }

    /// Keeps what it knows to be revoked together with others that know the same.
    pub(super) fn share_lore(&mut self, lore: &mut Lore) {
        let Some(inside) = self.inside.get_mut() else { return };
        let known = inside.peer.capabilities().revocations();
        if known.is_empty() {
            self.known = 0;
        } else if !Arc::ptr_eq(&lore.sets[self.known as usize], known) {
            self.known = lore.number_of(known);
            inside.peer.share_revocations(&lore.sets[self.known as usize]);
        }
    }

    /// Puts its inside away, if nothing of it is left but what it has learnt.
    pub(super) fn put_away(&mut self, now: Time, clock: Timestamp, lore: &mut Lore) {
        let Some(mut remains) = self.built().and_then(|inside| inside.remains(now, clock)) else { return };
        let handled = &mut remains.essence.handled;
        if **handled == *lore.handled {
            *handled = Arc::clone(&lore.handled);
        } else {
            lore.handled = Arc::clone(handled);
        }
        self.remains = Some(Box::new(remains));
        self.inside.take();
    }

    /// Its operator as at the start, with the rules of what the node runs now.
    pub(super) fn raise_user(&self, profile: Profile) -> User {
        self.blueprint.raise_user(self.number, self.city, profile)
    }

    fn build(&self) -> Box<Inside> {
        let mut inside = self.blueprint.build(self.number, self.city);
        if let Some(remains) = &self.remains {
            inside.recall(remains);
        }
        Box::new(inside)
    }
}

/// Which peer has which host id.
#[derive(Debug)]
pub(super) struct Directory(FxHashMap<u64, PeerId>);

impl Directory {
    /// That of all peers of a run, in their order.
    ///
    /// # Panics
    /// If two keys begin alike, which of the keys of a million peers happens to one run in thirty million.
    pub(super) fn of(hosts: impl ExactSizeIterator<Item = HostId>) -> Self {
        let peers = hosts.len();
        let all: FxHashMap<u64, PeerId> =
            hosts.zip(0..).map(|(host, n)| (host.0.short(), PeerId(n))).collect();
        assert_eq!(all.len(), peers, "the keys of two peers begin alike: another seed gives others");
        Self(all)
    }

    /// The peer with a host id; none for one that does not exist.
    pub(super) fn find(&self, host: &HostId) -> Option<PeerId> {
        self.0.get(&host.0.short()).copied()
    }
}

impl Deref for Host {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        self.inside.get_or_init(|| self.build())
    }
}

impl DerefMut for Host {
    fn deref_mut(&mut self) -> &mut Inside {
        self.inside.get_or_init(|| self.build());
        self.remains = None;
        self.inside.get_mut().expect("it was put in just before")
    }
}

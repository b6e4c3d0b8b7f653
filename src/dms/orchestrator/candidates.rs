//! The search for a candidate: one bid for each node, so that every edge of the ensemble holds (dms-orchestration
//! sections 2.7, 2.8 and 6.2).
//!
//! What the distance between two cities rules out is never tried. For the rest, the provider at the source of each
//! edge is asked to measure. A candidate with an edge that does not hold is put aside, and the next one is drawn; when
//! none is left, the attempt has failed.

use std::sync::Arc;

use super::combining::{Offers, any, best, draws::Draws};
use super::scoring::KeptBid;
use super::{Deployment, Outcome, Pending, Phase, Purpose};
use crate::dms::actor::{Behaviour, BehaviourKind, EdgeConstraint, Message};
use crate::dms::constants::VERIFY_EDGE_CONSTRAINT_TIMEOUT;
use crate::dms::desk::Desk;
use crate::dms::ensemble::{EnsembleConfig, Location};
use crate::dms::fact::{Fact, Stage};
use crate::dms::identity::{Handle, PeerId};
use crate::dms::profile::{Profile, Weakness};
use crate::placement::Cards;

/// A limit on the link between two nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    source: usize,
    target: usize,
    rtt_ms: u64,
    bandwidth_bits_per_s: u64,
}

impl Edge {
    /// The edges of an ensemble whose nodes are called so; a node without allocations is nowhere, and its edges are
    /// nothing to verify.
    pub(super) fn all<'a>(config: &EnsembleConfig, nodes: impl Iterator<Item = &'a Arc<str>>) -> Vec<Self> {
        let names: Vec<&Arc<str>> = nodes.collect();
        let place = |name: &Arc<str>| names.iter().position(|own| *own == name);
        let edges = config.edges.iter().filter_map(|edge| {
            Some(Self {
                source: place(&edge.source)?,
                target: place(&edge.target)?,
                rtt_ms: edge.rtt_ms,
                bandwidth_bits_per_s: edge.bandwidth_bits_per_s,
            })
        });
        edges.collect()
    }
}

/// What an answer about a link is kept under: the two peers and the limits.
pub(super) type EdgeKey = (PeerId, PeerId, u64, u64);

/// A peer that may host a node.
#[derive(Clone, Debug)]
pub(super) struct Possible {
    pub(super) handle: Arc<Handle>,
    location: Location,
    /// Whether it is a gateway that promises a machine, whose links are measured in the place of the machine's.
    promise: bool,
    /// Which of its cards the node is to have.
    cards: Cards,
    /// What it wants to be paid, in millionths per hour.
    pub(super) price_micro: Option<u64>,
}

impl From<KeptBid> for Possible {
    fn from(kept: KeptBid) -> Self {
        let KeptBid { bid, cards, .. } = kept;
        let price_micro = bid.offer.and_then(|offer| offer.price_micro_per_h);
        Self { handle: bid.handle, location: bid.location, promise: bid.promise, cards, price_micro }
    }
}

/// A node of the search with those that may host it: its bidders, or the one peer that it has already.
#[derive(Clone, Debug)]
struct Slot {
    node: usize,
    options: Vec<Possible>,
    placed: bool,
}

/// A search that is under way.
#[derive(Clone, Debug)]
pub(super) struct Search {
    slots: Vec<Slot>,
    offers: Offers,
    /// The draws of the real DMS, where they are made (W5).
    draws: Option<Draws>,
    /// The candidate whose edges are being verified.
    candidate: Option<Vec<usize>>,
}

impl Search {
    pub(super) const fn is_verifying(&self) -> bool {
        self.candidate.is_some()
    }

    /// The place of a node among the slots.
    fn slot(&self, node: usize) -> Option<usize> {
        self.slots.iter().position(|slot| slot.node == node)
    }

    /// The peers at the two ends of an edge in the candidate, as far as both ends are part of the search.
    fn ends(&self, edge: Edge) -> Option<(&Arc<Handle>, &Arc<Handle>)> {
        let candidate = self.candidate.as_ref()?;
        let at = |node: usize| {
            let slot = self.slot(node)?;
            Some(&self.slots[slot].options[candidate[slot]].handle)
        };
        Some((at(edge.source)?, at(edge.target)?))
    }
}

impl Deployment {
    /// Begins to choose for these nodes among their bids.
    pub(super) fn begin_search(&mut self, desk: &mut Desk<'_, '_>, bidden: &[usize]) {
        let mut slots: Vec<Slot> = Vec::new();
        for &node in bidden {
            let bids = std::mem::take(&mut self.nodes[node].bids);
            let options = self.in_order(bids).into_iter().map(Possible::from).collect();
            slots.push(Slot { node, options, placed: false });
        }
        let ends = self.edges.iter().flat_map(|edge| [edge.source, edge.target]);
        for node in ends.filter(|node| !bidden.contains(node)) {
            if let Some(place) = self.nodes[node].place.clone()
                && !slots.iter().any(|slot| slot.node == node)
            {
                let (location, cards) = (Location::default(), Cards::new());
                let options =
                    vec![Possible { handle: place, location, promise: false, cards, price_micro: None }];
                slots.push(Slot { node, options, placed: true });
            }
        }
        let offers = Offers::new(slots.iter().map(|slot| slot.options.len()).collect());
        let draws_as_read =
            desk.security.profile.has(Weakness::IncompleteSearch) && self.strategy.scored_bids.is_none();
        let draws = draws_as_read.then(|| Draws::new(&offers, &mut desk.out.random));
        let mut search = Search { slots, offers, draws, candidate: None };
        self.bar_distant(&mut search);
        self.search = Some(search);
    }

    /// Pairs of bids that are too far from each other for a limit of their edge need no measurement.
    fn bar_distant(&self, search: &mut Search) {
        for edge in self.edges.iter().filter(|edge| edge.rtt_ms > 0) {
            let (Some(source), Some(target)) = (search.slot(edge.source), search.slot(edge.target)) else {
                continue;
            };
            for (one, from) in search.slots[source].options.iter().enumerate() {
                for (other, to) in search.slots[target].options.iter().enumerate() {
                    let least = self.atlas.least_round_trip_ms(&from.location, &to.location);
                    if least.is_some_and(|least| least > edge.rtt_ms as f64) {
                        search.offers.bar((source, one), (target, other));
                    }
                }
            }
        }
    }

    /// Takes the candidate that has been verified, or draws others until one has to be verified first.
    pub(super) fn go_on_searching(&mut self, desk: &mut Desk<'_, '_>) {
        while let Some(mut search) = self.search.take() {
            let profile = desk.security.profile;
            if search.candidate.is_some() {
                let broken = self.broken_edges(&search, profile);
                // The loop of the real DMS ends with the deadline and returns whatever it tried last (W4).
                let taken_unverified =
                    profile.has(Weakness::UnverifiedCandidate) && desk.now >= self.deadline;
                if broken.is_empty() || taken_unverified {
                    return self.take_candidate(desk, &search);
                }
                for edge in broken {
                    bar_edge(&mut search, edge);
                }
            }
            search.candidate = match &mut search.draws {
                Some(draws) => draws.next(&search.offers, &mut desk.out.random),
                None if self.strategy.scored_bids.is_some() => best::candidate(&search.offers),
                None => any::candidate(&search.offers, &mut desk.out.random),
            };
            if search.candidate.is_none() {
                return self.give_up_search(desk);
            }
            let unknown = self.unknown_edges(&search, profile);
            self.search = Some(search);
            if !unknown.is_empty() {
                return self.verify_edges(desk, &unknown);
            }
        }
    }

    /// Edges of the candidate that are known not to hold.
    fn broken_edges(&self, search: &Search, profile: Profile) -> Vec<Edge> {
        let is_broken = |edge: &Edge| {
            let ends = search.ends(*edge);
            ends.is_some_and(|(from, to)| self.verified.get(&key(profile, *edge, from, to)) == Some(&false))
        };
        self.edges.iter().copied().filter(is_broken).collect()
    }

    /// The places of the candidate's edges of which nothing is known yet.
    fn unknown_edges(&self, search: &Search, profile: Profile) -> Vec<usize> {
        let is_unknown = |edge: &Edge| {
            let ends = search.ends(*edge);
            ends.is_some_and(|(from, to)| !self.verified.contains_key(&key(profile, *edge, from, to)))
        };
        (0..self.edges.len()).filter(|place| is_unknown(&self.edges[*place])).collect()
    }

    /// Asks the providers at the sources of these edges to measure, all at once.
    fn verify_edges(&mut self, desk: &mut Desk<'_, '_>, places: &[usize]) {
        for &place in places {
            let edge = self.edges[place];
            let Some((from, to)) = self.search.as_ref().and_then(|search| search.ends(edge)) else {
                continue;
            };
            let (from, to) = (Arc::clone(from), Arc::clone(to));
            let message = Message::EdgeConstraint(Box::new(EdgeConstraint {
                ensemble: self.id,
                source: from.host,
                target: to.host,
                rtt_ms: edge.rtt_ms,
                bandwidth_bits_per_s: edge.bandwidth_bits_per_s,
            }));
            let behaviour = Behaviour::fixed(BehaviourKind::EdgeConstraint);
            let timeout = VERIFY_EDGE_CONSTRAINT_TIMEOUT;
            self.ask(desk, &from, behaviour, message, timeout, Purpose::Edge, (edge.source, place));
        }
    }

    /// The answer about an edge, or none in time, which counts as a "no".
    pub(super) fn resolve_edge(&mut self, desk: &mut Desk<'_, '_>, pending: Pending, outcome: &Outcome<'_>) {
        let edge = self.edges[pending.member];
        let Some((from, to)) = self.search.as_ref().and_then(|search| search.ends(edge)) else { return };
        let key = key(desk.security.profile, edge, from, to);
        let refusal = outcome.refusal(VERIFY_EDGE_CONSTRAINT_TIMEOUT);
        self.verified.insert(key, refusal.is_none());
        if let Some(reason) = refusal {
            let (source, target) = (&self.nodes[edge.source].name, &self.nodes[edge.target].name);
            let reason: Arc<str> = format!("edge from {source} to {target}: {reason}").into();
            desk.fact(Fact::StageFailed { ensemble: self.id, stage: Stage::Edge, reason });
        }
    }

    fn take_candidate(&mut self, desk: &mut Desk<'_, '_>, search: &Search) {
        let candidate = search.candidate.as_ref().expect("there is a candidate to take");
        for (slot, choice) in search.slots.iter().zip(candidate).filter(|(slot, _)| !slot.placed) {
            let node = &mut self.nodes[slot.node];
            if !node.wants_place() {
                // It was wanted when the search began.
                continue;
            }
            let chosen = &slot.options[*choice];
            node.place = Some(Arc::clone(&chosen.handle));
            node.cards = chosen.cards.clone();
            node.phase = if chosen.promise { Phase::Promised } else { Phase::Chosen };
            self.award(desk, slot.node, chosen, &slot.options);
        }
        self.advance(desk);
    }

    fn give_up_search(&mut self, desk: &mut Desk<'_, '_>) {
        let reason: Arc<str> = "no candidate satisfies the edges of the ensemble".into();
        desk.fact(Fact::StageFailed { ensemble: self.id, stage: Stage::Edge, reason: Arc::clone(&reason) });
        self.last_failure = Some((Stage::Edge, reason));
        self.setbacks.refusals += 1;
        self.begin_next_attempt(desk);
    }
}

/// The two bids of an edge do not go together.
fn bar_edge(search: &mut Search, edge: Edge) {
    if let (Some(source), Some(target)) = (search.slot(edge.source), search.slot(edge.target))
        && let Some(candidate) = &search.candidate
    {
        search.offers.bar((source, candidate[source]), (target, candidate[target]));
    }
}

/// The real DMS keeps an answer under the peers alone, so that two edges between the same peers share it whatever
/// their limits are (W1).
fn key(profile: Profile, edge: Edge, from: &Handle, to: &Handle) -> EdgeKey {
    if profile.has(Weakness::SilentEdges) {
        (from.host, to.host, 0, 0)
    } else {
        (from.host, to.host, edge.rtt_ms, edge.bandwidth_bits_per_s)
    }
}

//! Judging bids, where they can be compared: what is kept of them, in which order, and what the winner is paid (an
//! extension of DMS; see [`scored_bids`](crate::dms::scored_bids)).

use std::cmp::Ordering;
use std::ops::Deref;
use std::sync::Arc;

use super::Deployment;
use super::candidates::Possible;
use crate::dms::actor::Bid;
use crate::dms::constants::MAX_BID_MULTIPLIER;
use crate::dms::desk::Desk;
use crate::dms::fact::Fact;
use crate::dms::scored_bids::ScoredBids;
use crate::placement::{Cards, Choosing, Payment, Score, judged};

/// A bid with what the policy makes of it. Where bids are not compared all are alike.
#[derive(Clone, Debug)]
pub(super) struct KeptBid {
    pub(super) bid: Bid,
    score: Score,
    /// Decides among equals, the lowest first.
    rank: u64,
    /// Which of the bidder's cards the node is to have.
    pub(super) cards: Cards,
}

impl Deref for KeptBid {
    type Target = Bid;

    fn deref(&self) -> &Bid {
        &self.bid
    }
}

impl KeptBid {
    /// One that is not compared.
    pub(super) fn plain(bid: Bid) -> Self {
        Self { bid, score: 0.0, rank: 0, cards: Cards::new() }
    }

    /// The best comes first.
    fn order(&self, other: &Self) -> Ordering {
        other.score.total_cmp(&self.score).then(self.rank.cmp(&other.rank))
    }
}

impl Deployment {
    /// Keeps a bid for its node: as it came, or where bids are compared in the order of their scores, the best only.
    pub(super) fn keep_bid(&mut self, desk: &mut Desk<'_, '_>, bid: Bid) {
        let index = usize::from(bid.node_index);
        let Some(scored) = &self.strategy.scored_bids else {
            return self.nodes[index].bids.push(KeptBid::plain(bid));
        };
        let kept = self.scored(desk, scored, bid);
        let bids = &mut self.nodes[index].bids;
        if let Choosing::BestOfDrawn(count) = self.strategy.placement.choosing() {
            // A draw of so many without knowing how many there will be: those with the lowest ranks.
            bids.push(kept);
            bids.sort_by_key(|bid| bid.rank);
            bids.truncate((count as usize).min(MAX_BID_MULTIPLIER));
            return;
        }
        let place = bids.partition_point(|other| other.order(&kept) == Ordering::Less);
        bids.insert(place, kept);
        bids.truncate(MAX_BID_MULTIPLIER);
    }

    /// A bid as the policy judges it. One without an offer, as of a gateway that has no machine yet, is the worst.
    fn scored(&self, desk: &mut Desk<'_, '_>, scored: &ScoredBids, bid: Bid) -> KeptBid {
        let policy = &*self.strategy.placement;
        let drawn = desk.out.random.next_u64();
        let rank = match (&bid.offer, policy.choosing()) {
            (_, Choosing::Any | Choosing::BestOfDrawn(_)) => drawn,
            (Some(offer), Choosing::First) => u64::from(offer.rank),
            (Some(offer), Choosing::Best) if scored.fixed_ties => u64::from(offer.rank),
            _ => drawn,
        };
        let Some(offer) = &bid.offer else {
            return KeptBid { rank, score: Score::MIN, ..KeptBid::plain(bid) };
        };
        let rtt_ms = self.atlas.least_round_trip_ms(&self.location, &bid.location);
        let machine = offer.machine(rtt_ms);
        let wanted = &self.nodes[usize::from(bid.node_index)].request.resources;
        let ask = offer.ask(wanted);
        // What it told of itself some time ago may leave no room for what it bids for now.
        if !machine.fits(&ask) {
            return KeptBid { rank, score: Score::MIN, ..KeptBid::plain(bid) };
        }
        let score = judged(policy, &ask, &machine);
        let cards = policy.cards(&ask, &machine, &mut desk.out.random);
        KeptBid { bid, score, rank, cards }
    }

    /// Puts the bids that are kept of a node into the order in which they are chosen.
    pub(super) fn in_order(&self, mut bids: Vec<KeptBid>) -> Vec<KeptBid> {
        if self.strategy.scored_bids.is_some() {
            bids.sort_by(KeptBid::order);
        }
        bids
    }

    /// Puts down what a provider will be paid for a node that it has won over all that might have had it, where it
    /// wants to be paid.
    pub(super) fn award(&self, desk: &mut Desk<'_, '_>, node: usize, won: &Possible, all: &[Possible]) {
        let (host, Some(own)) = (won.handle.host, won.price_micro) else { return };
        let others = all.iter().filter(|other| other.handle.host != host).filter_map(|one| one.price_micro);
        let paid_micro_per_h = match self.strategy.placement.payment() {
            Payment::OwnPrice => own,
            Payment::SecondPrice => others.min().unwrap_or(own),
        };
        let node = Arc::clone(&self.nodes[node].name);
        desk.fact(Fact::NodeAwarded { ensemble: self.id, node, provider: host, paid_micro_per_h });
    }
}

//! Rounds of bids (dms-orchestration sections 2.1, 2.2, 2.5 and 2.6).

use std::sync::Arc;

use super::{Change, Deployment};
use crate::dms::actor::{
    Behaviour, BehaviourKind, Bid, BidRequest, Call, Envelope, Message, NodeRequest, topics,
};
use crate::dms::constants::{BACKOFF_MAX, BACKOFF_MIN, BID_REQUEST_TIMEOUT, MAX_BID_MULTIPLIER};
use crate::dms::desk::Desk;
use crate::dms::fact::{DeploymentStatus, Fact, Stage};
use crate::dms::identity::{Handle, PeerId};
use crate::dms::outbox::Timer;
use crate::dms::profile::Weakness;
use crate::dms::scored_bids::{Asked, OffersWanted, ScoredBids};
use crate::dms::supervision::Spare;
use crate::dms::suppression::{Draw, Share};
use crate::kernel::{Span, Timestamp};

/// A round that is open.
#[derive(Clone, Debug)]
pub(super) struct Round {
    number: u64,
    /// When it closes at the latest.
    until: Timestamp,
    /// Bids still to come before it closes early.
    room: usize,
}

impl Deployment {
    /// Asks for bids for every node without a place that has none yet. The nonce goes on counting over attempts, so
    /// that providers that answered before answer again (the intended side of W16).
    pub(super) fn open_round(&mut self, desk: &mut Desk<'_, '_>) {
        let first_run = self.status != DeploymentStatus::Updating;
        if first_run && self.deadline < desk.now + BID_REQUEST_TIMEOUT {
            return self.fail_over_last(desk, "not enough time for deployment");
        }
        if first_run && self.strategy.attempts.is_some_and(|most| self.rounds >= u64::from(most)) {
            return self.fail_over_last(desk, "too many attempts");
        }
        self.set_status(desk, DeploymentStatus::Preparing, None);
        self.nonce += 1;
        let unbidden_standbys = desk.security.profile.has(Weakness::UnbiddenStandbys);
        let wanted: Vec<usize> = (0..self.nodes.len())
            .filter(|&index| self.nodes[index].wants_place() && self.nodes[index].bids.is_empty())
            // The real DMS asks for primaries only, and then waits for the bids of all (W19).
            .filter(|&index| !(unbidden_standbys && self.nodes[index].standby_of.is_some()))
            .collect();
        let room = self.room_for(wanted.len());
        self.rounds += 1;
        let window = self.window();
        let until = desk.now + window;
        self.round = Some(Round { number: self.rounds, until, room });
        desk.fact(Fact::RoundOpened { ensemble: self.id, nonce: self.nonce, nodes: wanted.len() as u16 });
        let (pinned, open): (Vec<usize>, Vec<usize>) =
            wanted.into_iter().partition(|&index| self.nodes[index].pin.is_some());
        for index in pinned {
            self.request_bids(desk, &[index], true);
        }
        if !open.is_empty() {
            self.request_bids(desk, &open, false);
        }
        desk.timer(window, Timer::Round(self.number, self.rounds));
    }

    /// How long a round lasts.
    fn window(&self) -> Span {
        self.strategy.scored_bids.as_ref().map_or(BID_REQUEST_TIMEOUT, |scored| scored.window)
    }

    /// With how many bids for so many nodes a round is over before its time.
    fn room_for(&self, nodes: usize) -> usize {
        match &self.strategy.scored_bids {
            None => MAX_BID_MULTIPLIER * nodes,
            // The best bid may be the last one to come; but no more come than are asked.
            Some(ScoredBids { ask: Some(asked), .. }) => self.asked_now(asked, nodes),
            Some(_) => usize::MAX,
        }
    }

    /// How many providers are asked for so many nodes: twice as many after every round without enough bids.
    fn asked_now(&self, asked: &Asked, nodes: usize) -> usize {
        let all = (asked.count as usize).saturating_mul(nodes);
        all.saturating_mul(1 << self.doublings.min(30)).min(asked.known.len())
    }

    /// Ends with the reason for which the last attempt failed, if there was any.
    fn fail_over_last(&mut self, desk: &mut Desk<'_, '_>, otherwise: &str) {
        let last = self.last_failure.as_ref().map(|(stage, reason)| format!("{}: {reason}", stage.as_str()));
        self.fail(desk, last.unwrap_or_else(|| otherwise.into()).into());
    }

    /// Until when it takes bids, unless it asks for others.
    pub(in crate::dms) fn takes_bids_until(&self) -> Timestamp {
        self.round.as_ref().map_or(Timestamp::default(), |round| round.until)
    }

    fn request_bids(&mut self, desk: &mut Desk<'_, '_>, nodes: &[usize], direct: bool) {
        let request = BidRequest {
            ensemble: self.id,
            nonce: self.nonce,
            requests: nodes.iter().map(|&index| self.wanted_of(desk, index)).collect(),
            exclude: self.taken_peers(nodes),
            contracts: Arc::clone(&self.contracts),
            draw: if direct { None } else { self.draw(desk, nodes.len()) },
            offers: self.strategy.scored_bids.as_ref().map(|scored| OffersWanted { refresh: scored.refresh }),
        };
        let call = Call {
            behaviour: Behaviour::fixed(BehaviourKind::BidRequest),
            reply_to: Some(Behaviour::fixed(BehaviourKind::Bid)),
            expire: desk.now + self.window(),
            message: Message::BidRequest(Arc::new(request)),
        };
        let pin = nodes.first().and_then(|&index| self.nodes[index].pin.clone());
        if let Some(peer) = pin.filter(|_| direct) {
            return desk.send(&mut self.actor, &peer, call);
        }
        match self.strategy.scored_bids.as_ref().and_then(|scored| scored.ask.clone()) {
            None => self.vouched = desk.publish(&mut self.actor, &topics::DEPLOYMENT, call, Some(self.id)),
            Some(asked) => {
                let count = self.asked_now(&asked, nodes.len());
                for place in desk.out.random.sample_without_replacement(asked.known.len(), count) {
                    let peer = Arc::new(Handle::root(asked.known[place].0));
                    desk.send(&mut self.actor, &peer, call.clone());
                }
            }
        }
    }

    /// Who is to answer, where the strategy does not ask everybody. Rounds without success ask more and more.
    fn draw(&self, desk: &mut Desk<'_, '_>, nodes: usize) -> Option<Draw> {
        let share = Share::of(nodes, self.strategy.bid_suppression?, self.doublings)?;
        Some(Draw { lot: desk.out.random.next_u64(), share })
    }

    /// What a node asks for; the real DMS loses its graphics cards and more when it sums over allocations (W3).
    fn wanted_of(&self, desk: &Desk<'_, '_>, index: usize) -> NodeRequest {
        let mut request = self.nodes[index].request.clone();
        if desk.security.profile.has(Weakness::BlindToCards) {
            request.resources = request.resources.summed_as_read();
        }
        if self.strategy.scored_bids.is_some() {
            request.images = self.nodes[index].images();
        }
        request
    }

    /// Peers that need not answer: hosts of other nodes and those that these are pinned to, owners of bids that are
    /// kept, and peers that failed these nodes or that they never go to.
    fn taken_peers(&self, nodes: &[usize]) -> Vec<PeerId> {
        let mut taken: Vec<PeerId> = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            taken.extend(node.place.as_ref().map(|place| place.host));
            taken.extend(node.bids.iter().map(|bid| bid.handle.host));
            if !nodes.contains(&index) {
                // A peer answers a round once: what it bade for these, it would not bid for the node that is its own.
                taken.extend(node.pin.as_ref().map(|pin| pin.host));
            }
            // A node that is pinned has no other peer to go to.
            if nodes.contains(&index) && node.pin.is_none() {
                taken.extend(&node.excluded);
                taken.extend(self.barred_from(index));
            }
        }
        // A part of a node is meant for the node's own peer.
        for part in nodes.iter().map(|&index| &self.nodes[index]).filter(|node| node.change == Change::Part) {
            taken.retain(|peer| part.pin.as_ref().is_none_or(|pin| pin.host != *peer));
        }
        taken.sort_unstable();
        taken.dedup();
        taken
    }

    /// Judges a bid in the order of the real checks; what is refused is a fact.
    pub(super) fn handle_bid(&mut self, desk: &mut Desk<'_, '_>, envelope: &Envelope, bid: &Bid) {
        let judged = match desk.security.has_caught(&bid.handle.host) {
            true => Err("the peer was caught telling a wrong result"),
            false => self.judge_bid(envelope, bid),
        };
        if let Err(reason) = judged {
            return desk.fact(Fact::StageFailed {
                ensemble: self.id,
                stage: Stage::Candidate,
                reason: reason.into(),
            });
        }
        desk.fact(Fact::BidAccepted(self.id));
        self.note_acquaintance(&bid.handle);
        self.keep_bid(desk, bid.clone());
        let Some(round) = &mut self.round else { return };
        round.room = round.room.saturating_sub(1);
        if round.room == 0 {
            self.close_round(desk);
        }
    }

    fn judge_bid(&self, envelope: &Envelope, bid: &Bid) -> Result<(), &'static str> {
        if bid.ensemble != self.id || bid.handle.host != envelope.from.host {
            return Err("the bid is not for this ensemble or not of its sender");
        }
        let host = &bid.handle.host;
        let index = usize::from(bid.node_index);
        // A part of a node is meant for the peer that the node itself has.
        let part = self.nodes.get(index).filter(|node| node.change == Change::Part);
        let others = || {
            let all = self.nodes.iter().enumerate();
            all.filter(|(_, node)| part.is_none_or(|part| part.name != node.name))
        };
        let fixed_elsewhere = others()
            .any(|(other, node)| other != index && node.pin.as_ref().is_some_and(|pin| pin.host == *host));
        if fixed_elsewhere {
            return Err("the peer is fixed for another node");
        }
        if others().any(|(_, node)| {
            node.bids.iter().any(|kept| kept.handle.host == *host)
                || node.place.as_ref().is_some_and(|place| place.host == *host)
        }) {
            return Err("the peer has a bid already");
        }
        if self.config.exclude_peers.iter().any(|peer| **peer == *host.to_string()) {
            return Err("the peer is excluded by the ensemble");
        }
        let Some(node) = self.nodes.get(index).filter(|node| node.name == bid.node) else {
            return Err("unknown node");
        };
        let acceptable = match &node.pin {
            Some(pin) => pin.host == *host,
            None => node.request.location.are_satisfied_by(&bid.location),
        };
        if !acceptable {
            return Err("the location is not acceptable");
        }
        if self.strategy.scored_bids.is_none() && node.bids.len() >= MAX_BID_MULTIPLIER {
            return Err("the node has eight bids already");
        }
        Ok(())
    }

    /// The round's time is over; a round that closed early is no longer there.
    pub(super) fn handle_round_end(&mut self, desk: &mut Desk<'_, '_>, number: u64) {
        if self.round.as_ref().is_some_and(|round| round.number == number) {
            self.close_round(desk);
        }
    }

    fn close_round(&mut self, desk: &mut Desk<'_, '_>) {
        let was_full = self.round.take().is_some_and(|round| round.room == 0);
        // Of those who were caught meanwhile it takes none either.
        let bids = self.nodes.iter_mut().map(|node| &mut node.bids);
        bids.for_each(|bids| bids.retain(|bid| !desk.security.has_caught(&bid.handle.host)));
        let unplaced: Vec<usize> =
            (0..self.nodes.len()).filter(|&index| self.nodes[index].wants_place()).collect();
        if unplaced.is_empty() {
            // Those that it was for are wanted no more.
            return self.advance(desk);
        }
        let updating = self.status == DeploymentStatus::Updating;
        let complete = unplaced.iter().all(|&index| !self.nodes[index].bids.is_empty());
        let (bidden, missing): (Vec<usize>, Vec<usize>) =
            unplaced.iter().partition(|&&index| !self.nodes[index].bids.is_empty());
        if complete || (updating && !bidden.is_empty()) {
            self.begin_search(desk, &bidden);
        }
        if complete {
            // That enough bid says little where what they took on failed since it last ran, or none of them would do
            // again and again.
            if self.setbacks.at.is_none() && !self.is_often_refused() {
                self.backoff = BACKOFF_MIN;
            }
            return self.advance(desk);
        }
        // Nobody was asked for a node that is pinned but its peer, and where answers were enough more are of no use.
        if !was_full && missing.iter().any(|&index| self.nodes[index].pin.is_none()) {
            self.doublings += 1;
        }
        // Where those who might bid have failed before, what they failed over says more than that nobody else bids.
        let failed_before = missing.iter().all(|&index| !self.nodes[index].excluded.is_empty());
        for &index in &missing {
            let node = &mut self.nodes[index];
            // Nobody else wants it: better a peer that has failed before than none.
            node.excluded.clear();
            if node.spare == Spare::Precaution {
                node.searches_in_vain.allows_another(desk.now);
            }
        }
        let names: Vec<&str> = missing.iter().map(|&index| &*self.nodes[index].name).collect();
        let mut reason = format!("no bids for {}", names.join(", "));
        if !self.vouched {
            reason.push_str(": this node holds no token that lets it ask for any");
        }
        let reason: Arc<str> = reason.into();
        desk.fact(Fact::StageFailed { ensemble: self.id, stage: Stage::Bid, reason: Arc::clone(&reason) });
        if !failed_before || self.last_failure.is_none() {
            self.last_failure = Some((Stage::Bid, reason));
        }
        self.thin_bids(desk, &unplaced);
        let hot = desk.security.profile.has(Weakness::HotLoop);
        if !hot {
            self.pause(desk);
        }
        if updating || hot {
            self.advance(desk);
        }
    }

    /// Keeps about half of each node's bids, so that the peers of the others may bid for the nodes that have none
    /// (dms-orchestration section 2.6, as it is meant: the first d + 1 with d drawn below the half).
    fn thin_bids(&mut self, desk: &mut Desk<'_, '_>, unplaced: &[usize]) {
        for &index in unplaced {
            let bids = &mut self.nodes[index].bids;
            if bids.len() > 1 {
                let kept = desk.out.random.below(bids.len() as u64) as usize / 2 + 1;
                bids.truncate(kept);
            }
        }
    }

    /// Waits before the next round, longer each time (the intended side of W21). Bids kept meanwhile stay valid for
    /// five minutes on their providers; after a longer pause they are dropped.
    pub(super) fn pause(&mut self, desk: &mut Desk<'_, '_>) {
        self.pauses += 1;
        self.pause = Some(self.pauses);
        desk.timer(self.backoff, Timer::Backoff(self.number, self.pauses));
        if self.backoff > Span::mins(1) {
            self.nodes.iter_mut().for_each(|node| node.bids.clear());
        }
        self.backoff = self.backoff.times(2).min(BACKOFF_MAX);
    }

    /// The pause is over.
    pub(super) fn handle_pause_end(&mut self, desk: &mut Desk<'_, '_>, pause: u64) {
        if self.pause == Some(pause) {
            self.pause = None;
            self.advance(desk);
        }
    }
}

//! What peers at rest will say to one request, and how that is taken back.

use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::members::{Group, Kind};
use crate::dms::Peer;
use crate::dms::actor::BidRequest;
use crate::dms::fact::Fact;
use crate::dms::provider::{BidRefusal, Bidder};
use crate::net::{EndpointId, EndpointSet};
use crate::sim::event::PeerId;
use crate::sim::ledger::{fingerprint_of_bid_refusal, fingerprint_of_refusal, line_of};

/// What becomes of a request with all members of a group.
pub(super) enum Verdict {
    /// They reject it, with this fact, before they look at it.
    Rejected(Box<Fact>),
    /// It is for each of them to say.
    Judged,
    /// It leads to more than can be told beforehand.
    Open,
}

/// A peer at rest.
#[derive(Clone, Copy)]
pub(super) enum Resting<'a> {
    /// It judges as one that has just been built.
    AsBuilt,
    /// It judges by what it holds.
    Changed(&'a Peer),
    /// The same, and it knows of others what its group did not begin with.
    Granted(&'a Peer),
}

/// Refusals that share a line of the books.
pub(super) struct Line {
    pub(super) count: u64,
    pub(super) first: PeerId,
    /// What the first of them says.
    pub(super) fact: Fact,
}

/// Refusals, by line and as a sum.
struct Refusals {
    deployment: Option<u32>,
    /// The kind of the facts that are refusals to bid.
    kind: Discriminant<Fact>,
    /// In the order in which they were opened.
    lines: Vec<Line>,
    /// The numbers of the lines.
    keys: Vec<u64>,
    /// The sum of the fingerprints of all refusals.
    sum: u128,
}

/// What peers at rest will say to a request.
pub(in crate::sim) struct Outlook {
    request: Arc<BidRequest>,
    /// The message's.
    nonce: u64,
    /// In the order of the groups.
    verdicts: Vec<Verdict>,
    /// Those who will refuse.
    pub(in crate::sim) refusing: EndpointSet,
    refusals: Refusals,
    /// What those of them say that judge by what they hold, in order: that may have changed when it is asked for again.
    kept: Vec<(PeerId, BidRefusal)>,
}

/// What a peer says, with the numbers of the lines.
type Said = SmallVec<[(u64, Fact); 1]>;

/// The number of the line of those who reject the request unseen; those of [`line_of`] are others.
const fn line_of_rejections(group: usize) -> u64 {
    1 << 62 | group as u64
}

/// What a peer is saying: it counts in the end, or is forgotten.
struct Speech<'r> {
    refusals: &'r mut Refusals,
    request: &'r BidRequest,
    peer: PeerId,
    /// How many lines there were before.
    known: usize,
    /// The line of each refusal so far.
    lines: SmallVec<[u32; 4]>,
    sum: u128,
}

impl Speech<'_> {
    #[inline]
    fn add(&mut self, refusal: BidRefusal) {
        let Refusals { deployment, kind, lines, keys, .. } = &mut *self.refusals;
        self.sum = self.sum.wrapping_add(fingerprint_of_bid_refusal(self.peer, *deployment, *kind, &refusal));
        let key = line_of(&refusal);
        let line = keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            let fact = Fact::BidRefused { ensemble: self.request.ensemble, refusal };
            keys.push(key);
            lines.push(Line { count: 0, first: self.peer, fact });
            keys.len() - 1
        });
        self.lines.push(line as u32);
    }

    #[inline]
    fn count(self) {
        let Refusals { lines, sum, .. } = self.refusals;
        *sum = sum.wrapping_add(self.sum);
        self.lines.iter().for_each(|line| lines[*line as usize].count += 1);
    }

    /// It bids in the end.
    fn forget(self) {
        self.refusals.lines.truncate(self.known);
        self.refusals.keys.truncate(self.known);
    }
}

impl Outlook {
    /// Nobody has been asked so far; what becomes of the request with each of the groups is known. The nonce is that of
    /// the message.
    pub(super) fn new(
        (request, nonce): (&Arc<BidRequest>, u64),
        deployment: Option<u32>,
        verdicts: Vec<Verdict>,
    ) -> Self {
        let example = Fact::BidRefused { ensemble: request.ensemble, refusal: BidRefusal::HeldBack };
        let kind = discriminant(&example);
        Self {
            request: Arc::clone(request),
            nonce,
            verdicts,
            refusing: EndpointSet::new(),
            refusals: Refusals { deployment, kind, lines: Vec::new(), keys: Vec::new(), sum: 0 },
            kept: Vec::new(),
        }
    }

    pub(super) fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// The sum of the fingerprints of all refusals.
    pub(super) const fn sum(&self) -> u128 {
        self.refusals.sum
    }

    /// The refusals that were not taken back.
    pub(super) fn into_lines(self) -> impl Iterator<Item = Line> {
        self.refusals.lines.into_iter().filter(|line| line.count > 0)
    }

    /// Asks all members of the groups in order, and takes up those that refuse.
    pub(super) fn ask<'p>(&mut self, groups: &[Group], resting: impl Fn(PeerId) -> Option<Resting<'p>>) {
        for (place, group) in groups.iter().enumerate() {
            match &self.verdicts[place] {
                Verdict::Rejected(fact) => {
                    let fact = (**fact).clone();
                    self.reject(group, line_of_rejections(place), fact, &resting);
                }
                Verdict::Judged => self.judge(group, &resting),
                Verdict::Open => {}
            }
        }
    }

    /// Takes up the members of a group that rejects the request.
    fn reject<'p>(
        &mut self,
        group: &Group,
        key: u64,
        fact: Fact,
        resting: &impl Fn(PeerId) -> Option<Resting<'p>>,
    ) {
        let rejects = |peer: &PeerId| matches!(resting(*peer), Some(Resting::AsBuilt | Resting::Changed(_)));
        let (mut count, mut first) = (0, None);
        for peer in group.peers().filter(rejects) {
            self.refusing.insert(EndpointId(peer.0));
            self.refusals.sum = self.refusals.sum.wrapping_add(self.print(peer, &fact));
            count += 1;
            first.get_or_insert(peer);
        }
        if let Some(first) = first {
            self.refusals.keys.push(key);
            self.refusals.lines.push(Line { count, first, fact });
        }
    }

    /// Takes up those members of a group that bid for nothing.
    fn judge<'p>(&mut self, group: &Group, resting: &impl Fn(PeerId) -> Option<Resting<'p>>) {
        let Self { request, nonce, refusing, refusals, kept, .. } = self;
        let mut kinds = group.kinds().to_vec();
        for (row, peer) in group.peers().enumerate() {
            let Some(state) = resting(peer) else { continue };
            let Some(bidder) = bidder(group, row, &mut kinds[group.kind_of(row)], state, request) else {
                continue;
            };
            let (before, keeps) = (kept.len(), !matches!(state, Resting::AsBuilt));
            let known = refusals.lines.len();
            let mut speech = Speech { refusals, request, peer, known, lines: SmallVec::new(), sum: 0 };
            let chosen = bidder.choose(request, *nonce, &mut |refusal: BidRefusal| {
                if keeps {
                    kept.push((peer, refusal.clone()));
                }
                speech.add(refusal);
            });
            if chosen.is_some() {
                speech.forget();
                kept.truncate(before);
            } else {
                speech.count();
                refusing.insert(EndpointId(peer.0));
            }
        }
    }

    fn print(&self, peer: PeerId, fact: &Fact) -> u128 {
        let print = fingerprint_of_refusal(peer, self.refusals.deployment, fact);
        print.expect("it is about a request for bids")
    }

    /// What a peer said when it was taken up.
    fn said(&self, groups: &[Group], peer: PeerId) -> Said {
        let place = groups.partition_point(|group| group.first <= peer.0) - 1;
        if let Verdict::Rejected(fact) = &self.verdicts[place] {
            return smallvec![(line_of_rejections(place), (**fact).clone())];
        }
        let ensemble = self.request.ensemble;
        let fact = |refusal: BidRefusal| (line_of(&refusal), Fact::BidRefused { ensemble, refusal });
        let first = self.kept.partition_point(|(other, _)| *other < peer);
        let kept = self.kept[first..].iter().take_while(|(other, _)| *other == peer);
        let mut said: Said = kept.map(|(_, refusal)| fact(refusal.clone())).collect();
        if said.is_empty() {
            let group = &groups[place];
            let row = group.row_of(peer).expect("it was taken up as a member");
            let mut kind = group.kinds()[group.kind_of(row)].clone();
            let mut refuse = |refusal: BidRefusal| said.push(fact(refusal));
            group.bidder(row, &mut kind).choose(&self.request, self.nonce, &mut refuse);
        }
        said
    }

    /// Takes a peer out.
    pub(super) fn remove(&mut self, groups: &[Group], peer: PeerId) {
        self.refusing.remove(EndpointId(peer.0));
        for (key, fact) in self.said(groups, peer) {
            let print = self.print(peer, &fact);
            let Refusals { lines, keys, sum, .. } = &mut self.refusals;
            *sum = sum.wrapping_sub(print);
            let place = keys.iter().position(|known| *known == key).expect("it was taken up");
            lines[place].count -= 1;
            if lines[place].first == peer
                && lines[place].count > 0
                && let Some(next) = self.next_of(groups, (key, peer))
            {
                let line = &mut self.refusals.lines[place];
                (line.first, line.fact) = next;
            }
        }
    }

    /// The first peer after this one that refuses in the same way, and how.
    fn next_of(&self, groups: &[Group], (key, after): (u64, PeerId)) -> Option<(PeerId, Fact)> {
        let mut later = self.refusing.iter().map(|id| PeerId(id.0)).filter(|peer| *peer > after);
        later.find_map(|peer| {
            let said = self.said(groups, peer);
            said.into_iter().find(|(line, _)| *line == key).map(|(_, fact)| (peer, fact))
        })
    }
}

/// A member of a group that judges requests, as it looks at itself. None where it might not accept this one.
#[inline]
fn bidder<'a>(
    group: &'a Group,
    row: usize,
    kind: &'a mut Kind,
    state: Resting<'a>,
    request: &BidRequest,
) -> Option<Bidder<'a>> {
    match state {
        Resting::AsBuilt => Some(group.bidder(row, kind)),
        // What it has been granted takes nothing away, but contracts may lead it to ask others.
        Resting::Granted(_) if !request.contracts.is_empty() => None,
        Resting::Changed(peer) | Resting::Granted(peer) => {
            Some(peer.bidder(group.ticket(row), request.ensemble))
        }
    }
}

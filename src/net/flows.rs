//! Large transfers as fluid flows: each gets its max-min fair share of its source's up link and its target's
//! down link.
//!
//! Shares change only when a flow starts or ends, and then only in the connected component of links that it
//! touches; so a transfer costs a few events, whatever its size. [`flows_slow`](super::flows_slow) is the
//! oracle.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};

use rustc_hash::FxHashMap;

use super::bandwidth::Links;
use super::endpoint::EndpointId;
use crate::kernel::{Span, Time};

/// A transfer, numbered in the order of starts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FlowId(pub u64);

/// A transfer under way or just over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Flow {
    /// Its name.
    pub id: FlowId,
    /// Where it comes from; none for the outside world (a registry), whose links have no limit.
    pub from: Option<EndpointId>,
    /// Through whom it goes, if not straight: over both links of that one.
    pub via: Option<EndpointId>,
    /// Where it goes to.
    pub to: EndpointId,
    /// What the way takes beside the links.
    pub lag: Span,
    /// Its whole size.
    pub bytes: u64,
    /// When it started.
    pub started: Time,
}

/// The way of a transfer; see [`Flow`] for its parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Course {
    /// Where it begins.
    pub from: Option<EndpointId>,
    /// Through whom it goes.
    pub via: Option<EndpointId>,
    /// Where it ends.
    pub to: EndpointId,
    /// What it takes beside the links.
    pub lag: Span,
}

/// A flow that has ended by itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FinishedFlow {
    /// When its last byte left the links; its lag comes on top.
    pub at: Time,
    /// What it was.
    pub flow: Flow,
}

/// State of a flow between two changes of its rate.
struct Progress {
    flow: Flow,
    remaining_bits: f64,
    rate_bps: f64,
    since: Time,
    completion: Time,
    paused: bool,
}

/// A link: two an endpoint, up before down.
#[derive(Default)]
struct Link {
    capacity_bps: f64,
    used_bps: f64,
    flows: Vec<FlowId>,
}

/// All transfers and the links they share.
///
/// Time must not run backwards. A completion that is due must be taken by [`complete`](Self::complete) before
/// anything later is done, as a queue of events does by itself.
#[derive(Default)]
pub struct FlowNetwork {
    links: Vec<Link>,
    flows: FxHashMap<FlowId, Progress>,
    completions: BTreeSet<(Time, FlowId)>,
    next: u64,
}

const fn up(endpoint: EndpointId) -> usize {
    endpoint.0 as usize * 2
}
const fn down(endpoint: EndpointId) -> usize {
    endpoint.0 as usize * 2 + 1
}

impl Flow {
    /// The rows of its links: the down link of the target, the up link of the source unless it is outside, and
    /// both of whom it goes through.
    fn links(&self) -> impl Iterator<Item = usize> + use<> {
        let through = self.via.into_iter().flat_map(|via| [down(via), up(via)]);
        std::iter::once(down(self.to)).chain(self.from.map(up)).chain(through)
    }

    /// Whether it begins, ends or passes there.
    #[must_use]
    pub fn touches(&self, endpoint: EndpointId) -> bool {
        self.to == endpoint || self.from == Some(endpoint) || self.via == Some(endpoint)
    }
}

impl FlowNetwork {
    /// A network without flows; endpoints are numbered as `links` is.
    #[must_use]
    pub fn new(links: &[Links]) -> Self {
        let both = links.iter().flat_map(|it| [it.up_bps, it.down_bps]);
        let link = |bps: u64| Link { capacity_bps: bps as f64, ..Link::default() };
        Self { links: both.map(link).collect(), ..Self::default() }
    }

    /// Starts a transfer straight from one to the other. One of no bytes completes at once, one over a link without
    /// capacity never.
    pub fn start(&mut self, now: Time, from: Option<EndpointId>, to: EndpointId, bytes: u64) -> FlowId {
        self.start_on(now, Course { from, via: None, to, lag: Span::ZERO }, bytes)
    }

    /// As [`start`](Self::start), on any course.
    pub fn start_on(&mut self, now: Time, course: Course, bytes: u64) -> FlowId {
        let id = FlowId(self.next);
        self.next += 1;
        let Course { from, via, to, lag } = course;
        let flow = Flow { id, from, via, to, lag, bytes, started: now };
        let remaining_bits = bytes as f64 * 8.0;
        let progress =
            Progress { flow, remaining_bits, rate_bps: 0.0, since: now, completion: Time::MAX, paused: true };
        self.flows.insert(id, progress);
        self.completions.insert((Time::MAX, id));
        self.resume(now, id);
        id
    }

    /// Ends a transfer early. What it was, and the bytes that had arrived; none if it is not under way.
    pub fn cancel(&mut self, now: Time, id: FlowId) -> Option<(Flow, u64)> {
        self.pause(now, id);
        let progress = self.flows.remove(&id)?;
        self.completions.remove(&(progress.completion, id));
        let arrived_bits = progress.flow.bytes as f64 * 8.0 - progress.remaining_bits;
        Some((progress.flow, (arrived_bits / 8.0) as u64))
    }

    /// Ends all transfers from, to and through an endpoint, those that are paused too, in the order of their starts.
    pub fn cancel_all_of(&mut self, now: Time, endpoint: EndpointId) -> Vec<Flow> {
        let ids = self.select(|flow| flow.touches(endpoint));
        ids.into_iter().filter_map(|id| self.cancel(now, id)).map(|(flow, _)| flow).collect()
    }

    /// The flows that satisfy `keep`, in the order of their starts.
    pub(super) fn select(&self, keep: impl Fn(&Flow) -> bool) -> Vec<FlowId> {
        // Looked up through the ordered set, as the map's order is no order.
        let mut ids: Vec<_> = self.completions.iter().map(|&(_, id)| id).collect();
        ids.retain(|id| keep(&self.flows[id].flow));
        ids.sort_unstable();
        ids
    }

    /// Stalls a transfer, as behind a partition: it keeps what has arrived and frees its shares.
    pub fn pause(&mut self, now: Time, id: FlowId) {
        let Some(progress) = self.flows.get_mut(&id) else { return };
        if progress.paused {
            return;
        }
        progress.paused = true;
        let flow = progress.flow;
        for link in flow.links() {
            self.links[link].flows.retain(|&other| other != id);
        }
        self.set_rate(now, id, 0.0);
        self.share(now, flow.links());
    }

    /// Lets a stalled transfer go on.
    pub fn resume(&mut self, now: Time, id: FlowId) {
        let Some(progress) = self.flows.get_mut(&id) else { return };
        if !progress.paused {
            return;
        }
        progress.paused = false;
        let flow = progress.flow;
        for link in flow.links() {
            self.links[link].flows.push(id);
        }
        self.share(now, flow.links());
    }

    /// The next transfer to complete, and when. Equal times go by the order of starts.
    #[must_use]
    pub fn next_completion(&self) -> Option<(Time, FlowId)> {
        self.completions.first().copied().filter(|(at, _)| *at < Time::MAX)
    }

    /// Takes all transfers that complete up to `now`, in order. Shares are redistributed at each completion,
    /// so a late call misses nothing.
    pub fn complete(&mut self, now: Time) -> Vec<FinishedFlow> {
        let mut finished = Vec::new();
        while let Some((at, id)) = self.next_completion().filter(|(at, _)| *at <= now) {
            let Some((flow, _)) = self.cancel(at, id) else { break };
            finished.push(FinishedFlow { at, flow });
        }
        finished
    }

    /// A transfer under way.
    #[must_use]
    pub fn get(&self, id: FlowId) -> Option<&Flow> {
        self.flows.get(&id).map(|progress| &progress.flow)
    }

    /// The present rate of a transfer in bit/s; none if it is not under way.
    #[must_use]
    pub fn rate_bps(&self, id: FlowId) -> Option<f64> {
        self.flows.get(&id).map(|progress| progress.rate_bps)
    }

    /// The number of transfers under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether no transfer is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Whether anything flows over the links of an endpoint.
    #[must_use]
    pub fn uses(&self, endpoint: EndpointId) -> bool {
        [up(endpoint), down(endpoint)].iter().any(|&link| !self.links[link].flows.is_empty())
    }

    /// What flows leave of an endpoint's up link to small messages, in bit/s: the rest, and at least the
    /// share of one flow more.
    #[inline]
    #[must_use]
    pub fn residual_up_bps(&self, endpoint: EndpointId) -> f64 {
        self.links[up(endpoint)].residual_bps()
    }

    /// As [`residual_up_bps`](Self::residual_up_bps), for the down link.
    #[inline]
    #[must_use]
    pub fn residual_down_bps(&self, endpoint: EndpointId) -> f64 {
        self.links[down(endpoint)].residual_bps()
    }

    /// Gives a flow a new rate from `now` on.
    fn set_rate(&mut self, now: Time, id: FlowId, rate_bps: f64) {
        let Some(progress) = self.flows.get_mut(&id) else { return };
        let passed_s = now.since(progress.since).0 as f64 / 1e9;
        progress.remaining_bits = (progress.remaining_bits - passed_s * progress.rate_bps).max(0.0);
        progress.since = now;
        progress.rate_bps = rate_bps;
        let completion = completion(now, progress.remaining_bits, rate_bps, progress.paused);
        if completion != progress.completion {
            self.completions.remove(&(progress.completion, id));
            self.completions.insert((completion, id));
            progress.completion = completion;
        }
    }

    /// Shares out the components of `seeds` anew, by progressive filling: the link with the smallest share
    /// per flow fixes the rates of its flows, and so on with what is left.
    fn share(&mut self, now: Time, seeds: impl Iterator<Item = usize>) {
        let (links, count) = self.component(seeds);
        // What is left of a link, for how many flows without a rate.
        let mut left: FxHashMap<usize, (f64, usize)> = FxHashMap::default();
        let mut queue = BinaryHeap::new();
        for &link in &links {
            let Link { capacity_bps, flows, .. } = &self.links[link];
            if !flows.is_empty() {
                left.insert(link, (*capacity_bps, flows.len()));
                queue.push(Share { bps: capacity_bps / flows.len() as f64, link });
            }
        }
        let mut rates: FxHashMap<FlowId, f64> = FxHashMap::default();
        let mut changed = Vec::with_capacity(count);
        while let Some(share) = queue.pop() {
            let (rest, without) = left[&share.link];
            if without == 0 {
                continue;
            }
            // Shares only grow as others are fixed, so one that was queued too low is put back at its place.
            let bps = rest.max(0.0) / without as f64;
            if bps > share.bps {
                queue.push(Share { bps, link: share.link });
                continue;
            }
            for &id in &self.links[share.link].flows {
                if rates.contains_key(&id) {
                    continue;
                }
                rates.insert(id, bps);
                changed.push((id, bps));
                for link in self.flows[&id].flow.links() {
                    let (rest, without) =
                        left.get_mut(&link).expect("a component holds all links of its flows");
                    *rest -= bps;
                    *without -= 1;
                }
            }
        }
        for &(id, bps) in &changed {
            if self.flows[&id].rate_bps != bps {
                self.set_rate(now, id, bps);
            }
        }
        for link in links {
            self.links[link].used_bps = self.links[link].flows.iter().map(|id| rates[id]).sum();
        }
    }

    /// The links connected to `seeds` by flows, and the number of flows seen from them.
    fn component(&self, seeds: impl Iterator<Item = usize>) -> (Vec<usize>, usize) {
        let mut links: Vec<usize> = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        links.extend(seeds.filter(|&link| seen.insert(link)));
        let (mut at, mut count) = (0, 0);
        while at < links.len() {
            for id in &self.links[links[at]].flows {
                count += 1;
                links.extend(self.flows[id].flow.links().filter(|&link| seen.insert(link)));
            }
            at += 1;
        }
        (links, count)
    }
}

impl Link {
    fn residual_bps(&self) -> f64 {
        let share = self.capacity_bps / (self.flows.len() + 1) as f64;
        (self.capacity_bps - self.used_bps).max(share)
    }
}

/// The moment when `remaining_bits` are through, to the next nanosecond.
pub(super) fn completion(now: Time, remaining_bits: f64, rate_bps: f64, paused: bool) -> Time {
    if paused {
        return Time::MAX;
    }
    if remaining_bits <= 0.0 {
        return now;
    }
    // Without a rate this is infinite, and becomes a moment that never comes.
    let nanos = libm::ceil(remaining_bits / rate_bps * 1e9);
    Time(now.0.saturating_add(nanos as u64))
}

/// A link in the queue of progressive filling, the smallest share first.
struct Share {
    bps: f64,
    link: usize,
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> Ordering {
        other.bps.total_cmp(&self.bps).then(other.link.cmp(&self.link))
    }
}
impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Share {}

#[cfg(test)]
mod tests {
    use super::*;

    const MEGABIT: u64 = 125_000;

    fn network() -> FlowNetwork {
        // 0: 10 up, 20 down; 1: 4 up, 8 down; 2: 100 both (Mbit/s).
        let links = [(10, 20), (4, 8), (100, 100)];
        FlowNetwork::new(
            &links.map(|(up, down)| Links { up_bps: up * 1_000_000, down_bps: down * 1_000_000 }),
        )
    }

    const A: EndpointId = EndpointId(0);
    const B: EndpointId = EndpointId(1);
    const C: EndpointId = EndpointId(2);

    #[test]
    fn a_flow_alone_takes_the_smaller_link() {
        let mut net = network();
        let id = net.start(Time(5), Some(A), B, MEGABIT * 8);
        assert_eq!(net.next_completion(), Some((Time(1_000_000_005), id)));
        assert_eq!(net.residual_up_bps(A), 5e6, "a message may take the share of one flow more");
        assert_eq!(net.residual_down_bps(B), 4e6);
        let finished = net.complete(Time(1_000_000_005));
        assert_eq!(finished.len(), 1);
        assert_eq!((finished[0].flow.id, net.len(), net.residual_up_bps(A)), (id, 0, 10e6));
    }

    #[test]
    fn the_outside_has_no_limit_and_shares_are_given_back() {
        let mut net = network();
        let image = net.start(Time(0), None, A, MEGABIT * 20);
        assert_eq!(net.rate_bps(image), Some(20e6));
        let other = net.start(Time(0), Some(B), A, MEGABIT * 4);
        // B's 4 Mbit/s bind the second flow; the first takes the rest.
        assert_eq!((net.rate_bps(image), net.rate_bps(other)), (Some(16e6), Some(4e6)));
        let finished = net.complete(Time(2_000_000_000));
        // At 1 s the small one ends with 4 Mbit of the image left, which then go at 20 Mbit/s.
        let ends: Vec<_> = finished.iter().map(|it| (it.flow.id, it.at.0)).collect();
        assert_eq!(ends, [(other, 1_000_000_000), (image, 1_200_000_000)]);
    }

    #[test]
    fn pausing_keeps_what_has_arrived() {
        let mut net = network();
        let id = net.start(Time(0), Some(A), C, MEGABIT * 10);
        net.pause(Time(400_000_000), id);
        assert_eq!((net.next_completion(), net.residual_up_bps(A)), (None, 10e6));
        net.resume(Time(9_000_000_000), id);
        assert_eq!(net.next_completion(), Some((Time(9_600_000_000), id)));
        let (flow, arrived) = net.cancel(Time(9_100_000_000), id).unwrap();
        assert_eq!((flow.to, arrived), (C, MEGABIT * 5));
        assert!(net.is_empty() && net.get(id).is_none() && net.cancel(Time(9_100_000_000), id).is_none());
    }

    #[test]
    fn an_endpoint_that_goes_down_frees_its_peers() {
        let mut net = network();
        let (one, two) = (net.start(Time(0), Some(A), C, MEGABIT), net.start(Time(0), Some(A), B, MEGABIT));
        assert_eq!((net.rate_bps(one), net.rate_bps(two)), (Some(5e6), Some(5e6)));
        let gone = net.cancel_all_of(Time(1), B);
        assert_eq!(gone.iter().map(|flow| flow.id).collect::<Vec<_>>(), [two]);
        assert_eq!(net.rate_bps(one), Some(10e6));
    }

    #[test]
    fn nothing_to_send_is_done_at_once_and_no_capacity_never() {
        let mut net = FlowNetwork::new(&[Links { up_bps: 0, down_bps: 1 }; 2]);
        let empty = net.start(Time(7), None, A, 0);
        let stuck = net.start(Time(7), Some(A), B, 1);
        assert_eq!(net.next_completion(), Some((Time(7), empty)));
        assert_eq!(net.complete(Time(u64::MAX - 1)).len(), 1);
        assert_eq!((net.get(stuck).map(|flow| flow.bytes), net.next_completion()), (Some(1), None));
    }
}

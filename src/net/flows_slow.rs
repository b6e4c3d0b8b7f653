//! The slow oracle of [`flows`](super::flows): every change recomputes every rate, by raising one water level
//! until links are full.

use super::bandwidth::Links;
use super::endpoint::EndpointId;
use crate::kernel::Id;

struct SlowFlow {
    from: Option<EndpointId>,
    via: Option<EndpointId>,
    to: EndpointId,
    remaining_bits: f64,
    rate_bps: f64,
    paused: bool,
    over: bool,
}

/// All transfers, in the order of their starts, at a moment in seconds.
pub struct SlowFlows {
    links: Vec<Links>,
    flows: Vec<SlowFlow>,
    now_s: f64,
}

impl SlowFlows {
    /// A network without flows.
    #[must_use]
    pub fn new(links: &[Links]) -> Self {
        Self { links: links.to_vec(), flows: Vec::new(), now_s: 0.0 }
    }

    /// Starts a transfer now; its number is the count of those before it.
    pub fn start(&mut self, from: Option<EndpointId>, via: Option<EndpointId>, to: EndpointId, bytes: u64) {
        let remaining_bits = bytes as f64 * 8.0;
        self.flows.push(SlowFlow {
            from,
            via,
            to,
            remaining_bits,
            rate_bps: 0.0,
            paused: false,
            over: false,
        });
        self.fill();
    }

    /// Ends a transfer now.
    pub fn cancel(&mut self, number: usize) {
        self.flows[number].over = true;
        self.fill();
    }

    /// Stalls a transfer, or lets it go on.
    pub fn set_paused(&mut self, number: usize, paused: bool) {
        self.flows[number].paused = paused;
        self.fill();
    }

    /// The rate of a transfer in bit/s; none if it is over.
    #[must_use]
    pub fn rate_bps(&self, number: usize) -> Option<f64> {
        self.flows.get(number).filter(|flow| !flow.over).map(|flow| flow.rate_bps)
    }

    /// Moves on to `until_s`; the transfers that complete on the way, with their times in seconds.
    pub fn advance(&mut self, until_s: f64) -> Vec<(usize, f64)> {
        let mut finished = Vec::new();
        loop {
            let active = self.flows.iter().enumerate().filter(|(_, flow)| !flow.over && !flow.paused);
            let next = active
                .map(|(number, flow)| (self.now_s + flow.remaining_bits / flow.rate_bps, number))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            match next {
                Some((at, number)) if at <= until_s => {
                    self.pass(at);
                    self.cancel(number);
                    finished.push((number, at));
                }
                _ => break,
            }
        }
        self.pass(until_s);
        finished
    }

    fn pass(&mut self, to_s: f64) {
        for flow in self.flows.iter_mut().filter(|flow| !flow.over) {
            flow.remaining_bits = (flow.remaining_bits - (to_s - self.now_s) * flow.rate_bps).max(0.0);
        }
        self.now_s = to_s;
    }

    /// Raises the rates of all flows together; whoever crosses a full link stays where it is.
    fn fill(&mut self) {
        let mut rising: Vec<usize> = Vec::new();
        for (number, flow) in self.flows.iter_mut().enumerate() {
            flow.rate_bps = 0.0;
            if !flow.over && !flow.paused {
                rising.push(number);
            }
        }
        while !rising.is_empty() {
            let sharers = |link: Link| {
                rising.iter().filter(|&&number| self.flows[number].links().contains(&Some(link))).count()
            };
            let rise = rising
                .iter()
                .flat_map(|&number| self.flows[number].links().into_iter().flatten())
                .map(|link| self.room_bps(link) / sharers(link) as f64)
                .fold(f64::INFINITY, f64::min)
                .max(0.0);
            for &number in &rising {
                self.flows[number].rate_bps += rise;
            }
            let full = |link: Link| self.room_bps(link) <= self.capacity_bps(link) * 1e-9;
            rising = rising
                .iter()
                .copied()
                .filter(|&number| !self.flows[number].links().into_iter().flatten().any(full))
                .collect();
        }
    }

    fn capacity_bps(&self, link: Link) -> f64 {
        match link {
            Link::Up(endpoint) => self.links[endpoint.index()].up_bps as f64,
            Link::Down(endpoint) => self.links[endpoint.index()].down_bps as f64,
        }
    }

    /// What the flows over a link leave of it.
    fn room_bps(&self, link: Link) -> f64 {
        let crossing = self.flows.iter().filter(|flow| flow.links().contains(&Some(link)));
        self.capacity_bps(link) - crossing.map(|flow| flow.rate_bps).sum::<f64>()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Up(EndpointId),
    Down(EndpointId),
}

impl SlowFlow {
    fn links(&self) -> [Option<Link>; 4] {
        let through = [self.via.map(Link::Down), self.via.map(Link::Up)];
        [self.from.map(Link::Up), through[0], through[1], Some(Link::Down(self.to))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Span, Time};
    use crate::net::flows::{Course, FlowId, FlowNetwork};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Start(Option<u32>, Option<u32>, u32, u64),
        Cancel(usize),
        Pause(usize, bool),
        Wait(u64),
    }

    fn step(endpoints: u32) -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (
                prop::option::weighted(0.8, 0..endpoints),
                prop::option::weighted(0.3, 0..endpoints),
                0..endpoints,
                1_u64..50_000_000,
            )
                .prop_map(|(from, via, to, bytes)| Step::Start(from, via, to, bytes)),
            1 => (0_usize..40).prop_map(Step::Cancel),
            1 => (0_usize..40, any::<bool>()).prop_map(|(number, paused)| Step::Pause(number, paused)),
            3 => (0_u64..20_000_000_000).prop_map(Step::Wait),
        ]
    }

    fn links() -> impl Strategy<Value = Vec<Links>> {
        let one = (1_u64..100, 1_u64..100)
            .prop_map(|(up, down)| Links { up_bps: up * 1_000_000, down_bps: down * 1_000_000 });
        prop::collection::vec(one, 2..8)
    }

    /// Rates, completions and their times of both, step by step.
    fn compare(links: &[Links], steps: &[Step]) -> Result<(), TestCaseError> {
        let (mut fast, mut slow) = (FlowNetwork::new(links), SlowFlows::new(links));
        let (mut now, mut started) = (0_u64, 0_usize);
        let mut ends: [BTreeMap<usize, f64>; 2] = [BTreeMap::new(), BTreeMap::new()];
        // A last step lets whatever runs end.
        for &step in steps.iter().chain(&[Step::Wait(1_000_000_000_000_000)]) {
            match step {
                Step::Start(from, via, to, bytes) => {
                    let fold = |id: u32| EndpointId(id % links.len() as u32);
                    let (from, to) = (from.map(fold), fold(to));
                    let via = via.map(fold).filter(|via| *via != to && Some(*via) != from);
                    fast.start_on(Time(now), Course { from, via, to, lag: Span::ZERO }, bytes);
                    slow.start(from, via, to, bytes);
                    started += 1;
                }
                // Where one has completed a nanosecond before the other, leave the step out.
                Step::Cancel(number) | Step::Pause(number, _)
                    if fast.rate_bps(FlowId(number as u64)).is_none() || slow.rate_bps(number).is_none() => {}
                Step::Cancel(number) => {
                    fast.cancel(Time(now), FlowId(number as u64));
                    slow.cancel(number);
                }
                Step::Pause(number, paused) => {
                    let id = FlowId(number as u64);
                    if paused {
                        fast.pause(Time(now), id);
                    } else {
                        fast.resume(Time(now), id);
                    }
                    slow.set_paused(number, paused);
                }
                Step::Wait(nanos) => {
                    now += nanos;
                    let done = fast.complete(Time(now));
                    ends[0].extend(done.iter().map(|it| (it.flow.id.0 as usize, it.at.as_secs_f64())));
                    ends[1].extend(slow.advance(now as f64 / 1e9));
                }
            }
            for number in 0..started {
                let rates = (fast.rate_bps(FlowId(number as u64)), slow.rate_bps(number));
                if let (Some(a), Some(b)) = rates {
                    prop_assert!((a - b).abs() <= 1e-6 * a.max(b), "flow {number}: {a} against {b}");
                }
            }
        }
        prop_assert_eq!(ends[0].keys().collect::<Vec<_>>(), ends[1].keys().collect::<Vec<_>>());
        for (number, at) in &ends[0] {
            let other = ends[1][number];
            prop_assert!((at - other).abs() <= 1e-6 + 1e-9 * at, "flow {number}: {at} against {other}");
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn both_share_alike(links in links(), steps in prop::collection::vec(step(8), 1..40)) {
            compare(&links, &steps)?;
        }
    }
}

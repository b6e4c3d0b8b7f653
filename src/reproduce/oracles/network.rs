//! The network alone: N3 and G1, by hosts that run a small program each and reach each other through
//! [`Network::send`](crate::net::Network::send).
//!
//! The delays and links are those of every run. What hosts do with what arrives is the program of the case: DMS passes
//! nothing on packet by packet, and gossips over a mesh of neighbours instead.

use std::collections::VecDeque;

use super::availability::{Measured, add};
use super::statistics::{Estimate, jackknife, mean};
use super::{Effort, OracleCase};
use crate::kernel::{Domain, EventQueue, Span, Streams, Time};
use crate::net::{
    BandwidthConfig, CityId, Delivery, Endpoint, EndpointId, LatencyConfig, Links, Network, NetworkConfig,
};

/// Whom hosts tell a rumour.
const RUMOUR: Domain = Domain::new("reproduce.oracles.rumour");

/// Hosts with the same links, all as far from each other.
fn network(seed: u64, hosts: u32, links: Links, way: Span) -> Result<Network, String> {
    let bandwidth = BandwidthConfig::Constant(links);
    let config =
        NetworkConfig { latency: LatencyConfig::Constant(way), bandwidth, ..NetworkConfig::default() };
    let endpoints: Vec<Endpoint> = (0..hosts).map(|_| Endpoint::in_city(CityId(0), bandwidth)).collect();
    Network::new(config, &endpoints, Streams::new(seed)).map_err(|error| error.to_string())
}

/// When a message arrives; on these networks every one does.
fn arrival(delivery: Delivery) -> Result<Time, String> {
    match delivery {
        Delivery::At(at) => Ok(at),
        Delivery::Lost(reason) => Err(format!("a message was lost: {}", reason.as_str())),
    }
}

/// N3: packets that are passed on as they arrive. Nothing is drawn, so all runs say the same.
pub(super) fn store_and_forward(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let [packets, bits, hops, rate_bps] = ["n", "s", "h", "r"].map(|name| case.param(name) as u64);
    if !bits.is_multiple_of(8) {
        return Err("packets are of whole bytes, so `s` must be a multiple of 8".to_owned());
    }
    // Who receives does so at once: the rate of a hop is that of the link up.
    let links = Links { up_bps: rate_bps, ..Links::UNLIMITED };
    let way = Span::from_secs_f64(case.param("d"));
    let replications = effort.replicate(|seed| {
        let mut net = network(seed, hops as u32 + 1, links, way)?;
        Ok(vec![1.0, pass_on(&mut net, hops as usize, packets, bits / 8)?.as_secs_f64()])
    })?;
    Ok(vec![("T".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1])))])
}

/// What a host on the way has to do.
#[derive(Clone, Copy)]
enum Step {
    /// A packet has come whole.
    Arrived { host: usize, packet: u64 },
    /// The packet that was being sent has left, and the link is free.
    Left { host: usize },
}

/// A host on the way. Messages of the network do not wait for each other on a link, so the host itself has one packet
/// on it at a time, as a program with one socket has.
#[derive(Default)]
struct Hop {
    waiting: VecDeque<u64>,
    is_sending: bool,
}

/// When the last of so many packets has come to the last host, all of which are at the first one at time zero.
fn pass_on(net: &mut Network, hops: usize, packets: u64, bytes: u64) -> Result<Time, String> {
    let mut queue = EventQueue::new();
    let mut hosts: Vec<Hop> = (0..hops).map(|_| Hop::default()).collect();
    (0..packets).for_each(|packet| queue.post(Time::ZERO, Step::Arrived { host: 0, packet }));
    while let Some((now, step)) = queue.pop() {
        let at = match step {
            Step::Arrived { host, packet } => {
                if let Some(hop) = hosts.get_mut(host) {
                    hop.waiting.push_back(packet);
                }
                host
            }
            Step::Left { host } => {
                hosts[host].is_sending = false;
                host
            }
        };
        let Some(hop) = hosts.get_mut(at).filter(|hop| !hop.is_sending) else { continue };
        let Some(packet) = hop.waiting.pop_front() else { continue };
        hop.is_sending = true;
        let (from, to) = (EndpointId(at as u32), EndpointId(at as u32 + 1));
        let arrives = arrival(net.send(now, from, to, bytes, packet))?;
        // It is on its way for as long as something without a size is, and has left the link before that.
        let on_its_way = net.delay(now, from, to, 0, packet);
        queue.post(now + arrives.since(now).saturating_sub(on_its_way), Step::Left { host: at });
        queue.post(arrives, Step::Arrived { host: at + 1, packet });
    }
    // The last event is the last packet's arrival: whatever leaves a link arrives later somewhere.
    Ok(queue.now())
}

/// How long a round is, and how long a message is on its way: any time that is shorter.
const ROUND: Span = Span::secs(1);
const WAY: Span = Span::millis(20);

/// G1: in every round each who knows a rumour tells it to one other, whoever that is.
pub(super) fn rumour(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let hosts = case.param("n") as u32;
    let rumours = effort.scaled(1000.0);
    let replications = effort.replicate(|seed| {
        let mut net = network(seed, hosts, Links::UNLIMITED, WAY)?;
        let mut began = Time::ZERO;
        let mut sums = vec![0.0; 2];
        for number in 0..rumours {
            let rounds = spread(&mut net, &Streams::new(seed), hosts, number, began)?;
            add(&mut sums, &[1.0, rounds as f64]);
            began = began + ROUND.times(rounds);
        }
        Ok(sums)
    })?;
    let count = f64::from(hosts);
    Ok(vec![
        ("E_rounds".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1]))),
        ("log2n_plus_lnn".to_owned(), Estimate::computed(libm::log2(count) + libm::log(count))),
    ])
}

/// How many rounds it takes until all hosts know rumour `number`, which the first one knows at `began`.
fn spread(net: &mut Network, streams: &Streams, hosts: u32, number: u64, began: Time) -> Result<u64, String> {
    let mut arrivals = EventQueue::new();
    let mut rng = streams.owned(RUMOUR, number);
    let mut knows = vec![false; hosts as usize];
    knows[0] = true;
    let mut rounds = 0;
    while knows.contains(&false) {
        let now = began + ROUND.times(rounds);
        for from in (0..hosts).filter(|&host| knows[host as usize]) {
            let other = rng.below(u64::from(hosts) - 1) as u32;
            let to = if other < from { other } else { other + 1 };
            arrivals.post(arrival(net.send(now, EndpointId(from), EndpointId(to), 100, 0))?, to);
        }
        while let Some((_, host)) = arrivals.pop_before(now + ROUND) {
            knows[host as usize] = true;
        }
        rounds += 1;
    }
    Ok(rounds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(packets: u64, hops: usize) -> Time {
        let links = Links { up_bps: 8_000_000, ..Links::UNLIMITED };
        let mut net = network(1, hops as u32 + 1, links, Span::millis(20)).unwrap();
        pass_on(&mut net, hops, packets, 1000).unwrap()
    }

    /// A packet takes a millisecond to send and twenty to travel.
    #[test]
    fn packets_follow_each_other_on_the_way() {
        assert_eq!(passed_on(1, 1), Time(21_000_000));
        assert_eq!(passed_on(1, 3), Time(63_000_000));
        assert_eq!(passed_on(5, 1), Time(25_000_000));
        assert_eq!(passed_on(5, 3), Time(67_000_000));
    }

    #[test]
    fn a_rumour_is_known_when_the_last_one_hears_it() {
        let mut net = network(1, 2, Links::UNLIMITED, WAY).unwrap();
        assert_eq!(spread(&mut net, &Streams::new(1), 2, 0, Time::ZERO), Ok(1));
        let mut alone = network(1, 1, Links::UNLIMITED, WAY).unwrap();
        assert_eq!(spread(&mut alone, &Streams::new(1), 1, 0, Time::ZERO), Ok(0));
        // Three know in two rounds at the earliest; each of two who know misses the third every other time.
        let mut net = network(1, 3, Links::UNLIMITED, WAY).unwrap();
        let streams = Streams::new(1);
        let rounds = (0..3000).map(|number| spread(&mut net, &streams, 3, number, Time::ZERO).unwrap());
        let rounds: Vec<u64> = rounds.collect();
        assert_eq!(rounds.iter().min(), Some(&2));
        let mean = rounds.iter().sum::<u64>() as f64 / 3000.0;
        assert!((mean - 7.0 / 3.0).abs() < 0.05, "{mean}");
    }
}

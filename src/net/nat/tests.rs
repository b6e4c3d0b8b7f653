use proptest::prelude::*;

use super::config::{NOTICE, RELAYS_A_HOST};
use super::dialling::Route;
use super::*;
use crate::net::{
    BandwidthConfig, Cities, CityId, Condition, Delivery, Endpoint, EndpointSet, LatencyConfig, LossReason,
    Network, NetworkConfig, Receivers, gossip_slow,
};

use NatClass::{CarrierGrade, Firewalled, FullCone, PortRestricted, Public, Restricted, Symmetric};

fn at(seconds: u64) -> Time {
    Time(seconds * 1_000_000_000)
}

fn id(number: u32) -> EndpointId {
    EndpointId(number)
}

/// Every way takes 20 ms, links nothing, and holes are found at the first attempt.
fn plain(start: NatStart) -> NetworkConfig {
    let nat = NatConfig { start, punching: 1.0, ..NatConfig::default() };
    NetworkConfig {
        latency: LatencyConfig::Constant(Span::millis(20)),
        bandwidth: BandwidthConfig::Unlimited,
        nat: Some(nat),
        ..NetworkConfig::default()
    }
}

fn network(config: NetworkConfig, hosts: &[(NatClass, Duty)]) -> Network {
    let place = Endpoint::in_city(CityId(0), config.bandwidth);
    let ends: Vec<_> = hosts.iter().map(|&(nat, duty)| Endpoint { nat, duty, ..place }).collect();
    Network::new(config, &ends, Streams::new(5)).unwrap()
}

/// Hosts that have been up for long and know their relays, but have no connections yet.
fn strangers(medium: &Medium, config: NatConfig, hosts: &[(NatClass, Duty)]) -> Nat {
    let mut nat = Nat::new(config, hosts.iter().copied(), Streams::new(5)).unwrap();
    for id in medium.ids() {
        (nat.hosts[id].entered, nat.hosts[id].confirmed) = (true, true);
    }
    medium.ids().for_each(|id| nat.reserve(medium, Time::ZERO, id));
    nat
}

const LAB: [(NatClass, Duty); 8] = [
    (Public, Duty::None),
    (FullCone, Duty::None),
    (Restricted, Duty::None),
    (PortRestricted, Duty::None),
    (Symmetric, Duty::None),
    (CarrierGrade, Duty::None),
    (Firewalled, Duty::None),
    (Public, Duty::Relay),
];

/// Round trips are 40 ms straight and 80 ms through the relay: a connection takes 40 ms, or 120 ms without UDP; one
/// through the relay three round trips more; dialling back one connection more, a hole one and a half round trips
/// through the relay and a connection.
#[test]
fn dialling_takes_the_round_trips_of_its_way() {
    let config = plain(NatStart::Stationary);
    let net = network(config, &LAB);
    let cases = [
        (0, 1, Way::Direct, 40, Some(40)),
        (6, 0, Way::Direct, 120, Some(120)),
        (0, 3, Way::Reversed, 280, Some(320)),
        (1, 6, Way::Reversed, 280, Some(400)),
        (3, 5, Way::Punched, 280, Some(440)),
        (2, 4, Way::Punched, 280, Some(440)),
        (3, 4, Way::Relayed, 280, None),
        (6, 3, Way::Relayed, 360, None),
        (7, 3, Way::Direct, 40, Some(40)),
    ];
    for (from, to, way, ready_ms, direct_ms) in cases {
        let mut nat = strangers(net.medium(), config.nat.unwrap(), &LAB);
        let passage = nat.pass(net.medium(), at(1), id(from), id(to), 100).unwrap();
        let relay = (way != Way::Direct).then_some(id(7));
        assert_eq!(passage, Passage { ready: at(1) + Span::millis(ready_ms), relay }, "{from} to {to}");
        let expected = Occurrence::Dialled {
            between: [LAB[from as usize].0, LAB[to as usize].0],
            way: Ok(way),
            ready: Span::millis(ready_ms),
            direct: direct_ms.map(Span::millis),
            renewed: false,
        };
        assert_eq!(nat.take_occurrences(), [expected], "{from} to {to}");
        // Both ways, and direct in the end if it is to be.
        let later = nat.pass(net.medium(), at(2), id(to), id(from), 100).unwrap();
        assert_eq!(later, Passage { ready: at(2), relay: relay.filter(|_| direct_ms.is_none()) });
    }
}

#[test]
fn relayed_connections_end_at_their_limits() {
    let config = plain(NatStart::Stationary);
    let net = network(config, &LAB);
    let mut nat = strangers(net.medium(), config.nat.unwrap(), &LAB);
    let mut pass = |now, bytes| nat.pass(net.medium(), now, id(3), id(4), bytes).map(|passage| passage.ready);
    let dialling = Span::millis(280);
    assert_eq!(pass(at(0), 1 << 20), Ok(at(0) + dialling));
    assert_eq!(pass(at(1), 1 << 20), Ok(at(1)));
    assert_eq!(pass(at(2), 1), Ok(at(2) + dialling), "2 MiB have gone");
    assert_eq!(pass(at(301), 1), Ok(at(301)));
    assert_eq!(pass(at(302), 1), Ok(at(302) + dialling), "5 minutes are over");
    assert_eq!(pass(at(303), (2 << 20) + 1), Err(LossReason::TooLargeToRelay));
    let renewed = nat.take_occurrences().into_iter();
    let renewed = renewed.filter(|it| matches!(it, Occurrence::Dialled { renewed: true, .. })).count();
    assert_eq!(renewed, 2);
    let first = nat.pass(net.medium(), at(1), id(5), id(4), (2 << 20) + 1);
    assert_eq!(first, Err(LossReason::TooLargeToRelay));
}

/// Three relays and two clients that only a relay connects.
const RELAYED: [(NatClass, Duty); 5] = [
    (Symmetric, Duty::None),
    (Symmetric, Duty::None),
    (Public, Duty::Relay),
    (Public, Duty::Relay),
    (Public, Duty::Relay),
];

#[test]
fn a_relay_that_dies_is_missed_and_replaced() {
    let mut net = network(plain(NatStart::Stationary), &RELAYED);
    net.begin(Time::ZERO);
    assert!(matches!(net.send(at(1), id(0), id(1), 100, 0), Delivery::At(_)));
    let nat = net.hidden().unwrap();
    let through = nat.connections.get(id(0), id(1)).unwrap().circuit.unwrap().relay;
    assert_eq!(nat.hosts[id(0)].reservations.len(), RELAYS_A_HOST);
    net.set_up(at(10), through, false);
    assert_eq!(net.send(at(11), id(0), id(1), 100, 0), Delivery::Lost(LossReason::RelayDown));
    assert_eq!(net.send(at(39), id(1), id(0), 100, 0), Delivery::Lost(LossReason::RelayDown));
    // Even if it comes back: it has forgotten them.
    net.set_up(at(20), through, true);
    assert_eq!(net.send(at(39), id(1), id(0), 100, 0), Delivery::Lost(LossReason::RelayDown));
    net.wake(at(41));
    assert!(matches!(net.send(at(41), id(0), id(1), 100, 0), Delivery::At(_)));
    let nat = net.hidden().unwrap();
    let holds = |client| nat.hosts[id(client)].reservations.iter().all(|it| nat.holds(net.medium(), *it));
    assert!(holds(0) && holds(1) && nat.hosts[id(1)].reservations.len() == RELAYS_A_HOST);
    let occurrences = net.take_occurrences();
    assert!(
        occurrences.iter().any(|it| matches!(it, Occurrence::RelayDied { relay, .. } if *relay == through))
    );
    let replaced =
        occurrences.iter().filter(|it| matches!(it, Occurrence::Replaced { after } if *after >= NOTICE));
    assert!(replaced.count() >= 1);
    for relay in 2..5 {
        net.set_up(at(100), id(relay), false);
    }
    assert_eq!(net.send(at(200), id(0), id(1), 100, 0), Delivery::Lost(LossReason::Unreachable));
    assert!(!net.reaches(at(200), id(0), id(1)));
}

/// What DMS's own suite tests: behind two translators no connection without a relay, and one when AutoNAT and the
/// search for a relay are through (dms-acceptance, NAT).
#[test]
fn a_fresh_host_is_reached_once_it_has_its_verdict_and_a_relay() {
    let hosts = [
        (PortRestricted, Duty::None),
        (Symmetric, Duty::None),
        (FullCone, Duty::None),
        (Public, Duty::Relay),
        (Public, Duty::Bootstrap),
    ];
    let mut net = network(plain(NatStart::Fresh), &hosts);
    net.begin(Time::ZERO);
    let lost = Delivery::Lost(LossReason::Unreachable);
    assert_eq!(net.send(Time::ZERO, id(0), id(3), 100, 0), lost, "it knows nobody");
    net.wake(at(2));
    assert!(matches!(net.send(at(2), id(0), id(3), 100, 0), Delivery::At(_)));
    assert_eq!(net.send(at(2), id(0), id(1), 100, 0), lost, "it has no relay");
    assert_eq!(net.send(at(2), id(3), id(2), 100, 0), lost, "it does not know that it can be dialled");
    assert_eq!(net.neighbours(id(0)).as_slice(), [id(4)]);
    net.wake(at(60));
    assert!(matches!(net.send(at(60), id(0), id(1), 100, 0), Delivery::At(_)));
    assert!(matches!(net.send(at(60), id(3), id(2), 100, 0), Delivery::At(_)));
    assert!(net.neighbours(id(0)).len() >= 3, "{:?}", net.neighbours(id(0)));
}

#[test]
fn without_bootstraps_newcomers_find_nobody() {
    let hosts: Vec<_> = (0..20).map(|n| (Public, if n < 3 { Duty::Bootstrap } else { Duty::None })).collect();
    let mut net = network(plain(NatStart::Fresh), &hosts);
    net.set_up(Time::ZERO, id(19), false);
    net.begin(Time::ZERO);
    net.wake(at(100));
    (0..3).for_each(|bootstrap| drop(net.set_up(at(100), id(bootstrap), false)));
    net.set_up(at(101), id(19), true);
    net.wake(at(3600));
    assert!(net.neighbours(id(19)).is_empty());
    assert_eq!(net.send(at(3600), id(19), id(5), 100, 0), Delivery::Lost(LossReason::Unreachable));
    assert!(matches!(net.send(at(3600), id(4), id(5), 100, 0), Delivery::At(_)), "those who met go on");
    net.set_up(at(3601), id(0), true);
    net.wake(at(3601 + 16 * 60));
    assert!(!net.neighbours(id(19)).is_empty());
    let one = |net: &mut Network| net.broadcast(at(5000), id(19), 100, Receivers::AllLive, &mut |_, _| {}).0;
    assert_eq!(one(&mut net).unconnected, 0);
}

#[test]
fn limits_of_connections_and_circuits_hold() {
    let mut hosts = vec![(Public, Duty::None); 700];
    hosts.extend(vec![(Symmetric, Duty::None); 40]);
    hosts.extend([(Public, Duty::Relay); 2]);
    let config = plain(NatStart::Stationary);
    let net = network(config, &hosts);
    let mut nat = strangers(net.medium(), config.nat.unwrap(), &hosts);
    let mut call = |from: u32, to: u32, now| nat.pass(net.medium(), now, id(from), id(to), 100).err();
    let refused: Vec<u32> = (1..700).filter(|&from| call(from, 0, at(1)).is_some()).collect();
    assert_eq!(refused, (1 + MOST_EACH_WAY as u32..700).collect::<Vec<_>>());
    assert_eq!(call(699, 0, at(2)), Some(LossReason::TooManyConnections));
    // A minute later those that nobody needs are closed when the next one comes.
    assert_eq!(call(1, 2, at(62)), None);
    assert_eq!(call(0, 699, at(62)), None);
    assert_eq!(call(698, 0, at(63)), None);
    let circuits = 2 * config.nat.unwrap().relays.circuits;
    let refused = (701..740).filter(|&from| call(from, 700, at(63)) == Some(LossReason::RelayFull)).count();
    assert_eq!(refused as u32, 39 - circuits);
    assert_eq!(call(739, 700, at(63 + 300)), None, "circuits end after five minutes");
}

/// Classes, duties and places of hosts; which are down; who calls whom; a seed.
type Case = (Vec<(usize, u8, u32)>, Vec<bool>, Vec<(u32, u32)>, u64);

fn cases() -> impl Strategy<Value = Case> {
    (2_usize..40).prop_flat_map(|count| {
        let host = (0_usize..7, 0_u8..5, 0_u32..6000);
        let hosts = prop::collection::vec(host, count);
        let down = prop::collection::vec(prop::bool::weighted(0.15), count);
        let calls = prop::collection::vec((0..count as u32, 0..count as u32), 0..120);
        (hosts, down, calls, any::<u64>())
    })
}

proptest! {
    /// On random networks with circuits in use, hosts down, and a partition.
    #[test]
    fn routes_are_those_of_the_slow_oracle((hosts, down, calls, seed) in cases()) {
        let described: Vec<_> = hosts
            .iter()
            .map(|&(class, duty, _)| match duty {
                0 => (Public, Duty::Relay),
                _ => (NatClass::ALL[class], Duty::None),
            })
            .collect();
        let config = NetworkConfig { nat: Some(NatConfig::default()), ..NetworkConfig::default() };
        let ends: Vec<_> = hosts
            .iter()
            .map(|&(_, _, city)| Endpoint::in_city(CityId(city), BandwidthConfig::Unlimited))
            .collect();
        let mut net = Network::new(config, &ends, Streams::new(seed)).unwrap();
        let relays = RelayLimits { circuits: 2, reservations: 6, ..RelayLimits::default() };
        let nat_config = NatConfig { relays, ..NatConfig::default() };
        let mut nat = strangers(net.medium(), nat_config, &described);
        for (number, is_down) in down.iter().enumerate() {
            nat.hosts[id(number as u32)].confirmed = number % 5 > 0;
            if *is_down {
                net.set_up(at(1), id(number as u32), false);
                nat.stop(at(1), id(number as u32));
            }
        }
        let side = |rest| (0..hosts.len() as u32).filter(|n| n % 4 == rest).map(EndpointId).collect::<EndpointSet>();
        net.apply(at(1), Condition::Partition { a: side(0), b: side(1) }).unwrap();
        for (from, to) in calls {
            let (from, to) = (id(from), id(to));
            if from == to || !net.is_up(from) || !net.is_up(to) {
                continue;
            }
            let fast = nat.route(net.medium(), at(2), from, to);
            let slow = routes_slow::dial(&nat, net.medium(), at(2), from, to);
            let relay = fast.ok().map(|route| match route {
                Route::Straight => None,
                Route::Through(relay) => Some(relay),
            });
            prop_assert_eq!(relay, slow.map(|(_, relay)| relay));
            let known = nat.connections.get(from, to).is_some();
            let passage = nat.pass(net.medium(), at(2), from, to, 10);
            if let (false, Some((took, relay)), Ok(passage)) = (known, slow, passage) {
                prop_assert_eq!(passage, Passage { ready: at(2) + took, relay });
            }
        }
    }
}

/// A network as large as that of a scenario, with relays for all.
fn drawn(count: usize, shares: NatShares, seed: u64) -> (NetworkConfig, Vec<(NatClass, Duty)>) {
    let mut rng = Streams::new(seed).owned(Domain::new("net.nat.test"), 1);
    let mut hosts: Vec<_> = (0..count).map(|_| (shares.draw(&mut rng), Duty::None)).collect();
    hosts.extend(vec![(Public, Duty::Relay); 1 + count / 50]);
    (plain(NatStart::Stationary), hosts)
}

/// Closed form: with half of the hosts hidden, of the ordered pairs a half is direct, a quarter reversed, 70 % of the
/// last quarter punched. A share of 2,000 draws has a standard deviation of 0.011.
#[test]
fn pairs_are_as_the_shares_say() {
    for (shares, hidden) in [(NatShares::MEASURED, 0.5), (NatShares::PESSIMISTIC, 0.6)] {
        let (config, mut hosts) = drawn(2000, shares, 9);
        hosts.truncate(2000);
        hosts.extend(vec![(Public, Duty::Relay); 30]);
        let mut net = network(config, &hosts);
        net.begin(Time::ZERO);
        let counts = net.pairs().unwrap();
        let all = (counts.hosts * (counts.hosts - 1)) as f64;
        // The relays are public and come on top.
        let hidden = hidden * 2000.0 / 2030.0;
        let expected = [1.0 - hidden, hidden * (1.0 - hidden), hidden * hidden * 0.7, hidden * hidden * 0.3];
        assert!((counts.undialable as f64 / counts.hosts as f64 - hidden).abs() < 0.045);
        for (way, expected) in Way::ALL.into_iter().zip(expected) {
            let share = counts.ways[way as usize] as f64 / all;
            assert!((share - expected).abs() < 0.06, "{way:?}: {share} for {expected}");
        }
        assert_eq!(counts.ways.iter().sum::<u64>() + counts.unreachable, counts.hosts * (counts.hosts - 1));
    }
}

#[test]
fn pairs_are_those_of_dialling_each() {
    let (config, hosts) = drawn(120, NatShares::MEASURED, 4);
    let mut net = network(config, &hosts);
    net.begin(Time::ZERO);
    (100..110).for_each(|host| drop(net.set_up(at(1), id(host), false)));
    // One of them without a verdict, one with dead relays only.
    net.set_up(at(1), id(100), true);
    net.set_up(at(1), id(121), false);
    let counted = net.pairs().unwrap();
    let hosts = net.live().len() as u64;
    let mut by_hand = PairCounts { hosts, undialable: counted.undialable, ..PairCounts::default() };
    for from in net.live().to_vec() {
        for to in net.live().to_vec().into_iter().filter(|to| *to != from) {
            // Every pair on its own, so that circuits are free.
            let nat = net.nat_mut().unwrap();
            nat.connections = Connections::new(nat.hosts.len());
            nat.peering = Peering::new(nat.hosts.len());
            net.send(at(2), from, to, 10, 0);
            let dialled = net.take_occurrences().into_iter().find_map(|it| match it {
                Occurrence::Dialled { way, .. } => Some(way),
                _ => None,
            });
            match dialled.unwrap() {
                // A relay calls its client over the connection that it has; the count knows no such pairs.
                Ok(Way::Direct) if !net.hidden().unwrap().is_dialable(to) => {
                    by_hand.ways[Way::Reversed as usize] += 1;
                }
                Ok(way) => by_hand.ways[way as usize] += 1,
                Err(_) => by_hand.unreachable += 1,
            }
        }
    }
    assert_eq!(counted, by_hand);
}

#[test]
fn connections_of_a_running_network_are_direct_and_enough() {
    let (config, hosts) = drawn(1000, NatShares::MEASURED, 2);
    let mut net = network(config, &hosts);
    net.begin(Time::ZERO);
    let nat = net.hidden().unwrap();
    for (host, described) in net.ids().zip(&hosts) {
        let links = nat.peering.of(host);
        let enough = if described.0 == Firewalled { 8 } else { 14 };
        assert!(links.len() >= enough, "{host} ({described:?}) has {}", links.len());
        for link in links {
            let (a, b) = (nat.hosts[host].class, nat.hosts[link.peer].class);
            assert!(a.is_dialable() || b.is_dialable() || a.can_punch(b));
        }
    }
}

fn median_and_p90(mut values: Vec<u64>) -> [f64; 2] {
    values.sort_unstable();
    [0.5, 0.9].map(|share| values[(share * values.len() as f64) as usize] as f64 / 1e6)
}

/// Where all can be dialled, gossip over the connections that there are takes as long as over the overlay.
#[test]
fn gossip_takes_as_long_as_over_the_overlay() {
    let cities = Cities::world().by_population(|_| true).unwrap();
    let mut rng = Streams::new(77).owned(Domain::new("net.nat.test"), 0);
    let ends: Vec<_> =
        (0..1000).map(|_| Endpoint::in_city(cities.draw(&mut rng), BandwidthConfig::default())).collect();
    let config = NetworkConfig { nat: Some(NatConfig::default()), ..NetworkConfig::default() };
    let mut net = Network::new(config, &ends, Streams::new(5)).unwrap();
    net.begin(Time::ZERO);
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for publisher in (0..20).map(|n| id(n * 50)) {
        let (tally, _) =
            net.broadcast(Time(0), publisher, 1000, Receivers::AllLive, &mut |_, at| here.push(at.0));
        assert_eq!((tally.delivered, tally.unconnected), (999, 0));
        let flooded = gossip_slow::flood(net.medium(), net.overlay(), publisher, 1000, &mut rng);
        there.extend(flooded.into_iter().flatten().map(|at| at.0).filter(|at| *at > 0));
    }
    for (here, there) in median_and_p90(here).into_iter().zip(median_and_p90(there)) {
        assert!((here / there - 1.0).abs() < 0.15, "{here} ms against {there} ms");
    }
}

/// Symmetric hosts without relays have only those connections that they open themselves.
#[test]
fn gossip_ends_where_connections_do() {
    let mut hosts = vec![(Symmetric, Duty::None); 30];
    let mut net = network(plain(NatStart::Stationary), &hosts);
    net.begin(Time::ZERO);
    let (tally, _) =
        net.broadcast(at(1), id(0), 100, Receivers::AllLive, &mut |_, _| panic!("nobody is connected"));
    assert_eq!((tally.delivered, tally.unconnected, tally.lost), (0, 29, 0));
    hosts.push((Public, Duty::None));
    let mut net = network(plain(NatStart::Stationary), &hosts);
    net.begin(Time::ZERO);
    // Ten hours of looking for peers.
    net.wake(at(36_000));
    let (tally, _) = net.broadcast(at(1), id(0), 100, Receivers::AllLive, &mut |_, _| {});
    assert_eq!(
        (tally.delivered, tally.unconnected),
        (30, 0),
        "all of them through the one that can be dialled"
    );
    let mut some = 0;
    net.broadcast(at(1), id(0), 100, Receivers::Of(&[id(30), id(3)]), &mut |to, _| some += to.0);
    assert_eq!(some, 30, "its own connections only");
    let deaf: EndpointSet = [id(30)].into_iter().collect();
    let (tally, _) = net.broadcast(at(1), id(0), 100, Receivers::AllLiveBut(&deaf), &mut |_, _| {});
    assert_eq!((tally.delivered, tally.unconnected), (0, 29));
}

#[test]
fn large_messages_share_the_links_of_their_relay() {
    let mut config = plain(NatStart::Stationary);
    config.bandwidth =
        BandwidthConfig::Constant(crate::net::Links { up_bps: 8_000_000, down_bps: 8_000_000 });
    let mut hosts = vec![(Symmetric, Duty::None); 4];
    hosts.push((Public, Duty::Relay));
    let mut net = network(config, &hosts);
    net.begin(Time::ZERO);
    // 1 MB over 1 MB/s, and twice as long for two that share the relay.
    net.start_transfer(at(1), Some(id(0)), id(1), 1_000_000).unwrap();
    net.start_transfer(at(1), Some(id(2)), id(3), 1_000_000).unwrap();
    let done = net.complete_transfers(at(10));
    let ends: Vec<_> = done.iter().map(|it| (it.at, it.flow.via, it.flow.lag)).collect();
    // Dialling takes 280 ms and the way 40 ms.
    assert_eq!(ends, [(at(3), Some(id(4)), Span::millis(320)); 2]);
    net.start_transfer(at(20), Some(id(0)), id(1), 1_000_000).unwrap();
    assert_eq!(net.set_up(at(20), id(4), false).len(), 1, "what goes through the relay ends with it");
}

/// A relay that dies shifts no draw of those who have nothing to do with it, and one seed is one run.
#[test]
fn one_seed_one_run_and_faults_shift_no_draws() {
    let run = |fault: bool| {
        let (mut config, hosts) = drawn(200, NatShares::MEASURED, 3);
        config.loss = 0.1;
        let mut net = network(config, &hosts);
        net.begin(Time::ZERO);
        if fault {
            net.set_up(at(1), id(201), false);
        }
        net.wake(at(100));
        let sent: Vec<_> = (0..3000_u32)
            .map(|n| (id(n % 20), id(n * 7 % 200)))
            .filter(|(from, to)| from != to)
            .zip(0..)
            .map(|((from, to), n)| net.send(at(100), from, to, 500, n))
            .collect();
        let mut gossip = Vec::new();
        net.broadcast(at(100), id(5), 500, Receivers::AllLive, &mut |to, at| gossip.push((to, at)));
        (sent, gossip, net.take_occurrences(), net.next_wake())
    };
    assert!(run(false) == run(false));
    let (with, without) = (run(true), run(false));
    let lost = |(sent, ..): &(Vec<Delivery>, Vec<_>, Vec<Occurrence>, Option<Time>)| {
        sent.iter().map(|it| *it == Delivery::Lost(LossReason::Loss)).collect::<Vec<_>>()
    };
    let (a, b) = (lost(&with), lost(&without));
    assert!(
        with.2 != without.2 && a.iter().zip(&b).filter(|(a, b)| a != b).count() < 20,
        "chance is the same"
    );
}

#[test]
fn senseless_configurations_are_refused() {
    let with = |change: fn(&mut NatConfig)| {
        let mut config = NatConfig::default();
        change(&mut config);
        Nat::new(config, [].into_iter(), Streams::new(1)).err().map(|error| error.to_string())
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|it| it.punching = 1.5).unwrap(), "punching is 1.5: it must be between 0 and 1");
    assert!(with(|it| it.relays.circuits = 0).unwrap().contains("circuits: 0"));
}

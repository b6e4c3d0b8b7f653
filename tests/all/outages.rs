//! Outages of what has something in common.

use std::collections::{BTreeMap, BTreeSet};

use dmsim::observe::PeerRow;
use dmsim::sim::Outcome;

use crate::failures::{metric, run};
use crate::foresight::assert_same_of;

const PEERS: &str = "peers=[{providers: {count: 400, org: [one, two]}}, {providers: {name: others, count: 100, \
                     org: two, place: {by_population: {country: US}}}}, {orchestrators: {names: [alice]}}]";

/// Many idle peers all over the world, and these faults.
fn world(faults: &str, set: &[&str]) -> Outcome {
    run(faults, &[&[PEERS, "workload=[]", "network.hellos=false"], set].concat())
}

fn hit(outcome: &Outcome) -> Vec<&PeerRow> {
    outcome.peers.iter().filter(|peer| peer.crashes > 0).collect()
}

#[test]
fn what_is_in_one_place_goes_down_together() {
    type Of = fn(&PeerRow) -> String;
    let places: [(&str, Of); 3] = [
        ("continent", |peer| peer.continent.to_string()),
        ("country", |peer| peer.country.to_string()),
        ("city", |peer| format!("{} {} {}", peer.city, peer.country, peer.lat)),
    ];
    for (by, of) in places {
        for units in [1, 3] {
            let outcome =
                world(&format!("{{outage: {{at: 10m, by: {by}, units: {units}, repair: 10m}}}}"), &[]);
            let places: BTreeSet<String> = hit(&outcome).into_iter().map(of).collect();
            assert_eq!(places.len(), units, "{by}");
            let all: Vec<&PeerRow> = outcome.peers.iter().filter(|peer| places.contains(&of(peer))).collect();
            assert_eq!(all.len(), hit(&outcome).len(), "{by}: all of it, and nothing else");
            let back = 50.0 / 60.0;
            assert!(all.iter().all(|peer| (peer.up_fraction - back).abs() < 1e-9), "all are back at once");
        }
    }
}

#[test]
fn organizations_and_parts_of_them_go_down() {
    let of =
        |who: &str| world(&format!("{{outage: {{at: 10m, by: organization, {who}repair_each: 1m}}}}"), &[]);
    // Alice is the only member of a third one, which is drawn with a probability of 1 in 901.
    let counts: BTreeSet<usize> = (1..=8)
        .map(|seed| {
            let seed = format!("seed={seed}");
            let faults = "{outage: {at: 10m, by: organization, repair: never}}";
            hit(&world(faults, &[&seed])).len()
        })
        .collect();
    assert_eq!(counts, [400, 500].into(), "one has 400 members, two has 500");
    let part = of("group: others, fraction: 30%, ");
    assert_eq!(hit(&part).len(), 30);
    assert!(hit(&part).iter().all(|peer| peer.peer.starts_with("others")));
    // Two units of which each peer of the first group is in both: it goes down once.
    assert_eq!(metric(&of("group: providers, units: 2, "), "peers.lost"), 400.0);
}

/// A unit is drawn with a probability that is as its peers, so in many outages one country is down as much as another
/// of twice as many peers is down twice as often.
#[test]
fn units_are_drawn_by_their_size() {
    let faults = "{outage: {at: {poisson: {mean: 1m}}, by: continent, repair: 1s}}";
    let outcome = world(faults, &["duration=40h"]);
    let mut units: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for peer in &outcome.peers {
        let (peers, crashes) = units.entry(&peer.continent).or_default();
        *peers += 1.0;
        *crashes += f64::from(peer.crashes);
    }
    assert!(units.len() >= 5);
    for (continent, (peers, crashes)) in units {
        let (times, expected) = (crashes / peers, 2400.0 * peers / 501.0);
        // A Poisson number: within four standard deviations.
        assert!((times - expected).abs() < 4.0 * expected.sqrt() + 1.0, "{continent}: {times} of {expected}");
    }
}

#[test]
fn peers_have_carriers_of_which_few_have_most() {
    let cut = |system: u32| {
        let who = format!("country: US, asn: {system}, repair: never");
        let outcome = world(&format!("{{crash: {{at: 10m, {who}}}}}"), &["peers[1].providers.count=4000"]);
        hit(&outcome).into_iter().map(|peer| peer.peer.to_string()).collect::<BTreeSet<_>>()
    };
    let systems: Vec<BTreeSet<String>> = [1, 2, 4].map(cut).into();
    assert!(systems[0].is_disjoint(&systems[1]) && systems[1].is_disjoint(&systems[2]));
    let american = 4000.0 + 15.0;
    for (system, rank) in systems.iter().zip([1, 2, 4]) {
        let share = dmsim::net::Systems::world().share("US", rank);
        let off = (system.len() as f64 - share * american).abs();
        assert!(off < 4.0 * (share * american).sqrt(), "{rank}: {} peers", system.len());
    }
    // The outage of a carrier is that of its peers: with all of them in one country, one of them is hit.
    let outage = "{outage: {at: 10m, by: asn, country: US, repair: {exponential: {mean: 5m}}}}";
    let outcome = world(outage, &[]);
    let hit = hit(&outcome);
    assert!(!hit.is_empty() && hit.iter().all(|peer| &*peer.country == "US"));
    assert!(hit.len() < 100, "{} are hit", hit.len());
    let first = hit[0].up_fraction;
    assert!(hit.iter().all(|peer| (peer.up_fraction - first).abs() < 1e-9), "one repair for all");
}

#[test]
fn each_peer_may_have_its_own_repair() {
    let outage = "{outage: {at: 0s, by: continent, repair_each: {exponential: {mean: 6m}}}}";
    let outcome = world(outage, &["duration=10h"]);
    let downs: Vec<f64> = hit(&outcome).iter().map(|peer| (1.0 - peer.up_fraction) * 600.0).collect();
    let mean_min = downs.iter().sum::<f64>() / downs.len() as f64;
    let different: BTreeSet<u64> = downs.iter().map(|down| down.to_bits()).collect();
    assert!(different.len() > downs.len() / 2 && downs.len() > 20);
    assert!((mean_min - 6.0).abs() < 4.0 * 6.0 / (downs.len() as f64).sqrt(), "{mean_min} minutes");
}

#[test]
fn what_is_left_out_knows_of_outages() {
    for (by, seed) in [("continent", 1), ("asn", 2), ("organization", 3)] {
        let fault = format!(
            "faults=[{{outage: {{at: {{poisson: {{mean: 2m}}}}, by: {by}, fraction: 60%, \
             repair: {{exponential: {{mean: 1m}}}}}}}}]"
        );
        let [foreseen, stepped] = assert_same_of("at-rest.yaml", &[&fault], seed);
        assert!(foreseen.events < stepped.events && metric(&foreseen, "peers.lost") > 20.0);
        let of_machines =
            fault.replace("mean: 2m", "mean: 20m").replace("fraction: 60%", "fraction: 60%, group: homes");
        assert_same_of("routine.yaml", &[&of_machines], seed);
    }
}

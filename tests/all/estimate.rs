//! What is told before a run is near what it takes: within the factor that is promised.

use std::path::Path;

use dmsim::scenario::{self, Overrides};
use dmsim::sim::estimate::Estimate;
use dmsim::sim::{self, Options, Setup};

fn setup(scenario: &str, set: &[&str]) -> Setup {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(scenario);
    let set = set.iter().map(|&line| line.to_owned()).chain(["expect=[]".to_owned()]).collect();
    let loaded = scenario::load(&path, &Overrides { set, seed: None }, &[]);
    loaded.unwrap_or_else(|report| panic!("{}", report.render(false))).setup
}

/// Events of whole runs and their peaks of memory in MB, as `dmsim run` has put them down in `run.json` and
/// `provenance.json`.
const RECORDED: [(&str, f64, f64); 11] = [
    ("calm.yaml", 12_286.0, 13.7),
    ("quickstart.yaml", 1_353_288.0, 35.2),
    ("outage.yaml", 242_530.0, 21.8),
    ("mixed-fleet.yaml", 599_467.0, 20.3),
    ("traffic.yaml", 615_119.0, 21.1),
    ("nat.yaml", 346_476.0, 53.4),
    ("private-network.yaml", 8_348_515.0, 177.9),
    ("scale/ten-thousand.yaml", 722_463.0, 79.9),
    ("scale/storm.yaml", 1_441_927.0, 79.3),
    ("scale/hundred-thousand.yaml", 14_191_407.0, 461.3),
    ("scale/million.yaml", 9_137_899.0, 2359.4),
];

#[test]
fn events_and_memory_of_shipped_scenarios_are_in_their_ranges() {
    let mut wrong = Vec::new();
    for (scenario, events, megabytes) in RECORDED {
        let estimate = Estimate::of(&setup(scenario, &[]));
        let (likely, memory) = (estimate.events.likely, estimate.memory_bytes.likely / 1e6);
        println!(
            "{scenario}: {likely:.0} of {events}, {memory:.1} of {megabytes} MB: {:?}",
            estimate.sources
        );
        if !estimate.events.contains(events) || !estimate.memory_bytes.contains(megabytes * 1e6) {
            wrong.push(scenario);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn events_of_small_networks_are_in_their_ranges() {
    let small = [
        ("calm.yaml", vec![]),
        ("scale/storm.yaml", vec!["peers[0].providers.count=300", "duration=10m"]),
        (
            "scale/million.yaml",
            vec![
                "peers[0].providers.count=2000",
                "workload[0].deploy.count=10",
                "workload[1].deploy.count=10",
            ],
        ),
    ];
    for (scenario, set) in small {
        let setup = setup(scenario, &set);
        let estimate = Estimate::of(&setup);
        let outcome = sim::run(&setup, Options::default(), &mut |_, _| true).unwrap();
        assert!(
            estimate.events.contains(outcome.events as f64),
            "{scenario}: {} {estimate:?}",
            outcome.events
        );
        let asked = outcome.metric("deployments.asked").unwrap();
        assert!((estimate.deployments - asked).abs() <= 0.2 * asked, "{scenario}: {asked} {estimate:?}");
    }
}

#[test]
fn more_peers_take_more_of_everything_and_in_proportion() {
    let of = |peers: u32| {
        let set = ["operations=[]", &format!("peers[0].providers.count={peers}")];
        Estimate::of(&setup("scale/million.yaml", &set))
    };
    let (small, large) = (of(1_000_000), of(4_000_000));
    let ratio = large.memory_bytes.likely / small.memory_bytes.likely;
    assert!((2.0..4.0).contains(&ratio), "{ratio}: all hold memory, and fewer of them have bid");
    let ratio = large.foreseen.likely / small.foreseen.likely;
    assert!((3.9..4.2).contains(&ratio), "{ratio}");
    assert!(large.cpu_s.likely > 2.0 * small.cpu_s.likely);
    // As measured by `dmsim bench --scale`: a peer at rest takes 0.6 kB, and some have bid.
    assert!((0.6e9..2e9).contains(&small.memory_bytes.likely), "{small:?}");
}

#[test]
fn what_nobody_asks_for_takes_nothing() {
    let idle = Estimate::of(&setup(
        "scale/million.yaml",
        &["workload=[]", "operations=[]", "peers[0].providers.count=5"],
    ));
    assert_eq!((idle.deployments, idle.foreseen.likely), (0.0, 0.0));
    assert!(idle.events.likely < 200.0, "{idle:?}");
    assert!(idle.sources.iter().all(|source| source.what != "bids"));
}

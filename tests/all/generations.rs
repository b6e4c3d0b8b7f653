//! Generations through a partition: the orchestrator replaces what it cannot reach, so that two generations of an
//! allocation live for a while, one on each side. Of one generation there is never more than one, and the older ones
//! end within a minute of the healing.

use std::path::Path;

use dmsim::observe::{self, AllocationRow};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// When the partition of the scenario begins and heals, in seconds.
const PARTITION_S: (f64, f64) = (27.0 * 60.0, 39.0 * 60.0);
/// How long an older generation may live on after it, in seconds.
const GRACE_S: f64 = 60.0;

fn partition(seed: u64, set: &[&str]) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scenarios/partition.yaml");
    let metrics = observe::metric_names();
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    let loaded = scenario::load(&path, &Overrides { set, seed: Some(seed) }, &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap()
}

/// From its start to its end, or to the end of the run.
fn life(row: &AllocationRow) -> Option<(f64, f64)> {
    Some((row.started_s?, row.ended_s.unwrap_or(f64::INFINITY)))
}

/// Every pair of lives of one allocation, the older generation first.
fn pairs(rows: &[AllocationRow]) -> impl Iterator<Item = (&AllocationRow, &AllocationRow)> {
    let same = |a: &AllocationRow, b: &AllocationRow| {
        (a.deployment, &a.node, &a.allocation) == (b.deployment, &b.node, &b.allocation)
    };
    rows.iter().enumerate().flat_map(move |(at, first)| {
        let others = rows[at + 1..].iter().filter(move |second| same(first, second));
        others.map(
            move |second| {
                if first.generation <= second.generation { (first, second) } else { (second, first) }
            },
        )
    })
}

/// How many allocations lived on both sides for a while.
fn check(outcome: &Outcome, what: &str) -> usize {
    let (begin, heal) = PARTITION_S;
    let mut overlaps = 0;
    for (older, newer) in pairs(&outcome.allocations) {
        let (Some(old), Some(new)) = (life(older), life(newer)) else { continue };
        let overlap = old.0.max(new.0) < old.1.min(new.1);
        if older.generation == newer.generation {
            assert!(!overlap, "{what}: two of one generation live at once:\n{older:?}\n{newer:?}");
            continue;
        }
        if overlap {
            overlaps += 1;
            assert!(
                new.0 >= begin,
                "{what}: two generations live before the partition:\n{older:?}\n{newer:?}"
            );
        }
        let end = heal.max(new.0) + GRACE_S;
        assert!(old.1 <= end, "{what}: an older generation lives after {end} s:\n{older:?}\n{newer:?}");
    }
    overlaps
}

#[test]
fn a_partition_leaves_one_generation() {
    for seed in 1..=8 {
        let outcome = partition(seed, &[]);
        let overlaps = check(&outcome, &format!("seed {seed}"));
        assert!(overlaps >= 3, "seed {seed}: only {overlaps} allocations lived on both sides");
        assert!(outcome.metric("resources.leaked").unwrap().total_cmp(&0.0).is_eq(), "seed {seed}");
    }
}

#[test]
fn a_deployment_that_ends_during_a_partition_leaves_nothing() {
    let set = ["workload[0].deploy.shutdown_after=20m", "workload[1].deploy.shutdown_after=20m"];
    for seed in 1..=4 {
        let outcome = partition(seed, &set);
        check(&outcome, &format!("seed {seed}"));
        for row in &outcome.allocations {
            let Some((_, end)) = life(row) else { continue };
            assert!(end.is_finite(), "seed {seed}: it lives for ever: {row:?}");
        }
        assert!(outcome.metric("resources.leaked").unwrap().total_cmp(&0.0).is_eq(), "seed {seed}");
    }
}

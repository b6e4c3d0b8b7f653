//! The same inputs give the same run, whatever surrounds it: a second run, threads, signatures, tracing.

use std::path::Path;

use dmsim::observe;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome, Setup};
use rayon::prelude::*;

use crate::program::program;

/// Calm with few peers for half an hour: short, and every stage of a deployment is in it.
const CALM: (&str, &[&str]) = (
    "scenarios/calm.yaml",
    &[
        "duration=30m",
        "peers[0].providers.count=20",
        "workload[0].deploy.count=8",
        "workload[1].deploy.count=3",
    ],
);
/// Outage with few peers: loss, crashes, repairs and redeployments.
const OUTAGE: (&str, &[&str]) = (
    "scenarios/outage.yaml",
    &[
        "duration=100m",
        "peers[0].providers.count=12",
        "peers[1].providers.count=18",
        "workload[0].deploy.count=12",
    ],
);

fn setup((path, set): (&str, &[&str]), more: &[&str], seed: u64) -> Setup {
    let metrics = observe::metric_names();
    let set = set.iter().chain(more).map(|one| (*one).to_owned()).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    match scenario::load(&path, &Overrides { set, seed: Some(seed) }, &metrics) {
        Ok(loaded) => loaded.setup,
        Err(report) => panic!("{}", report.render(false)),
    }
}

fn run(setup: &Setup, trace: bool) -> Outcome {
    sim::run(setup, Options { trace, ..Options::default() }, &mut |_, _| true).unwrap()
}

/// The digests of eight seeds on so many threads.
fn digests(threads: usize) -> Vec<u128> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        (1..=8_u64).into_par_iter().map(|seed| run(&setup(CALM, &[], seed), false).digest).collect()
    })
}

#[test]
fn a_second_run_is_the_same_run() {
    for scenario in [CALM, OUTAGE] {
        let setup = setup(scenario, &[], 7);
        let (first, second) = (run(&setup, false), run(&setup, false));
        // A run in which nothing happens would agree with itself for no good reason.
        assert!(first.metric("allocations.started").unwrap() > 5.0, "{}: nothing ran", scenario.0);
        assert_eq!(first.digest, second.digest, "{}", scenario.0);
        assert_eq!(first.manifest, second.manifest);
        assert_eq!(first.deployments, second.deployments);
        assert_eq!(first.allocations, second.allocations);
        assert_eq!(first.refusals, second.refusals);
        assert_eq!(first.events, second.events);
    }
}

#[test]
fn threads_change_nothing_and_seeds_change_everything() {
    let alone = digests(1);
    assert_eq!(alone, digests(2));
    let mut different = alone.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), alone.len(), "two seeds gave the same run: {alone:x?}");
}

#[test]
fn real_and_modelled_signatures_give_the_same_run() {
    for scenario in [CALM, OUTAGE] {
        let [real, modelled] =
            ["signatures=real", "signatures=modelled"].map(|mode| run(&setup(scenario, &[mode], 3), true));
        assert_eq!(real.first_divergence(&modelled), None, "{}", scenario.0);
        assert_eq!(real.digest, modelled.digest);
        assert_eq!((&*real.manifest.signatures, &*modelled.manifest.signatures), ("real", "modelled"));
    }
}

#[test]
fn keeping_a_trace_changes_nothing() {
    let setup = setup(CALM, &[], 5);
    let (traced, plain) = (run(&setup, true), run(&setup, false));
    assert_eq!(traced.digest, plain.digest);
    assert!(plain.trace.is_none());
    let trace = traced.trace.unwrap();
    assert_eq!(trace.len() as u64, traced.manifest.counts["facts"]);
    assert_eq!(trace.last().unwrap().2, traced.digest);
}

#[test]
fn the_first_divergence_is_the_first() {
    let [first, second] = [1, 2].map(|seed| run(&setup(CALM, &[], seed), true));
    let (ours, theirs) = (first.trace.as_ref().unwrap(), second.trace.as_ref().unwrap());
    let (fact, time, peer) = first.first_divergence(&second).expect("two seeds are two runs");
    assert_eq!(ours[..fact], theirs[..fact]);
    assert_ne!(ours[fact], theirs[fact]);
    assert_eq!((time, peer), (ours[fact].0, ours[fact].1));

    // One fact that came out otherwise, and a run that stopped early, are found where they are.
    let place = ours.len() / 2;
    let mut altered = first.clone();
    altered.trace.as_mut().unwrap()[place].2 ^= 1;
    assert_eq!(first.first_divergence(&altered), Some((place, ours[place].0, ours[place].1)));
    let mut shorter = first.clone();
    shorter.trace.as_mut().unwrap().truncate(place);
    assert_eq!(first.first_divergence(&shorter), Some((place, ours[place].0, ours[place].1)));
    assert_eq!(shorter.first_divergence(&first), Some((place, ours[place].0, ours[place].1)));
    assert_eq!(first.first_divergence(&first.clone()), None);
}

/// A run of which only the metrics are kept is the same run, with the same manifest and metrics.
#[test]
fn metrics_alone_are_those_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let dmsim = program()
            .args(["run", "scenarios/observability.yaml", "--out"])
            .arg(&out)
            .args(more)
            .output()
            .unwrap();
        assert!(dmsim.status.success(), "{}", String::from_utf8_lossy(&dmsim.stderr));
        out
    };
    let (whole, alone) = (run("whole", &["--no-report"]), run("alone", &["--metrics-only"]));
    for file in ["run.json", "metrics.csv", "scenario.resolved.yaml"] {
        assert_eq!(
            std::fs::read(whole.join(file)).unwrap(),
            std::fs::read(alone.join(file)).unwrap(),
            "{file}"
        );
    }
    let names = |out: &std::path::Path| {
        let entries = std::fs::read_dir(out).unwrap();
        let mut names: Vec<_> = entries.map(|one| one.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let all = ["ensembles", "metrics.csv", "provenance.json", "run.json", "scenario.resolved.yaml"];
    assert_eq!(names(&alone), all);
    assert!(names(&whole).contains(&"logs.jsonl".to_owned()));
}

//! Requests for bids that only a part of the providers is to answer, in whole runs.

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// Services asked for by one orchestrator within two seconds; the wire is perfect, so that its queue is what is seen.
fn run(services: u32, providers: &str, strategy: &str) -> Outcome {
    let ensemble = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/ensembles/web.yaml");
    let text = format!(
        "version: 1\nduration: 10m\nnetwork: {{latency: {{constant: 20ms}}, bandwidth: unlimited}}\nstrategy: \
         {strategy}\npeers:\n{providers}  - orchestrators: {{names: [alice]}}\nworkload:\n  - deploy: {{by: alice, \
         ensemble: {ensemble}, arrivals: {{burst: {{at: 1m, count: {services}, within: 2s}}}}, timeout: 4m}}\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("storm.yaml");
    std::fs::write(&path, text).unwrap();
    match scenario::load(&path, &Overrides::default(), &[]) {
        Ok(loaded) => sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap(),
        Err(report) => panic!("{}", report.render(false)),
    }
}

const LARGE: &str = "hardware: {cpu: 8, ram: 16 GiB, disk: 200 GB}";

fn held_back(outcome: &Outcome) -> u64 {
    outcome.refusals.iter().filter(|row| row.reason.starts_with("held back")).map(|row| row.count).sum()
}

#[test]
fn fewer_bids_reach_an_orchestrator_and_its_deployments_run_sooner() {
    let providers = format!("  - providers: {{count: 1000, {LARGE}}}\n");
    let [all, part] = ["{}", "{bid_suppression: true}"].map(|strategy| run(80, &providers, strategy));
    let metric = |name| [&all, &part].map(|outcome| outcome.metric(name).unwrap());
    assert_eq!(metric("deployments.running"), [80.0, 80.0]);
    // Eight bids a deployment are kept. The others are in vain, and the replies to commits wait and are lost with them.
    let [in_vain, still_in_vain] = metric("messages.rejected");
    assert!(in_vain > 70_000.0 && still_in_vain < 3000.0, "{in_vain} and {still_in_vain}");
    for time in ["time_to_running.p50", "time_to_running.mean", "time_to_running.p95"] {
        let [slow, fast] = metric(time);
        assert!(fast < slow, "{time}: {fast} s, and {slow} s without");
    }
    assert_eq!(held_back(&all), 0);
    let (asked, expected) = (80 * 1000, 80 * 32);
    let answered = asked - held_back(&part);
    assert!(
        answered.abs_diff(expected) < 200,
        "{answered} of {asked} answered: four standard deviations are 199"
    );
}

#[test]
fn the_only_machine_that_suits_is_found_among_many() {
    let small = "hardware: {cpu: 1, ram: 256 MiB, disk: 20 GB}";
    let providers =
        format!("  - providers: {{count: 999, {small}}}\n  - providers: {{name: rare, count: 1, {LARGE}}}\n");
    let outcome = run(10, &providers, "{bid_suppression: true}");
    assert!(held_back(&outcome) > 0, "a share of one in 31 asks it rarely");
    assert_eq!(outcome.metric("deployments.running"), Some(10.0), "and the doubled one asks it");
    assert!(outcome.deployments.iter().any(|row| row.rounds > 2), "{:?}", outcome.deployments);
}

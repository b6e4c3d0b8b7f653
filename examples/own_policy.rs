//! A placement policy of another crate, compared with one of the list on the same network, jobs and failures:
//! `cargo run --release --example own_policy`. docs/adding-a-policy.md walks through it.

use dmsim::dms::scored_bids::ScoredBids;
use dmsim::placement::{Ask, Machine, Parameters, Placement, Policy, Score, listed};
use dmsim::scenario;
use dmsim::sim::{self, Options, Setup};

/// Keeps large machines for large jobs: the machine whose memory is most nearly what the job asks for.
#[derive(Debug)]
struct SnugMemory {
    /// How much being far away counts against a machine, for every 100 ms.
    distance_weight: f64,
}

impl Policy for SnugMemory {
    fn name(&self) -> &'static str {
        "snug_memory"
    }

    fn parameters(&self) -> String {
        self.distance_weight.to_string()
    }

    fn score(&self, ask: &Ask, machine: &Machine) -> Score {
        let used = ask.ram_bytes as f64 / machine.total.ram_bytes as f64;
        used - self.distance_weight * machine.known.rtt_ms.unwrap_or(0.0) / 100.0
    }
}

/// Two hundred home computers of half the world, and somebody with work for some of them at a time.
const SCENARIO: &str = "
version: 1
name: own-policy
seed: 5
duration: 3h
peers:
  - providers: {count: 200, place: {by_population: world}, hardware: {preset: home-pc}, churn: {preset: desktop-pc}}
  - orchestrators: {names: [alice], place: {city: Berlin}}
images: {acme/render: {size: 50 MB, task: {run: {lognormal: {median: 20m, sigma: 1}}}}}
workload:
  - deploy: {by: alice, ensemble: render.yaml, arrivals: {poisson: {mean: 90s}}, count: 100}
";

const ENSEMBLE: &str = "
version: V1
allocations:
  frame:
    type: task
    executor: docker
    resources: {cpu: {cores: 2}, ram: {size: 7 GiB}, disk: {size: 1 GiB}}
    execution: {type: docker, image: acme/render}
nodes: {main: {allocations: [frame]}}
";

fn main() {
    let ensembles = vec![("render.yaml".to_owned(), ENSEMBLE.to_owned())];
    let setup = scenario::load_text("own-policy.yaml", SCENARIO, ensembles)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    let listed = |name| (listed(name).expect("it is on the list").make)(&Parameters::default());
    println!("{:<24} {:>9} {:>16} {:>10}", "policy", "completed", "to running, mean", "digest");
    for placement in
        [listed("uniform"), listed("latency_aware"), Placement::new(SnugMemory { distance_weight: 0.5 })]
    {
        let label = placement.label();
        let outcome = run(&setup, placement);
        let metric = |name: &str| outcome.metric(name).expect("it is a metric");
        println!(
            "{label:<24} {:>9} {:>14.1} s {:>10.8}",
            metric("deployments.completed"),
            metric("time_to_running.mean"),
            format!("{:032x}", outcome.digest)
        );
    }
}

/// The same run with another policy: every draw has a stream of its own, so nothing else changes.
fn run(setup: &Setup, placement: Placement) -> sim::Outcome {
    let mut setup = setup.clone();
    setup.strategy.placement = placement;
    setup.strategy.scored_bids = Some(ScoredBids::default());
    sim::run(&setup, Options::default(), &mut |_, _| true).expect("resources are conserved")
}

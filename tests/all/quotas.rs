//! Machines that give no more than a part of themselves to the members of an organization, in whole runs.

use dmsim::scenario;
use dmsim::sim::{self, Options, Outcome};

/// Alice and Ann are members of `acme`, Bob of `other`. One machine with 200 cores and 40 cards takes from both. Each
/// of the three asks for twelve tasks of four cores, or of a card, and gets one round of bids for each.
fn run(quotas: &str, ensemble: &str) -> Outcome {
    let text = format!(
        "version: 1
duration: 30m
network: {{latency: {{constant: 10ms}}, bandwidth: unlimited}}
strategy: {{attempts: 1}}
images:
  task: {{size: 1 B, start: 1s, task: {{run: 10m}}}}
peers:
  - providers: {{name: m, count: 1, org: [acme, other], onboard: {{cpu: 100%, ram: 100%, disk: 100%}}, \
         hardware: {{cpu: 200, ram: 64 GiB, disk: 1 TB, gpu: {{vendor: NVIDIA, model: T4, vram: 16 GiB, \
         count: 40}}}}{quotas}}}
  - orchestrators: {{names: [alice, ann], org: acme, name: ours}}
  - orchestrators: {{names: [bob], org: other, name: others}}
workload:
  - deploy: {{by: ours, ensemble: {ensemble}.yaml, count: 24, arrivals: {{every: 6s}}}}
  - deploy: {{by: others, ensemble: {ensemble}.yaml, count: 12, arrivals: {{every: 12s}}}}
"
    );
    let ensemble = |name: &str, wanted: &str| {
        let text = format!(
            "version: V1\nallocations:\n  only: {{type: task, executor: docker, \
             resources: {{{wanted}, ram: {{size: 1 MiB}}, disk: {{size: 1 MiB}}}}, \
             execution: {{type: docker, image: task}}}}\nnodes: {{main: {{allocations: [only]}}}}\n"
        );
        (format!("{name}.yaml"), text)
    };
    let files = [
        ensemble("cores", "cpu: {cores: 4}"),
        ensemble("whole", "cpu: {cores: 1}, gpus: [{model: T4}]"),
        ensemble("halves", "cpu: {cores: 1}, gpus: [{model: T4, vram: 8}]"),
    ];
    let setup = scenario::load_text("quotas.yaml", &text, files.to_vec());
    let setup = setup.unwrap_or_else(|report| panic!("{}", report.render(false)));
    sim::run(&setup, Options::default(), &mut |_, _| true).unwrap()
}

/// How many of those of `acme` and of `other` came to run.
fn ran(outcome: &Outcome) -> [usize; 2] {
    let of = |wanted: &[&str]| {
        let own = outcome.deployments.iter().filter(|row| wanted.contains(&&*row.orchestrator));
        own.filter(|row| row.running_s.is_some()).count()
    };
    [of(&["alice", "ann"]), of(&["bob"])]
}

#[test]
fn members_of_an_organization_have_its_quota_together() {
    assert_eq!(ran(&run("", "cores")), [24, 12]);
    // 50 of 200 cores are twelve times four.
    let outcome = run(", quotas: {acme: 25%}", "cores");
    assert_eq!(ran(&outcome), [12, 12]);
    let said = outcome.refusals.iter().map(|row| format!("{row:?}")).collect::<String>();
    assert!(said.contains("acme may have 25 % of the machine, and would have more of its CPU"), "{said}");
    assert_eq!(ran(&run(", quotas: {acme: 25%, other: 3%}", "cores")), [12, 1]);
    assert_eq!(ran(&run(", quotas: {other: 0%}", "cores")), [24, 0], "nothing at all");
}

#[test]
fn cards_count_whether_they_are_wanted_whole_or_in_part() {
    assert_eq!(ran(&run(", quotas: {acme: 25%}", "whole")), [10, 12]);
    assert_eq!(ran(&run(", quotas: {acme: 25%}", "halves")), [20, 12]);
}

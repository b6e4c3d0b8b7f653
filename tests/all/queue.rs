//! Orchestrators that work on a few deployments at once, in whole runs: who waits, in which order, how waiting ends.

use dmsim::observe::DeploymentRow;
use dmsim::scenario;
use dmsim::sim::{self, Options, Outcome};

const ONE: &str = "{queue: {at_once: 1}}";
const FIVE: &str = ", arrivals: {every: 500ms}, count: 5, timeout: 20m";

/// A run of half an hour on machines that are never the bottleneck. `more` is added to the scenario.
fn run(workload: &str, strategy: &str, more: &str) -> Outcome {
    let text = format!(
        "version: 1
duration: 30m
network: {{latency: {{constant: 10ms}}, bandwidth: unlimited}}
strategy: {strategy}
images:
  minute: {{size: 1 B, start: 1s, task: {{run: 60s}}}}
  long: {{size: 1 B, start: 1s, task: {{run: 10m}}}}
  server: {{size: 1 B, start: 1s, service: {{}}}}
peers:
  - providers: {{count: 4, hardware: {{cpu: 64, ram: 64 GiB, disk: 1 TB}}}}
  - orchestrators: {{names: [alice, bob]}}
{more}workload:
{workload}"
    );
    let files =
        [("minute", "task", 1), ("huge", "task", 1000), ("long", "task", 1), ("server", "service", 1)];
    let files = files.map(|(name, kind, cores)| {
        let image = if name == "huge" { "minute" } else { name };
        let text = format!(
            "version: \"V1\"\nallocations:\n  only: {{type: {kind}, executor: docker, resources: {{cpu: {{cores: \
             {cores}}}, ram: {{size: 1 MiB}}, disk: {{size: 1 MiB}}}}, execution: {{type: docker, image: \
             {image}}}}}\nnodes:\n  main: {{allocations: [only]}}\n"
        );
        (format!("{name}.yaml"), text)
    });
    let setup = scenario::load_text("queue.yaml", &text, files.to_vec());
    let setup = setup.unwrap_or_else(|report| panic!("{}", report.render(false)));
    sim::run(&setup, Options::default(), &mut |_, _| true).unwrap()
}

fn deploy(ensemble: &str, more: &str) -> String {
    format!("  - deploy: {{by: alice, ensemble: {ensemble}.yaml{more}}}\n")
}

/// From running to its end.
fn span(row: &DeploymentRow) -> (f64, f64) {
    (row.running_s.expect("it ran"), row.ended_s.expect("it ended"))
}

/// The most that ran at one time.
fn most_at_once(outcome: &Outcome) -> usize {
    let spans: Vec<(f64, f64)> = outcome.deployments.iter().map(span).collect();
    let at = |time: f64| spans.iter().filter(|(from, to)| *from <= time && time < *to).count();
    spans.iter().map(|(from, _)| at(*from)).max().expect("some ran")
}

fn ends(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.deployments.iter().map(|row| (&*row.status, &*row.reason)).collect()
}

/// Each came to run soon after the one before had ended.
#[track_caller]
fn assert_in_turn(outcome: &Outcome) {
    let spans: Vec<(f64, f64)> = outcome.deployments.iter().map(span).collect();
    for pair in spans.windows(2) {
        assert!((0.0..30.0).contains(&(pair[1].0 - pair[0].1)), "{spans:?}");
    }
}

#[test]
fn one_begins_when_the_one_before_has_ended() {
    let outcome = run(&deploy("minute", FIVE), ONE, "");
    assert_in_turn(&outcome);
    assert_eq!(ends(&outcome), [("completed", ""); 5]);
}

#[test]
fn so_many_are_worked_on_and_no_more() {
    for (strategy, most) in [(ONE, 1), ("{queue: {at_once: 2}}", 2), ("{}", 5)] {
        let outcome = run(&deploy("minute", FIVE), strategy, "");
        assert_eq!(most_at_once(&outcome), most, "{strategy}");
    }
}

/// Three wait while the first one runs: the most urgent goes first, and of equals the one that was asked for first.
#[test]
fn the_most_urgent_of_those_that_wait_goes_first() {
    let request = |name: &str, at: &str, priority: &str| {
        deploy("minute", &format!(", name: {name}, timeout: 20m, arrivals: {{at: [{at}]}}{priority}"))
    };
    let workload = request("first", "0s", "")
        + &request("usual", "10s", "")
        + &request("urgent", "20s", ", priority: 5")
        + &request("as_urgent", "30s", ", priority: 5");
    for more in ["", "faults:\n  - restart: {at: 40s, down: 5s, group: orchestrators}\n"] {
        let outcome = run(&workload, ONE, more);
        let mut rows: Vec<&DeploymentRow> = outcome.deployments.iter().collect();
        rows.sort_by(|one, other| span(one).0.total_cmp(&span(other).0));
        let order: Vec<&str> = rows.iter().map(|row| &*row.name).collect();
        assert_eq!(order, ["first-0", "urgent-2", "as_urgent-3", "usual-1"], "{more}");
    }
}

#[test]
fn every_orchestrator_has_a_queue_of_its_own() {
    let both = deploy("minute", "") + &deploy("minute", "").replace("alice", "bob");
    assert_eq!(most_at_once(&run(&both, ONE, "")), 2);
}

#[test]
fn what_cannot_run_gives_way_when_it_fails() {
    let workload = deploy("huge", ", timeout: 3m") + &deploy("minute", ", timeout: 20m");
    let outcome = run(&workload, ONE, "");
    let [failed, ran] = &outcome.deployments[..] else { panic!("two were asked for") };
    assert_eq!(&*failed.status, "failed");
    let pause = span(ran).0 - failed.ended_s.expect("it failed");
    assert!((0.0..30.0).contains(&pause), "{pause}");
}

/// The first works for ten minutes, longer than the second may wait.
#[test]
fn whose_turn_does_not_come_in_time_fails_and_says_so() {
    let workload =
        deploy("long", "") + &deploy("minute", ", timeout: 5m") + &deploy("minute", ", timeout: 20m");
    let outcome = run(&workload, ONE, "");
    let expected = [("completed", ""), ("failed", "its turn did not come in time"), ("completed", "")];
    assert_eq!(ends(&outcome), expected);
    let late = &outcome.deployments[1];
    assert_eq!((late.rounds, late.running_s), (0, None), "it has asked nobody for anything");
    let ended = late.ended_s.expect("it failed");
    assert!((200.0..300.1).contains(&ended), "{ended}");
}

/// A service runs until it is shut down; meanwhile one that waits is called off.
#[test]
fn what_waits_may_be_cancelled() {
    let workload = deploy("server", ", shutdown_after: 8m, timeout: 20m")
        + &deploy("server", ", name: waiting, shutdown_after: 2m, timeout: 20m")
        + &deploy("minute", ", timeout: 20m");
    let asked =
        "operations:\n  - {at: 1m, by: alice, deployment: {status: waiting}, answer: waits for other}\n";
    let outcome = run(&workload, ONE, asked);
    let ends = ends(&outcome);
    assert_eq!(ends[1], ("completed", "cancelled before its turn"));
    assert_eq!(outcome.deployments[1].rounds, 0);
    assert_eq!((ends[0].0, ends[2].0), ("completed", "completed"));
    let pause = span(&outcome.deployments[2]).0 - span(&outcome.deployments[0]).1;
    assert!((0.0..30.0).contains(&pause), "a running service has not ended: {pause}");
    assert_eq!(outcome.metric("operations.unexpected"), Some(0.0), "it is told that it waits");
}

/// The process of the orchestrator ends while the first runs, or has just begun, and the others wait.
#[test]
fn a_queue_survives_a_restart() {
    for profile in ["", "profile: as-is\n"] {
        for at in [3, 30, 90, 150] {
            let restart =
                format!("{profile}faults:\n  - restart: {{at: {at}s, down: 5s, group: orchestrators}}\n");
            let outcome = run(&deploy("minute", FIVE), ONE, &restart);
            let early = profile.len() > 1 && at == 3;
            if early {
                // W14 as it is: the first is never gone on with, so the others wait until their turn is too late.
                assert!(
                    ends(&outcome)[1..].iter().all(|(_, reason)| *reason == "its turn did not come in time")
                );
                continue;
            }
            assert_in_turn(&outcome);
            assert!(
                ends(&outcome).iter().all(|(status, _)| *status == "completed"),
                "{at}: {:?}",
                ends(&outcome)
            );
        }
    }
}

#[test]
fn a_deadline_that_passes_while_the_orchestrator_is_down_is_noticed() {
    let workload = deploy("long", "") + &deploy("minute", ", timeout: 5m");
    let restart = "faults:\n  - restart: {at: 2m, down: 4m, group: orchestrators}\n";
    let outcome = run(&workload, ONE, restart);
    assert_eq!(ends(&outcome)[1].0, "failed");
    assert!(ends(&outcome)[1].1.contains("deadline passed while the orchestrator was down"));
}

//! Machines that run a few allocations at once, in whole runs: who waits, in which order, what happens meanwhile.

use dmsim::observe::DeploymentRow;
use dmsim::scenario;
use dmsim::sim::{self, Options, Outcome};

const ONE: &str = "queue: {at_once: 1}";
const FIVE: &str = ", arrivals: {every: 500ms}, count: 5, timeout: 40m";

/// A run of an hour on machines with resources for everything and the `queue` that is given.
fn run(queue: &str, workload: &str, more: &str) -> Outcome {
    let text = format!(
        "version: 1
duration: 1h
network: {{latency: {{constant: 10ms}}, bandwidth: unlimited}}
images:
  minute: {{size: 1 B, start: 1s, task: {{run: 60s}}}}
  broken: {{size: 1 B, start: 1s, task: {{run: 60s, exit_code: 3}}}}
  long: {{size: 1 B, start: 1s, task: {{run: 10m}}}}
  server: {{size: 1 B, start: 1s, service: {{}}}}
  fragile: {{size: 1 B, start: 1s, service: {{fails_after: 3m}}}}
  deaf: {{size: 1 B, start: 1s, stop: ignored, service: {{}}}}
peers:
  - providers: {{name: m, count: 2, hardware: {{cpu: 64, ram: 64 GiB, disk: 1 TB}}, {queue}}}
  - orchestrators: {{names: [alice, bob]}}
{more}workload:
{workload}"
    );
    let files = [
        ("minute", "task", 1, ", peer: m-0"),
        ("broken", "task", 1, ", peer: m-0"),
        ("long", "task", 1, ", peer: m-0"),
        ("large", "task", 20, ", peer: m-0"),
        ("server", "service", 1, ", peer: m-0"),
        ("fragile", "service", 1, ", peer: m-0"),
        ("deaf", "service", 1, ", peer: m-0"),
        ("free", "task", 1, ""),
    ];
    let files = files.map(|(name, kind, cores, pin)| {
        let image = if matches!(name, "free" | "large") { "minute" } else { name };
        let text = format!(
            "version: \"V1\"\nallocations:\n  only: {{type: {kind}, executor: docker, resources: {{cpu: {{cores: \
             {cores}}}, ram: {{size: 1 MiB}}, disk: {{size: 1 MiB}}}}, execution: {{type: docker, image: \
             {image}}}}}\nnodes:\n  main: {{allocations: [only]{pin}}}\n"
        );
        (format!("{name}.yaml"), text)
    });
    let pair = |pins: [&str; 2]| {
        format!(
            "version: \"V1\"\nallocations:\n  one: &a {{type: task, executor: docker, resources: {{cpu: {{cores: 1}}, \
             ram: {{size: 1 MiB}}, disk: {{size: 1 MiB}}}}, execution: {{type: docker, image: minute}}}}\n  two: \
             *a\nnodes:\n  first: {{allocations: [one]{}}}\n  second: {{allocations: [two]{}}}\n",
            pins[0], pins[1]
        )
    };
    let mut files = files.to_vec();
    files.push(("pair.yaml".to_owned(), pair([", peer: m-0", ", peer: m-1"])));
    files.push((
        "chain.yaml".to_owned(),
        "version: \"V1\"\nallocations:\n  late: {type: task, executor: docker, depends_on: [early], resources: {cpu: \
         {cores: 1}, ram: {size: 1 MiB}, disk: {size: 1 MiB}}, execution: {type: docker, image: minute}}\n  early: \
         {type: task, executor: docker, resources: {cpu: {cores: 1}, ram: {size: 1 MiB}, disk: {size: 1 MiB}}, \
         execution: {type: docker, image: minute}}\nnodes:\n  main: {allocations: [early, late], peer: m-0}\n"
            .to_owned(),
    ));
    let setup = scenario::load_text("turns.yaml", &text, files);
    let setup = setup.unwrap_or_else(|report| panic!("{}", report.render(false)));
    let outcome = sim::run(&setup, Options::default(), &mut |_, _| true).unwrap();
    assert_eq!(outcome.metric("resources.leaked"), Some(0.0));
    outcome
}

fn deploy(ensemble: &str, more: &str) -> String {
    format!("  - deploy: {{by: alice, ensemble: {ensemble}.yaml{more}}}\n")
}

fn ends(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.deployments.iter().map(|row| (&*row.status, &*row.reason)).collect()
}

fn running(row: &DeploymentRow) -> f64 {
    row.running_s.expect("it ran")
}

/// When the allocations started, in the order of their deployments; those of the last generation.
fn starts(outcome: &Outcome) -> Vec<f64> {
    let mut rows: Vec<_> = outcome.allocations.iter().filter(|row| row.started_s.is_some()).collect();
    rows.sort_by_key(|row| (row.deployment, row.generation));
    rows.iter().map(|row| row.started_s.expect("it started")).collect()
}

/// Each starts when the one before has ended, within so many seconds.
#[track_caller]
fn assert_in_turn(starts: &[f64], pause_s: f64) {
    for pair in starts.windows(2) {
        let pause = pair[1] - pair[0] - 60.0;
        assert!((0.99..pause_s).contains(&pause), "{starts:?}");
    }
}

#[test]
fn one_starts_when_the_one_before_has_ended() {
    let outcome = run(ONE, &deploy("minute", FIVE), "");
    assert_in_turn(&starts(&outcome), 1.01);
    assert_eq!(ends(&outcome), [("completed", ""); 5]);
    let began: Vec<f64> = outcome.deployments.iter().map(running).collect();
    for (began, started) in began.iter().zip(starts(&outcome)) {
        assert!((0.0..1.0).contains(&(began - started)), "a deployment runs when its allocations do");
    }
}

#[test]
fn so_many_run_and_no_more() {
    for (queue, most) in [(ONE, 1), ("queue: {at_once: 2}", 2), ("onboard: {cpu: 80%}", 5)] {
        let starts = starts(&run(queue, &deploy("minute", FIVE), ""));
        let at = |time: f64| starts.iter().filter(|from| (**from..**from + 60.0).contains(&time)).count();
        assert_eq!(starts.iter().map(|from| at(*from)).max(), Some(most), "{queue}");
    }
}

/// What waits holds its resources: the machine offers 51 cores.
#[test]
fn what_waits_holds_its_resources() {
    let outcome = run(ONE, &deploy("large", ", arrivals: {every: 500ms}, count: 3, timeout: 40m"), "");
    assert_eq!(starts(&outcome).len(), 3);
    let third = &outcome.deployments[2];
    assert!(third.rounds > 1, "it was not bidden for while two others were here: {third:?}");
}

/// Ten minutes are longer than an orchestrator waits for an answer to a start.
#[test]
fn the_wait_may_be_long_and_the_deadline_holds() {
    let workload =
        deploy("long", "") + &deploy("minute", ", timeout: 5m") + &deploy("minute", ", timeout: 20m");
    let outcome = run(ONE, &workload, "");
    let ends = ends(&outcome);
    assert_eq!((ends[0].0, ends[1].0, ends[2].0), ("completed", "failed", "completed"), "{ends:?}");
    assert_eq!(outcome.deployments[1].running_s, None);
    assert_eq!(outcome.deployments[2].rounds, 1, "it kept its place");
    let [long, _, last] = &outcome.deployments[..] else { panic!("three were asked for") };
    assert!((600.0..605.0).contains(&(running(last) - running(long))));
}

#[test]
fn where_nobody_may_wait_what_comes_is_refused() {
    let workload = deploy("minute", ", arrivals: {every: 500ms}, count: 3, timeout: 10m");
    let outcome = run("queue: {at_once: 1, waiting: 0}", &workload, "strategy: {attempts: 1}\n");
    let refused = ("failed", "start: no more may wait on this machine");
    assert_eq!(ends(&outcome), [("completed", ""), refused, refused]);
    let outcome = run("queue: {at_once: 1, waiting: 1}", &workload, "strategy: {attempts: 1}\n");
    assert_eq!(ends(&outcome), [("completed", ""), ("completed", ""), refused]);
    let outcome = run("queue: {at_once: 1, waiting: 1}", &workload, "");
    assert!(ends(&outcome).iter().all(|end| end.0 == "completed"), "the last one has tried again");
}

#[test]
fn what_waits_can_be_called_off() {
    let workload = deploy("server", ", shutdown_after: 8m, timeout: 20m")
        + &deploy("server", ", name: waiting, shutdown_after: 2m, timeout: 20m")
        + &deploy("minute", ", timeout: 20m");
    let asked = "operations:\n  - {at: 1m, by: alice, deployment: {manifest: waiting}}\n";
    let outcome = run(ONE, &workload, asked);
    assert_eq!(ends(&outcome)[1], ("completed", "cancelled"));
    let starts = starts(&outcome);
    assert_eq!(starts.len(), 2, "it never started");
    assert!((450.0..500.0).contains(&(starts[1] - starts[0])), "the place is free when the server is gone");
}

/// A program that does not listen takes its place until it is killed, after ten seconds.
#[test]
fn a_place_is_taken_until_what_ran_is_gone() {
    let workload = deploy("deaf", ", shutdown_after: 3m") + &deploy("minute", ", timeout: 20m");
    let outcome = run(ONE, &workload, "");
    let ended = outcome.deployments[0].ended_s.expect("it was shut down");
    let pause = starts(&outcome)[1] - ended;
    assert!((10.9..11.2).contains(&pause), "{pause}");
}

#[test]
fn what_fails_leaves_its_place() {
    let workload = deploy("broken", "") + &deploy("minute", ", timeout: 20m");
    let outcome = run(ONE, &workload, "strategy: {recovery: stay_down}\n");
    assert_in_turn(&starts(&outcome), 1.01);
    // A service that fails every three minutes goes to the end of the queue.
    let workload = deploy("fragile", "") + &deploy("long", ", timeout: 20m");
    let outcome = run(ONE, &workload, "strategy: {recovery: one_for_one}\n");
    let [fragile, long] = &outcome.deployments[..] else { panic!("two were asked for") };
    let pause = running(long) - running(fragile);
    assert!((180.0..185.0).contains(&pause), "{pause}");
    assert_eq!((&*fragile.status, &*long.status), ("running", "completed"));
}

/// The machine, or the process alone, is gone for a while when the first runs and the others wait.
#[test]
fn turns_survive_a_restart_of_their_machine() {
    for profile in ["", "profile: as-is\n"] {
        for fault in ["crash: {at: 90s, peer: m-0, repair: 20s}", "restart: {at: 90s, down: 20s, peer: m-0}"]
        {
            let outcome = run(ONE, &deploy("minute", FIVE), &format!("{profile}faults:\n  - {fault}\n"));
            let starts = starts(&outcome);
            assert_in_turn(&starts, 60.0 + 25.0);
            assert_eq!(starts.len(), 5, "{fault} {starts:?}");
            let ends = ends(&outcome);
            assert!(profile.len() > 1 || ends == [("completed", ""); 5], "{fault} {ends:?}");
        }
    }
}

/// The orchestrator is gone for a while: it asks what has become of everything and waits on.
#[test]
fn turns_survive_a_restart_of_the_orchestrator() {
    for at in [30, 90, 150] {
        let restart = format!("faults:\n  - restart: {{at: {at}s, down: 5s, group: orchestrators}}\n");
        let outcome = run(ONE, &deploy("minute", FIVE), &restart);
        assert_in_turn(&starts(&outcome), 1.01);
        assert_eq!(ends(&outcome), [("completed", ""); 5]);
        assert!(outcome.deployments.iter().all(|row| row.rounds == 1), "nobody has lost its turn");
    }
}

/// Where the machine does not come back, those who waited there are placed elsewhere.
#[test]
fn who_waits_on_a_machine_that_is_lost_goes_elsewhere() {
    let workload = deploy("long", "") + &deploy("free", ", arrivals: {every: 1s}, count: 8, timeout: 40m");
    let outcome = run(ONE, &workload, "faults:\n  - crash: {at: 60s, peer: m-0, repair: never}\n");
    let ends = ends(&outcome);
    assert!(ends[1..].iter().all(|(status, _)| *status == "completed"), "{ends:?}");
    let lost = outcome.allocations.iter().filter(|row| &*row.peer == "m-0" && row.deployment > 0);
    assert!(lost.count() > 1, "some waited there");
}

/// The nodes of a deployment wait each on its machine, and the deployment runs when both run.
#[test]
fn nodes_wait_side_by_side_and_levels_one_after_another() {
    let workload =
        deploy("long", "") + &deploy("pair", ", timeout: 40m") + &deploy("chain", ", timeout: 40m");
    let outcome = run(ONE, &workload, "");
    assert_eq!(ends(&outcome), [("completed", ""); 3]);
    let start = |name: &str| {
        let found = outcome.allocations.iter().find(|row| &*row.allocation == name);
        found.and_then(|row| row.started_s).expect("it started")
    };
    assert!(start("two") < 20.0, "its machine was free, whatever the other node waits for");
    assert!((600.0..630.0).contains(&start("one")), "{}", start("one"));
    // The chain came last, its first task waits for the pair's, and the second is told to start when the first has.
    assert_in_turn(&[start("one"), start("early"), start("late")], 1.1);
    let pair = &outcome.deployments[1];
    assert!(running(pair) >= start("one"));
}

#[test]
fn messages_that_are_lost_cost_no_turn() {
    let lossy = "faults:\n  - loss: {at: 6s, for: 50m, fraction: 20%}\n";
    let outcome = run(ONE, &deploy("minute", FIVE), lossy);
    let ends = ends(&outcome);
    assert!(ends.iter().all(|(status, _)| *status == "completed"), "{ends:?}");
}

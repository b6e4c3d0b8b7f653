//! What operators do with deployments, in whole runs: what is answered, what is refused, and by whom.

use std::fmt::Write as _;

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// Three providers; alice and carol orchestrate. One operation a line, with what must be said.
fn run(head: &str, workload: &str, operations: &[&str]) -> Outcome {
    run_over("", head, workload, operations)
}

/// The same with links as given.
fn run_over(links: &str, head: &str, workload: &str, operations: &[&str]) -> Outcome {
    let ensembles = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/ensembles");
    let mut text = format!(
        "version: 1\nduration: 2h\nnetwork: {{latency: {{constant: 20ms}}{links}}}\n{head}\npeers:\n  \
         - providers: {{names: [bob], count: 3, hardware: {{cpu: 8, ram: 16 GiB, disk: 200 GB}}}}\n  \
         - orchestrators: {{names: [alice, carol]}}\nimages:\n  \
         alpine: {{size: 4 MB, task: {{run: 5m, output: done}}}}\n  \
         nginx: {{size: 4 MB, service: {{output: tick, output_every: 1m}}}}\n  \
         hello-world: {{size: 13 kB, task: {{run: 1m, output: hello, output_size: 400 kB}}}}\n{workload}\noperations:\n"
    );
    for operation in operations {
        writeln!(text, "  - {{{operation}}}").unwrap();
    }
    let text = text.replace("FILES", ensembles);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deployments.yaml");
    std::fs::write(&path, text).unwrap();
    let metrics = dmsim::observe::metric_names();
    match scenario::load(&path, &Overrides::default(), &metrics) {
        Ok(loaded) => sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap(),
        Err(report) => panic!("{}", report.render(false)),
    }
}

/// Two services and a task of alice's.
const WORKLOAD: &str = "workload:\n  - deploy: {by: alice, name: web, ensemble: FILES/web.yaml, arrivals: {at: \
                        [0s, 1m]}}\n  - deploy: {by: alice, name: job, ensemble: FILES/short-task.yaml, \
                        arrivals: {at: 2m}}";

#[track_caller]
fn as_expected(outcome: &Outcome) {
    let wrong: Vec<_> = outcome.operations.iter().filter(|row| &*row.met == "no").collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{:#?}", outcome.refusals);
}

#[test]
fn pages_states_and_sorting() {
    let outcome = run(
        "",
        WORKLOAD,
        &[
            "at: 5m, by: alice, deployment: {list: {status: running, limit: 1}}, answer: '1 of 3: Running; more'",
            "at: 5m, by: alice, deployment: {list: {limit: 2, offset: 1}}, answer: '2 of 3: Running, Running'",
            "at: 20m, by: alice, deployment: {list: {status: RUNNING, limit: 1, offset: 1}}, answer: '1 of 2: Running'",
            "at: 20m, by: alice, deployment: {list: {sort: -status}}, answer: '3 of 3: Completed, Running, Running'",
            "at: 20m, by: alice, deployment: {list: {sort: created}}, answer: '3 of 3: Running, Running, Completed'",
            "at: 20m, by: alice, deployment: {list: {filter: [team=research]}}, answer: '1 of 1: Completed'",
            "at: 20m, by: alice, deployment: {list: {filter: [team=other]}}, answer: '0 of 0'",
            "at: 20m, by: alice, deployment: {list: {offset: 9}}, answer: '0 of 3'",
            "at: 20m, by: carol, deployment: {list: {}}, answer: '0 of 0'",
            "at: 20m, by: alice, deployment: {list: {limit: -1}}, refusal: 'limit must not be negative: -1'",
            "at: 20m, by: alice, deployment: {list: {offset: -2}}, refusal: 'offset must not be negative: -2'",
            "at: 20m, by: alice, deployment: {list: {status: asleep}}, refusal: 'unknown status: asleep'",
            "at: 20m, by: alice, deployment: {list: {sort: size}}, refusal: 'cannot sort by size'",
            "at: 20m, by: alice, deployment: {list: {filter: [team]}}, refusal: 'must be key=value'",
        ],
    );
    as_expected(&outcome);
    assert_eq!(outcome.metric("operations.unexpected"), Some(0.0));
}

#[test]
fn one_deployment_is_seen_from_all_sides() {
    let unknown = "0123456789abcdef".repeat(4);
    let outcome = run(
        "",
        WORKLOAD,
        &[
            "at: 3s, by: alice, deployment: {status: web}, answer: Preparing",
            "at: 3s, by: alice, deployment: {logs: {deployment: web, allocation: web}}, refusal: it has not run",
            "at: 10m, by: alice, deployment: {manifest: web}, answer: '.web running'",
            "at: 10m, by: alice, deployment: {info: {deployment: web, usage: true, logs: true}}, answer: cores; logs",
            "at: 10m, by: alice, deployment: {logs: {deployment: {name: web, number: 2}, allocation: web}}, \
             answer: tick",
            "at: 10m, by: alice, deployment: {logs: {deployment: web, allocation: db}}, refusal: 'db not found'",
            "at: 10m, by: alice, deployment: {info: {deployment: web, logs: true, allocations: [x]}}, refusal: x not",
            "at: 10m, by: alice, deployment: {status: {of: alice, number: 3}}, answer: Completed",
            "at: 10m, by: alice, deployment: {status: {of: alice, number: 4}}, refusal: there is no deployment 4",
            "at: 10m, by: alice, deployment: {manifest: job}, answer: worker.job completed",
            "at: 10m, by: alice, deployment: {logs: {deployment: job, allocation: worker.job}}, answer: done",
            "at: 50m, by: alice, deployment: {logs: {deployment: job, allocation: job}}, refusal: logs were deleted",
            &format!(
                "at: 10m, by: alice, deployment: {{status: {{id: {unknown}}}}}, refusal: failed to get orch"
            ),
        ],
    );
    as_expected(&outcome);
}

#[test]
fn what_has_ended_is_forgotten_and_what_lives_is_not() {
    let outcome = run(
        "",
        WORKLOAD,
        &[
            "at: 10m, by: alice, deployment: {delete: web}, refusal: shut it down before",
            "at: 11m, by: alice, deployment: {shutdown: web}, answer: shut down",
            "at: 12m, by: alice, deployment: {shutdown: web}, answer: already complete",
            "at: 13m, by: alice, deployment: {prune: {before: 10m}}, answer: 1 pruned",
            "at: 14m, by: alice, deployment: {status: job}, refusal: failed to get orchestrator",
            "at: 14m, by: alice, deployment: {list: {}}, answer: '2 of 2: Completed, Running'",
            "at: 15m, by: alice, deployment: {delete: web}, answer: deleted",
            "at: 16m, by: alice, deployment: {prune: all}, answer: 0 pruned",
            "at: 17m, by: alice, deployment: {list: {}}, answer: '1 of 1: Running'",
        ],
    );
    as_expected(&outcome);
    assert_eq!(outcome.metric("resources.leaked"), Some(0.0));
}

#[test]
fn another_operator_needs_a_capability_and_then_deploys_from_afar() {
    let outcome = run(
        "",
        "workload: []",
        &[
            "at: 1m, by: bob, deployment: {to: alice, list: {}}, refusal: no answer within 30s",
            "at: 2m, by: alice, grant: {to: bob, capabilities: [/dms/node/deployment], for: 1h}",
            "at: 3m, by: bob, deployment: {to: alice, list: {}}, answer: '0 of 0'",
            "at: 4m, by: bob, deployment: {to: alice, timeout: 58s, new: FILES/web.yaml}, refusal: time too short",
            "at: 5m, by: bob, deployment: {to: alice, new: {ensemble: FILES/web.yaml, name: afar}}, answer: OK",
            "at: 10m, by: bob, deployment: {to: alice, status: afar}, answer: Running",
            "at: 11m, by: bob, deployment: {to: alice, info: {deployment: afar, usage: true}}, answer: uses 0.5 cores",
            "at: 12m, by: bob, deployment: {to: alice, logs: {deployment: afar, allocation: web}}, answer: stdout.log",
            "at: 13m, by: bob, deployment: {to: alice, shutdown: afar}, answer: shut down",
            "at: 14m, by: alice, deployment: {new: {ensemble: FILES/short-task.yaml, name: near}}, answer: OK",
            "at: 30m, by: alice, deployment: {status: near}, answer: Completed",
        ],
    );
    as_expected(&outcome);
    let names: Vec<_> = outcome.deployments.iter().map(|row| (&*row.ensemble, &*row.status)).collect();
    assert_eq!(names, [("web", "failed"), ("afar", "completed"), ("near", "completed")]);
    assert!(outcome.deployments.iter().all(|row| &*row.orchestrator == "alice"));
}

/// How long the log was that an operation asked for: it says `stdout.log 55 B, ...`.
fn bytes_of_log(outcome: &Outcome, operation: usize) -> u64 {
    let said = outcome.operations[operation].said.to_string();
    said.split(' ').nth(1).and_then(|bytes| bytes.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}

#[test]
fn a_followed_log_outlives_its_provider() {
    let operations = |follow: &str| {
        [
            format!(
                "at: 10m, by: alice, deployment: {{logs: {{deployment: web, allocation: web{follow}}}}}, answer: tick"
            ),
            "at: 20m10s, by: alice, deployment: {logs: {deployment: web, allocation: web}}".to_owned(),
        ]
    };
    let workload = "strategy: {recovery: stay_down}\nfaults: [{crash: {at: 20m, group: providers, repair: never}}]\n\
                    workload:\n  - deploy: {by: alice, name: web, ensemble: FILES/web.yaml}";
    let bytes = |follow: &str| {
        let operations = operations(follow);
        let outcome = run("", workload, &operations.each_ref().map(String::as_str));
        as_expected(&outcome);
        bytes_of_log(&outcome, 1)
    };
    let (once, followed) = (bytes(""), bytes(", follow: true"));
    assert!(followed >= once + 8 * "tick\n".len() as u64, "{once} bytes once, {followed} followed");
}

#[test]
fn a_log_grows_by_what_was_printed_since() {
    let at = |time: &str| {
        format!("at: {time}, by: alice, deployment: {{logs: {{deployment: web, allocation: web}}}}")
    };
    // The program prints once a minute, and has begun some seconds after the start.
    let operations = ["10m30s", "10m50s", "13m30s"].map(at);
    let workload = "workload:\n  - deploy: {by: alice, name: web, ensemble: FILES/web.yaml}";
    let outcome = run("", workload, &operations.each_ref().map(String::as_str));
    let bytes = [0, 1, 2].map(|number| bytes_of_log(&outcome, number));
    assert_eq!(bytes, [11 * 5, 11 * 5, 14 * 5]);
}

#[test]
fn as_is_only_a_running_deployment_ends() {
    let workload = "faults: [{crash: {at: 30s, group: providers, repair: never}}]\n\
                    workload:\n  - deploy: {by: alice, name: web, ensemble: FILES/web.yaml, arrivals: {at: 1m}}";
    let end = |profile: &str, said: &str| {
        let early = format!("at: 3m, by: alice, deployment: {{shutdown: web}}, {said}");
        as_expected(&run(profile, workload, &[&early]));
    };
    end("profile: as-is", "refusal: deployment is not running");
    end("profile: {base: as-is, fix: [W21]}", "answer: cancelled");
    end("profile: intended", "answer: cancelled");
    let late = "at: 20m, by: alice, deployment: {shutdown: web}, refusal: has failed already";
    as_expected(&run("profile: intended", workload, &[late]));
}

/// 400 kB of output are 700 kB in a message: 1 s over 8 Mbit/s, 57 s over 100 kbit/s.
#[test]
fn a_long_message_over_a_slow_link_is_given_up_after_half_a_minute() {
    let read = |up: &str, state: &str| {
        let links = format!(", bandwidth: {{up: {up}, down: 8 Mbit/s}}");
        let workload = "workload:\n  - deploy: {by: alice, name: long, ensemble: FILES/hello.yaml}";
        let status = format!("at: 5m, by: alice, deployment: {{status: long}}, answer: {state}");
        let outcome = run_over(&links, "profile: as-is", workload, &[&status]);
        as_expected(&outcome);
        let lost = outcome
            .metrics
            .iter()
            .find(|row| *row.metric == *"messages.lost" && row.labels.contains("read timeout"));
        lost.map_or(0.0, |row| row.value)
    };
    assert!(read("8 Mbit/s", "Completed") < 1.0);
    // As it is, the end of a task is told once (W17).
    assert!(read("100 kbit/s", "Running") >= 1.0);
}

#[test]
fn a_group_asks_in_turn_whoever_is_up() {
    let by_all = WORKLOAD.split("\n  - deploy: {by: alice, name: job").next().unwrap();
    let by_all =
        by_all.replace("by: alice", "by: orchestrators").replace("{at: [0s, 1m]}", "{every: 1m}, count: 5");
    let asked = |head: &str| -> Vec<(String, String, String)> {
        let outcome =
            run(head, &by_all, &["at: 90s, by: alice, deployment: {list: {}}, answer: '1 of 1: Running'"]);
        as_expected(&outcome);
        let row = |row: &dmsim::observe::rows::DeploymentRow| {
            (row.orchestrator.to_string(), row.outcome.to_string(), row.reason.to_string())
        };
        outcome.deployments.iter().map(row).collect()
    };
    let names =
        |rows: &[(String, String, String)]| -> Vec<String> { rows.iter().map(|row| row.0.clone()).collect() };
    let all = asked("");
    assert_eq!(names(&all), ["alice", "carol", "alice", "carol", "alice"]);
    assert!(all.iter().all(|(_, outcome, _)| outcome == "succeeded"), "{all:?}");
    let one_down = asked("faults: [{crash: {at: 150s, peer: carol, repair: never}}]");
    assert_eq!(names(&one_down), names(&all), "nobody takes the turn of one who is down");
    assert_eq!((&*one_down[3].1, &*one_down[3].2), ("failed", "the orchestrator is down"));
    assert_eq!(one_down[4].1, "succeeded");
}

#[test]
fn nothing_to_place_is_told_at_once() {
    let image = "{cores: 1}, ram: {size: 1}, disk: {size: 1}}, execution: {type: docker, image: nginx}";
    let ensemble = format!(
        "version: V1, allocations: {{a: {{type: service, executor: docker, resources: {{cpu: {image}}}}}"
    );
    let workload = format!("workload:\n  - deploy: {{by: alice, name: lost, ensemble: {{{ensemble}}}}}");
    let status = "at: 1m, by: alice, deployment: {status: lost}, answer: Failed";
    let outcome = run("", &workload, &[status]);
    as_expected(&outcome);
    let reason = "no node of the ensemble has an allocation: there is nothing to place";
    assert!(outcome.deployments.iter().any(|row| &*row.reason == reason), "{:#?}", outcome.deployments);
}

//! What each recovery strategy, supervision tree and failure detector does, in whole runs.

use std::path::Path;

use dmsim::observe;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{Outcome, World};

/// A run of `strategies.yaml` with these deployments, faults and strategy.
fn run(workload: &str, faults: &str, strategy: &str, set: &[&str]) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scenarios/strategies.yaml");
    let metrics = observe::metric_names();
    let own =
        [format!("workload=[{workload}]"), format!("faults=[{faults}]"), format!("strategy={{{strategy}}}")];
    let set = set.iter().map(|one| (*one).to_owned()).chain(own).collect();
    let loaded = scenario::load(&path, &Overrides { set, seed: None }, &metrics);
    let setup = loaded.unwrap_or_else(|report| panic!("{}", report.render(false))).setup;
    let world = World::new(&setup).expect("the setup can be built");
    world.run(&mut |_, _| true).expect("resources are conserved")
}

fn deploy(ensemble: &str, more: &str) -> String {
    format!("{{deploy: {{by: alice, ensemble: ensembles/{ensemble}.yaml, {more}}}}}")
}

fn metric(outcome: &Outcome, name: &str) -> f64 {
    outcome.metric(name).unwrap_or_else(|| panic!("{name} is a metric"))
}

/// Nothing is left behind, and nothing runs twice.
fn assert_tidy(outcome: &Outcome) {
    assert_eq!(metric(outcome, "resources.leaked"), 0.0);
}

/// Every host of the only service goes down for good, one after another, each when the service runs there.
const LOSE_TWICE: &str =
    "{crash: {at: {poisson: {mean: 20m, until: 3h}}, group: providers, fraction: 10%, repair: 30m}}";

#[test]
fn a_standby_takes_over_sooner_than_a_new_place_is_found() {
    let services = deploy("server", "arrivals: {every: 1s}, count: 20");
    // Long ways: what a new place costs is asking for it.
    let far = ["network.latency={constant: 300ms}"];
    let anew = run(&services, LOSE_TWICE, "recovery: redeploy", &far);
    let ready = run(&services, LOSE_TWICE, "recovery: {standby: {count: 1}}", &far);
    let repair =
        |outcome: &Outcome| metric(outcome, "recovery_time.mean") - metric(outcome, "detection_time.mean");
    assert!(metric(&anew, "allocations.lost") > 5.0, "the faults must hit something");
    assert!(repair(&ready) < repair(&anew) - 1.0, "{} s against {} s", repair(&ready), repair(&anew));
    assert!(metric(&ready, "resources.held") > 1.5 * metric(&anew, "resources.held"), "and they cost");
    [anew, ready].iter().for_each(assert_tidy);
}

#[test]
fn what_stays_down_does() {
    let services = deploy("server", "arrivals: {every: 1s}, count: 20");
    let [down, up] = ["stay_down", "redeploy"]
        .map(|recovery| run(&services, LOSE_TWICE, &format!("recovery: {recovery}"), &[]));
    assert_eq!(metric(&down, "redeployments"), 0.0);
    let part = metric(&down, "services.availability");
    assert!(part < 0.9 * metric(&up, "services.availability"), "{part}");
    [down, up].iter().for_each(assert_tidy);
}

#[test]
fn a_task_that_fails_is_tried_again_as_often_as_is_allowed() {
    let task = deploy("broken", "count: 1");
    let once = run(&task, "", "recovery: redeploy", &[]);
    assert_eq!(metric(&once, "allocations.started"), 1.0);
    let retried =
        run(&task, "", "recovery: [redeploy, {retry: {attempts: 3, first: 10s, longest: 20s}}]", &[]);
    assert_eq!(metric(&retried, "allocations.started"), 4.0);
    let of = |outcome: &Outcome| outcome.deployments[0].clone();
    assert_eq!((&*of(&retried).status, &*of(&retried).reason), ("completed", "1 of 1 allocations failed"));
    // Three more runs of a minute, and pauses of 10, 20 and 20 s before them.
    let later = of(&retried).ended_s.unwrap() - of(&once).ended_s.unwrap();
    assert!((230.0..290.0).contains(&later), "{later}");
    assert_eq!(metric(&retried, "tasks.completed"), 0.0);
    assert_eq!(metric(&retried, "tasks.lost"), 1.0);
    assert_tidy(&retried);
}

#[test]
fn the_first_of_several_results_wins_and_the_other_copies_end() {
    let tasks = deploy("drawn", "arrivals: {every: 1s}, count: 60");
    let alone = run(&tasks, "", "recovery: redeploy", &[]);
    let copied = run(&tasks, "", "recovery: [redeploy, {replication: {copies: 3}}]", &[]);
    let mean = |outcome: &Outcome| {
        let took = outcome.deployments.iter().map(|row| row.ended_s.unwrap() - row.running_s.unwrap());
        took.sum::<f64>() / outcome.deployments.len() as f64
    };
    assert!(outcome_all_completed(&copied), "all have a result");
    // The smallest of three exponential times is a third of one.
    let ratio = mean(&copied) / mean(&alone);
    assert!((0.2..0.5).contains(&ratio), "{ratio}");
    assert_eq!(metric(&copied, "allocations.started"), 180.0);
    assert!(metric(&copied, "work.wasted") > metric(&copied, "work.useful"), "two of three work in vain");
    assert_tidy(&copied);
}

fn outcome_all_completed(outcome: &Outcome) -> bool {
    outcome.deployments.iter().all(|row| &*row.status == "completed" && row.reason.is_empty())
}

#[test]
fn equal_results_are_waited_for_and_copies_that_are_lost_are_replaced() {
    let tasks = deploy("drawn", "arrivals: {every: 1s}, count: 20");
    let voted = "recovery: [redeploy, {replication: {majority: 2}}]";
    let calm = run(&tasks, "", voted, &[]);
    assert!(outcome_all_completed(&calm));
    assert_eq!(metric(&calm, "allocations.started"), 40.0, "two copies of each agree");
    let struck = run(&tasks, LOSE_TWICE, voted, &[]);
    assert!(outcome_all_completed(&struck));
    assert!(metric(&struck, "allocations.lost") > 0.0);
    assert!(metric(&struck, "allocations.started") > 40.0);
    [calm, struck].iter().for_each(assert_tidy);
}

#[test]
fn an_error_on_which_all_copies_agree_is_the_result() {
    let task = deploy("broken", "count: 1");
    let copied = run(&task, "", "recovery: {replication: {copies: 3}}", &[]);
    assert_eq!(metric(&copied, "allocations.started"), 3.0);
    assert_eq!(&*copied.deployments[0].reason, "1 of 1 allocations failed");
}

#[test]
fn a_spare_is_prepared_on_suspicion_and_given_back_when_it_was_wrong() {
    let services = deploy("server", "arrivals: {every: 1s}, count: 10");
    let detector = "detector: {fixed: {period: 10s, timeout: 2m}}";
    let slow = ["images.server={size: 1 B, start: 60s, service: {}}"];
    // A cut of 80 s: long enough to be suspected, too short to be lost.
    let cut = "{partition: {at: 1h, for: 80s, between: [{group: providers, count: 15}, rest]}}";
    let wary = run(&services, cut, &format!("recovery: migration, {detector}"), &slow);
    assert_eq!(metric(&wary, "suspicions"), 0.0);
    assert_eq!(metric(&wary, "allocations.lost"), 0.0);
    let placed = wary.allocations.len();
    assert!(placed > 10, "spares were reserved for those who might have been lost: {placed} allocations");
    assert_eq!(metric(&wary, "allocations.started"), 10.0, "none of them was needed");
    // Peers that are really lost.
    let crash = "{crash: {at: 1h, group: providers, count: 15, repair: never}}";
    let [ready, anew] = ["migration", "redeploy"]
        .map(|recovery| run(&services, crash, &format!("recovery: {recovery}, {detector}"), &slow));
    let repair = |outcome: &Outcome| metric(outcome, "recovery_time.mean");
    assert!(repair(&ready) < repair(&anew), "{} s against {} s", repair(&ready), repair(&anew));
    [wary, ready, anew].iter().for_each(assert_tidy);
}

/// Five of the thirty providers lie about every other result.
const LIARS: [&str; 5] = ["providers-0", "providers-1", "providers-2", "providers-3", "providers-4"];

fn lying(fraction_wrong: &str) -> String {
    let liars = LIARS.join(", ");
    format!("{{byzantine: {{at: 0s, for: 4h, fraction_wrong: {fraction_wrong}, peers: [{liars}]}}}}")
}

/// When the first wrong result of each peer was found, as far as its machine knows: it told it then.
fn caught(outcome: &Outcome) -> Vec<(&str, f64)> {
    let mut first: Vec<(&str, f64)> = Vec::new();
    for row in outcome.allocations.iter().filter(|row| &*row.end == "discarded") {
        let at = row.ended_s.expect("it is given back");
        match first.iter_mut().find(|(peer, _)| *peer == &*row.peer) {
            Some((_, known)) => *known = known.min(at),
            None => first.push((&*row.peer, at)),
        }
    }
    first
}

/// How many bids were refused because of what their peer had told before.
fn refused_bids(outcome: &Outcome) -> u64 {
    let reason = "the peer was caught telling a wrong result";
    outcome.refusals.iter().filter(|row| &*row.reason == reason).map(|row| row.count).sum()
}

/// Tasks over nearly four hours, some twenty at a time.
fn steady_tasks() -> String {
    deploy("worker", "arrivals: {every: 30s}, count: 400")
}

/// Machines with room for one task: all of them have work.
const SMALL: [&str; 1] = ["peers[0].providers.hardware.cpu=1"];

#[test]
fn who_is_caught_gets_no_more_work_also_after_a_restart_of_the_orchestrator() {
    // The orchestrator is away for a minute, and loses what lives in memory.
    let faults = format!("{}, {{crash: {{at: 90m, peer: alice, repair: 1m}}}}", lying("50%"));
    let outcome = run(&steady_tasks(), &faults, "recovery: [redeploy, {spot_check: {share: 40%}}]", &SMALL);
    let caught = caught(&outcome);
    assert!(caught.len() >= 3, "{caught:?}");
    assert_eq!(metric(&outcome, "peers.caught"), caught.len() as f64, "nobody is caught twice");
    for (peer, at) in &caught {
        assert!(LIARS.contains(peer), "{peer} is honest");
        let after = outcome.allocations.iter().filter(|row| &*row.peer == *peer && row.committed_s > *at);
        assert_eq!(after.count(), 0, "{peer} was caught at {at} s and has got work since");
    }
    let before_restart = caught.iter().filter(|(_, at)| *at < 5_400.0).count();
    assert!(before_restart >= 2, "{caught:?}");
    assert!(refused_bids(&outcome) > 100, "they would have liked to");
    // Some three of ten results of the liars were found out, all others of theirs were not looked at.
    assert!(metric(&outcome, "tasks.wrong_results") > 0.0);
    let checked = metric(&outcome, "tasks.results_checked") / 400.0;
    assert!((0.3..0.5).contains(&checked), "{checked}");
    // But for those that were asked for while there was nobody to ask.
    let completed = outcome.deployments.iter().filter(|row| &*row.status == "completed").count();
    assert!(completed >= 397, "{completed}");
    assert_tidy(&outcome);
}

#[test]
fn what_is_not_checked_is_as_without_checks() {
    let [plain, never] = ["redeploy", "[redeploy, {spot_check: {share: 0%}}]"]
        .map(|recovery| run(&steady_tasks(), &lying("50%"), &format!("recovery: {recovery}"), &SMALL));
    assert_eq!(plain.digest, never.digest, "the checks move nothing");
    assert_eq!(metric(&never, "tasks.results_checked"), 0.0);
    assert_eq!(metric(&never, "peers.caught"), 0.0);
    assert!(metric(&never, "tasks.wrong_results") > 10.0);
    // The placing of tasks is the same as long as nothing is found.
    let honest = run(&steady_tasks(), "", "recovery: [redeploy, {spot_check: {share: 100%}}]", &SMALL);
    assert_eq!(metric(&honest, "tasks.results_checked"), 400.0);
    assert_eq!(metric(&honest, "peers.caught"), 0.0);
    let alone = run(&steady_tasks(), "", "recovery: redeploy", &SMALL);
    let ends = |outcome: &Outcome| outcome.deployments.iter().map(|row| row.ended_s).collect::<Vec<_>>();
    assert_eq!(ends(&honest), ends(&alone));
}

#[test]
fn where_all_is_checked_no_wrong_result_counts() {
    let outcome =
        run(&steady_tasks(), &lying("50%"), "recovery: [redeploy, {spot_check: {share: 1}}]", &SMALL);
    assert_eq!(metric(&outcome, "tasks.wrong_results"), 0.0);
    assert_eq!(metric(&outcome, "peers.caught"), 5.0);
    assert_eq!(caught(&outcome).len(), 5);
    assert!(outcome_all_completed(&outcome));
    assert_eq!(metric(&outcome, "tasks.completed"), 400.0);
    // What was done in vain is what was discarded: runs of ten minutes.
    let discarded = outcome.allocations.iter().filter(|row| &*row.end == "discarded").count() as f64;
    let wasted = metric(&outcome, "work.wasted");
    assert!((wasted - 600.0 * discarded).abs() < 10.0 * discarded, "{wasted} s for {discarded} results");
    assert_tidy(&outcome);
}

/// Who was caught by one deployment has no say in another one that looks, even where that has not checked it.
#[test]
fn nobody_believes_who_has_been_caught() {
    // All begin at once, so that the liars have several tasks each when the first one ends.
    let tasks = deploy("drawn", "arrivals: {every: 1ms}, count: 200");
    let outcome = run(&tasks, &lying("100%"), "recovery: [redeploy, {spot_check: {share: 60%}}]", &[]);
    let discarded = outcome.allocations.iter().filter(|row| &*row.end == "discarded").count() as f64;
    assert_eq!(metric(&outcome, "peers.caught"), 5.0);
    assert!(discarded > 7.0, "{discarded} results of five liars");
    assert!(outcome_all_completed(&outcome));
    assert_tidy(&outcome);
}

#[test]
fn a_vote_that_is_found_wrong_does_not_count() {
    let tasks = deploy("worker", "arrivals: {every: 90s}, count: 140");
    let both = "recovery: [redeploy, {replication: {majority: 2}}, {spot_check: {share: 100%}}]";
    let checked = run(&tasks, &lying("100%"), both, &SMALL);
    assert_eq!(metric(&checked, "tasks.wrong_results"), 0.0);
    assert_eq!(metric(&checked, "peers.caught"), 5.0);
    let discarded = checked.allocations.iter().filter(|row| &*row.end == "discarded").count() as f64;
    assert!(discarded >= 5.0);
    // Each of those is replaced, and no two copies ever disagree.
    assert_eq!(metric(&checked, "allocations.started"), 280.0 + discarded);
    let voted = run(&tasks, &lying("100%"), "recovery: [redeploy, {replication: {majority: 2}}]", &SMALL);
    assert!(metric(&voted, "allocations.started") > metric(&checked, "allocations.started"));
    assert!(outcome_all_completed(&checked));
    [checked, voted].iter().for_each(assert_tidy);
}

/// Tasks that end at once, before their deployment is said to run: with nobody left who is trusted it fails, and says
/// why.
#[test]
fn where_all_lie_nothing_is_done() {
    let all = "{byzantine: {at: 0s, for: 4h, idle: true, group: providers}}";
    let outcome =
        run(&deploy("worker", "count: 1"), all, "recovery: [redeploy, {spot_check: {share: 1}}]", &SMALL);
    assert_eq!(metric(&outcome, "peers.caught"), 30.0);
    assert_eq!(metric(&outcome, "tasks.completed"), 0.0);
    assert!(refused_bids(&outcome) > 30);
    let row = &outcome.deployments[0];
    assert_eq!((&*row.status, &*row.reason), ("failed", "bid: no bids for worker"));
}

#[test]
fn a_supervisor_restarts_from_where_its_chain_broke() {
    let chain = deploy("chain", "count: 1");
    let runs = run(&chain, "", "recovery: redeploy", &["duration=35m"]);
    // The middle of the chain fails after 10, 20 and 30 minutes; what is declared after it restarts with it.
    assert_eq!(metric(&runs, "restarts"), 6.0);
    assert_eq!(metric(&runs, "redeployments"), 0.0);
}

#[test]
fn a_fixed_timeout_is_noticed_the_moment_that_it_is_over() {
    let services = deploy("server", "arrivals: {every: 1s}, count: 20");
    let crash = "{crash: {at: 1h, group: providers, repair: never}}";
    let detection = |strategy: &str| {
        let outcome = run(&services, crash, &format!("recovery: stay_down, {strategy}"), &[]);
        assert_eq!(metric(&outcome, "suspicions.wrong"), 0.0);
        (metric(&outcome, "detection_time.mean"), metric(&outcome, "messages.sent"))
    };
    let (fixed, often) = detection("detector: {fixed: {period: 1s, timeout: 5s}}");
    assert!((4.0..5.1).contains(&fixed), "{fixed}");
    let (own, seldom) = detection("detector: dms");
    assert!((60.0..121.0).contains(&own), "{own}");
    assert!(often > 5.0 * seldom, "{often} messages against {seldom}");
}

#[test]
fn phi_bears_more_silence_where_heartbeats_are_lost() {
    let services = deploy("server", "arrivals: {every: 1s}, count: 20");
    let crash = "{crash: {at: 3h, group: providers, repair: never}}";
    let detection = |faults: &str| {
        let phi = "detector: {phi: {period: 5s, threshold: 10, least_deviation: 1s}}";
        let outcome = run(&services, faults, &format!("recovery: stay_down, {phi}"), &[]);
        metric(&outcome, "detection_time.mean")
    };
    let (steady, lossy) =
        (detection(crash), detection(&format!("{{loss: {{at: 170m, for: 1h, fraction: 10%}}}}, {crash}")));
    assert!(lossy > 1.2 * steady, "{lossy} s where a tenth is lost, {steady} s where nothing is");
}

#[test]
fn swim_asks_others_before_it_suspects() {
    let services = deploy("server", "arrivals: {every: 1s}, count: 5");
    let swim = "recovery: redeploy, detector: {swim: {period: 5s, timeout: 1s, helpers: 3, suspicion: 20s}}";
    let crash = "{crash: {at: 1h, group: providers, fraction: 50%, repair: never}}";
    let lost = run(&services, crash, swim, &[]);
    let detection = metric(&lost, "detection_time.mean");
    // A round of one peer each 5 s, two answers that do not come, and the suspicion.
    assert!((20.0..40.0).contains(&detection), "{detection}");
    assert!(metric(&lost, "services.availability") > 0.99);
    // The way between the orchestrator and some providers alone is cut: others still reach them, so nobody is lost.
    let way = "{partition: {at: 1h, for: 30m, between: [{group: providers, count: 10}, {peer: alice}]}}";
    let calm = run(&services, way, swim, &[]);
    assert_eq!(metric(&calm, "suspicions"), 0.0);
    let fixed = run(&services, way, "recovery: redeploy, detector: {fixed: {period: 5s, timeout: 30s}}", &[]);
    assert!(metric(&fixed, "suspicions.wrong") > 0.0, "a plain timeout takes them for lost");
    [lost, calm, fixed].iter().for_each(assert_tidy);
}

#[test]
fn deployments_may_differ_in_what_is_done_about_them() {
    let own = format!(
        "{}, {}",
        deploy("server", "name: kept, count: 1, arrivals: {at: 1s}"),
        deploy(
            "server",
            "name: lost, count: 1, arrivals: {at: 2s}, recovery: stay_down, \
             detector: {fixed: {period: 1s, timeout: 5s}}"
        )
    );
    let crash = "{crash: {at: 1h, group: providers, fraction: 97%, repair: never}}";
    let outcome = run(&own, crash, "recovery: redeploy", &[]);
    let row = |name: &str| outcome.deployments.iter().find(|row| &*row.ensemble == name).unwrap().clone();
    assert_eq!(&*row("lost").status, "failed");
    assert_ne!(&*row("kept").status, "failed");
}

#[test]
fn a_cut_that_heals_leaves_no_duplicate_orphan_or_leak_under_any_strategy() {
    let workload = [
        deploy("server", "arrivals: {every: 20s}, count: 12"),
        deploy("worker", "arrivals: {every: 5m}, count: 20"),
        deploy("chain", "arrivals: {every: 10m}, count: 2"),
    ]
    .join(", ");
    let cuts = "{partition: {at: 30m, for: 20m, between: [{group: providers, count: 12}, rest]}}, \
                {partition: {at: 90m, for: 3m, between: [{group: providers, count: 12}, rest]}}";
    let strategies = [
        "recovery: stay_down",
        "recovery: restart",
        "recovery: redeploy",
        "recovery: [one_for_all, redeploy]",
        "recovery: [rest_for_one, redeploy]",
        "recovery: {standby: {count: 1}}",
        "recovery: [redeploy, retry]",
        "recovery: [redeploy, {checkpoint: {every: 1m}}]",
        "recovery: [redeploy, {replication: {copies: 2}}]",
        "recovery: [redeploy, {replication: {majority: 2}}]",
        "recovery: [redeploy, {spot_check: {share: 50%}}]",
        "recovery: migration, detector: {phi: {period: 5s}}",
        "recovery: redeploy, detector: swim",
        "recovery: redeploy, detector: {fixed: {period: 5s, timeout: 20s}}",
        "recovery: [hand_over, redeploy]",
    ];
    // Where there are deputies, one of the cuts divides them.
    let few: Vec<String> = (0..12).map(|number| format!("providers-{number}")).collect();
    let few = few.join(", ");
    let divided =
        format!("{cuts}, {{partition: {{at: 2h, for: 20m, between: [{{peers: [alice, {few}]}}, rest]}}}}");
    for strategy in strategies {
        let strategy = format!("{strategy}, force_recovery: true");
        let outcome = match strategy.contains("hand_over") {
            true => run(&workload, &divided, &strategy, &[ORCHESTRATORS]),
            false => run(&workload, cuts, &strategy, &[]),
        };
        assert_eq!(metric(&outcome, "resources.leaked"), 0.0, "{strategy}");
        // A minute after the last cut has healed, each service runs once: whatever ran twice has ended.
        for row in &outcome.deployments {
            let running = outcome.allocations.iter().filter(|one| {
                one.deployment == row.deployment && one.end.is_empty() && one.started_s.is_some()
            });
            let wanted = match &*row.ensemble {
                "server" => 1,
                "chain" => 3,
                _ => 0,
            };
            let count = running.count();
            let is_over = matches!(&*row.status, "failed" | "completed");
            assert!(if is_over { count == 0 } else { count <= wanted }, "{strategy}: {count} of {row:?}");
        }
    }
}

/// The supervisor of `chain.yaml` goes over two nodes: what follows on another node restarts with what was lost.
#[test]
fn what_follows_a_lost_node_in_its_chain_restarts() {
    let chain = deploy("chain", "count: 1");
    let early = ["duration=9m"];
    let calm = run(&chain, "", "recovery: redeploy", &early);
    for (lost, restarts) in [("back", 1.0), ("front", 0.0)] {
        let host = calm.allocations.iter().find(|row| &*row.node == lost).expect("it ran");
        let crash = format!("{{crash: {{at: 3m, peer: {}, repair: never}}}}", host.peer);
        let outcome = run(&chain, &crash, "recovery: redeploy", &early);
        assert_eq!(metric(&outcome, "redeployments"), 1.0, "{lost}");
        assert_eq!(metric(&outcome, "restarts"), restarts, "{lost}");
        assert_tidy(&outcome);
    }
}

/// Three orchestrators that stand in for each other.
const ORCHESTRATORS: &str =
    "peers[1].orchestrators={names: [alice, bob, carol], bandwidth: {preset: datacentre}}";

fn run_handing_over(workload: &str, faults: &str, recovery: &str) -> Outcome {
    run(workload, faults, &format!("recovery: {recovery}"), &[ORCHESTRATORS])
}

#[test]
fn a_deputy_goes_on_with_what_an_orchestrator_had_that_is_lost() {
    let workload = [
        deploy("server", "arrivals: {every: 1s}, count: 20"),
        deploy("worker", "arrivals: {every: 5m}, count: 12"),
    ]
    .join(", ");
    let faults = format!("{{crash: {{at: 10m, peer: alice, repair: never}}}}, {LOSE_TWICE}");
    let [alone, with] =
        ["redeploy", "[hand_over, redeploy]"].map(|recovery| run_handing_over(&workload, &faults, recovery));
    let availability = |outcome: &Outcome| metric(outcome, "services.availability");
    assert_eq!(metric(&alone, "deployments.handed_over"), 0.0);
    assert!(availability(&alone) < 0.9, "{}", availability(&alone));
    // Twenty services and two tasks that were asked for by then; whatever was asked for later was asked of nobody.
    assert_eq!(metric(&with, "deployments.handed_over"), 22.0);
    assert!(availability(&with) > 0.98, "{}", availability(&with));
    assert!(metric(&with, "redeployments") > 5.0);
    let completed = with.deployments.iter().filter(|row| &*row.status == "completed").count();
    assert_eq!(completed, 2, "the end of a task is told to the deputy");
    assert!(with.deployments.iter().all(|row| &*row.orchestrator != "alice" || &*row.status == "failed"));
    assert_tidy(&with);
}

#[test]
fn an_orchestrator_that_comes_back_leaves_its_deployments_with_its_deputy() {
    let services = deploy("server", "arrivals: {every: 1s}, count: 10");
    // Back before its deputy is impatient, back after that, and its deputy lost later with all that it had taken over.
    for (faults, handed_over) in [
        ("{restart: {at: 30m, peer: alice, down: 20s}}", 0.0),
        ("{restart: {at: 30m, peer: alice, down: 5m}}", 10.0),
        ("{crash: {at: 30m, peer: alice, repair: 5m}}, {crash: {at: 1h, peer: bob, repair: 10m}}", 20.0),
        (
            "{crash: {at: 30m, peer: alice, repair: 90m}}, {crash: {at: 1h, peer: bob, repair: 90m}}, \
             {crash: {at: 160m, peer: carol, repair: never}}",
            30.0,
        ),
    ] {
        let outcome = run_handing_over(&services, faults, "[hand_over, redeploy]");
        assert_eq!(metric(&outcome, "deployments.handed_over"), handed_over, "{faults}");
        assert_eq!(metric(&outcome, "services.availability"), 1.0, "{faults}: what ran goes on");
        assert_eq!(metric(&outcome, "deployments.running"), 10.0, "{faults}");
        assert_tidy(&outcome);
    }
}

#[test]
fn what_an_orchestrator_has_lost_with_its_disk_goes_on_at_its_deputy_although_it_lives() {
    let before = deploy("server", "arrivals: {every: 1s}, count: 10");
    let later = deploy("server", "name: later, arrivals: {every: 1s, start: 31m}, count: 1");
    let faults = "{crash: {at: 30m, peer: alice, repair: 5s, state: lost}}";
    let outcome = run_handing_over(&format!("{before}, {later}"), faults, "[hand_over, redeploy]");
    // What came after that is still its own, and has it heard by its deputy all the time.
    assert_eq!(metric(&outcome, "deployments.handed_over"), 10.0);
    assert_eq!(metric(&outcome, "deployments.running"), 11.0);
    assert_eq!(metric(&outcome, "services.availability"), 1.0, "what ran goes on");
    assert_tidy(&outcome);
}

#[test]
fn however_often_deployments_change_hands_nothing_runs_twice_or_for_nobody() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scenarios/successions.yaml");
    for seed in 1..=4 {
        let overrides = Overrides { set: Vec::new(), seed: Some(seed) };
        let loaded = scenario::load(&path, &overrides, &[]);
        let setup = loaded.unwrap_or_else(|report| panic!("{}", report.render(false))).setup;
        let world = World::new(&setup).expect("the setup can be built");
        let outcome = world.run(&mut |_, _| true).expect("resources are conserved");
        assert!(metric(&outcome, "deployments.handed_over") > 20.0, "seed {seed}");
        assert!(metric(&outcome, "services.availability") > 0.98, "seed {seed}");
        assert_eq!(metric(&outcome, "deployments.stuck"), 0.0, "seed {seed}");
        assert_tidy(&outcome);
        for row in &outcome.deployments {
            let own = outcome.allocations.iter().filter(|one| one.deployment == row.deployment);
            let running = own.filter(|one| one.end.is_empty() && one.started_s.is_some()).count();
            let wanted = usize::from(!matches!(&*row.status, "completed" | "failed"));
            assert!(running <= wanted, "seed {seed}: {running} of {row:?}");
        }
    }
}

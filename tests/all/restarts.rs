//! Restarts at any moment: in a small scenario the orchestrator, its providers or all of them stop at each of many
//! instants and come back, the whole machines or their processes alone. Whenever it happens, nothing is left behind,
//! no deployment hangs or ends without a reason, and no allocation lives twice.

use std::path::Path;

use dmsim::kernel::{Distribution, Span, Time};
use dmsim::observe::{self, AllocationRow};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::setup::{Fault, Selection};
use dmsim::sim::{self, Options, Outcome, Setup};
use rayon::prelude::*;

fn load(seed: u64) -> Setup {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scenarios/restarts.yaml");
    let metrics = observe::metric_names();
    let overrides = Overrides { seed: Some(seed), ..Overrides::default() };
    scenario::load(&path, &overrides, &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)))
        .setup
}

/// Forty instants: every stage of the deployments is short, their life is not.
fn instants() -> Vec<Span> {
    let rounds = (0..6).map(|step| 60_000 + 1_000 * step);
    let stages = (0..22).map(|step| 65_000 + 41 * step);
    let starts = (0..6).map(|step| 66_000 + 1_500 * step);
    let later = [90_000, 300_000, 539_990, 540_015, 540_035, 540_060];
    rounds.chain(stages).chain(starts).chain(later).map(Span::millis).collect()
}

/// Who stops.
#[derive(Clone, Copy, Debug)]
enum Victims {
    Orchestrator,
    Providers,
    Everybody,
}

/// What stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Machine,
    Process,
}

fn run(setup: &Setup, who: Victims, kind: Kind, at: Span, down: Span) -> Outcome {
    let mut setup = setup.clone();
    let group = match who {
        Victims::Orchestrator => Some("orchestrators"),
        Victims::Providers => Some("providers"),
        Victims::Everybody => None,
    };
    let who = Selection { group: group.map(str::to_owned), ..Selection::default() };
    let (at, down) = (Time::ZERO + at, Distribution::constant(down));
    setup.faults.push(match kind {
        Kind::Machine => Fault::Crash { at: at.into(), who, repair: Some(down), loses_disk: false },
        Kind::Process => Fault::Restart { at: at.into(), who, down },
    });
    sim::run(&setup, Options::default(), &mut |_, _| true).unwrap()
}

/// From its start to its end, or to the end of the run.
fn life(row: &AllocationRow) -> Option<(f64, f64)> {
    Some((row.started_s?, row.ended_s.unwrap_or(f64::INFINITY)))
}

fn live_at_once(one: &AllocationRow, other: &AllocationRow) -> bool {
    match (life(one), life(other)) {
        (Some(a), Some(b)) => a.0.max(b.0) < a.1.min(b.1),
        _ => false,
    }
}

/// What must not be, if anything is.
fn faults(outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    if outcome.metric("resources.leaked").unwrap() > 0.0 {
        faults.push("something is held for nobody".to_owned());
    }
    for row in &outcome.deployments {
        match &*row.status {
            "failed" if row.reason.is_empty() => faults.push(format!("it failed without a reason: {row:?}")),
            "failed" | "completed" | "running" => {}
            _ => faults.push(format!("it hangs: {row:?}")),
        }
        let lives = |one: &&AllocationRow| one.deployment == row.deployment && one.ended_s.is_none();
        if &*row.status != "running" {
            faults.extend(outcome.allocations.iter().filter(lives).map(|one| format!("an orphan: {one:?}")));
        }
    }
    for (place, one) in outcome.allocations.iter().enumerate() {
        let same = |other: &&AllocationRow| {
            (one.deployment, &one.node, &one.allocation, one.generation)
                == (other.deployment, &other.node, &other.allocation, other.generation)
        };
        let others = outcome.allocations[place + 1..].iter().filter(same);
        let twice = others.filter(|other| live_at_once(one, other));
        faults.extend(twice.map(|other| format!("it lives twice:\n{one:?}\n{other:?}")));
    }
    faults
}

/// Every instant for one seed, in parallel; what went wrong at which.
fn matrix(seed: u64, who: Victims, kind: Kind, down: Span, check: fn(&Outcome) -> Vec<String>) {
    let setup = load(seed);
    let wrong: Vec<String> = instants()
        .into_par_iter()
        .flat_map_iter(|at| {
            let outcome = run(&setup, who, kind, at, down);
            let found = faults(&outcome).into_iter().chain(check(&outcome));
            found.map(move |fault| format!("seed {seed}, {who:?} {kind:?} at {at} for {down}: {fault}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

/// The status of the shop in the end.
fn shop(outcome: &Outcome) -> &str {
    &outcome.deployments[0].status
}

#[test]
fn a_restart_of_the_orchestrator_leaves_nothing_behind() {
    for (seed, down) in [(1, 2), (2, 20), (3, 100), (4, 200)] {
        for kind in [Kind::Machine, Kind::Process] {
            matrix(seed, Victims::Orchestrator, kind, Span::secs(down), |_| Vec::new());
        }
    }
}

#[test]
fn a_restart_of_the_providers_leaves_nothing_behind() {
    for (seed, down) in [(1, 2), (2, 20), (3, 100), (4, 200)] {
        for kind in [Kind::Machine, Kind::Process] {
            matrix(seed, Victims::Providers, kind, Span::secs(down), |_| Vec::new());
        }
    }
}

#[test]
fn a_restart_of_all_leaves_nothing_behind() {
    for (seed, down) in [(1, 2), (2, 20), (3, 100), (4, 200)] {
        for kind in [Kind::Machine, Kind::Process] {
            matrix(seed, Victims::Everybody, kind, Span::secs(down), |_| Vec::new());
        }
    }
}

/// A short absence within the deadline is no reason to fail: whatever was under way comes to run.
#[test]
fn after_a_short_restart_everything_comes_to_run() {
    let ran = |outcome: &Outcome| {
        let never = outcome.deployments.iter().filter(|row| row.running_s.is_none());
        // What is asked for while the orchestrator is down is refused.
        let accepted = never.filter(|row| !row.reason.contains("the orchestrator is down"));
        accepted.map(|row| format!("it never ran: {row:?}")).collect()
    };
    for who in [Victims::Orchestrator, Victims::Providers, Victims::Everybody] {
        for kind in [Kind::Machine, Kind::Process] {
            matrix(5, who, kind, Span::secs(5), ran);
        }
    }
}

/// A process that restarts while all goes well is noticed by nobody: the services run on where they are.
#[test]
fn a_running_service_outlives_the_processes_around_it() {
    let setup = load(8);
    for who in [Victims::Orchestrator, Victims::Providers, Victims::Everybody] {
        let outcome = run(&setup, who, Kind::Process, Span::mins(4), Span::secs(30));
        let services: Vec<_> = outcome.allocations.iter().filter(|row| &*row.kind == "service").collect();
        assert_eq!(services.len(), 4, "{who:?}: {services:?}");
        for row in services {
            assert_eq!(row.generation, 0, "{who:?}: {row:?}");
            assert!(row.started_s.unwrap() < 120.0 && row.ended_s.unwrap() > 540.0, "{who:?}: {row:?}");
        }
        assert_eq!(shop(&outcome), "completed", "{who:?}");
        // One of the services ends by itself now and then.
        assert!(outcome.metric("services.availability").unwrap() > 0.99, "{who:?}");
    }
}

//! What becomes of deployments when peers are lost: whole runs of a shipped scenario, made smaller, under two
//! strategies.

use std::path::Path;

use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

/// The region drops out an hour into the run and comes back an hour later.
fn outage(recovery: &str) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/outage.yaml");
    let set = vec![format!("strategy.recovery={recovery}"), "expect=[]".to_owned()];
    let metrics = dmsim::observe::metric_names();
    let mut loaded = scenario::load(&path, &Overrides { set, seed: None }, &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    // The ensembles say themselves how they want to be recovered, and what they say wins: here the strategy is to
    // decide.
    for entry in &mut loaded.setup.workload {
        let ensemble = std::sync::Arc::make_mut(&mut entry.ensemble);
        ensemble.nodes.values_mut().for_each(|node| node.failure_recovery = None);
        ensemble.allocations.values_mut().for_each(|allocation| allocation.failure_recovery = None);
        ensemble.escalation_strategy = None;
    }
    sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap()
}

fn metric(outcome: &Outcome, name: &str) -> f64 {
    outcome.metric(name).unwrap_or_else(|| panic!("{name} was not measured"))
}

#[test]
fn lost_services_run_again_elsewhere_and_nothing_is_leaked() {
    let outcome = outage("redeploy");
    assert!(metric(&outcome, "allocations.lost") > 10.0, "the outage must hit something");
    assert!(metric(&outcome, "redeployments") >= 1.0);
    assert!(metric(&outcome, "services.availability") > 0.98);
    assert!(metric(&outcome, "resources.leaked").total_cmp(&0.0).is_eq());
    // Detection takes up to 90 s of silence or three checks of 30 s; a redeployment follows at once.
    assert!(metric(&outcome, "recovery_time.p50") < 180.0);
    for row in &outcome.allocations {
        assert!(row.served_s <= row.wanted_s, "{row:?}");
    }
}

#[test]
fn what_stays_down_is_measurably_worse_and_says_why() {
    let (redeployed, down) = (outage("redeploy"), outage("stay_down"));
    let lost = |outcome: &Outcome| 1.0 - metric(outcome, "services.availability");
    assert!(lost(&down) > 2.0 * lost(&redeployed), "{} against {}", lost(&down), lost(&redeployed));
    let silent = |reason: &str| reason.contains("the peer does not answer");
    assert!(down.refusals.iter().any(|row| &*row.stage == "run" && silent(&row.reason)));
}

#[test]
fn every_deployment_that_ended_says_how() {
    let outcome = outage("stay_down");
    assert!(!outcome.deployments.is_empty());
    for row in outcome.deployments.iter().filter(|row| &*row.status == "failed") {
        assert!(!row.reason.is_empty(), "{row:?}");
    }
    for row in outcome.allocations.iter().filter(|row| row.ended_s.is_some()) {
        assert!(!row.end.is_empty(), "{row:?}");
    }
}

//! Attacks on whole networks: none succeeds where the software behaves as intended, and those that a weakness of the
//! real DMS lets through are stopped by mending that weakness alone.

use std::path::Path;

use dmsim::observe::{self, AttackRow};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Outcome};

fn run(scenario: &str, set: &[&str], seed: u64) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(scenario);
    let metrics = observe::metric_names();
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    let loaded = scenario::load(&path, &Overrides { set, seed: Some(seed) }, &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap()
}

fn of<'a>(outcome: &'a Outcome, attack: &str) -> Vec<&'a AttackRow> {
    outcome.attacks.iter().filter(|row| &*row.attack == attack).collect()
}

/// The network of the shipped scenario with half of its providers, for a third of its time.
const SHORT: &[&str] = &[
    "duration=12m",
    "peers[0].providers.count=20",
    "peers[6].attackers.attack.flooder.start=5m",
    "peers[6].attackers.attack.flooder.end=7m",
    "peers[10].attackers.attack.revoked_insider.revoked=6m",
    "peers[10].attackers.attack.revoked_insider.delay=30s",
];

#[test]
fn no_attack_succeeds_on_software_that_behaves_as_intended() {
    for seed in 1..=4 {
        let outcome = run("attacks.yaml", SHORT, seed);
        for row in &outcome.attacks {
            assert_eq!(row.successes, 0, "seed {seed}: {row:?}");
            assert!(row.attempts > 0, "seed {seed}: {row:?} never tried");
        }
        // Were nothing of it to reach anybody, nothing could succeed for no good reason.
        let attacks: std::collections::BTreeSet<_> = outcome.attacks.iter().map(|row| &*row.attack).collect();
        assert_eq!(attacks.len(), 8);
        for row in outcome.attacks.iter().filter(|row| row.organization.is_empty()) {
            assert!(
                row.refused > 0 && row.executed == 0 || &*row.attack == "replayer",
                "seed {seed}: {row:?}"
            );
        }
        for attack in ["over_delegator", "forger", "replayer", "token_thief", "flooder"] {
            assert!(of(&outcome, attack).iter().all(|row| row.refused > 0), "seed {seed}: {attack}");
        }
    }
}

#[test]
fn insiders_are_stopped_where_their_revocation_is_anchored_and_only_there() {
    let outcome = run("attacks.yaml", SHORT, 1);
    let insiders = of(&outcome, "revoked_insider");
    assert_eq!(insiders.len(), 2);
    for row in &insiders {
        assert!(row.executed > row.before_anchoring && row.before_anchoring > 0, "{row:?}");
        assert!(row.refused > 0, "{row:?}");
    }
    let everywhere = ["peers[10].attackers.attack.revoked_insider.anchored=100%"];
    let outcome = run("attacks.yaml", &[SHORT, &everywhere].concat(), 1);
    for row in of(&outcome, "revoked_insider") {
        // Six minutes less the first attempt at the earliest, half a minute more at the latest.
        let shut_out = row.shut_out_after_s.unwrap_or_else(|| panic!("{row:?}"));
        assert!((270.0..345.0).contains(&shut_out), "{row:?}");
    }
    let anchored = outcome.metric("revocations.anchored").unwrap();
    assert!(anchored >= 21.0 * 2.0, "{anchored}: every honest member anchors both");
    let delay = outcome.metric("revocations.anchoring_delay.p50").unwrap();
    assert!((29.0..31.0).contains(&delay), "{delay}");
}

#[test]
fn who_gossips_what_nobody_signed_is_graylisted() {
    let set = ["peers[2].attackers.attack.forger={start: 1m, forges: [signatures], broadcasts: 100%}"];
    let outcome = run("attacks.yaml", &[SHORT, &set].concat(), 2);
    for row in of(&outcome, "forger").iter().filter(|row| row.organization.is_empty()) {
        // Two invalid messages to a connection are enough; none gets past its sixteen connections.
        assert!(row.graylisted_after_s.is_some_and(|after| after <= 60.0), "{row:?}");
        assert!(row.refused <= 16 * 6 && row.refused < row.attempts * 16, "{row:?}");
    }
}

#[test]
fn a_slow_clock_locks_its_owner_out_and_a_fast_one_does_not() {
    let outcome = run("attacks.yaml", SHORT, 3);
    let clocks = of(&outcome, "clock_skew");
    let executed = |name: &str| clocks.iter().find(|row| row.peer.starts_with(name)).unwrap().executed;
    assert_eq!(executed("slow"), 0);
    assert!(executed("fast") > 0);
}

#[test]
fn attackers_do_not_change_from_one_run_to_the_next() {
    let (first, second) = (run("attacks.yaml", SHORT, 4), run("attacks.yaml", SHORT, 4));
    assert_eq!(first.digest, second.digest);
    assert_eq!(first.attacks, second.attacks);
    let real = run("attacks.yaml", &[SHORT, &["signatures=real"]].concat(), 4);
    assert_eq!(real.digest, first.digest);
    assert_eq!(real.attacks, first.attacks);
}

/// A scenario of one weakness fails as the real DMS is, and passes with that weakness alone mended.
fn shows_weakness(scenario: &str, id: &str, why: &str) {
    for seed in [1, 2] {
        let as_is = run(scenario, &[], seed);
        assert!(!as_is.manifest.passed(), "{scenario}, seed {seed}: the weakness does not show");
        assert!(as_is.attacks.iter().any(|row| row.successes > 0 && row.example.contains(why)));
        let fix = format!("profile={{base: as-is, fix: [{id}]}}");
        let mended = run(scenario, &[&fix], seed);
        assert!(mended.manifest.passed(), "{scenario}, seed {seed}: {:?}", mended.manifest.expectations);
        let intended = run(scenario, &["profile=intended"], seed);
        assert!(intended.manifest.passed(), "{scenario}, seed {seed}: {:?}", intended.manifest.expectations);
    }
}

#[test]
fn c1_lets_replayed_broadcasts_through() {
    shows_weakness("weaknesses/C01-replay.yaml", "C1", "executed twice");
}

#[test]
fn c2_lets_members_act_in_the_names_of_others() {
    shows_weakness("weaknesses/C02-unbound-did.yaml", "C2", "in another's name");
}

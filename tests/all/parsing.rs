//! Broken bytes and odd events, a bounded number of them beside all that are stored; `./verify --full` goes on for
//! minutes.

#[path = "../fuzzing/mod.rs"]
mod fuzzing;

fn rounds(name: &str, rounds: u64, least_read: u64) {
    let target = fuzzing::targets().into_iter().find(|target| target.name() == name).expect("a target");
    let mut fuzz = fuzzing::Fuzz::new(target, 1);
    (0..rounds).for_each(|_| fuzz.round());
    // A change that leaves a text readable is not rare, so the promises were tested.
    assert!(fuzz.read > least_read, "{} texts were read", fuzz.read);
}

#[test]
fn broken_tokens_and_envelopes_never_panic_and_what_can_be_read_reads_back() {
    rounds("wire", 20_000, 1_000);
}

#[test]
fn broken_scenarios_are_refused_with_a_place_and_what_can_be_read_reads_back() {
    rounds("scenarios", 2_000, 50);
}

#[test]
fn broken_ensembles_are_refused_with_a_place() {
    rounds("ensembles", 5_000, 250);
}

#[test]
fn broken_traces_are_refused_with_a_place_and_jobs_come_in_order() {
    rounds("traces", 5_000, 250);
}

#[test]
fn peers_to_whom_anything_happens_do_not_break_down() {
    rounds("peers", 1_000, 500);
}

//! Broken tokens and envelopes, a bounded number of them; `./verify --full` goes on for minutes.

#[path = "../fuzzing/mod.rs"]
mod fuzzing;

#[test]
fn broken_bytes_never_panic_and_what_can_be_read_reads_back() {
    let mut fuzz = fuzzing::Fuzz::new(1);
    (0..20_000).for_each(|_| fuzz.round());
    // A change that leaves a text readable is not rare, so the promises were tested.
    assert!(fuzz.read > 1_000, "{} texts were read", fuzz.read);
}

//! Gives broken tokens and envelopes to their readers for some time: `fuzz SECONDS [SEED]`. Ends with exit code 101
//! and the bytes where a reader panics or breaks its promises (see `tests/fuzzing`).

#[path = "../tests/fuzzing/mod.rs"]
mod fuzzing;

use std::time::{Duration, Instant};

#[allow(clippy::disallowed_methods, reason = "an example that runs for a wall time")]
fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let [seconds, rest @ ..] = numbers.as_slice() else {
        eprintln!("usage: fuzz SECONDS [SEED]");
        std::process::exit(2);
    };
    let seed = rest.first().copied().unwrap_or(1);
    let (mut fuzz, mut rounds) = (fuzzing::Fuzz::new(seed), 0_u64);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(*seconds) {
        (0..1000).for_each(|_| fuzz.round());
        rounds += 1000;
    }
    println!("{rounds} rounds from seed {seed}, {} texts were read, none broke a promise", fuzz.read);
}

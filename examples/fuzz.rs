//! Gives broken bytes to readers, and odd events to peers, for some time: `fuzz SECONDS [SEED] [TARGET] [--store]`.
//! Ends with exit code 101 and the bytes where one panics or breaks its promises (see `tests/fuzzing`). With `--store`
//! what looked as nothing before did is added to the stored corpus.

#[path = "../tests/fuzzing/mod.rs"]
mod fuzzing;

use std::time::{Duration, Instant};

use fuzzing::corpus;

#[allow(clippy::disallowed_methods, reason = "an example that runs for a wall time")]
fn main() {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<u64> = all.iter().filter_map(|text| text.parse().ok()).collect();
    let [seconds, rest @ ..] = numbers.as_slice() else {
        eprintln!("usage: fuzz SECONDS [SEED] [TARGET] [--store]");
        std::process::exit(2);
    };
    let seed = rest.first().copied().unwrap_or(1);
    let names: Vec<&str> = fuzzing::targets().iter().map(|target| target.name()).collect();
    let wanted: Vec<&str> =
        names.iter().copied().filter(|name| all.iter().any(|word| word == name)).collect();
    let wanted = if wanted.is_empty() { names } else { wanted };
    let each = Duration::from_secs(*seconds) / wanted.len() as u32;
    for target in fuzzing::targets() {
        if !wanted.contains(&target.name()) {
            continue;
        }
        let (begin, name) = (Instant::now(), target.name());
        let (mut fuzz, mut rounds) = (fuzzing::Fuzz::new(target, seed), 0_u64);
        while begin.elapsed() < each {
            (0..100).for_each(|_| fuzz.round());
            rounds += 100;
        }
        println!(
            "{name}: {rounds} rounds from seed {seed}, {} texts were read, {} look new, none broke a promise",
            fuzz.read,
            fuzz.news.len()
        );
        if all.iter().any(|word| word == "--store") {
            store(name, &fuzz.news);
        }
    }
}

/// Adds texts to the stored ones of a target.
fn store(name: &str, news: &[Vec<u8>]) {
    let all = corpus::of(name);
    let mut lines: Vec<String> = all.iter().chain(news).map(|bytes| corpus::line(bytes)).collect();
    lines.sort();
    lines.dedup();
    std::fs::write(corpus::path(name), format!("[\n{}\n]\n", lines.join(",\n")))
        .expect("the corpus can be written");
}

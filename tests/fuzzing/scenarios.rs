//! Scenarios. What cannot be read is refused with errors that have a place in the text; what is read is written out
//! with every default, and that reads back as the same.

use dmsim::explore::choices::{Choice, Choices};
use dmsim::explore::draw::{Bounds, draw};
use dmsim::scenario::load_in_memory;

use super::ensembles::{hold_to_text, stored};
use super::{Outcome, Target};

#[rustfmt::skip]
const WORDS: [&str; 60] = [
    "0", "-1", "1", "1.5", "1e9", "18446744073709551615", "9223372036854775808", "0.0", "nan", ".inf", "0s", "5s",
    "90m",
    "1h", "365d", "-1s", "0%", "50%", "100%", "101%", "1 B", "16 GiB", "9999 PB", "true", "false", "null", "~",
    "\"\"",
    "[]", "{}", "[[]]", "- ", ": ", ",", "{", "}", "[", "]", "|", ">", "&a ", "*a", "<<: *a", "? ", "---\n", "\t",
    "\\",
    "#", "'", "everyone", "all", "p-0", "alice", "docker", "exponential", "{constant: 1s}",
    "{exponential: {mean: 1s}}",
    "intended", "\u{fffd}", "\u{feff}",
];

/// The reader of scenarios.
pub(super) struct Scenarios;

/// The files that scenarios name.
fn files() -> Vec<(String, String)> {
    vec![("job.yaml".to_owned(), include_str!("ensembles/task.yaml").to_owned())]
}

impl Target for Scenarios {
    fn name(&self) -> &'static str {
        "scenarios"
    }

    fn texts(&self) -> Vec<Vec<u8>> {
        let mut texts = stored(&["scenarios/weaknesses", "scenarios/regressions"], 2_500);
        // All kinds of keys there are.
        for seed in 0..6 {
            let bounds = Bounds { without: vec![Choice::Nat], ..Bounds::small() };
            let choices = Choices::draw(seed, &|_| 60);
            texts.push(draw(seed, choices, &bounds).into_bytes());
        }
        texts.push(
            b"version: 1\nname: a\nseed: 1\nduration: 10m\nnetwork: {latency: {constant: 9ms}}\npeers:\n  - providers: \
              {count: 2}\n  - orchestrators: {names: [alice]}\nworkload:\n  - deploy: {by: alice, ensemble: job.yaml}\n"
                .to_vec(),
        );
        texts
    }

    fn words(&self) -> &'static [&'static str] {
        &WORDS
    }

    fn longest(&self) -> usize {
        8_000
    }

    fn give(&mut self, bytes: &[u8]) -> Outcome {
        let mut outcome = Outcome::default();
        match load_in_memory("fuzz.yaml", bytes, files()) {
            Err(report) => {
                assert!(report.has_errors(), "it is refused without an error");
                assert!(!report.render(false).is_empty() && !report.render(true).is_empty());
                let own = report.diagnostics.iter().filter(|one| one.file == "fuzz.yaml");
                hold_to_text(own, bytes);
                outcome.looks.extend(report.diagnostics.iter().map(|one| one.message.clone()));
            }
            Ok(loaded) => {
                outcome.read = true;
                outcome.looks.extend(loaded.warnings.diagnostics.iter().map(|one| one.message.clone()));
                let files = loaded.copies().map(|(name, text)| (name, text.to_owned())).collect();
                let again = load_in_memory("again.yaml", loaded.resolved.as_bytes(), files)
                    .unwrap_or_else(|report| panic!("{}\n{}", report.render(false), loaded.resolved));
                assert_eq!(again.resolved, loaded.resolved);
            }
        }
        outcome
    }
}

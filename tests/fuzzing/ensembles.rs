//! Ensembles. What cannot be read is refused with errors that have a place in the text; what can be simulated can be
//! read.

use std::fs;
use std::path::Path;

use dmsim::scenario::Diagnostic;
use dmsim::scenario::ensemble_file::{read, read_for_simulation};

use super::{Outcome, Target};

#[rustfmt::skip]
const WORDS: [&str; 52] = [
    "0", "-1", "1", "0.5", "1e9", "18446744073709551615", "0s", "5m", "1h", "-1s", "true", "false", "null", "~",
    "\"\"",
    "[]", "{}", "- ", ": ", ",", "{", "}", "[", "]", "&a ", "*a", "---\n", "\t", "#", "V1", "V2", "task", "service",
    "docker", "firecracker", "null", "GiB", "always", "on-failure", "n0", "a0", "depends_on: [a]", "peer: x",
    "ports: []",
    "redundancy: 2", "edge_constraints:", "one_for_one", "location: {accept: []}", "healthcheck: {}", "public: 0",
    "\u{fffd}", "\u{feff}",
];

/// The reader of ensembles.
pub(super) struct Ensembles;

/// Files of these folders of at most so many bytes, in the order of their names.
pub(super) fn stored(folders: &[&str], most: usize) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for folder in folders {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        paths.extend(
            entries.map(|entry| entry.expect("it can be listed").path()).filter(|path| path.is_file()),
        );
    }
    paths.sort();
    let texts = paths.iter().map(|path| fs::read(path).expect("it can be read"));
    texts.filter(|text| text.len() <= most).collect()
}

/// Whatever is said of a text has its place there.
pub(super) fn hold_to_text<'d>(diagnostics: impl Iterator<Item = &'d Diagnostic>, bytes: &[u8]) {
    // A text may end with a line, behind which an end is missing, and lines end in ways of their own.
    let lines = 2 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    for one in diagnostics {
        let place = (one.line as usize, one.column, one.length);
        assert!((1..=lines).contains(&place.0) && place.1 > 0, "{place:?} of {lines} lines: {}", one.message);
        assert!(!one.message.is_empty());
    }
}

impl Target for Ensembles {
    fn name(&self) -> &'static str {
        "ensembles"
    }

    fn texts(&self) -> Vec<Vec<u8>> {
        stored(&["scenarios/ensembles", "tests/data/ensembles", "tests/data/ensembles/odd"], 6_000)
    }

    fn words(&self) -> &'static [&'static str] {
        &WORDS
    }

    fn longest(&self) -> usize {
        8_000
    }

    fn give(&mut self, bytes: &[u8]) -> Outcome {
        let mut outcome = Outcome::default();
        let simulated = read_for_simulation("fuzz.yaml", bytes);
        match read("fuzz.yaml", bytes) {
            Err(diagnostics) => {
                assert!(simulated.is_err(), "it can be simulated and not be read");
                assert!(diagnostics.iter().any(Diagnostic::is_error), "it is refused without an error");
                hold_to_text(diagnostics.iter(), bytes);
                outcome.looks.extend(diagnostics.into_iter().map(|one| one.message));
            }
            Ok(loaded) => {
                outcome.read = true;
                hold_to_text(loaded.warnings.iter(), bytes);
                outcome.looks.extend(loaded.warnings.into_iter().map(|one| one.message));
                if let Err(diagnostics) = simulated {
                    hold_to_text(diagnostics.iter(), bytes);
                    outcome.looks.extend(diagnostics.into_iter().map(|one| one.message));
                }
            }
        }
        outcome
    }
}

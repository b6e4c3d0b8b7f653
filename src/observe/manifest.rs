//! The two JSON files of a run: what it was (`run.json`) and how it was made (`provenance.json`).
//!
//! They are apart so that the first is the same, byte for byte, for the same inputs; nothing that depends on
//! the machine, the moment or the paths of a run may enter it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::rows::SCHEMA_VERSION;

/// `run.json`: what was run and what came of it. The same bytes for the same inputs.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct RunManifest {
    /// [`SCHEMA_VERSION`] of the program that wrote the folder.
    pub schema: u32,
    /// The scenario's name.
    pub name: String,
    /// The seed that every random draw comes from.
    pub seed: u64,
    /// The fidelity profile, as in the scenario (`intended`, `as-is`, or a base with its fixes).
    pub profile: String,
    /// How signatures were treated: `real` or `modelled`.
    pub signatures: String,
    /// Length of the run in simulated seconds.
    pub duration_s: f64,
    /// The files that the run was made from, in the order read.
    pub inputs: Vec<InputHash>,
    /// The digest over all facts, 32 hexadecimal digits.
    pub digest: String,
    /// Why the run stopped: `duration`, `idle`, `interrupted`, ...
    pub stop_reason: String,
    /// What the scenario expected, with verdicts, in its order.
    pub expectations: Vec<Verdict>,
    /// Whole-run counts by name (`events`, `facts`, `deployments`, ...).
    pub counts: BTreeMap<String, u64>,
    /// From which run it has branched off, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Branch>,
}

/// Where a run has branched off another one: up to there both are the same.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Branch {
    /// The name of the other run's results folder.
    pub from: String,
    /// The simulated time up to which, itself included, both are the same.
    pub at_s: f64,
    /// The digest of all facts up to then.
    pub digest: String,
    /// What is otherwise from then on, `path=value` each.
    pub set: Vec<String>,
}

/// A file that a run was made from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InputHash {
    /// Path as the scenario names it, with `/`; never absolute, so that it is the same on every machine.
    pub path: String,
    /// SHA-256 of its bytes in hexadecimal.
    pub sha256: String,
}

impl InputHash {
    /// The hash of a file's bytes under the name that the scenario gives it.
    #[must_use]
    pub fn of(path: &str, bytes: &[u8]) -> Self {
        Self { path: path.to_owned(), sha256: sha256_hex(bytes) }
    }
}

/// One expectation of the scenario and whether it held.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Verdict {
    /// As written: `deployments.succeeded_fraction >= 0.95`.
    pub expression: String,
    /// The metric's value; none where there was nothing to measure.
    pub value: Option<f64>,
    /// Whether the expectation held. Nothing measured does not pass.
    pub passed: bool,
}

impl RunManifest {
    /// An empty manifest of the current schema; fill in the rest by field.
    #[must_use]
    pub fn new(name: &str, seed: u64) -> Self {
        Self {
            schema: SCHEMA_VERSION,
            name: name.to_owned(),
            seed,
            profile: String::new(),
            signatures: String::new(),
            duration_s: 0.0,
            inputs: Vec::new(),
            digest: String::new(),
            stop_reason: String::new(),
            expectations: Vec::new(),
            counts: BTreeMap::new(),
            branch: None,
        }
    }

    /// Whether every expectation held (true without any).
    #[must_use]
    pub fn passed(&self) -> bool {
        self.expectations.iter().all(|verdict| verdict.passed)
    }

    /// Whether two runs were made from the same inputs: files, seed, profile, signatures and length. Then
    /// the one may take the other's place. A run that names no input files shares its inputs with no other.
    #[must_use]
    pub fn same_inputs(&self, other: &Self) -> bool {
        !self.inputs.is_empty()
            && self.schema == other.schema
            && self.name == other.name
            && self.seed == other.seed
            && self.profile == other.profile
            && self.signatures == other.signatures
            && self.duration_s == other.duration_s
            && self.inputs == other.inputs
            && self.branch == other.branch
    }
}

/// `provenance.json`: how a run was made. Differs from machine to machine and is never compared.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the program.
    pub version: String,
    /// Commit that it was built from, if known.
    pub commit: Option<String>,
    /// The command line, one argument an entry.
    pub command_line: Vec<String>,
    /// Wall time of the run in seconds.
    pub wall_s: f64,
    /// Processor time of the run in seconds, over all threads, if known.
    pub cpu_s: Option<f64>,
    /// Events handled.
    pub event_count: u64,
    /// Events handled by the wall second.
    pub events_per_second: f64,
    /// The most memory that the process held, in bytes, if known.
    pub peak_memory_bytes: Option<u64>,
    /// Processor cores of the host.
    pub host_cores: u32,
}

/// SHA-256 of some bytes, in 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// The JSON text of a manifest: indented, fields in the order declared, with a line end at the end.
///
/// # Panics
/// If a map has keys that are no texts.
pub fn json_text<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain fields with text keys have a JSON form");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::{InputHash, RunManifest, Verdict, json_text, sha256_hex};

    #[test]
    fn hash_is_sha256() {
        // The test vector of FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected);
    }

    #[test]
    fn json_reads_back_and_keeps_its_bytes() {
        let mut run = RunManifest::new("quick \"start\"", u64::MAX);
        run.inputs.push(InputHash::of("a.yaml", b"x"));
        run.counts.insert("events".into(), 12);
        run.counts.insert("deployments".into(), 2);
        run.duration_s = 21_600.000_000_001;
        run.expectations.push(Verdict { expression: "a >= 1".into(), value: None, passed: false });
        let text = json_text(&run);
        let again: RunManifest = serde_json::from_str(&text).unwrap();
        assert_eq!(again, run);
        assert_eq!(json_text(&again), text);
        assert!(!run.passed());
        assert!(text.find("\"deployments\"").unwrap() < text.find("\"events\"").unwrap());
    }

    #[test]
    fn other_inputs_are_noticed() {
        let mut run = RunManifest::new("a", 1);
        assert!(!run.same_inputs(&run.clone()), "without inputs nothing is known to be the same");
        run.inputs.push(InputHash::of("a.yaml", b"x"));
        let mut other = run.clone();
        other.digest = "different outcome".into();
        assert!(run.same_inputs(&other));
        other.inputs[0] = InputHash::of("a.yaml", b"y");
        assert!(!run.same_inputs(&other));
        other = RunManifest { seed: 2, ..run.clone() };
        assert!(!run.same_inputs(&other));
    }
}

//! Traces of jobs, and lists of machines. A row that is wrong is an error with its place in the text; the jobs of the
//! others are no more than its rows, and come in order.

use std::sync::Arc;

use dmsim::kernel::{Span, Streams};
use dmsim::workload::nodes::{NodeDefaults, NodeList};
use dmsim::workload::trace::lines::RowError;
use dmsim::workload::trace::replay::{Format, Replay};
use dmsim::workload::trace::{Bytes, TraceFile};

use super::ensembles::stored;
use super::{Outcome, Target};

#[rustfmt::skip]
const WORDS: [&str; 34] = [
    "0", "-1", "1", "0.5", "1e300", "-0.0", "nan", "inf", "18446744073709551615", "9223372036854775808", "\n", "\r\n",
    "\r", ",", ",,", "\"", "\"\"", " ", "\t", ";", "|", ",|,", "U15", "C46", "b", "m", "T4", "V100M32",
    "V100M16|V100M32",
    "name,qos,pod_phase", "cpu_milli,memory_mib,num_gpu", "sn", "\u{1f}\u{8b}\u{8}", "\u{feff}",
];

/// The readers of traces.
pub(super) struct Traces;

impl Target for Traces {
    fn name(&self) -> &'static str {
        "traces"
    }

    fn texts(&self) -> Vec<Vec<u8>> {
        stored(&["tests/data/traces"], 4_000)
    }

    fn words(&self) -> &'static [&'static str] {
        &WORDS
    }

    fn longest(&self) -> usize {
        6_000
    }

    fn give(&mut self, bytes: &[u8]) -> Outcome {
        let mut outcome = Outcome::default();
        let defaults = NodeDefaults {
            clock_hz: 1,
            architecture: "any".to_owned(),
            disk_bytes: 1,
            card_bytes: None,
            vendor: String::new(),
        };
        match NodeList::read(bytes, defaults, String::new()) {
            Ok(list) => {
                outcome.read = true;
                assert!(list.kinds().len() <= bytes.len());
            }
            Err((errors, _)) => note(&mut outcome, "list", errors.iter(), bytes),
        }
        let file = || TraceFile {
            bytes: Bytes::Memory(Arc::from(bytes)),
            copy: String::new(),
            sha256: String::new(),
        };
        let map = |text: &[u8]| TraceFile { bytes: Bytes::Memory(Arc::from(text)), ..file() };
        let formats = [
            ("swf", Format::Swf { file: file(), partition: None }),
            ("openb", Format::Openb { file: file(), card_bytes: None }),
            ("flavours", Format::AzureV1(Box::new([file(), map(b""), map(FLAVORS), map(INTERVALS)]))),
            ("map", Format::AzureV1(Box::new([map(b"0 a,|\n"), map(b"U1 |\n"), file(), file()]))),
        ];
        for (name, format) in formats {
            survey(&mut outcome, name, format, bytes);
        }
        outcome
    }
}

const FLAVORS: &[u8] = include_bytes!("../data/traces/flavor_map.txt");
const INTERVALS: &[u8] = include_bytes!("../data/traces/interval_map.txt");

fn survey(outcome: &mut Outcome, name: &str, format: Format, bytes: &[u8]) {
    let one = Span::secs(1);
    let replay = Replay { format, from: Span::ZERO, start: one, time_scale: 0.5, load: 2.0, sample: 1.0 };
    let end = Span::hours(1_000_000);
    match replay.survey(Streams::new(1), 0, end, u64::MAX) {
        Ok(survey) => {
            outcome.read = true;
            outcome.looks.push(format!("{name} of {}", survey.rows.min(2)));
            assert!(survey.jobs <= survey.rows, "{survey:?}");
            assert!(survey.moments_s >= 0.0 && survey.running_s >= 0.0, "{survey:?}");
        }
        Err((errors, _)) => note(outcome, name, errors.iter().map(|error| &error.row), bytes),
    }
    if let Ok(jobs) = replay.jobs(Streams::new(1), 0) {
        let mut before = None;
        for job in jobs.flatten() {
            assert!(before <= Some(job.at), "{} comes before {before:?}", job.number);
            before = Some(job.at);
        }
    }
}

fn note<'e>(outcome: &mut Outcome, name: &str, errors: impl Iterator<Item = &'e RowError>, bytes: &[u8]) {
    let packed = bytes.starts_with(&[0x1f, 0x8b]);
    let lines = 2 + bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    for error in errors {
        assert!(error.line >= 1 && (packed || error.line <= lines), "{error:?} of {lines} lines");
        assert!(!error.message.is_empty());
        outcome.looks.push(format!("{name} {}", error.message));
    }
}

//! The protocol between a few peers, without the world: transcripts for readers, and every message lost once.
//!
//! A transcript in `tests/data/protocol` is a script of commands, a line `---`, and what happened. `DMSIM_BLESS=1`
//! writes the second part anew; somebody who knows DMS then reads what has changed.

mod lab;
mod losses;
mod record;
mod script;

use std::fs;
use std::path::{Path, PathBuf};

use dmsim::dms::identity::SignatureMode;

use crate::bless;

/// Between the script and what happened.
const SEPARATOR: &str = "\n---\n";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/protocol")
}

fn ensembles() -> PathBuf {
    folder().join("ensembles")
}

#[test]
fn transcripts_are_what_happens() {
    let bless = bless::is_on();
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    files.sort();
    assert!(files.len() >= 12, "{} transcripts", files.len());
    let mut wrong = Vec::new();
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        let script = text.split_once(SEPARATOR).map_or(&*text, |(script, _)| script).trim_end();
        let [modelled, real] = [SignatureMode::Modelled, SignatureMode::Real].map(|mode| {
            script::run(script, &ensembles(), mode)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        });
        assert_eq!(modelled, real, "{}: signatures make a difference", path.display());
        let expected = format!("{script}\n{SEPARATOR}{modelled}");
        if bless {
            fs::write(path, expected).unwrap();
        } else if text != expected {
            wrong.push(format!("{}:\n{modelled}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{} transcripts differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn mistakes_in_a_script_are_explained() {
    let mistake = |script: &str| script::run(script, &ensembles(), SignatureMode::Modelled).unwrap_err();
    let peers = "peers: alice(orchestrator) p1";
    assert_eq!(mistake("advance 1s"), "`advance 1s`: a script has one line of peers, before everything else");
    assert_eq!(mistake(&format!("{peers}\nkill p2")), "`kill p2`: there is no peer p2");
    assert_eq!(mistake(&format!("{peers}\ndance")), "`dance`: no such command");
    let nothing = "`advance until commit`: no commit was sent within an hour";
    assert_eq!(mistake(&format!("{peers}\nadvance until commit")), nothing);
}

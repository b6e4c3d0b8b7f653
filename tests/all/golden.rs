//! The committed results of the shipped scenarios are those of this build.
//!
//! The tests are a debug build, with its checks and without most optimisation; `./verify` compares the release build's
//! program with the same files. So both give the same digest, and what users run is what the tests have checked.

use std::fs;
use std::path::{Path, PathBuf};

use dmsim::observe::{self, RunFolder};
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options};
use rayon::prelude::*;

use crate::bless;

/// `run.json` of a scenario, as the program writes it.
fn run_json(path: &Path) -> String {
    let metrics = observe::metric_names();
    let loaded = scenario::load(path, &Overrides::default(), &metrics)
        .unwrap_or_else(|report| panic!("{}", report.render(false)));
    let outcome = sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap();
    let place = tempfile::tempdir().unwrap();
    let mut folder = RunFolder::create(&place.path().join("run"), false).unwrap();
    folder.write_run(&outcome.manifest).unwrap();
    fs::read_to_string(folder.path().join("run.json")).unwrap()
}

/// Larger runs are left to the release build: they would say no more about the profile, and take minutes here.
const MOST_EVENTS: u64 = 500_000;

/// Whether the golden result is that of a run that is short enough for a debug build.
fn is_short(golden: &str) -> bool {
    let run: Option<serde_json::Value> = serde_json::from_str(golden).ok();
    run.and_then(|run| run["counts"]["events"].as_u64()).is_none_or(|events| events <= MOST_EVENTS)
}

#[test]
fn results_are_those_of_the_release_build() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("scenarios")).unwrap().map(|entry| entry.unwrap().path());
    let scenarios: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    let compare = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let golden = root.join("results/golden").join(name).join("run.json");
        let theirs = fs::read_to_string(&golden).unwrap_or_default();
        // One that is not there is missed by `tidy`; it may be a long one.
        if !is_short(&theirs) || theirs.is_empty() && !bless::is_on() {
            return false;
        }
        if bless::is_on() {
            fs::create_dir_all(golden.parent().unwrap()).unwrap();
            fs::write(&golden, run_json(path)).unwrap();
            return true;
        }
        assert_eq!(run_json(path), theirs, "{name}");
        true
    };
    let compared = scenarios.par_iter().filter(|path| compare(path)).count();
    assert!(compared >= 3, "only {compared} of {} scenarios were compared", scenarios.len());
}

/// Also of the long ones, which are not run here.
#[test]
fn shipped_scenarios_expect_something_and_it_comes_true() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/golden");
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        // Those of studies are no runs; `./verify --full` makes them again.
        if entry.file_name() == "studies" {
            continue;
        }
        let path = entry.path().join("run.json");
        let run: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let expectations = run["expectations"].as_array().unwrap();
        assert!(!expectations.is_empty(), "{} expects nothing", path.display());
        for expectation in expectations {
            assert_eq!(expectation["passed"], true, "{}: {expectation}", path.display());
        }
    }
}

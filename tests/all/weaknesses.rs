//! Each scenario of `scenarios/weaknesses` shows the damage of one weakness of the real DMS: as-is an expectation
//! fails, and with that single weakness mended all of them pass. A file is called after the weakness:
//! `C04-displaced-token.yaml`.

use std::path::{Path, PathBuf};

use dmsim::dms::profile::Weakness;
use dmsim::observe::Verdict;
use dmsim::scenario::{self, Overrides};
use dmsim::sim::{self, Options, Setup};

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/weaknesses");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

/// The weakness that a file is called after.
fn weakness_of(path: &Path) -> Weakness {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let number = stem.split('-').next().unwrap().replacen("C0", "C", 1).replacen("W0", "W", 1);
    number.parse().unwrap_or_else(|_| panic!("{stem} is not called after a weakness"))
}

fn load(path: &Path) -> Setup {
    let metrics: Vec<&str> = dmsim::observe::all().iter().map(|metric| metric.name).collect();
    match scenario::load(path, &Overrides::default(), &metrics) {
        Ok(loaded) => loaded.setup,
        Err(report) => panic!("{}", report.render(false)),
    }
}

fn verdicts(setup: &Setup) -> Vec<Verdict> {
    sim::run(setup, Options::default(), &mut |_, _| true).unwrap().manifest.expectations
}

#[test]
fn each_weakness_does_its_damage_until_it_alone_is_mended() {
    let files = scenarios();
    assert!(files.len() >= 7, "{} scenarios", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let weakness = weakness_of(&path);
        let mut setup = load(&path);
        assert!(setup.profile.has(weakness), "{} is mended in its own scenario", path.display());
        let as_is = verdicts(&setup);
        if as_is.iter().all(|verdict| verdict.passed) {
            wrong.push(format!("{weakness}: nothing fails as-is: {as_is:?}"));
        }
        setup.profile = setup.profile.without(weakness);
        let mended = verdicts(&setup);
        if !mended.iter().all(|verdict| verdict.passed) {
            wrong.push(format!("{weakness}: something fails although it is mended: {mended:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_scenario_of_a_weakness_is_short_and_says_what_it_shows() {
    for path in scenarios() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() <= 60, "{} is too long", path.display());
        let head = format!("# {}: ", weakness_of(&path));
        assert!(text.starts_with(&head), "{} must begin with `{head}`", path.display());
    }
}

//! Scenario files: the shipped ones load, broken ones are explained to the letter.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use dmsim::dms::ensemble::tree::Node;
use dmsim::dms::supervision::recovery::{Measure, Restart};
use dmsim::observe::metrics;
use dmsim::scenario::{self, Loaded, Overrides, yaml};
use proptest::prelude::*;

use crate::bless;

fn names() -> Vec<&'static str> {
    metrics::metric_names()
}

fn load(path: &str, set: &[&str]) -> Result<Loaded, String> {
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    let overrides = Overrides { set, seed: None };
    scenario::load(Path::new(path), &overrides, &names()).map_err(|report| report.render(false))
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn broken_files_are_explained() {
    let bless = bless::is_on();
    let files = yaml_files("scenarios/invalid");
    assert!(files.len() >= 28, "{} files", files.len());
    let mut wrong = Vec::new();
    for path in &files {
        let report = scenario::check(path, &names()).report;
        let shown = report.render(false);
        let expected = path.with_extension("expected.txt");
        if bless {
            fs::write(&expected, &shown).unwrap();
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(shown.as_str()) {
            wrong.push(format!("{}:\n{shown}", path.display()));
        }
        assert!(report.has_errors(), "{} has no error", path.display());
    }
    assert!(wrong.is_empty(), "{} differ from their expected text:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn shipped_scenarios_load_without_a_word() {
    let files = yaml_files("scenarios");
    assert!(files.len() >= 3);
    for path in files {
        let shown = scenario::check(&path, &names()).report.render(false);
        assert_eq!(shown, "", "{}", path.display());
    }
    for path in yaml_files("scenarios/ensembles") {
        let report = scenario::check(&path, &names()).report;
        assert!(!report.has_errors(), "{}", report.render(false));
    }
}

#[test]
fn likely_mistakes_are_warnings() {
    let loaded = load("tests/data/scenarios/warnings.yaml", &[]).unwrap();
    insta::assert_snapshot!(loaded.warnings.render(false));
}

/// Loads the resolved form of a scenario from a folder as a run writes it.
fn reload(loaded: &Loaded) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("ensembles")).unwrap();
    for (name, text) in &loaded.ensembles {
        fs::write(folder.path().join(format!("ensembles/{name}.yaml")), text).unwrap();
    }
    fs::create_dir(folder.path().join("traces")).unwrap();
    for (name, text) in &loaded.traces {
        fs::write(folder.path().join(format!("traces/{name}.csv")), text).unwrap();
    }
    for file in &loaded.job_traces {
        let mut bytes = Vec::new();
        file.open().unwrap().read_to_end(&mut bytes).unwrap();
        fs::write(folder.path().join(format!("traces/{}", file.copy)), bytes).unwrap();
    }
    let path = folder.path().join("scenario.resolved.yaml");
    fs::write(&path, &loaded.resolved).unwrap();
    load(path.to_str().unwrap(), &[]).unwrap_or_else(|text| panic!("{text}"))
}

/// A setup without what depends on where its files are.
fn described(loaded: &Loaded) -> String {
    let mut setup = loaded.setup.clone();
    setup.inputs.clear();
    format!("{setup:#?}")
}

#[test]
fn the_resolved_form_is_the_same_run() {
    for path in yaml_files("scenarios").iter().chain(&yaml_files("tests/data/scenarios")) {
        let loaded = load(path.to_str().unwrap(), &[]).unwrap_or_else(|text| panic!("{text}"));
        let again = reload(&loaded);
        assert_eq!(described(&again), described(&loaded), "{}", path.display());
        assert_eq!(again.resolved, loaded.resolved, "{}", path.display());
    }
}

#[test]
fn overrides_act_as_if_written_in_the_file() {
    let path = "scenarios/quickstart.yaml";
    let loaded = load(
        path,
        &["peers[0].providers.count=100", "seed=7", "strategy.recovery=restart", "network={loss: 5%}"],
    )
    .unwrap();
    let setup = &loaded.setup;
    assert_eq!((setup.groups[0].count, setup.seed, setup.network.loss), (100, 7, 0.05));
    assert_eq!(*setup.strategy.recovery.measures, [Measure::Restart(Restart)]);
    assert_eq!(described(&reload(&loaded)), described(&loaded));
    let seeded = Overrides { set: vec!["seed=7".to_owned()], seed: Some(u64::MAX) };
    assert_eq!(scenario::load(Path::new(path), &seeded, &names()).unwrap().setup.seed, u64::MAX);
}

#[test]
fn wrong_overrides_are_shown_where_they_are() {
    let shown = load(
        "scenarios/calm.yaml",
        &["peers[0].providers.count=0", "peers[7].x=1", "sede=1", "seed", "expect=[a: b", "peers.count=3"],
    )
    .unwrap_err();
    insta::assert_snapshot!(shown);
}

#[test]
fn an_ensemble_within_a_scenario_is_that_of_a_file() {
    let hello = yaml::flow(&yaml::parse(&fs::read("scenarios/ensembles/hello.yaml").unwrap()).unwrap());
    let ensemble = format!("workload[0].deploy.ensemble={hello}");
    let named = load("scenarios/calm.yaml", &[&ensemble, "workload[0].deploy.name=hello"]).unwrap();
    assert_eq!(described(&named), described(&load("scenarios/calm.yaml", &[]).unwrap()));
    assert_eq!(described(&reload(&named)), described(&named));
    let again = format!("workload[1].deploy.ensemble={hello}");
    let nameless = load("scenarios/calm.yaml", &[&ensemble, &again]).unwrap();
    let names: Vec<&str> = nameless.setup.workload.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["ensemble", "ensemble"]);
    let copies: Vec<&str> = nameless.ensembles.iter().map(|(name, _)| &**name).collect();
    assert_eq!(copies, ["ensemble", "ensemble-2"]);
    insta::assert_snapshot!(nameless.ensembles[0].1, @r"
    version: V1
    allocations:
      hello:
        type: task
        executor: docker
        resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}
        execution: {type: docker, image: hello-world}
    nodes: {node1: {allocations: [hello]}}
    ");
}

#[test]
fn mistakes_in_an_ensemble_of_an_override_are_shown_there() {
    let allocation = "{type: task, executor: docker, resources: {cpu: {cores: 1}, ram: {size: 1}, disk: {size: 1}}, \
                      execution: {type: docker, image: helo-world}}";
    let ensemble =
        format!("{{version: V1, allocations: {{a: {allocation}}}, nodes: {{n: {{allocations: [a]}}}}}}");
    let unknown = format!("workload[0].deploy.ensemble={ensemble}");
    let empty = "workload[1].deploy.ensemble={version: V1}";
    let shown = load("scenarios/calm.yaml", &["seed=1", &unknown, empty]).unwrap_err();
    let places: Vec<&str> = shown.lines().filter(|line| line.contains("-->")).collect();
    assert_eq!(places, [" --> --set:2:29", " --> --set:3:29"], "{shown}");
    assert!(shown.contains("did you mean `hello-world`?"), "{shown}");
    assert!(shown.contains("at least one allocation must be defined"), "{shown}");
}

/// The paths of all values of a tree, as overrides name them. Keys with a dot have none.
fn paths(node: &Node, path: &str, out: &mut Vec<String>) {
    if !path.is_empty() {
        out.push(path.to_owned());
    }
    for (key, child) in node.entries().iter().filter(|(key, _)| !key.text.contains(['.', '='])) {
        let dot = if path.is_empty() { "" } else { "." };
        paths(child, &format!("{path}{dot}{}", key.text), out);
    }
    for (place, child) in node.items().iter().enumerate() {
        paths(child, &format!("{path}[{place}]"), out);
    }
}

/// A ninth of the odd values at each place, by turns.
#[test]
fn odd_values_anywhere_are_explained_or_mean_the_same_when_resolved() {
    try_odd_values(9);
}

#[test]
#[ignore = "takes minutes; ./verify --full runs it"]
fn every_odd_value_anywhere_is_explained_or_means_the_same_when_resolved() {
    try_odd_values(1);
}

/// One in so many of the odd values at each place of a scenario that has everything.
fn try_odd_values(one_in: usize) {
    const VALUES: [&str; 18] = [
        "~",
        "[]",
        "{}",
        "-1",
        "0",
        "1",
        "1e999",
        ".nan",
        "''",
        "x",
        "true",
        "99999999999999999999",
        "1h",
        "100%",
        "1e-300s",
        "[[]]",
        "{a: {b: c}}",
        "alice",
    ];
    let file = "tests/data/scenarios/everything.yaml";
    let mut all = Vec::new();
    paths(&yaml::parse(&fs::read(file).unwrap()).unwrap(), "", &mut all);
    assert!(all.len() > 150, "{} paths", all.len());
    let mut accepted = 0;
    for (number, path) in all.iter().enumerate() {
        for value in VALUES.iter().skip(number % one_in).step_by(one_in) {
            match load(file, &[&format!("{path}={value}")]) {
                Err(shown) => assert!(shown.contains("error"), "{path}={value}"),
                Ok(loaded) => {
                    accepted += 1;
                    assert_eq!(described(&reload(&loaded)), described(&loaded), "{path}={value}");
                }
            }
        }
    }
    assert!(accepted > 100, "{accepted} accepted");
}

proptest! {
    /// Whatever is done to a scenario, the answer is a setup or a list of errors.
    #[test]
    fn bad_input_never_panics(
        cuts in proptest::collection::vec((any::<u16>(), 0_usize..40, ".{0,12}"), 1..6)
    ) {
        let mut text = fs::read_to_string("scenarios/quickstart.yaml").unwrap();
        for (at, length, with) in cuts {
            let mut start = usize::from(at) % (text.len() + 1);
            let mut end = (start + length).min(text.len());
            while !text.is_char_boundary(start) { start -= 1; }
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(start..end, &with);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.yaml");
        fs::write(&path, &text).unwrap();
        let report = scenario::check(&path, &names()).report;
        prop_assert!(!report.render(true).is_empty());
    }
}

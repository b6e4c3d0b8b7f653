//! Studies and sweeps: read, planned, run in parts, killed and gone on with, and taken together.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use dmsim::experiment::merge::{import, merge};
use dmsim::experiment::plan::{cells, counting, seed_of};
use dmsim::experiment::sweep::write;
use dmsim::experiment::{Cell, Merged, Planned, Shard, Summary, Sweep, findings};
use dmsim::observe::{self, CellOutcome, CellResult, FailureKind, SweepFolder, SweepPlan};
use dmsim::scenario::study::{Study, load_study};

use crate::program::{dmsim, program, said, told};

const STUDY: &str = "version: 1
name: small
scenario: SCENARIO
replications: 3
conditions:
  - {name: calm}
  - {name: storm, set: [\"faults=[{crash: {at: 20m, group: providers, fraction: 60%, repair: never}}]\"]}
baseline: stay down
variants:
  - {name: stay down, set: [\"strategy={recovery: stay_down, force_recovery: true}\"]}
  - {name: redeploy, set: [\"strategy={recovery: redeploy, force_recovery: true}\"]}
metrics:
  - higher: services.availability
  - lower: messages.sent
";

fn load_file(path: &Path) -> Result<Study, String> {
    load_study(path, &observe::metric_names()).map_err(|report| report.render(false))
}

/// Writes a study of the shipped scenario `calm` into a folder and loads it.
fn load(folder: &Path, text: &str) -> Result<Study, String> {
    let mut study = load_file(&written(folder, text))?;
    // What the scenario expects is of no interest here.
    study.conditions.iter_mut().for_each(|condition| condition.set.push("expect=[]".to_owned()));
    Ok(study)
}

fn written(folder: &Path, text: &str) -> PathBuf {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/calm.yaml");
    let path = folder.join("study.yaml");
    fs::write(&path, text.replace("SCENARIO", &scenario.to_string_lossy())).expect("there is room");
    path
}

fn planned(study: &Study) -> SweepPlan {
    Planned::of(study).unwrap_or_else(|error| panic!("{error}")).plan
}

/// A study planned into a folder.
fn sweep_in(folder: &Path, study: &Study) -> Sweep {
    let at = SweepFolder::at(folder, "test-1");
    let planned = Planned::of(study).unwrap_or_else(|error| panic!("{error}"));
    write(&planned, &at).expect("there is room");
    Sweep::open(at).unwrap_or_else(|error| panic!("{error}"))
}

/// Makes cells until so many are over, and says how many.
fn make(sweep: &Sweep, cells: &[Cell], at_most: u32) -> u32 {
    let count = AtomicU32::new(0);
    let done = |_: &Cell, _: &CellResult| {
        count.fetch_add(1, Ordering::Relaxed);
    };
    sweep.make(cells, &done, &|| count.load(Ordering::Relaxed) < at_most).expect("the runs come to an end");
    count.into_inner()
}

fn missing(sweep: &Sweep) -> Vec<Cell> {
    let results = sweep.results(&sweep.cells).expect("they can be read");
    let pairs = sweep.cells.iter().zip(results);
    pairs.filter(|(_, result)| result.is_none()).map(|(cell, _)| cell.clone()).collect()
}

/// Makes what a study asks for until there is enough, as its command does, and says in which steps.
fn make_all(sweep: &Sweep) -> Vec<u32> {
    let mut steps = Vec::new();
    while let Err(replications) = counting(&sweep.plan, &sweep.measured().expect("it can be read")) {
        steps.push(replications);
        let cells: Vec<Cell> =
            missing(sweep).into_iter().filter(|cell| cell.replication < replications).collect();
        make(sweep, &cells, u32::MAX);
    }
    steps
}

/// A study made in a go.
fn made(folder: &Path, study: &Study) -> Merged {
    let sweep = sweep_in(folder, study);
    make(&sweep, &sweep.cells, u32::MAX);
    merge(&sweep).unwrap_or_else(|error| panic!("{error}"))
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().to_owned();
    (folder, path)
}

fn study(text: &str) -> Study {
    let (_guard, path) = folder();
    load(&path, text).unwrap_or_else(|report| panic!("{report}"))
}

fn row<'a>(rows: &'a [Summary], condition: &str, variant: &str) -> &'a Summary {
    let is_it = |row: &&Summary| {
        (&*row.condition, &*row.variant, &*row.metric) == (condition, variant, "services.availability")
    };
    rows.iter().find(is_it).expect("there is a row for each")
}

#[test]
fn a_sweep_is_the_same_in_a_go_in_parts_and_from_several_folders() {
    let study = study(STUDY);
    let (_whole, whole) = folder();
    let in_a_go = made(&whole, &study);
    assert_eq!(in_a_go.cells.len(), 12);
    let texts = |merged: &Merged| (merged.cells_table().csv(), observe::failures_csv(&merged.failures()));

    // Interrupted and gone on with.
    let (_parts, parts) = folder();
    let sweep = sweep_in(&parts, &study);
    let first = make(&sweep, &sweep.cells, 4);
    assert!(first < 12, "it was interrupted");
    let refused = merge(&sweep).expect_err("some are missing").to_string();
    assert!(refused.contains("cells of") && refused.contains("replication"), "{refused}");
    assert_eq!(make(&sweep, &missing(&sweep), u32::MAX) + first, 12, "nothing is made twice");
    assert_eq!(texts(&merge(&sweep).expect("all is there")), texts(&in_a_go));

    // In shards, on machines that share nothing.
    let folders: Vec<_> = (0..3).map(|_| folder()).collect();
    for (index, (_guard, path)) in folders.iter().enumerate().rev() {
        let sweep = sweep_in(path, &study);
        make(&sweep, Shard { index: index as u64, count: 3 }.of(&sweep.cells), u32::MAX);
    }
    let sweep = Sweep::open(SweepFolder::at(&folders[0].1, "test-2")).expect("it is there");
    let others: Vec<PathBuf> = folders[1..].iter().map(|(_, path)| path.clone()).collect();
    import(&sweep, &others).unwrap_or_else(|error| panic!("{error}"));
    let merged = merge(&sweep).expect("all is there");
    assert_eq!(texts(&merged), texts(&in_a_go));
    assert_eq!(merged.summary.len(), in_a_go.summary.len());
    import(&sweep, &others).expect("what is there already is no conflict");
}

#[test]
fn shards_have_every_cell_once() {
    let plan = planned(&study(STUDY));
    let cells = cells(&plan);
    for count in [1, 2, 5, 12, 13, 1000] {
        let all: Vec<Cell> =
            (0..count).flat_map(|index| Shard { index, count }.of(&cells).to_vec()).collect();
        assert_eq!(all, cells, "{count}");
    }
}

#[test]
fn a_cell_that_comes_out_otherwise_is_refused() {
    let (_guard, path) = folder();
    let sweep = sweep_in(&path, &study(STUDY));
    make(&sweep, &sweep.cells, u32::MAX);
    let (_other, other) = folder();
    let theirs = sweep_in(&other, &study(STUDY));
    let mut result = sweep.folder().result(&sweep.cells[7].id).expect("it can be read").expect("it is there");
    let CellOutcome::Measured { values, .. } = &mut result.outcome else { panic!("it ran") };
    values.insert("messages.sent".to_owned(), Some(1.0));
    theirs.folder().keep(&result).expect("there is room");
    let said = import(&sweep, std::slice::from_ref(&other)).expect_err("they differ").to_string();
    assert!(said.contains("1 cells came out in different ways"), "{said}");
    assert!(merge(&sweep).is_err(), "it is not forgotten");
    // Nor is another study one of its parts.
    let (_third, third) = folder();
    sweep_in(&third, &study(&STUDY.replace("replications: 3", "replications: 4")));
    let said = import(&sweep, &[third]).expect_err("it is another").to_string();
    assert!(said.contains("was planned otherwise"), "{said}");
}

#[test]
fn what_was_planned_is_what_is_run() {
    let (_guard, path) = folder();
    let sweep = sweep_in(&path, &study(STUDY));
    let scenario = path.join("setups/1/scenario.yaml");
    let text = fs::read_to_string(&scenario).expect("it is there");
    fs::write(&scenario, text.replace("recovery: redeploy", "recovery: stay_down")).expect("there is room");
    let said = sweep.make(&sweep.cells[1..2], &|_, _| {}, &|| true).expect_err("it was changed").to_string();
    assert!(said.contains("was changed after it was planned"), "{said}");
    fs::write(&scenario, "nothing").expect("there is room");
    let said = sweep.make(&sweep.cells[1..2], &|_, _| {}, &|| true).expect_err("it is broken").to_string();
    assert!(said.contains("a scenario needs") || said.contains("must be"), "{said}");
    let plan = fs::read_to_string(path.join("plan.json")).expect("it is there");
    let version = env!("CARGO_PKG_VERSION");
    fs::write(path.join("plan.json"), plan.replacen(version, "0.0.1", 1)).expect("there is room");
    let said = Sweep::open(SweepFolder::at(&path, "")).expect_err("it is of another version").to_string();
    assert!(said.contains("was planned by version 0.0.1"), "{said}");
}

#[test]
fn a_cell_that_fails_is_told_and_the_others_go_on() {
    let (_guard, path) = folder();
    let sweep = sweep_in(&path, &study(STUDY));
    let failing = &sweep.cells[5];
    let outcome =
        CellOutcome::Failed { kind: FailureKind::Violation, error: "a rule, \"broken\"".to_owned() };
    let result = CellResult { schema: 1, id: failing.id.clone(), seed: failing.seed, outcome };
    sweep.folder().keep(&result).expect("there is room");
    make(&sweep, &missing(&sweep), u32::MAX);
    let merged = merge(&sweep).expect("it is finished");
    assert_eq!(merged.worst(), Some(FailureKind::Violation));
    let replay = format!("dmsim run setups/{}/scenario.yaml --seed {}", failing.setup, failing.seed);
    let failures = observe::failures_csv(&merged.failures());
    assert!(
        failures.starts_with("index,id,condition,variant,replication,seed,kind,error,replay\n5,"),
        "{failures}"
    );
    assert!(
        failures.contains("violation,\"a rule, \"\"broken\"\"\"") && failures.contains(&replay),
        "{failures}"
    );
    let runs: Vec<u32> = merged.summary.iter().map(|row| row.runs).collect();
    assert_eq!(runs.iter().sum::<u32>(), 22, "eleven cells of two metrics");
    let cells = merged.cells_table().csv();
    let line = cells.lines().nth(6).expect("there is one for each");
    assert!(line.starts_with("5,") && line.ends_with(",,,"), "{line}");
    assert_eq!(replayed(&path, &replay), 0, "that line runs it");
}

/// Runs the line that replays a cell, in the folder of its sweep.
fn replayed(folder: &Path, line: &str) -> i32 {
    let words = line.split(' ').skip(1);
    let mut command = program();
    let run = command.args(words).args(["--no-report", "--out", "again"]).current_dir(folder).output();
    run.expect("it starts").status.code().expect("it ends")
}

#[test]
fn variants_meet_the_same_failures_and_differ_in_what_is_done() {
    let (_folder, folder) = folder();
    let merged = made(&folder, &study(STUDY));
    let row = |condition, variant| row(&merged.summary, condition, variant);
    let (down, up) = (row("storm", "stay down"), row("storm", "redeploy"));
    assert!(up.mean > down.mean, "{} against {}", up.mean, down.mean);
    assert!((up.difference - (up.mean - down.mean)).abs() < 1e-12);
    assert_eq!((down.difference, down.difference_half_width), (0.0, 0.0), "it is its own baseline");
    assert_eq!((up.runs, row("calm", "redeploy").difference), (3, 0.0));
    let text = findings(&merged.plan, &merged.summary);
    let storm = text.split("Under storm: ").nth(1).expect("there is a paragraph on it");
    let ranked = ["services.availability was", "with redeploy,", "with stay down"];
    let places: Option<Vec<usize>> = ranked.iter().map(|words| storm.find(words)).collect();
    assert!(places.is_some_and(|places| places.is_sorted()), "{text}");
    assert!(text.contains("| stay down |"), "{text}");
}

#[test]
fn a_variant_may_have_fewer_replications() {
    let fewer = STUDY
        .replace("force_recovery: true}\"]}\nmetrics", "force_recovery: true}\"], replications: 2}\nmetrics");
    let plan = planned(&study(&fewer));
    let of = |variant| cells(&plan).iter().filter(|cell| cell.variant == variant).count();
    assert_eq!((of(0), of(1), plan.cells), (6, 4, 10), "two conditions, three replications and two");
    assert!(findings(&plan, &[]).contains("3 replications each (2 of redeploy)"));
}

#[test]
fn a_grid_is_each_with_each() {
    let metrics = "metrics:\n  - lower: messages.sent\n";
    let alone = format!(
        "version: 1\nscenario: SCENARIO\nreplications: 2\ngrid:\n  duration: [30m, 1h]\n  \
         strategy.recovery: [redeploy, {{standby: {{count: 1}}}}]\n  peers[0].providers.count: [20]\n{metrics}"
    );
    let plan = planned(&study(&alone));
    let names: Vec<&str> = plan.variants.iter().map(|arm| &*arm.name).collect();
    assert_eq!(
        names,
        [
            "duration=30m, recovery=redeploy",
            "duration=30m, recovery={standby: {count: 1}}",
            "duration=1h, recovery=redeploy",
            "duration=1h, recovery={standby: {count: 1}}",
        ]
    );
    assert_eq!((plan.conditions[0].name.as_str(), plan.cells), ("as it is", 8));
    let with = STUDY.replace(
        "conditions:\n  - {name: calm}",
        "grid: {duration: [30m, 1h]}\nconditions:\n  - {name: calm}",
    );
    let plan = planned(&study(&with));
    let names: Vec<&str> = plan.conditions.iter().map(|arm| &*arm.name).collect();
    assert_eq!(
        names,
        ["calm, duration=30m", "calm, duration=1h", "storm, duration=30m", "storm, duration=1h"]
    );
    let (_guard, path) = folder();
    let merged = made(&path, &study(&with.replace("replications: 3", "replications: 1")));
    let table = merged.cells_table().csv();
    assert!(table.starts_with("index,id,condition,variant,replication,seed,duration,digest,"), "{table}");
    assert!(table.lines().nth(1).is_some_and(|line| line.contains(",30m,")), "{table}");
}

#[test]
fn cells_are_named_by_what_goes_in() {
    let plan = planned(&study(STUDY));
    let ids = |plan: &SweepPlan| cells(plan).into_iter().map(|cell| cell.id).collect::<Vec<_>>();
    let more = planned(&study(&STUDY.replace("replications: 3", "replications: 5")));
    assert_eq!(ids(&plan)[..], ids(&more)[..12], "they stay what they are when there are more");
    let other = planned(&study(&STUDY.replace("fraction: 60%", "fraction: 61%")));
    let same = ids(&plan).iter().zip(ids(&other)).filter(|(one, other)| *one == other).count();
    assert_eq!(same, 6, "those of the calm condition have not changed");
    let measured = planned(&study(&STUDY.replace("lower: messages.sent", "lower: messages.bytes")));
    assert!(ids(&measured).iter().all(|id| !ids(&plan).contains(id)), "something else is measured");
    // What is the same is run once.
    let twice = STUDY.replace("recovery: stay_down", "recovery: redeploy");
    let twice = planned(&study(&twice));
    assert_eq!(twice.setups.iter().map(|setup| setup.folder).collect::<Vec<_>>(), [0, 0, 1, 1]);
    assert_ne!(seed_of(&plan, 0), seed_of(&plan, 1));
}

#[test]
fn the_mean_of_a_series_leaves_its_beginning_out() {
    let of = |warm_up: &str| {
        let text = STUDY.replace("  - lower: messages.sent", "  - lower: {mean_of: peers.up}");
        let text = text.replace("replications: 3", &format!("replications: 1\nwarm_up: {warm_up}"));
        let (_guard, path) = folder();
        let merged = made(&path, &study(&text));
        let found =
            merged.summary.iter().find(|row| row.metric == "mean of peers.up" && row.condition == "storm");
        found.expect("there is a row").mean
    };
    // Three fifths go at twenty minutes and never come back.
    let (all, rest) = (of("0s"), of("21m"));
    assert!(all > 28.0 && (rest - 21.0).abs() < 1e-9, "{rest} {all}");
    let found = of("auto");
    assert!(found.is_nan() || found < all, "{found}");
}

#[test]
fn what_is_wrong_with_a_study_is_said_at_once() {
    let (_folder, folder) = folder();
    let broken = STUDY
        .replace("replications: 3", "replications: 0\nwarm_up: soon")
        .replace("baseline: stay down", "baseline: stay dwon\ngrid: {duration: 1h, seed: [1, 1]}")
        .replace("{name: redeploy,", "{name: stay down,")
        .replace("  - lower: messages.sent", "  - lower: messages.sent\n  - lower: {mean_of: peers.op}")
        .replace("higher: services.availability", "higher: services.availabilty");
    let said = load(&folder, &broken).expect_err("it is broken");
    for words in [
        "`replications` must be at least 1, not 0",
        "`stay dwon` is no variant",
        "`stay down` stands here twice",
        "`services.availabilty` is not a metric",
        "did you mean `services.availability`?",
        "`peers.op` is not a series",
        "`duration` must be a list of values",
        "`1` stands here twice",
        "soon",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let wrong = STUDY.replace("recovery: redeploy", "recovery: redeploi");
    let said = Planned::of(&study(&wrong)).expect_err("its scenario is wrong").to_string();
    assert!(said.contains("`redeploy` under `calm`") && said.contains("redeploi"), "{said}");
    let large = STUDY.replace(
        "baseline",
        &format!("grid: {{seed: {0:?}, epoch: {0:?}}}\nbaseline", (0..200).collect::<Vec<_>>()),
    );
    assert!(load(&folder, &large).expect_err("it is too large").contains("too many points"));
}

#[test]
fn a_study_can_be_checked_as_any_other_file() {
    let (_guard, path) = folder();
    let check = |text: &str| said(&["check", &written(&path, text).to_string_lossy()]);
    let (code, told, errors) = check(STUDY);
    assert!(code == 0 && told.contains("fine (a study, by its `replications`)"), "{told}{errors}");
    let (code, _, errors) = check(&STUDY.replace("baseline: stay down", "baseline: stay"));
    assert!(code == 2 && errors.contains("`stay` is no variant"), "{errors}");
    let (code, _, errors) = check(&STUDY.replace("fraction: 60%", "fraction: 160%"));
    assert!(code == 2 && errors.contains("cannot be used as `stay down` under `storm`"), "{errors}");
    assert!(errors.contains("--set:1:") && errors.contains("160%"), "{errors}");
}

#[test]
fn what_makes_no_sense_in_a_study_is_said() {
    let (_guard, path) = folder();
    let until = "{until: messages.sent, half_width: 5%, at_most: 12}";
    let own = STUDY.replace("force_recovery: true}\"]}", "force_recovery: true}\"], replications: 2}");
    let mean = STUDY.replace("lower: messages.sent", "lower: {mean_of: peers.up}");
    for (text, words) in [
        (own.replace("replications: 3", &format!("replications: {until}")), "needs no `until`"),
        (own.replace("replications: 2}", "replications: 4}"), "`redeploy` has 4 replications, the study 3"),
        (STUDY.replace("name: small", "name: ../../small"), "cannot be a name"),
        (STUDY.replace("lower: messages.sent", "lower: services.availability"), "stands here twice"),
        (format!("{STUDY}grid: {{strategy: [{{}}], strategy.placement: [uniform]}}\n"), "set the same"),
        (format!("{STUDY}grid: {{'peers[0].x': [1], 'peers[00].x': [2]}}\n"), "set the same"),
        (format!("{STUDY}grid: {{seed: []}}\n"), "`seed` has no values"),
        (
            STUDY.replace("replications: 3", "replications: 10000")
                + &format!("grid: {{seed: {:?}}}\n", (0..100).collect::<Vec<_>>()),
            "the study has 4000000 runs",
        ),
        (mean.replace("replications: 3", "replications: 3\nwarm_up: 5h"), "leaves nothing of a run of 1h"),
    ] {
        let (code, _, errors) = said(&["check", &written(&path, &text).to_string_lossy()]);
        assert!(code == 2 && errors.contains(words), "{words}: {errors}");
    }
}

#[test]
fn what_was_tampered_with_is_noticed() {
    let (_guard, path) = folder();
    let study =
        written(&path, &STUDY.replace("replications: 3", "replications: 1")).to_string_lossy().into_owned();
    let sweep = path.join("sweep");
    let of = sweep.to_string_lossy().into_owned();
    assert_eq!(said(&["study", &study, "--out", &of]).0, 0);
    let (file, _) = finished(&sweep).swap_remove(0);
    let result = fs::read_to_string(&file).expect("it is there");
    for (from, to) in [("\"seed\": ", "\"seed\": 1"), ("messages.sent", "messages.received")] {
        fs::write(&file, result.replace(from, to)).expect("there is room");
        let status = json(&dmsim(&["sweep", "status", &of, "--format", "json"]));
        assert_eq!(status["finished"].as_u64(), Some(3), "{from}");
        let receipt = json(&dmsim(&["sweep", "run", &of, "--jobs", "4000000000", "--format", "json"]));
        assert_eq!(receipt["made"].as_u64(), Some(1), "{from}");
        assert_eq!(fs::read_to_string(&file).expect("it is there"), result, "it is made again");
    }
    let plan = fs::read_to_string(sweep.join("plan.json")).expect("it is there");
    let setups = plan.find("\"setups\"").expect("there are some");
    for broken in [
        format!("{}\"setups\": [], \"cells\": 4}}", &plan[..setups]),
        plan.replace("\"folder\": 1", "\"folder\": 18446744073709551615"),
        plan.replace("\"replications\": 1", "\"replications\": 4000000000"),
        plan.replace("\"cells\": 4", "\"cells\": 3"),
        plan.replace("\"baseline\": \"stay down\"", "\"baseline\": \"zzz\""),
        plan.replace("\"name\": \"storm\"", "\"name\": \"calm\""),
    ] {
        fs::write(sweep.join("plan.json"), &broken).expect("there is room");
        for command in [&["sweep", "status", &of][..], &["sweep", "merge", &of], &["compare", &of, &of]] {
            let (code, _, errors) = said(command);
            assert!(code == 2 && errors.contains("does not fit together"), "{broken}: {errors}");
        }
    }
}

#[test]
fn an_engine_that_fails_is_told_of() {
    use std::os::unix::fs::PermissionsExt;
    let (_guard, path) = folder();
    let study = written(&path, STUDY).to_string_lossy().into_owned();
    let sweep = path.join("sweep").to_string_lossy().into_owned();
    assert_eq!(said(&["sweep", "plan", &study, "-o", &sweep]).0, 0);
    let engine = path.join("sbatch");
    fs::write(&engine, "#!/bin/sh\nexec 0<&-\nexit 7\n").expect("there is room");
    fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let mut command = program();
    command.args(["sweep", "submit", &sweep, "--engine", "slurm", "--of", "2"]).env("PATH", &path);
    let (code, _, errors) = told(&command.output().expect("it starts"));
    assert!(code == 3 && errors.contains("`sbatch` ended with exit status: 7"), "{code} {errors}");
    let script = fs::read_to_string(path.join("sweep/submitted.txt")).expect("it was written");
    assert!(script.contains("#SBATCH --array=0-1"), "{script}");
    let (code, _, errors) = said(&["sweep", "submit", &sweep, "--engine", "slurm", "--of", "1001"]);
    assert!(code == 2 && errors.contains("at most 1000 tasks"), "{errors}");
}

#[test]
fn the_shipped_studies_can_be_planned() {
    for (name, expected) in [("recovery", 3 * 5 + 8 * 60), ("placement", 320), ("bidding", 420)] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/studies").join(name).join("study.yaml");
        let study = load_file(&path).unwrap_or_else(|report| panic!("{report}"));
        let (_guard, folder) = folder();
        let sweep = sweep_in(&folder, &study);
        assert_eq!(sweep.cells.len(), expected, "{name}");
        // Every scenario is read again as it was planned; nothing is run.
        sweep
            .make(&sweep.cells[..1], &|_, _| {}, &|| false)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let fewer = (0..study.variants.len())
            .filter(|place| sweep.plan.replications_of(*place) < sweep.plan.replications);
        assert_eq!(fewer.count(), usize::from(name == "recovery"), "{name}: DMS as it is");
    }
}

#[test]
fn a_study_ends_when_enough_is_known() {
    let until = "{until: services.availability, half_width: 3%, at_most: 14}";
    let study = study(&STUDY.replace("replications: 3", &format!("replications: {until}")));
    let (_guard, path) = folder();
    let sweep = sweep_in(&path, &study);
    // Where nothing is done about lost machines, availability varies too much for ten runs.
    assert_eq!(make_all(&sweep), [10, 11, 12, 13, 14]);
    assert_eq!(merge(&sweep).expect("it is finished").cells.len(), 14 * 4);

    let easy = Study { conditions: study.conditions[..1].to_vec(), ..study };
    let (_easy, path) = folder();
    let sweep = sweep_in(&path, &easy);
    make(&sweep, &sweep.cells[..7], u32::MAX);
    assert_eq!(make_all(&sweep), [10], "what was interrupted goes on");
    let enough = merge(&sweep).expect("it is finished");
    assert_eq!((enough.cells.len(), enough.plan.replications), (20, 10));
    // Engines that cannot know when it is enough make all, and the result is the same.
    make(&sweep, &missing(&sweep), u32::MAX);
    let all = merge(&sweep).expect("it is finished");
    assert_eq!(all.cells_table().csv(), enough.cells_table().csv());
}

#[test]
fn differences_are_corrected_for_how_many_there_are() {
    let (_guard, path) = folder();
    let merged = made(&path, &study(&STUDY.replace("replications: 3", "replications: 10")));
    let of = |condition, variant| row(&merged.summary, condition, variant);
    let storm = of("storm", "redeploy");
    assert!(storm.differs() && storm.difference > 0.1, "{storm:?}");
    assert!(!of("calm", "redeploy").differs(), "nothing happens there");
    let baseline = of("storm", "stay down");
    assert!(baseline.p_value.is_nan() && !baseline.differs() && baseline.standard_deviation > 0.0);
    assert!(baseline.bootstrap_low < baseline.mean && baseline.mean < baseline.bootstrap_high);
}

#[test]
fn what_is_wrong_with_an_end_is_said() {
    let (_guard, path) = folder();
    for (end, said) in [
        (
            "{until: services.availabilty, half_width: 3%, at_most: 14}",
            "is not among the metrics of the study",
        ),
        ("{until: messages.sent, half_width: 0%, at_most: 14}", "an interval without any width"),
        ("{until: messages.sent, half_width: 5%}", "how many runs there are at most"),
        ("{until: messages.sent, half_width: 5%, at_least: 20, at_most: 14}", "`at_least: 20` is more than"),
        ("{half_width: 5%, at_most: 14}", "the metric that is to be known well enough"),
    ] {
        let text = STUDY.replace("replications: 3", &format!("replications: {end}"));
        let refused = load(&path, &text).expect_err(end);
        assert!(refused.contains(said), "{end}: {refused}");
    }
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {:?}", told(output)))
}

/// What lies in the folder of cells, with when it was written.
fn finished(folder: &Path) -> Vec<(PathBuf, std::time::SystemTime)> {
    let mut files = Vec::new();
    for shelf in fs::read_dir(folder.join("cells")).into_iter().flatten().flatten() {
        for file in fs::read_dir(shelf.path()).into_iter().flatten().flatten() {
            let is_result = file.path().extension().is_some_and(|extension| extension == "json");
            let written = file.metadata().and_then(|metadata| metadata.modified());
            files.extend(written.ok().filter(|_| is_result).map(|written| (file.path(), written)));
        }
    }
    files.sort();
    files
}

#[test]
fn a_sweep_that_is_killed_loses_nothing_and_repeats_nothing() {
    let (_guard, path) = folder();
    let study = written(&path, &STUDY.replace("replications: 3", "replications: 12"));
    let (study, sweep) =
        (study.to_string_lossy().into_owned(), path.join("sweep").to_string_lossy().into_owned());
    assert_eq!(said(&["sweep", "plan", &study, "-o", &sweep]).0, 0);
    let mut kept = Vec::new();
    // Killed as soon as a few more are finished, again and again.
    for more in [1, 9, 20] {
        let mut command = program();
        let command = command.args(["sweep", "run", &sweep]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        while finished(Path::new(&sweep)).len() < more && child.try_wait().expect("it is asked").is_none() {
            std::thread::yield_now();
        }
        child.kill().expect("it is killed");
        child.wait().expect("it ends");
        let now = finished(Path::new(&sweep));
        assert!(kept.iter().all(|file| now.contains(file)), "nothing is made twice");
        kept = now;
    }
    let receipt = json(&dmsim(&["sweep", "run", &sweep, "--format", "json"]));
    let count = |name: &str| receipt[name].as_u64().expect("it is a number") as usize;
    assert_eq!((count("known"), count("made")), (kept.len(), 48 - kept.len()));
    let now = finished(Path::new(&sweep));
    assert!(kept.iter().all(|file| now.contains(file)) && now.len() == 48);
    assert_eq!(receipt["receipts"].as_array().map(Vec::len), Some(48));
    let (code, _, errors) = said(&["sweep", "merge", &sweep]);
    assert_eq!(code, 0, "{errors}");
    let whole = path.join("whole").to_string_lossy().into_owned();
    assert_eq!(said(&["study", &study, "--out", &whole]).0, 0);
    for table in ["cells.csv", "summary.csv", "failures.csv", "study.md", "study.svg"] {
        let of = |folder: &str| fs::read(Path::new(folder).join(table)).expect("it is there");
        assert_eq!(of(&sweep), of(&whole), "{table}");
    }
}

#[test]
fn a_sweep_is_made_by_the_shards_of_an_engine() {
    let (_guard, path) = folder();
    let study = written(&path, &STUDY.replace("replications: 3", "replications: 2"));
    let (study, sweep) =
        (study.to_string_lossy().into_owned(), path.join("sweep").to_string_lossy().into_owned());
    assert_eq!(said(&["sweep", "plan", &study, "-o", &sweep]).0, 0);
    let (code, _, errors) = said(&["sweep", "run", &sweep, "--shard", "auto", "--of", "3"]);
    assert!(
        code == 2 && errors.contains("SLURM_ARRAY_TASK_ID, HQ_TASK_ID, JOB_COMPLETION_INDEX"),
        "{errors}"
    );
    let (code, _, errors) = said(&["sweep", "run", &sweep, "--shard", "3", "--of", "3"]);
    assert!(code == 2 && errors.contains("there is no part 3 of 3"), "{errors}");
    for (index, name) in ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID", "HQ_TASK_ID"].iter().enumerate() {
        let mut command = program();
        let command = command.args(["sweep", "run", &sweep, "--shard", "auto", "--of", "3"]);
        assert!(command.env(name, index.to_string()).output().expect("it starts").status.success());
        let status = json(&dmsim(&["sweep", "status", &sweep, "--format", "json"]));
        assert_eq!(status["finished"].as_u64(), Some((index as u64 + 1) * 8 / 3), "{status}");
        assert_eq!(status["enough"].as_bool(), Some(index == 2));
        let (code, _, errors) = said(&["sweep", "merge", &sweep]);
        assert_eq!(code, if index == 2 { 0 } else { 2 }, "{errors}");
    }
    // Without a number of shards a few cells tell how many.
    assert_eq!(said(&["sweep", "plan", &study, "-o", &sweep, "--replications", "4"]).0, 0);
    let probe = ["--engine", "slurm", "--shard-time-s", "1000", "--dry-run"];
    let (code, script, errors) = said(&[&["sweep", "submit", &sweep][..], &probe].concat());
    assert!(code == 0 && script.contains("#SBATCH --array=0-0\n"), "{script}");
    assert!(
        errors.contains("a probe of 4 cells took") && errors.contains("16 cells in 1 shards"),
        "{errors}"
    );
    let status = json(&dmsim(&["sweep", "status", &sweep, "--format", "json"]));
    assert_eq!(status["finished"].as_u64(), Some(12), "what was probed need not be made again");
    for (engine, words) in [
        ("slurm", "#SBATCH --array=0-4%2\n#SBATCH --cpus-per-task=1\n"),
        ("hyperqueue", "hq submit --name small --array 0-4 --cpus 1"),
        ("kubernetes", "\"completionMode\": \"Indexed\""),
        ("dask", "-m dmsim.dask"),
        ("local", "sweep run"),
    ] {
        let arguments =
            ["--engine", engine, "--of", "5", "--at-most", "2", "--scheduler", "tcp://here:1", "--dry-run"];
        let (code, script, errors) = said(&[&["sweep", "submit", &sweep][..], &arguments].concat());
        assert!(code == 0 && script.contains(words), "{engine}: {script}{errors}");
    }
    let (code, _, errors) = said(&[
        "sweep",
        "submit",
        &sweep,
        "--engine",
        "dask",
        "--of",
        "2",
        "--scheduler",
        "x",
        "--python",
        "nopython",
    ]);
    assert!(
        code == 2 && errors.contains("cannot be started") && errors.contains("docs/sweeps.md"),
        "{errors}"
    );
}

#[test]
fn a_folder_is_never_taken_for_what_it_is_not() {
    let (_guard, path) = folder();
    let study =
        written(&path, &STUDY.replace("replications: 3", "replications: 1")).to_string_lossy().into_owned();
    let of = |name: &str| path.join(name).to_string_lossy().into_owned();
    let (sweep, notes) = (of("sweep"), of("notes"));
    fs::create_dir_all(&notes).expect("there is room");
    fs::write(Path::new(&notes).join("diary.txt"), "dear diary").expect("there is room");
    let (code, _, errors) = said(&["sweep", "plan", &study, "-o", &notes, "--overwrite"]);
    assert!(code == 2 && errors.contains("holds diary.txt, which no sweep writes"), "{errors}");
    // Nor is a plan of something else, nor what lies in a sweep and is none of it.
    fs::write(Path::new(&notes).join("plan.json"), "{\"format_version\": \"1.2\"}").expect("there is room");
    let (code, _, errors) = said(&["sweep", "plan", &study, "-o", &notes, "--overwrite"]);
    assert!(
        code == 2 && errors.contains("diary.txt") && Path::new(&notes).join("diary.txt").exists(),
        "{errors}"
    );
    fs::remove_file(Path::new(&notes).join("diary.txt")).expect("it is there");
    let (code, _, errors) = said(&["sweep", "plan", &study, "-o", &notes, "--overwrite"]);
    assert!(code == 2 && errors.contains("has a plan.json that is none of a sweep"), "{errors}");
    fs::remove_file(Path::new(&notes).join("plan.json")).expect("it is still there");
    let (code, _, errors) = said(&["sweep", "run", &notes]);
    assert!(code == 2 && errors.contains("is no sweep: there is no plan.json"), "{errors}");
    assert_eq!(said(&["sweep", "plan", &study, "-o", &sweep]).0, 0);
    assert_eq!(said(&["sweep", "plan", &study, "-o", &sweep, "--replications", "2"]).0, 0, "only more of it");
    let other = path.join("other.yaml");
    let text = fs::read_to_string(&study).expect("it is there").replace("fraction: 60%", "fraction: 50%");
    fs::write(&other, text).expect("there is room");
    let other = other.to_string_lossy().into_owned();
    let (code, _, errors) = said(&["sweep", "plan", &other, "-o", &sweep]);
    assert!(
        code == 2 && errors.contains("holds another sweep") && errors.contains("--overwrite"),
        "{errors}"
    );
    assert_eq!(said(&["sweep", "plan", &other, "-o", &sweep, "--overwrite"]).0, 0);
    // What is left of a planning that was interrupted is gone on with.
    fs::remove_file(Path::new(&sweep).join("plan.json")).expect("it is there");
    fs::write(Path::new(&sweep).join("plan.json.17.partial"), "{").expect("there is room");
    assert_eq!(said(&["sweep", "plan", &other, "-o", &sweep]).0, 0);
    let (_, told, _) = said(&["sweep", "status", &sweep]);
    assert!(told.contains("0 of 4 cells are finished") && told.contains("next: dmsim sweep run"), "{told}");
}

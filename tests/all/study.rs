//! Studies: read, run, interrupted and gone on with.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use dmsim::experiment::study::Job;
use dmsim::experiment::{Measured, Plan, findings, summarise};
use dmsim::observe::{self, StudyRuns};
use dmsim::scenario::study::{Study, load_study};

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

fn metrics() -> Vec<&'static str> {
    observe::all().iter().map(|metric| metric.name).collect()
}

/// Writes a study of the shipped scenario `calm` into a folder and loads it.
fn load(folder: &Path, text: &str) -> Result<Study, String> {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/calm.yaml");
    let path = folder.join("study.yaml");
    fs::write(&path, text.replace("SCENARIO", &scenario.to_string_lossy())).expect("there is room");
    let mut study = load_study(&path, &metrics()).map_err(|report| report.render(false))?;
    // What the scenario expects is of no interest here.
    study.conditions.iter_mut().for_each(|condition| condition.set.push("expect=[]".to_owned()));
    Ok(study)
}

/// Makes runs until so many are over, and says which.
fn make(plan: &Plan<'_>, jobs: &[Job], runs: &StudyRuns, at_most: u32) -> Vec<Measured> {
    let (made, count) = (Mutex::new(Vec::new()), AtomicU32::new(0));
    let keep = |measured: &Measured| {
        runs.add(&plan.rows_of(measured)).expect("there is room");
        made.lock().expect("nobody panics").push(measured.clone());
        count.fetch_add(1, Ordering::Relaxed);
    };
    plan.run(jobs, &keep, &|| count.load(Ordering::Relaxed) < at_most).expect("the runs come to an end");
    let mut made = made.into_inner().expect("nobody panics");
    made.sort_by_key(|measured| measured.job);
    made
}

/// Makes what a study asks for until there is enough, as its command does.
fn make_all(plan: &Plan<'_>, runs: &StudyRuns) -> (Vec<Measured>, Vec<u32>) {
    let (mut known, mut steps) = (Vec::new(), Vec::new());
    while let Some(replications) = plan.next(&known) {
        steps.push(replications);
        let is_missing = |job: &Job| known.iter().all(|one: &Measured| one.job != *job);
        let jobs = plan.jobs().into_iter().filter(|job| job.replication < replications);
        let jobs: Vec<Job> = jobs.filter(is_missing).collect();
        known.extend(make(plan, &jobs, runs, u32::MAX));
        known.sort_by_key(|one| one.job);
    }
    (known, steps)
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn an_interrupted_study_goes_on_where_it_was() {
    let (_whole, whole) = folder();
    let study = load(&whole, STUDY).unwrap_or_else(|report| panic!("{report}"));
    let plan = Plan::of(&study).unwrap_or_else(|error| panic!("{error}"));
    let jobs = plan.jobs();
    assert_eq!(jobs.len(), 12);
    let (runs, _) = StudyRuns::open(&whole).expect("it can be made");
    let in_a_go = make(&plan, &jobs, &runs, u32::MAX);
    assert_eq!(in_a_go.iter().map(|one| one.job).collect::<Vec<_>>(), jobs);

    let (_parts, parts) = folder();
    let (runs, _) = StudyRuns::open(&parts).expect("it can be made");
    let first = make(&plan, &jobs, &runs, 4);
    assert!(first.len() < 12, "it was interrupted");
    drop(runs);
    let (runs, rows) = StudyRuns::open(&parts).expect("it can be opened");
    let known = plan.known(&rows);
    assert_eq!(known, first);
    let missing: Vec<Job> =
        jobs.iter().copied().filter(|job| known.iter().all(|one| one.job != *job)).collect();
    let mut all = [known, make(&plan, &missing, &runs, u32::MAX)].concat();
    all.sort_by_key(|measured| measured.job);
    assert_eq!(all, in_a_go);
}

#[test]
fn variants_meet_the_same_failures_and_differ_in_what_is_done() {
    let (_folder, folder) = folder();
    let study = load(&folder, STUDY).unwrap_or_else(|report| panic!("{report}"));
    let plan = Plan::of(&study).unwrap_or_else(|error| panic!("{error}"));
    let (runs, _) = StudyRuns::open(&folder).expect("it can be made");
    let measured = make(&plan, &plan.jobs(), &runs, u32::MAX);
    let rows = summarise(&study, &measured);
    let row = |condition: &str, variant: &str| {
        let found = rows.iter().find(|row| {
            row.condition == condition && row.variant == variant && row.metric == "services.availability"
        });
        found.expect("there is a row for each").clone()
    };
    let (down, up) = (row("storm", "stay down"), row("storm", "redeploy"));
    assert!(up.mean > down.mean, "{} against {}", up.mean, down.mean);
    assert!((up.difference - (up.mean - down.mean)).abs() < 1e-12);
    assert_eq!((down.difference, down.difference_half_width), (0.0, 0.0), "it is its own baseline");
    assert_eq!((up.runs, row("calm", "redeploy").difference), (3, 0.0));
    let text = findings(&study, &rows);
    let storm = text.split("Under storm: ").nth(1).expect("there is a paragraph on it");
    let ranked = ["services.availability was", "with redeploy,", "with stay down"];
    let places: Option<Vec<usize>> = ranked.iter().map(|words| storm.find(words)).collect();
    assert!(places.is_some_and(|places| places.is_sorted()), "{text}");
    assert!(text.contains("| stay down |"), "{text}");
}

#[test]
fn a_variant_may_have_fewer_replications() {
    let (_folder, folder) = folder();
    let fewer = STUDY
        .replace("force_recovery: true}\"]}\nmetrics", "force_recovery: true}\"], replications: 2}\nmetrics");
    let study = load(&folder, &fewer).expect("it is right");
    let plan = Plan::of(&study).expect("its scenario is right");
    let of = |variant| plan.jobs().iter().filter(|job| job.variant == variant).count();
    assert_eq!((of(0), of(1)), (6, 4), "two conditions, three replications and two");
    assert!(findings(&study, &[]).contains("3 replications each (2 of redeploy)"));
}

#[test]
fn what_is_wrong_with_a_study_is_said_at_once() {
    let (_folder, folder) = folder();
    let broken = STUDY
        .replace("replications: 3", "replications: 0")
        .replace("baseline: stay down", "baseline: stay dwon")
        .replace("{name: redeploy,", "{name: stay down,")
        .replace("higher: services.availability", "higher: services.availabilty");
    let said = load(&folder, &broken).expect_err("it is broken");
    for words in [
        "`replications` must be at least 1, not 0",
        "`stay dwon` is no variant",
        "`stay down` stands here twice",
        "`services.availabilty` is not a metric",
        "did you mean `services.availability`?",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let wrong = STUDY.replace("recovery: redeploy", "recovery: redeploi");
    let study = load(&folder, &wrong).expect("only its scenario is wrong");
    let said = Plan::of(&study).expect_err("its scenario is wrong").to_string();
    assert!(said.contains("`redeploy` under `calm`") && said.contains("redeploi"), "{said}");
}

#[test]
fn the_shipped_study_can_be_planned() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/studies/recovery/study.yaml");
    let study = load_study(&path, &metrics()).unwrap_or_else(|report| panic!("{}", report.render(false)));
    let plan = Plan::of(&study).unwrap_or_else(|error| panic!("{error}"));
    let of = |variant| plan.jobs().iter().filter(|job| job.variant == variant).count();
    let counts: Vec<usize> = (0..study.variants.len()).map(of).collect();
    assert_eq!(study.variants[0].name, "DMS as it is");
    assert_eq!(counts, [3 * 5, 60, 60, 60, 60, 60, 60, 60, 60], "eight ways, and DMS as it is");
}

#[test]
fn a_study_ends_when_enough_is_known() {
    let (_guard, path) = folder();
    let until = "{until: services.availability, half_width: 3%, at_most: 14}";
    let study = load(&path, &STUDY.replace("replications: 3", &format!("replications: {until}"))).unwrap();
    let plan = Plan::of(&study).unwrap();
    let (runs, _) = StudyRuns::open(&path).unwrap();
    let (measured, steps) = make_all(&plan, &runs);
    // Where nothing is done about lost machines, availability varies too much for ten runs.
    assert_eq!(steps, [10, 11, 12, 13, 14]);
    assert_eq!(measured.len(), 14 * 4);
    let easy = Study { conditions: study.conditions[..1].to_vec(), ..study };
    let plan = Plan::of(&easy).unwrap();
    let (runs, _) = StudyRuns::open(&path.join("easy")).unwrap();
    let (measured, steps) = make_all(&plan, &runs);
    assert_eq!((steps.as_slice(), measured.len()), ([10].as_slice(), 20));
    let halfway = &measured[..7];
    assert_eq!(plan.next(halfway), Some(10), "what was interrupted goes on");
    let fixed = Study { replications: 20, until: None, ..easy.clone() };
    let fixed = Plan::of(&fixed).unwrap().fingerprint();
    assert_eq!(plan.fingerprint(), fixed, "what is known stays so when more is asked for");
}

#[test]
fn differences_are_corrected_for_how_many_there_are() {
    let (_guard, path) = folder();
    let study = load(&path, &STUDY.replace("replications: 3", "replications: 10")).unwrap();
    let plan = Plan::of(&study).unwrap();
    let (runs, _) = StudyRuns::open(&path).unwrap();
    let (measured, _) = make_all(&plan, &runs);
    let rows = summarise(&study, &measured);
    let of = |condition: &str, variant: &str| {
        let row = rows.iter().find(|row| {
            (&*row.condition, &*row.variant, &*row.metric) == (condition, variant, "services.availability")
        });
        row.unwrap().clone()
    };
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

//! `dmsim plot` as people use it: pictures of runs and of a sweep, and what is said of mistakes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::{program, said};

fn scenario() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/calm.yaml")
}

/// A run of the shipped scenario `calm` in a folder of this name.
fn run(folder: &Path, name: &str, seed: &str) -> String {
    let out = folder.join(name).to_string_lossy().into_owned();
    let scenario = scenario().to_string_lossy().into_owned();
    let (code, _, errors) = said(&["run", &scenario, "--no-report", "--seed", seed, "--out", &out]);
    assert!(code <= 1, "{errors}");
    out
}

/// The names of the files of a folder, sorted.
fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("it is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_gets_all_that_it_has_data_for() {
    let folder = tempfile::tempdir().expect("there is room");
    let calm = run(folder.path(), "calm", "1");
    let (code, told, errors) = said(&["plot", &calm]);
    assert_eq!(code, 0, "{errors}");
    assert!(errors.starts_with(&format!("reading {calm}\n")), "{errors}");
    assert!(errors.contains("left out: money: calm has nothing for it: it needs invoices.csv"), "{errors}");
    let written: Vec<&str> = told.lines().collect();
    assert!(written.len() >= 12 && written.len().is_multiple_of(2), "{told}");
    for kind in ["deployments", "time_to_running", "gantt", "refusals", "series", "cdf", "box", "violin"] {
        let svg = fs::read_to_string(format!("{calm}/plots/{kind}.svg")).expect("it was drawn");
        assert!(svg.starts_with("<svg ") && svg.contains("prefers-color-scheme:dark"), "{kind}");
        let csv = fs::read_to_string(format!("{calm}/plots/{kind}.csv")).expect("it was written");
        assert!(csv.lines().count() > 1, "{kind}: {csv}");
    }
    // The numbers of the box are those of the table of deployments.
    let table = fs::read_to_string(format!("{calm}/plots/cdf.csv")).expect("it was written");
    assert!(table.starts_with("series,time_to_running_s,share\n"), "{table}");
    let before: Vec<Vec<u8>> = written.iter().map(|path| fs::read(path).expect("it is there")).collect();
    assert_eq!(said(&["plot", &calm]).0, 0);
    assert!(written.iter().zip(&before).all(|(path, bytes)| fs::read(path).expect("it is there") == *bytes));
}

#[test]
fn several_runs_are_laid_over_each_other() {
    let folder = tempfile::tempdir().expect("there is room");
    let runs: Vec<String> =
        ["1", "2", "3"].iter().map(|seed| run(folder.path(), &format!("seed-{seed}"), seed)).collect();
    let out = folder.path().join("pictures").to_string_lossy().into_owned();
    let mut arguments = vec!["plot"];
    arguments.extend(runs.iter().map(String::as_str));
    arguments.extend([
        "--kind",
        "series,cdf,gantt",
        "--out",
        &out,
        "--png",
        "--theme",
        "dark",
        "--width-px",
        "400",
    ]);
    let (code, told, errors) = said(&arguments);
    assert_eq!(code, 0, "{errors}");
    let stems = ["cdf", "gantt-1", "gantt-2", "gantt-3", "series"];
    let expected: Vec<String> = stems
        .iter()
        .flat_map(|stem| ["csv", "png", "svg"].map(|ending| format!("{stem}.{ending}")))
        .collect();
    assert_eq!(files(&out), expected);
    assert_eq!(told.lines().count(), expected.len());
    let series = fs::read_to_string(format!("{out}/series.svg")).expect("it was drawn");
    assert!(series.contains("10th to 90th percentile") && series.contains("width=\"400\""), "{series}");
    assert!(!series.contains("<style") && series.contains("#1E2329"), "dark for good");
    let cdf = fs::read_to_string(format!("{out}/cdf.svg")).expect("it was drawn");
    assert!((1..=3).all(|seed| cdf.contains(&format!("seed-{seed} (n = "))), "{cdf}");
    let png = fs::read(format!("{out}/series.png")).expect("it was drawn");
    assert_eq!((&png[..4], &png[16..20]), (&b"\x89PNG"[..], &400_u32.to_be_bytes()[..]));
}

#[test]
fn a_sweep_is_drawn_by_its_parameters() {
    let folder = tempfile::tempdir().expect("there is room");
    let study = folder.path().join("grid.yaml");
    let text = format!(
        "version: 1\nname: grid\nscenario: {:?}\nseed: 1\nreplications: 3\nvariants:\n  - {{name: plain, set: \
         ['expect=[]']}}\n  - {{name: lossy, set: ['expect=[]', 'network.loss=5%']}}\nconditions:\n  - {{name: \
         near}}\n  - {{name: far, set: ['network.latency={{constant: 80ms}}']}}\nmetrics:\n  - lower: \
         time_to_running.mean\n  - higher: deployments.succeeded_fraction\n",
        scenario()
    );
    fs::write(&study, text).expect("there is room");
    let out = folder.path().join("sweep").to_string_lossy().into_owned();
    let (code, _, errors) = said(&["study", &study.to_string_lossy(), "--out", &out]);
    assert_eq!(code, 0, "{errors}");
    let (code, told, errors) = said(&["plot", &out, "--format", "json"]);
    assert_eq!(code, 0, "{errors}");
    let json: serde_json::Value = serde_json::from_str(&told).expect("it is JSON");
    let kinds: Vec<&str> =
        json["plots"].as_array().expect("a list").iter().filter_map(|plot| plot["kind"].as_str()).collect();
    assert_eq!(kinds, ["box", "violin", "heatmap", "forest"]);
    assert_eq!(json["left_out"].as_array().map(Vec::len), Some(0));
    let table = fs::read_to_string(format!("{out}/plots/heatmap.csv")).expect("it was written");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines[0], lines.len()), ("condition,variant,time_to_running_mean_s", 5));
    let forest = fs::read_to_string(format!("{out}/plots/forest.csv")).expect("it was written");
    // Two metrics of one variant under two conditions, as `summary.csv` has them.
    assert_eq!(forest.lines().count(), 5, "{forest}");
    let summary = fs::read_to_string(format!("{out}/summary.csv")).expect("it was written");
    let difference = forest.lines().nth(1).and_then(|line| line.split(',').nth(4)).expect("a number");
    let rounded: f64 = difference.parse().expect("a number");
    let known = summary.split([',', '\n']).filter_map(|field| field.parse::<f64>().ok());
    assert!(known.into_iter().any(|number| (number - rounded).abs() < 1e-9), "{difference} in {summary}");
    let (code, _, errors) = said(&["plot", &out, "--kind", "box", "--metric", "cost"]);
    assert!(
        code == 2 && errors.contains("`cost` is not measured in grid: it has time_to_running.mean"),
        "{errors}"
    );
}

#[test]
fn mistakes_are_told_all_at_once_with_a_way_out() {
    let folder = tempfile::tempdir().expect("there is room");
    let calm = run(folder.path(), "calm", "1");
    let nothing = folder.path().to_string_lossy().into_owned();
    let (code, told, errors) = said(&["plot", &nothing, "--kind", "gnatt,zebra,gantt", "--deployment", "3"]);
    assert_eq!((code, &*told), (2, ""));
    for words in [
        "`gnatt` is no kind of plot: did you mean `gantt`?",
        "`zebra` is no kind of plot; `dmsim plot --list` lists them",
        "is neither a run nor a sweep: there is no run.json or plan.json",
        "--deployment means nothing to what is asked for: it is for sequence",
    ] {
        assert!(errors.contains(words), "{words}: {errors}");
    }
    for (arguments, words) in [
        (vec!["plot"], "name the folder of a run or of a sweep"),
        (vec!["plot", &calm, "--kind", "money"], "money: calm has nothing for it: it needs invoices.csv"),
        (vec!["plot", &calm, "--kind", "heatmap"], "heatmap: it shows a finished sweep, and this is a run"),
        (
            vec!["plot", &calm, "--metric", "peers.upp"],
            "series: `peers.upp` is no series of the runs: there are ",
        ),
        (vec!["plot", &calm, "--width-px", "3"], "3 is not in 200..=6000"),
    ] {
        let (code, told, errors) = said(&arguments);
        assert!(code == 2 && errors.contains(words), "{arguments:?}: {told}{errors}");
    }
    assert!(!Path::new(&calm).join("plots").exists(), "nothing was drawn");
    fs::write(format!("{calm}/series.csv"), "time_s,metric\n").expect("there is room");
    let (code, _, errors) = said(&["plot", &calm]);
    assert!(code == 2 && errors.contains("series.csv:1: there is no column `labels`"), "{errors}");
}

/// The run with many more allocations, each of an ensemble of its own, on some peers.
fn crowd(run: &str, count: u32) {
    let file = format!("{run}/allocations.csv");
    let text = fs::read_to_string(&file).expect("it is there");
    let header = text.lines().next().expect("it has a header");
    let mut rows = format!("{header}\n");
    let mut deployments = String::from(
        "deployment,name,orchestrator,ensemble,submitted_s,deadline_s,running_s,ended_s,status,outcome,reason,rounds,\
         attempts,bids,redeployments\n",
    );
    for n in 0..count {
        let (from, peer) = (n % 3000, n % 50);
        rows += &format!("{n},a,b,0,task,p{peer},,,{from},{from},{},completed,0,1,1,1,9,9,,,\n", from + 20);
        deployments +=
            &format!("{n},d,alice,e{},{from},9999,{},,running,succeeded,,1,1,1,0\n", n % 100, from + 5);
    }
    fs::write(file, rows).expect("there is room");
    fs::write(format!("{run}/deployments.csv"), deployments).expect("there is room");
}

#[test]
fn much_is_drawn_in_little_and_what_is_not_drawn_is_said() {
    let folder = tempfile::tempdir().expect("there is room");
    let calm = run(folder.path(), "calm", "1");
    crowd(&calm, 4000);
    let (code, told, errors) =
        said(&["plot", &calm, "--kind", "gantt,box,cdf", "--by", "ensemble", "--format", "json"]);
    assert_eq!(code, 0, "{told}{errors}");
    let picture = |kind: &str| fs::read_to_string(format!("{calm}/plots/{kind}.svg")).expect("it was drawn");
    let gantt = picture("gantt");
    assert!(gantt.len() < 600_000, "{} bytes", gantt.len());
    assert!(
        gantt.contains("rows: the 40 most used peers; 10 more are left out; what is closer than"),
        "it says so"
    );
    assert_eq!(
        fs::read_to_string(format!("{calm}/plots/gantt.csv")).expect("it is there").lines().count(),
        3201
    );
    for (words, picture) in [
        ("gantt: what is closer than 8 px is drawn as one; 10 less used peers of 50 are left out", gantt),
        ("box: the smallest 76 of 100 groups are left out", picture("box")),
        ("cdf: the smallest 94 of 100 groups are left out", picture("cdf")),
    ] {
        assert!(errors.contains(&format!("not all is drawn: {words}")), "{words}: {errors}");
        let is_told = picture.contains("10 more are left out") || picture.contains("largest of 100");
        assert!(is_told, "the picture says nothing: {words}");
    }
}

/// What is no input at all must not hang, panic or be taken.
#[cfg(unix)]
#[test]
fn strange_files_and_places_are_borne() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tempfile::tempdir().expect("there is room");
    let calm = run(folder.path(), "calm", "1");
    // A path that is not UTF-8, and one that would like to be another line.
    for name in [&b"a\xffb"[..], b"a\nerror: no"] {
        let odd = folder.path().join(std::ffi::OsStr::from_bytes(name));
        fs::rename(&calm, &odd).expect("it can be moved");
        for format in ["json", "human"] {
            let output = program()
                .args(["plot", "--kind", "gantt", "--format", format])
                .arg(&odd)
                .output()
                .expect("it starts");
            let told = String::from_utf8(output.stdout).expect("it is UTF-8");
            assert!(output.status.success() && told.contains("gantt.svg"), "{told}");
            assert!(!told.contains("\nerror") && !output.stderr.contains(&b'\xff'), "{told}");
        }
        fs::rename(&odd, &calm).expect("it can be moved");
    }
    // Nobody hears what is said.
    let full = fs::File::options().write(true).open("/dev/full").expect("it is there");
    let mut program = program();
    let status = program.args(["plot", &calm, "--kind", "gantt"]).stderr(full).status().expect("it starts");
    assert_eq!(status.code(), Some(0));
    let table = format!("{calm}/series.csv");
    fs::remove_file(&table).expect("it is there");
    assert!(Command::new("mkfifo").arg(&table).status().expect("it starts").success());
    let (code, _, errors) = said(&["plot", &calm]);
    assert!(code == 2 && errors.contains("series.csv: it is no regular file"), "{errors}");
}

#[test]
fn a_folder_that_cannot_be_replaced_is_told_before_the_run() {
    let folder = tempfile::tempdir().expect("there is room");
    let calm = run(folder.path(), "calm", "1");
    fs::write(format!("{calm}/notes.txt"), "mine").expect("there is room");
    let scenario = scenario().to_string_lossy().into_owned();
    // A run of nine years would not end.
    let (code, _, errors) =
        said(&["run", &scenario, "--overwrite", "--out", &calm, "--set", "duration=80000h", "--even-so"]);
    assert!(code == 2 && errors.contains("is not replaced because it holds notes.txt"), "{errors}");
    assert_eq!(files(&folder.path().to_string_lossy()), ["calm"]);
}

#[test]
fn kinds_are_listed() {
    let (code, told, _) = said(&["plot", "--list"]);
    assert!(code == 0 && told.lines().count() >= 23, "{told}");
    assert_eq!(said(&["list", "plots"]).1, told);
    let (code, json, _) = said(&["plot", "--list", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!((code, rows.as_array().map(Vec::len)), (0, Some(told.lines().count())));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plots.md");
    let page = fs::read_to_string(page).expect("it is there");
    for row in rows.as_array().expect("a list") {
        let name = row["kind"].as_str().expect("a name");
        assert!(page.contains(&format!("`{name}`")), "docs/plots.md does not tell of {name}");
    }
}

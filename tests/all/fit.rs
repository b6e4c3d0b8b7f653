//! `dmsim fit`: traces are explained when broken, fitted when not, and what comes out is churn that a scenario takes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use dmsim::kernel::{Distribution, Span, Streams, Time};
use dmsim::scenario::{self, Overrides};
use dmsim::workload::{ChurnConfig, ChurnModel, ChurnPreset, ChurnStart, PeerChurn};

use crate::bless;
use crate::program::{dmsim, text};

const EXAMPLE: &str = "data/traces/desktop-pc.csv";
/// The month that the example shows, in seconds.
const MONTH_S: u64 = 30 * 86_400;

fn fit(arguments: &[&str]) -> Output {
    dmsim(&[&["fit"], arguments].concat())
}

/// The example over the month that it shows.
fn fit_example(more: &[&str]) -> Output {
    let month = MONTH_S.to_string();
    fit(&[&[EXAMPLE, "--start", "0", "--end", &month], more].concat())
}

/// Compares with the text of a file, or writes it anew.
#[track_caller]
fn assert_text(path: &Path, found: &str) {
    if bless::is_on() {
        fs::write(path, found).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, expected, "{}", path.display());
}

#[test]
fn broken_traces_are_explained() {
    let folder = "tests/data/traces/invalid";
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "csv")).collect();
    files.sort();
    assert!(files.len() >= 9, "{} files", files.len());
    for path in files {
        let done = fit(&[path.to_str().unwrap()]);
        assert_eq!((done.status.code(), &*text(&done.stdout)), (Some(2), ""), "{}", path.display());
        assert_text(&path.with_extension("expected.txt"), &text(&done.stderr));
    }
}

#[test]
fn wrong_arguments_and_wrong_lines_are_told_at_once() {
    let path = "tests/data/traces/invalid/03-missing-columns.csv";
    let done = fit(&[path, "--start", "10", "--end", "-5"]);
    let stderr = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2));
    assert!(
        stderr.starts_with("error: `--end` must be later than `--start`\n  = help: both are"),
        "{stderr}"
    );
    assert!(stderr.contains("there is no column `start`") && stderr.ends_with("2 errors\n"), "{stderr}");
    let done = fit(&[EXAMPLE, "--end", "inf"]);
    assert_eq!(
        (done.status.code(), &*text(&done.stderr)),
        (Some(2), "error: `--end` must be a finite number\n")
    );
    let done = fit(&["nowhere.csv"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("cannot read the file: there is no such file"));
}

#[test]
fn a_window_beside_the_trace_shows_nothing() {
    let done = fit(&[EXAMPLE, "--unit", "hours", "--start", "3e6", "--end", "4e6"]);
    let stderr = text(&done.stderr);
    assert_eq!((done.status.code(), &*text(&done.stdout)), (Some(2), ""));
    assert!(
        stderr.contains("no fit to up times: 0 of them ended\n  = help: ")
            && stderr.contains("no fit to down"),
        "{stderr}"
    );
    assert!(stderr.contains("times do not begin between `--start` and `--end`"), "{stderr}");
}

/// A hundred desktop PCs for a month: the sessions that an observer of the preset would have written down, by tenths of
/// a second.
fn example() -> String {
    let (model, streams) = (ChurnPreset::DesktopPc.model(), Streams::new(2026));
    let end = Time::ZERO + Span::secs(MONTH_S);
    let mut text = "# A hundred desktop PCs for thirty days, drawn from the churn preset `desktop-pc` with seed 2026;\n\
                    # made by `DMSIM_BLESS=1 cargo test --test all fit::`. Times are in seconds.\nhost,start,end\n"
        .to_owned();
    for entity in 0..100 {
        let mut pc = PeerChurn::new(&model, ChurnStart::Stationary, streams, entity, Time::ZERO);
        let (mut now, mut up) = (Time::ZERO, pc.is_up());
        while now < end {
            let next = pc.next_change().min(end);
            if up {
                let [from, to] = [now, next].map(|time| time.0 as f64 / 1e9);
                writeln!(text, "pc-{entity:02},{from:.1},{to:.1}").unwrap();
            }
            now = next;
            up = pc.change(&model, streams, entity);
        }
    }
    text
}

#[test]
fn the_example_is_as_it_says() {
    assert_text(Path::new(EXAMPLE), &example());
}

#[test]
fn the_example_has_the_fits_of_its_preset() {
    let done = fit_example(&[]);
    assert_eq!((done.status.code(), &*text(&done.stderr)), (Some(0), ""));
    assert_text(Path::new("tests/data/traces/desktop-pc.fits.txt"), &text(&done.stdout));
    let shown = text(&done.stdout)
        .lines()
        .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
        .collect::<String>();
    let docs = fs::read_to_string("docs/churn.md").unwrap();
    assert!(docs.contains(&shown), "docs/churn.md shows other tables");
    let json: serde_json::Value = serde_json::from_slice(&fit_example(&["--json"]).stdout).unwrap();
    assert_eq!(fit_example(&["--json"]).stdout, fit_example(&["--format", "json"]).stdout);
    let preset = ChurnPreset::DesktopPc.model();
    for (side, expected) in [("up", preset.up), ("down", preset.down)] {
        assert_eq!(json[side]["best"], "Weibull");
        let Distribution::Weibull { shape, scale_s } = expected else { panic!("{expected}") };
        let found = &json[side]["fits"][1]["distribution"]["weibull"];
        // Four standard errors, of a shape 0.78 / sqrt(n) and of a scale 1.05 / shape / sqrt(n) of themselves.
        let root = json[side]["ended"].as_f64().unwrap().sqrt();
        let off = |key: &str, expected: f64| (found[key].as_f64().unwrap() / expected - 1.0).abs();
        assert!(
            off("shape", shape) < 4.0 * 0.78 / root && off("scale_s", scale_s) < 4.0 * 1.05 / shape / root,
            "{json}"
        );
    }
}

#[test]
fn what_is_written_is_churn() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/fits");
    // Twice: what is there is replaced.
    for _ in 0..2 {
        let done = fit_example(&["--out", out.to_str().unwrap()]);
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["churn.yaml", "fit.svg"]);
    let plot = fs::read_to_string(out.join("fit.svg")).unwrap();
    assert!(plot.starts_with("<svg ") && plot.contains("Weibull (best)") && plot.contains("1 d"));
    let fragment = fs::read_to_string(out.join("churn.yaml")).unwrap();
    assert_text(Path::new("tests/data/traces/desktop-pc.churn.yaml"), &fragment);
    let json: serde_json::Value = serde_json::from_slice(&fit_example(&["--json"]).stdout).unwrap();
    let fitted = |side: &str| {
        let rounded = |value: &serde_json::Value| format!("{:.5e}", value.as_f64().unwrap()).parse().unwrap();
        let weibull = &json[side]["fits"][1]["distribution"]["weibull"];
        Distribution::Weibull { shape: rounded(&weibull["shape"]), scale_s: rounded(&weibull["scale_s"]) }
    };
    let expected = ChurnConfig::Model(ChurnModel { up: fitted("up"), down: fitted("down") });
    // Written under `churn` of a group, and as a value of `--set`.
    let indented: String = fragment.lines().map(|line| format!("        {line}\n")).collect();
    let quickstart = fs::read_to_string("scenarios/quickstart.yaml").unwrap();
    let preset = "      churn: {preset: desktop-pc}\n";
    assert_eq!(quickstart.matches(preset).count(), 1);
    let written = quickstart.replace(preset, &format!("      churn:\n{indented}"));
    fs::write(folder.path().join("quickstart.yaml"), written).unwrap();
    fs::create_dir(folder.path().join("ensembles")).unwrap();
    for entry in fs::read_dir("scenarios/ensembles").unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join("ensembles").join(path.file_name().unwrap())).unwrap();
    }
    let set = vec![format!("peers[0].providers.churn={}", fragment.trim_end())];
    for (path, set) in [
        (folder.path().join("quickstart.yaml"), Vec::new()),
        (PathBuf::from("scenarios/quickstart.yaml"), set),
    ] {
        let names = dmsim::observe::metric_names();
        let loaded = scenario::load(&path, &Overrides { set, seed: None }, &names);
        let loaded = loaded.unwrap_or_else(|report| panic!("{}", report.render(false)));
        assert_eq!(loaded.setup.groups[0].churn, Some((expected.clone(), ChurnStart::Stationary)));
    }
}

#[test]
fn what_cannot_be_written_is_internal() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::write(&taken, "a file").unwrap();
    let done = fit_example(&["--out", taken.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(3));
    assert!(text(&done.stderr).starts_with("error: cannot create "), "{}", text(&done.stderr));
}

/// Some hosts come back soon and stay, others never come back.
#[test]
fn hosts_that_left_for_good_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str, hosts: u32, more: u32| {
        let host = |number: u32| {
            let end = 3000 + 170 * number;
            format!("h{number},0,{end}\nh{number},{},20000\n", end + 60 + 30 * (number % 9))
        };
        let returning: String = (0..hosts).map(host).collect();
        let gone: String = (0..more).map(|number| format!("g{number},0,{}\n", 3000 + number % 900)).collect();
        fs::write(path(name), format!("host,start,end\n{returning}{gone}")).unwrap();
    };
    write("some.csv", 40, 20);
    let done = fit(&[&path("some.csv"), "--end", "20000", "--out", &path("some")]);
    assert_eq!((done.status.code(), &*text(&done.stderr)), (Some(0), ""));
    let stdout = text(&done.stdout);
    assert!(
        stdout.contains("of the best, the mean is a guess: none was seen for longer than 4.722 h"),
        "{stdout}"
    );
    write("most.csv", 2, 5000);
    let done = fit(&[&path("most.csv"), "--end", "20000", "--out", &path("most")]);
    let stderr = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.starts_with("error: the best fits cannot be churn: the mean of `down` is longer"),
        "{stderr}"
    );
    assert!(!Path::new(&path("most")).exists(), "half a result");
}

/// Hours are seconds times 3600, whichever way the trace says it.
#[test]
fn units_are_those_of_the_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let rows = [("a", 0.0, 1.5), ("a", 2.0, 9.0), ("a", 9.25, 10.0), ("b", 1.0, 2.0), ("b", 6.0, 20.0)];
    let write = |name: &str, factor: f64| {
        let lines =
            rows.iter().map(|(host, start, end)| format!("{host},{},{}\n", start * factor, end * factor));
        fs::write(path(name), format!("host,start,end\n{}", lines.collect::<String>())).unwrap();
    };
    write("hours.csv", 1.0);
    write("seconds.csv", 3600.0);
    let hours = fit(&[&path("hours.csv"), "--unit", "hours", "--end", "20", "--json"]);
    let seconds = fit(&[&path("seconds.csv"), "--end", "72000", "--json"]);
    assert!(hours.status.success(), "{}", text(&hours.stderr));
    assert_eq!(text(&hours.stdout).replace("hours.csv", "seconds.csv"), text(&seconds.stdout));
}

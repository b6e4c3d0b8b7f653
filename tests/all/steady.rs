//! `dmsim steady`: the series of a run, from a folder of results.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Output;

use dmsim::kernel::{Domain, Streams};

use crate::program::{dmsim, program};

const NOISE: Domain = Domain::new("test.steady");

fn steady(arguments: &[&str]) -> Output {
    dmsim(&[&["steady"], arguments].concat())
}

/// A folder with a gauge that begins at 500 and comes to rest at 100 after fifty samples, and a counter.
fn write_series(folder: &Path) {
    let mut rng = Streams::new(1).owned(NOISE, 0);
    let mut text = "time_s,metric,labels,value\n".to_owned();
    for sample in 0..2000 {
        let time_s = sample * 60;
        let level = if sample < 50 { 500.0 } else { 100.0 };
        let value = level + 10.0 * (rng.unit_f64() - 0.5);
        let _ = writeln!(text, "{time_s},waiting,,{value}\n{time_s},messages.sent,kind=bid,{}", sample * 7);
    }
    fs::write(folder.join("series.csv"), text).unwrap();
}

#[test]
fn the_beginning_is_cut_off_and_the_rest_has_an_interval() {
    let folder = tempfile::tempdir().unwrap();
    write_series(folder.path());
    let path = folder.path().to_str().unwrap();
    let plot = folder.path().join("steady.svg");
    let said = steady(&[path, "--format", "json", "--plot", plot.to_str().unwrap()]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let number = |place: usize, key: &str| said[place][key].as_f64();
    let warm_up_s = number(0, "warm_up_s").unwrap();
    assert!((3000.0..12_000.0).contains(&warm_up_s), "{said}");
    let (mean, half) = (number(0, "mean").unwrap(), number(0, "half_width").unwrap());
    assert!((mean - 100.0).abs() <= half && half < 0.3, "{said}");
    assert_eq!((number(1, "warm_up_s"), number(1, "mean")), (None, None), "a counter never comes to rest");
    let drawn = fs::read_to_string(plot).unwrap();
    for text in ["waiting", "end of the warm-up", "MSER-5", "messages.sent (kind=bid)"] {
        assert!(drawn.contains(text), "{text}");
    }
    let said =
        program().current_dir(folder.path()).args(["steady", ".", "--plot", "here.svg"]).output().unwrap();
    assert!(said.status.success() && folder.path().join("here.svg").exists());
    let text = String::from_utf8(steady(&[path, "--metric", "mess"]).stdout).unwrap();
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains("of 2000 samples: has not come to rest"), "{text}");
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let said = |output: Output| (output.status.code(), String::from_utf8(output.stderr).unwrap());
    let (code, text) = said(steady(&[path]));
    assert!(code == Some(2) && text.contains("is this a results folder"), "{text}");
    write_series(folder.path());
    let (code, text) = said(steady(&[path, "--metric", "nothing"]));
    assert!(code == Some(2) && text.contains("no series of the run begins"), "{text}");
}

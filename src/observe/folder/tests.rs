use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};

use super::{FolderError, RunFolder};
use crate::observe::read::{ReadError, read_allocations, read_metrics, read_refusals, read_run, read_table};
use crate::observe::rows::{
    AllocationRow, DeploymentRow, MetricRow, PeerRow, RefusalRow, Row, SeriesRow, Text, labels,
};
use crate::observe::{InputHash, Provenance, RunManifest, read_provenance};

fn refusal(deployment: Option<u32>, example: &str) -> RefusalRow {
    RefusalRow {
        deployment,
        stage: "bid".into(),
        reason: "no, \"never\"".into(),
        amount_class: "".into(),
        count: u64::MAX,
        first_time_s: 0.000_000_001,
        first_peer: "p;1".into(),
        example: example.into(),
    }
}

fn allocation() -> AllocationRow {
    AllocationRow {
        deployment: 3,
        node: "n".into(),
        allocation: "a".into(),
        generation: 1,
        kind: "service".into(),
        peer: "p1".into(),
        city: "São Paulo".into(),
        country: "Brazil".into(),
        committed_s: 1.25,
        started_s: Some(2.0),
        ended_s: None,
        end: "".into(),
        exit_code: Some(-9),
        cpu_cores: 0.1,
        ram_bytes: 1 << 40,
        disk_bytes: 0,
        wanted_s: 60.0,
        served_s: 59.5,
        dns_name: "web.internal".into(),
        address: "10.7.200.2".into(),
        ports: "16384=80".into(),
    }
}

fn deployment() -> DeploymentRow {
    DeploymentRow {
        deployment: 0,
        name: "<script>".into(),
        orchestrator: "alice".into(),
        ensemble: "web.yaml".into(),
        submitted_s: 0.0,
        deadline_s: 300.0,
        running_s: None,
        ended_s: Some(300.0),
        status: "failed".into(),
        outcome: "failed".into(),
        reason: "failed to create the deployment in time".into(),
        rounds: 2,
        attempts: 0,
        bids: 5,
        redeployments: 0,
    }
}

fn peer() -> PeerRow {
    PeerRow {
        peer: "p1".into(),
        role: "provider".into(),
        organization: "nunet".into(),
        memberships: "nunet".into(),
        city: "Lima".into(),
        country: "Peru".into(),
        continent: "SA".into(),
        lat: -12.05,
        lon: -77.05,
        up_fraction: 1.0,
        crashes: 0,
    }
}

fn write<R: Row>(target: &Path, rows: &[R]) -> PathBuf {
    let mut folder = RunFolder::create(target, true).unwrap();
    folder.write_table(rows).unwrap();
    folder.write_run(&RunManifest::new("test", 1)).unwrap();
    folder.finish().unwrap().join(R::FILE)
}

/// Writes, reads, writes again: the rows are the same, and so are the bytes. The header is what serde would
/// write.
fn round_trip<R: Row + PartialEq + std::fmt::Debug>(rows: &[R]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir.path().join("run"), rows);
    let text = fs::read_to_string(&path).unwrap();
    let again: Vec<R> = read_table(&path).unwrap();
    assert_eq!(again, rows);
    assert_eq!(fs::read_to_string(write(&dir.path().join("again"), &again)).unwrap(), text);
    let mut derived = csv::Writer::from_writer(Vec::new());
    derived.serialize(&rows[0]).unwrap();
    let derived = String::from_utf8(derived.into_inner().unwrap()).unwrap();
    assert_eq!(text.lines().next(), derived.lines().next());
    text
}

#[test]
fn every_table_reads_back() {
    let bare = |value: &str| Text::from(value);
    round_trip(&[allocation(), AllocationRow { started_s: None, exit_code: None, ..allocation() }]);
    round_trip(&[deployment()]);
    round_trip(&[peer()]);
    round_trip(&[refusal(None, "line\nbreak"), refusal(Some(7), "\u{1}\u{7f}\r\n\"")]);
    round_trip(&[SeriesRow { time_s: 60.0, metric: bare("peers.up"), labels: bare(""), value: 1e-9 }]);
    let text = round_trip(&[MetricRow {
        metric: "deployments.failed".into(),
        labels: labels(&[("reason", "a, b")]),
        value: 3.0,
        unit: "deployments".into(),
    }]);
    assert_eq!(text, "metric,labels,value,unit\ndeployments.failed,\"reason=a, b\",3,deployments\n");
}

#[test]
fn missing_values_are_empty_cells_and_read_as_missing() {
    let dir = tempfile::tempdir().unwrap();
    let row = MetricRow { metric: "m".into(), labels: "".into(), value: f64::NAN, unit: "s".into() };
    let path = write(&dir.path().join("run"), &[row]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "metric,labels,value,unit\nm,,,s\n");
    assert!(read_metrics(&path).unwrap()[0].value.is_nan());
    let path = write(&dir.path().join("run"), &[AllocationRow { started_s: None, ..allocation() }]);
    assert!(
        fs::read_to_string(&path).unwrap().contains(",1.25,,,,-9,0.1,1099511627776,0,60,59.5,web.internal,")
    );
    let path = write::<RefusalRow>(&dir.path().join("run"), &[]);
    assert_eq!(fs::read_to_string(&path).unwrap().trim_end(), RefusalRow::COLUMNS.join(","));
    assert!(read_refusals(&path).unwrap().is_empty());
}

proptest! {
    #[test]
    fn any_text_reads_back(texts in prop::collection::vec(any::<String>().prop_map(Text::from), 1..8)) {
        let rows: Vec<_> = texts.iter().map(|text| refusal(Some(1), text)).collect();
        let dir = tempfile::tempdir().unwrap();
        let read = read_refusals(&write(&dir.path().join("run"), &rows)).unwrap();
        prop_assert_eq!(read, rows);
    }
}

#[test]
fn errors_name_file_line_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir.path().join("run"), &[allocation(), allocation()]);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen(",1.25,", ",soon,", 1)).unwrap();
    let error = read_allocations(&path).unwrap_err().to_string();
    assert!(error.contains("allocations.csv:2: column `committed_s`: "), "{error}");
    fs::write(&path, text.replacen("served_s", "served", 1)).unwrap();
    let error = read_allocations(&path).unwrap_err();
    assert!(matches!(error, ReadError::MissingColumn { column: "served_s", .. }), "{error}");
    fs::write(&path, text.replacen(",59.5,", ",", 1)).unwrap();
    let error = read_allocations(&path).unwrap_err().to_string();
    assert!(error.contains("allocations.csv:2: the line has 20 cells, the header 21"), "{error}");
    let run = path.with_file_name("run.json");
    let text = fs::read_to_string(&run).unwrap();
    fs::write(&run, text.replace("\"seed\": 1", "\"seed\": x")).unwrap();
    let error = read_run(&run).unwrap_err().to_string();
    assert!(error.contains("run.json:4:"), "{error}");
    // Another schema is told, whatever its fields are.
    for (said, expected) in
        [("{\"schema\": 9}", 9), ("{\"schema\": 4294967297}", u32::MAX), ("{\"name\": 1}", 0)]
    {
        fs::write(&run, said).unwrap();
        assert!(
            matches!(read_run(&run), Err(ReadError::Schema { found, .. }) if found == expected),
            "{said}"
        );
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = read_allocations(&path).unwrap_err().to_string();
    assert!(error.contains("allocations.csv: it is no regular file"), "{error}");
}

#[test]
fn numbers_that_a_column_cannot_hold_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(&dir.path().join("run"), &[allocation(), allocation()]);
    let text = fs::read_to_string(&path).unwrap();
    for (cell, column, reason) in [
        ("NaN", "committed_s", "`NaN` is not a number of seconds from 0 on"),
        ("-0.5", "committed_s", "`-0.5` is not"),
        ("1e999", "committed_s", "`1e999` is not"),
        ("", "committed_s", "it is empty, where there must be a number of seconds from 0 on"),
        ("0.5,inf", "started_s", "`inf` is not"),
    ] {
        let old = if column == "started_s" { ",1.25,2," } else { ",1.25," };
        fs::write(&path, text.replacen(old, &format!(",{cell},"), 1)).unwrap();
        let error = read_allocations(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("allocations.csv:2: column `{column}`: {reason}")), "{error}");
    }
    fs::write(&path, text.replacen(",1.25,2,", ",1.25,,", 1)).unwrap();
    assert!(read_allocations(&path).unwrap()[0].started_s.is_none(), "what has not started has no moment");
    let path = write(&dir.path().join("run"), &[peer()]);
    let text = fs::read_to_string(&path).unwrap();
    for (old, new, column) in
        [("-12.05", "90.1", "lat"), ("-77.05", "-181", "lon"), (",1,0,", ",1.01,0,", "up_fraction")]
    {
        assert!(text.contains(old), "{text}");
        fs::write(&path, text.replacen(old, new, 1)).unwrap();
        let error = read_table::<PeerRow>(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("peers.csv:2: column `{column}`: ")), "{error}");
    }
}

fn run_of(input: &str) -> RunManifest {
    RunManifest { inputs: vec![InputHash::of("a.yaml", input.as_bytes())], ..RunManifest::new("a", 1) }
}

fn finish(target: &Path, overwrite: bool, run: &RunManifest) -> Result<PathBuf, FolderError> {
    let mut folder = RunFolder::create(target, overwrite)?;
    folder.write_run(run)?;
    folder.write_provenance(&Provenance::default())?;
    folder.write_text("scenario.resolved.yaml", "name: a\n")?;
    assert!(folder.path().exists());
    folder.finish()
}

fn names(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

#[test]
fn a_taken_name_is_replaced_only_for_the_same_inputs_or_on_request() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("deep/results/a-seed1");
    let results = target.parent().unwrap().to_owned();
    assert_eq!(finish(&target, false, &run_of("x")).unwrap(), target);
    let later = RunManifest { digest: "later".into(), ..run_of("x") };
    assert_eq!(finish(&target, false, &later).unwrap(), target);
    assert_eq!(read_run(&target.join("run.json")).unwrap(), later);
    assert_eq!(finish(&target, false, &run_of("y")).unwrap(), results.join("a-seed1-2"));
    assert_eq!(finish(&target, false, &run_of("z")).unwrap(), results.join("a-seed1-3"));
    assert_eq!(read_run(&target.join("run.json")).unwrap(), later);
    assert_eq!(finish(&target, true, &run_of("z")).unwrap(), target);
    assert_eq!(read_run(&target.join("run.json")).unwrap(), run_of("z"));
    assert_eq!(names(&results), ["a-seed1", "a-seed1-2", "a-seed1-3"]);
    assert_eq!(names(&target), ["provenance.json", "run.json", "scenario.resolved.yaml"]);
    assert_eq!(read_provenance(&target.join("provenance.json")).unwrap(), Provenance::default());
}

#[test]
fn what_no_run_wrote_is_never_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("a");
    finish(&target, false, &run_of("x")).unwrap();
    fs::write(target.join("notes.txt"), "mine").unwrap();
    let error = finish(&target, true, &run_of("x")).unwrap_err();
    assert!(matches!(&error, FolderError::Foreign { entry, .. } if entry == "notes.txt"), "{error}");
    assert!(
        matches!(RunFolder::create(&target, true), Err(FolderError::Foreign { .. })),
        "before anything is done"
    );
    assert_eq!(finish(&target, false, &run_of("x")).unwrap(), dir.path().join("a-2"));
    assert_eq!(fs::read_to_string(target.join("notes.txt")).unwrap(), "mine");
    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(finish(&empty, false, &run_of("x")).unwrap(), empty);
    let plain = dir.path().join("file");
    fs::write(&plain, "a file").unwrap();
    assert!(finish(&plain, true, &run_of("x")).is_err());
    assert_eq!(fs::read_to_string(&plain).unwrap(), "a file");
    assert_eq!(names(dir.path()), ["a", "a-2", "empty", "file"]);
}

#[test]
fn nothing_appears_before_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("a");
    let folder = RunFolder::create(&target, false).unwrap();
    folder.write_table(&[peer()]).unwrap();
    assert_eq!(names(dir.path()), ["a.partial-1"]);
    assert!(matches!(folder.finish(), Err(FolderError::NoManifest)));
    assert!(names(dir.path()).is_empty());
    assert!(matches!(RunFolder::create(Path::new("/"), false), Err(FolderError::NoName { .. })));
}

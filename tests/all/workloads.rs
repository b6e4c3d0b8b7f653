//! Jobs and machines of traces: what a run makes of them, and that a long trace takes no more memory than a short one.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use dmsim::kernel::{Span, Streams};
use dmsim::observe::{AllocationRow, metrics};
use dmsim::scenario::{self, Loaded, Overrides};
use dmsim::sim::{self, Options, World};
use dmsim::workload::trace::openb::Pods;
use dmsim::workload::trace::replay::{Format, Replay, lines_of};
use dmsim::workload::trace::{Bytes, Row, TraceFile};
use dmsim::workload::{HardwareConfig, JobSource};

fn load(set: &[&str]) -> Loaded {
    let names = metrics::metric_names();
    let set = set.iter().map(|one| (*one).to_owned()).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/workloads.yaml");
    scenario::load(&path, &Overrides { set, seed: None }, &names)
        .unwrap_or_else(|report| panic!("{}", report.render(false)))
}

fn replay(format: Format) -> Replay {
    Replay { format, from: Span::ZERO, start: Span::ZERO, time_scale: 1.0, load: 1.0, sample: 1.0 }
}

/// A file of pods that is made while it is read.
struct Endless {
    rows: u64,
    made: u64,
    line: Vec<u8>,
}

impl Endless {
    fn of(rows: u64) -> Self {
        Self {
            rows,
            made: 0,
            line: b"cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time,deletion_time,gpu_spec\n".to_vec(),
        }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.line.is_empty() && self.made < self.rows {
            // Rows go back and forth in time by a thousand seconds.
            let at = 10 * self.made + 1000 * (self.made % 2);
            self.line = format!("4000,8192,1,250,{at},{},T4|P100\n", at + 60).into_bytes();
            self.made += 1;
        }
        let count = buffer.len().min(self.line.len());
        buffer[..count].copy_from_slice(&self.line[..count]);
        self.line.drain(..count);
        Ok(count)
    }
}

/// The most memory that is held at a time while all of so many rows are replayed.
fn peak_bytes(rows: u64) -> u64 {
    let file = TraceFile { bytes: Bytes::Memory([].into()), copy: String::new(), sha256: String::new() };
    let replay = replay(Format::Openb { file, card_bytes: None });
    let measured = allocation_counter::measure(|| {
        let pods = Pods::new(lines_of(Endless::of(rows)).unwrap(), None);
        let jobs = replay.of(Box::new(pods), Streams::new(1), 0);
        let (mut count, mut last) = (0, None);
        for job in jobs {
            let at = job.unwrap().at;
            assert!(last.is_none_or(|last| last <= at));
            (count, last) = (count + 1, Some(at));
        }
        assert_eq!(count, rows);
    });
    measured.bytes_max
}

#[test]
fn a_long_trace_takes_no_more_memory_than_a_short_one() {
    let short = peak_bytes(100_000);
    let long = peak_bytes(400_000);
    assert!(long.abs_diff(short) < 4096, "{short} and {long} bytes");
    assert!(long < 24 << 20, "{long} bytes");
}

#[test]
fn machines_are_those_of_the_published_list() {
    let loaded = load(&[]);
    let cluster = &loaded.setup.groups[0];
    assert_eq!((cluster.name.as_str(), cluster.count), ("cluster", 1213));
    let HardwareConfig::Listed(nodes) = &cluster.hardware else { panic!("{:?}", cluster.hardware) };
    let all: Vec<_> = (0..cluster.count).map(|place| nodes.of(place)).collect();
    let cards: usize = all.iter().map(|node| node.gpus.len()).sum();
    let cores: u32 = all.iter().map(|node| node.cores).sum();
    assert_eq!((cards, cores), (6212, 107_018));
    assert!(all.iter().flat_map(|node| &node.gpus).all(|card| card.vram_bytes == 1_000_000_000));
}

/// The rows of a trace of the shipped scenario, as its reader gives them.
fn trace_rows(loaded: &Loaded, name: &str) -> Vec<Row> {
    let deploy = loaded.setup.workload.iter().find(|one| one.name == name).unwrap();
    let sim::setup::Requested::Jobs { source: JobSource::Trace(own), .. } = &deploy.requested else {
        panic!("{name} has no trace")
    };
    let all = Replay { start: Span::ZERO, ..replay(own.format.clone()) };
    all.jobs(Streams::new(1), 0).unwrap().map(|job| job.unwrap().row).collect()
}

#[test]
fn pods_are_those_of_the_published_trace() {
    let rows = trace_rows(&load(&[]), "pods");
    assert_eq!(rows.len(), 8152);
    let cards = |row: &Row| row.cards.as_ref().map_or(0, |cards| cards.count);
    assert_eq!(rows.iter().filter(|row| cards(row) == 0).count(), 1088);
    let whole =
        |row: &&Row| row.cards.as_ref().is_some_and(|cards| cards.count == 1 && cards.vram_bytes == 0);
    assert_eq!(rows.iter().filter(whole).count(), 3911);
    let part = |row: &&Row| row.cards.as_ref().is_some_and(|cards| cards.vram_bytes == 810_000_000);
    assert_eq!(rows.iter().filter(part).count(), 1078);
}

/// The sizes and run times of allocations of some deployments, in the order of their commits.
fn ran(rows: &[&AllocationRow]) -> Vec<(u64, u64, Option<f64>)> {
    let millis = |cores: f64| (cores * 1000.0).round() as u64;
    let row = |row: &&AllocationRow| {
        let lasted = row.started_s.zip(row.ended_s).map(|(from, to)| to - from);
        (millis(row.cpu_cores), row.ram_bytes, lasted)
    };
    rows.iter().map(row).collect()
}

/// Every job runs with what its trace says, for as long as it says.
#[test]
fn jobs_have_the_resources_and_run_times_of_their_trace() {
    let loaded = load(&["expect=[]"]);
    let outcome = sim::run(&loaded.setup, Options::default(), &mut |_, _| true).unwrap();
    let names: BTreeMap<u32, String> =
        outcome.deployments.iter().map(|row| (row.deployment, row.ensemble.to_string())).collect();
    let of = |name: &str| -> Vec<&AllocationRow> {
        outcome.allocations.iter().filter(|row| names[&row.deployment] == name).collect()
    };
    // The grid: two jobs out of three seconds of trace in four of the run, from the fifth minute on.
    let first_s = trace_rows(&loaded, "grid")[0].at;
    let grid = of("grid");
    for (row, (cores, _, lasted)) in trace_rows(&loaded, "grid").iter().zip(ran(&grid)) {
        assert_eq!(row.cores_milli, Some(cores));
        let submitted_s = 300.0 + 2.0 * (row.at.0 - first_s.0) as f64 / 1e9;
        let ends_s = submitted_s + row.run.unwrap().as_secs_f64();
        match lasted {
            Some(lasted_s) => assert!((lasted_s - row.run.unwrap().as_secs_f64()).abs() < 1e-6, "{lasted_s}"),
            None => assert!(ends_s > 3590.0, "it would have ended at {ends_s}"),
        }
    }
    assert!(grid.len() >= 30, "{}", grid.len());
    // Users stay with one orchestrator.
    let mut of_users: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let asked = outcome.deployments.iter().filter(|row| &*row.ensemble == "grid");
    for (row, deployment) in trace_rows(&loaded, "grid").iter().zip(asked) {
        of_users.entry(row.user.unwrap()).or_default().push(deployment.orchestrator.to_string());
    }
    assert!(of_users.values().all(|all| all.iter().all(|one| *one == all[0])), "{of_users:?}");
    assert!(of_users.len() > 1);
    // Pods: the whole of the trace is twenty-five times as quick.
    let from_s = 145.0 * 86_400.0;
    let pods: Vec<Row> = trace_rows(&loaded, "pods");
    let pods = pods.iter().filter(|row| row.at.as_secs_f64() >= from_s);
    for (row, (cores, ram, lasted)) in pods.zip(ran(&of("pods"))) {
        assert_eq!((row.cores_milli, row.ram_bytes), (Some(cores), Some(ram)));
        let run_s = row.run.unwrap().as_secs_f64() * 0.04;
        assert!(lasted.is_none_or(|lasted_s| (lasted_s - run_s).abs() < 1e-6), "{lasted:?}, not {run_s}");
    }
    // Virtual machines have the sizes of flavours.
    assert!(ran(&of("machines")).iter().all(|(cores, ram, _)| ram % 268_435_456 == 0 && *cores >= 1000));
    // What is made up keeps to its classes.
    let made_up = ran(&of("made-up"));
    assert!(made_up.len() > 100);
    assert!(made_up.iter().all(|(cores, ..)| (500..=2000).contains(cores) || [4000, 8000].contains(cores)));
    assert!(ran(&of("regular")).iter().all(|(cores, _, lasted)| {
        *cores == 2000 && lasted.is_none_or(|lasted_s| (lasted_s - 180.0).abs() < 1e-6)
    }));
}

/// A file that changes under a run ends its source with a request that says why.
#[test]
fn a_trace_that_changes_under_a_run_is_a_request_that_failed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.swf");
    let job = |at: u64| format!("1 {at} -1 30 1 -1 -1 1 60 -1 1 1 1 -1 -1 1 -1 -1\n");
    std::fs::write(&path, [job(0), job(60)].concat()).unwrap();
    let mut loaded = load(&["expect=[]", "duration=10m"]);
    loaded.setup.workload.retain(|one| one.name == "grid");
    let sim::setup::Requested::Jobs { source: JobSource::Trace(own), .. } =
        &mut loaded.setup.workload[0].requested
    else {
        panic!("the grid has a trace")
    };
    let file =
        TraceFile { bytes: Bytes::File(path.clone()), copy: "log.swf".to_owned(), sha256: String::new() };
    own.format = Format::Swf { file, partition: None };
    std::fs::write(&path, [job(0), "gone\n".to_owned()].concat()).unwrap();
    let outcome = World::new(&loaded.setup).unwrap().run(&mut |_, _| true).unwrap();
    let last = outcome.deployments.last().unwrap();
    assert_eq!(
        &*last.reason,
        "the trace of jobs cannot be read on: log.swf: line 2, column 1: the line has 1 numbers, the format 18"
    );
    std::fs::remove_file(&path).unwrap();
    let error = World::new(&loaded.setup).err().unwrap();
    assert!(error.starts_with("log.swf: line 1, column 1: cannot read the file"), "{error}");
}

#[test]
fn the_metrics_of_graphics_cards_are_means_of_their_series() {
    let setup = load(&["duration=1h", "expect=[]"]).setup;
    let outcome =
        sim::run_recorded(&setup, Options::default(), &mut |_, _| true, &mut |_, _| {}, None).unwrap();
    for metric in ["cards.allocation_ratio", "cards.fragmentation"] {
        let rows = outcome.series.iter().filter(|row| &*row.metric == metric);
        let values: Vec<f64> = rows.map(|row| row.value).collect();
        assert!(values.len() >= 60 && values.iter().all(|value| (0.0..=1.0).contains(value)), "{metric}");
        // At the end of the run all of them are looked at once more.
        let mean = outcome.metric(metric).unwrap() * (values.len() + 1) as f64;
        let last = mean - values.iter().sum::<f64>();
        assert!((-1e-9..=1.0).contains(&last), "{metric}: the last sample would be {last}");
    }
    let without = load(&["duration=10m", "expect=[]", "workload=[]"]).setup;
    let outcome =
        sim::run_recorded(&without, Options::default(), &mut |_, _| true, &mut |_, _| {}, None).unwrap();
    assert!(outcome.series.iter().all(|row| !row.metric.starts_with("cards.")));
}

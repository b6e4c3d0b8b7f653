//! `dmsim bench --sweep`: what a sweep of many small cells costs at one job and at all, beside its cells.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::measure::Stopwatch;
use super::sweep::{failed, folder_at, make_until_enough, plan_into};
use super::{Exit, scratch};
use crate::experiment::Sweep;

/// A hundred peers, ten simulated minutes.
const SCENARIO: &str = "version: 1
name: small
duration: 10m
network: {latency: {constant: 20ms}, bandwidth: {up: 50 Mbit/s, down: 100 Mbit/s}}
peers:
  - providers: {count: 99, hardware: {cpu: 8, ram: 16 GiB, disk: 200 GB}}
  - orchestrators: {names: [alice]}
workload:
  - deploy: {by: alice, ensemble: hello.yaml, arrivals: {every: 30s}, count: 18}
";
const ENSEMBLE: &str = include_str!("../../scenarios/ensembles/hello.yaml");
const STUDY: &str = "version: 1
name: small
scenario: scenario.yaml
replications: 500
grid: {strategy.placement: [uniform, best_fit], network.loss: [0%, 1%]}
metrics:
  - higher: deployments.succeeded_fraction
  - lower: time_to_running.mean
  - lower: messages.sent
";

/// Wall and CPU seconds of 2,000 cells at one job and at as many as there are cores.
///
/// # Errors
/// Why the cells cannot be made.
pub(super) fn figures() -> Result<Vec<(String, f64)>, Exit> {
    scratch("bench-sweep", |folder| {
        let files = [("scenario.yaml", SCENARIO), ("hello.yaml", ENSEMBLE), ("study.yaml", STUDY)];
        for (name, text) in files {
            std::fs::write(folder.join(name), text).map_err(|error| {
                eprintln!("error: cannot write {name}: {error}");
                Exit::Internal
            })?;
        }
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let one = measure(folder, 1)?;
        let all = measure(folder, cores)?;
        let mut figures = vec![("cells".to_owned(), one.cells as f64)];
        for (jobs, cost) in [(1, &one), (cores, &all)] {
            figures.push((format!("jobs_{jobs}.wall_s"), cost.wall_s));
            figures.push((format!("jobs_{jobs}.cpu_s"), cost.cpu_s));
        }
        figures.push(("cpu_ratio".to_owned(), all.cpu_s / one.cpu_s));
        Ok(figures)
    })
}

struct Cost {
    cells: u64,
    wall_s: f64,
    cpu_s: f64,
}

fn measure(folder: &Path, jobs: u32) -> Result<Cost, Exit> {
    let out = folder.join(format!("jobs-{jobs}"));
    plan_into(&folder.join("study.yaml"), None, |_| out.clone(), false)?;
    let sweep = Sweep::open(folder_at(&out)).map_err(|error| failed(&error))?;
    let stopwatch = Stopwatch::start();
    let (cells, _) =
        make_until_enough(&sweep, Some(jobs), &AtomicBool::new(false)).map_err(|error| failed(&error))?;
    let cpu_s = stopwatch.cpu_s().unwrap_or(f64::NAN);
    Ok(Cost { cells, wall_s: stopwatch.wall().as_secs_f64(), cpu_s })
}

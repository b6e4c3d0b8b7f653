//! `dmsim sweep submit DIR --engine ENGINE`: the shards of a sweep as tasks of an engine that knows more than one
//! machine.
//!
//! An engine has nothing to do but to start processes: each task is `dmsim sweep run DIR --shard K --of N`. Whatever it
//! starts twice, loses or starts again, the results are the same.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};

use super::make::{make_cells, make_until_enough};
use super::{Folder, failed, open};
use crate::cli::measure::Stopwatch;
use crate::cli::{Exit, set_on_interrupt};
use crate::experiment::{Cell, Sweep};
use crate::kernel::path_text;

/// How many cells are made to see how long one takes.
const PROBED: usize = 4;
/// Slurm takes arrays below 1001 unless its administrator has raised that.
const MOST_OF_SLURM: u64 = 1000;
const MOST: u64 = 10_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Engine {
    /// The cores of this machine.
    Local,
    /// Workers of a Dask scheduler. Needs the Python package of this project.
    Dask,
    /// An array of jobs of Slurm.
    Slurm,
    /// An array of tasks of HyperQueue.
    Hyperqueue,
    /// An Indexed Job of Kubernetes, over a volume that has the folder.
    Kubernetes,
}

#[derive(Args, Debug)]
pub(super) struct SubmitArguments {
    #[command(flatten)]
    folder: Folder,
    /// Who starts the tasks.
    #[arg(long, value_enum)]
    engine: Engine,
    /// In how many shards [default: so many that each takes as long as --shard-time-s says, by a probe of a few cells].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST))]
    of: Option<u64>,
    /// How long a shard may take, in seconds: far longer than the engine needs to start it.
    #[arg(long, value_name = "S", default_value = "60", value_parser = clap::value_parser!(u32).range(1..))]
    shard_time_s: u32,
    /// Runs at the same time in each task, which is as many cores as the engine is asked for.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: u32,
    /// Tasks at the same time, of Slurm and Kubernetes [default: as many as the engine likes].
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..))]
    at_most: Option<u64>,
    /// Print what would be handed to the engine.
    #[arg(long)]
    dry_run: bool,
    /// The address of Dask's scheduler, as in `tcp://10.0.0.1:8786`.
    #[arg(long, value_name = "ADDRESS", required_if_eq("engine", "dask"))]
    scheduler: Option<String>,
    /// Send the plan to the workers of Dask and the results back: they share no folder with this machine.
    #[arg(long)]
    send: bool,
    /// The Python that has the package `dmsim` with its extra `dask`.
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// The dmsim of the machines that run the tasks [default: this one].
    #[arg(long, value_name = "PROGRAM")]
    dmsim: Option<PathBuf>,
    /// The image that has dmsim, for Kubernetes.
    #[arg(long, default_value = "dmsim:latest")]
    image: String,
    /// The claim of the volume whose root is the folder of the sweep, for Kubernetes.
    #[arg(long, default_value = "dmsim-sweep")]
    claim: String,
}

/// A sweep as an engine is told of it.
struct Array<'a> {
    arguments: &'a SubmitArguments,
    name: &'a str,
    folder: &'a Path,
    dmsim: &'a Path,
    shards: u64,
}

pub(super) fn submit(arguments: &SubmitArguments) -> Result<Exit, Exit> {
    let sweep = open(&arguments.folder.folder)?;
    if arguments.engine == Engine::Local {
        return local(&sweep, arguments);
    }
    if sweep.plan.until.is_some() {
        eprintln!(
            "note: the study ends by itself; tasks cannot know when, so all {} replications will be made",
            sweep.plan.replications
        );
    }
    let shards = match arguments.of {
        Some(shards) if arguments.engine == Engine::Slurm && shards > MOST_OF_SLURM => {
            eprintln!("error: Slurm takes arrays of at most {MOST_OF_SLURM} tasks, not {shards}");
            return Err(Exit::BadInput);
        }
        Some(shards) => shards,
        None => probe(&sweep, arguments)?,
    };
    let folder =
        std::path::absolute(sweep.folder().path()).map_err(|error| cannot("find the folder", &error))?;
    let this = std::env::current_exe().map_err(|error| cannot("find this program", &error))?;
    let dmsim = arguments.dmsim.as_deref().unwrap_or(&this);
    let array = Array { arguments, name: &sweep.plan.name, folder: &folder, dmsim, shards };
    let (mut command, script) = match arguments.engine {
        Engine::Local | Engine::Dask => (array.dask(), None),
        Engine::Slurm => (Command::new("sbatch"), Some(array.slurm())),
        Engine::Hyperqueue => (array.hyperqueue(), None),
        Engine::Kubernetes => (kubectl(), Some(array.kubernetes())),
    };
    if arguments.dry_run {
        match script {
            Some(script) => print!("{script}"),
            None => println!("{}", shown(&command)),
        }
        return Ok(Exit::Fine);
    }
    if matches!(arguments.engine, Engine::Slurm | Engine::Hyperqueue) {
        let logs = folder.join("logs");
        std::fs::create_dir_all(&logs).map_err(|error| cannot("make the folder of logs", &error))?;
    }
    start(&mut command, script.as_deref(), &folder.join("submitted.txt"))?;
    match arguments.engine {
        Engine::Dask => eprintln!("next: dmsim sweep merge {}", path_text(&folder)),
        _ => eprintln!(
            "{shards} tasks were handed over; `dmsim sweep status {}` tells how far they are",
            path_text(&folder)
        ),
    }
    Ok(Exit::Fine)
}

fn cannot(what: &str, error: &dyn std::error::Error) -> Exit {
    eprintln!("error: cannot {what}: {error}");
    Exit::Internal
}

fn local(sweep: &Sweep, arguments: &SubmitArguments) -> Result<Exit, Exit> {
    if arguments.dry_run {
        println!("dmsim sweep run {} --jobs {}", path_text(sweep.folder().path()), arguments.jobs);
        return Ok(Exit::Fine);
    }
    let stop = set_on_interrupt();
    make_until_enough(sweep, Some(arguments.jobs), &stop).map_err(|error| failed(&error))?;
    let interrupted = stop.load(std::sync::atomic::Ordering::Relaxed);
    Ok(if interrupted { Exit::Interrupted } else { Exit::Fine })
}

/// In how many shards there are as many cells as can be made in the time of one: a few are made, far apart from each
/// other, to see how long that takes. They need not be made again.
fn probe(sweep: &Sweep, arguments: &SubmitArguments) -> Result<u64, Exit> {
    let results = sweep.results(&sweep.cells).map_err(|error| failed(&error.into()))?;
    let missing: Vec<&Cell> = sweep
        .cells
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.is_none())
        .map(|(cell, _)| cell)
        .collect();
    let step = missing.len().div_ceil(PROBED).max(1);
    let probed: Vec<Cell> = missing.iter().step_by(step).map(|cell| (*cell).clone()).collect();
    let (stopwatch, stop) = (Stopwatch::start(), set_on_interrupt());
    let made = make_cells(sweep, &probed, Some(1), &stop).map_err(|error| failed(&error))?;
    let cell_s = stopwatch.wall().as_secs_f64() / made.max(1) as f64;
    let work_s = cell_s * missing.len() as f64 / f64::from(arguments.jobs);
    let most = if arguments.engine == Engine::Slurm { MOST_OF_SLURM } else { MOST };
    let shards = (work_s / f64::from(arguments.shard_time_s)).ceil() as u64;
    let shards = shards.clamp(1, most.min(sweep.cells.len() as u64));
    eprintln!(
        "a probe of {made} cells took {cell_s:.3} s each: {} cells in {shards} shards of about {:.0} s",
        sweep.cells.len(),
        work_s / shards as f64
    );
    Ok(shards)
}

impl Array<'_> {
    fn dask(&self) -> Command {
        let arguments = self.arguments;
        let mut command = Command::new(&arguments.python);
        command.args(["-m", "dmsim.dask"]).arg(self.folder);
        command.args(["--scheduler", arguments.scheduler.as_deref().unwrap_or_default()]);
        command.args(["--of", &self.shards.to_string(), "--jobs", &arguments.jobs.to_string()]);
        command.arg("--dmsim").arg(self.dmsim);
        if arguments.send {
            command.arg("--send");
        }
        command
    }

    /// What a task runs.
    fn task(&self) -> Vec<String> {
        let dmsim = self.dmsim.display().to_string();
        let (shards, jobs) = (self.shards.to_string(), self.arguments.jobs.to_string());
        let folder = self.folder.display().to_string();
        let words = [&dmsim, "sweep", "run", &folder, "--shard", "auto", "--of", &shards, "--jobs", &jobs];
        words.map(str::to_owned).to_vec()
    }

    fn hyperqueue(&self) -> Command {
        let mut command = Command::new("hq");
        command.args(["submit", "--name", self.name, "--array", &format!("0-{}", self.shards - 1)]);
        command.args(["--cpus", &self.arguments.jobs.to_string()]);
        for stream in ["stdout", "stderr"] {
            let file = self.folder.join("logs").join(format!("%{{TASK_ID}}.{stream}"));
            command.arg(format!("--{stream}")).arg(file);
        }
        command.arg("--").args(self.task());
        command
    }

    fn slurm(&self) -> String {
        let at_most = self.arguments.at_most.map_or_else(String::new, |most| format!("%{most}"));
        let words = self.task();
        let task = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
        format!(
            "#!/bin/sh\n#SBATCH --job-name={}\n#SBATCH --array=0-{}{at_most}\n#SBATCH --cpus-per-task={}\n\
             #SBATCH --output={}\nexec {task}\n",
            word(&format!("dmsim-{}", self.name)),
            self.shards - 1,
            self.arguments.jobs,
            self.folder.join("logs").join("%a.log").display(),
        )
    }

    fn kubernetes(&self) -> String {
        let Self { arguments, name, shards, .. } = self;
        let parallelism = arguments.at_most.unwrap_or(*shards).min(*shards);
        let task = ["dmsim", "sweep", "run", "/sweep", "--shard", "auto", "--of"].map(str::to_owned);
        let task =
            [&task[..], &[shards.to_string(), "--jobs".to_owned(), arguments.jobs.to_string()]].concat();
        let manifest = serde_json::json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": word(&format!("dmsim-{name}"))},
            "spec": {
                "completions": shards,
                "parallelism": parallelism,
                "completionMode": "Indexed",
                "backoffLimitPerIndex": 3,
                "template": {"spec": {
                    "restartPolicy": "Never",
                    "containers": [{
                        "name": "dmsim",
                        "image": arguments.image,
                        "command": task,
                        "resources": {"requests": {"cpu": arguments.jobs.to_string()}},
                        "volumeMounts": [{"name": "sweep", "mountPath": "/sweep"}],
                    }],
                    "volumes": [{
                        "name": "sweep",
                        "persistentVolumeClaim": {"claimName": arguments.claim},
                    }],
                }},
            },
        });
        format!("{}\n", serde_json::to_string_pretty(&manifest).expect("it has only text keys"))
    }
}

fn kubectl() -> Command {
    let mut command = Command::new("kubectl");
    command.args(["apply", "-f", "-"]);
    command
}

/// A name as both Slurm and Kubernetes take it.
fn word(name: &str) -> String {
    let plain: String =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    plain.trim_matches('-').chars().take(60).collect()
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

/// Starts an engine's program and waits for its end. It reads its script from a file, which says later what was handed
/// over.
fn start(command: &mut Command, script: Option<&str>, file: &Path) -> Result<(), Exit> {
    let line = shown(command);
    let mut run = || -> std::io::Result<std::process::ExitStatus> {
        let stdin = match script {
            Some(script) => {
                std::fs::write(file, script)?;
                Stdio::from(std::fs::File::open(file)?)
            }
            None => Stdio::null(),
        };
        command.stdin(stdin).status()
    };
    match run() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            eprintln!("error: `{line}` ended with {status}");
            Err(status.code().filter(|code| *code == 130).map_or(Exit::Internal, |_| Exit::Interrupted))
        }
        Err(error) => {
            eprintln!(
                "error: `{line}` cannot be started: {error}\n  = help: docs/sweeps.md says what each engine needs"
            );
            Err(Exit::BadInput)
        }
    }
}

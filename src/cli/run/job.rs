//! What `dmsim run` is to run, and how: a scenario, a run that was interrupted or killed, or one that branches off
//! another.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Recorded, RunArguments};
use crate::cli::replay::source::{Before, Source, bad_input, course};
use crate::cli::{Exit, load};
use crate::kernel::{Span, Time, path_text};
use crate::observe::{
    Branch, FolderError, InputHash, RecordFormat, RunFolder, SAVED_SCHEMA, Saved, SavedHead, SavedMoment,
    read_run,
};
use crate::scenario::branch::obstacles;
use crate::scenario::{Loaded, Overrides};
use crate::sim::Course;

/// How a run is made, beside what it is of.
#[derive(Clone, Debug, Default)]
pub(super) struct Manner {
    pub(super) record: Vec<Recorded>,
    pub(super) check: bool,
    pub(super) metrics_only: bool,
    pub(super) no_history: bool,
    pub(super) no_report: bool,
    pub(super) save_every: Option<Span>,
}

impl Manner {
    fn of(arguments: &RunArguments) -> Self {
        Self {
            record: arguments.record.clone(),
            check: arguments.check,
            metrics_only: arguments.metrics_only,
            no_history: arguments.no_history,
            no_report: arguments.no_report,
            save_every: arguments.save_every,
        }
    }

    /// As a run was begun.
    fn restored(head: &SavedHead) -> Self {
        let format = |name: &String| Recorded::ALL.into_iter().find(|format| format.name() == name);
        Self {
            record: head.record.iter().filter_map(format).collect(),
            check: head.check,
            metrics_only: head.metrics_only,
            no_history: head.no_history,
            no_report: head.no_report,
            save_every: Some(head.every()),
        }
    }
}

/// What is run, and how.
pub(super) struct Job {
    /// What it is made from; of a branch, what it goes on with.
    pub(super) loaded: Loaded,
    /// What it branches off, if it does.
    pub(super) before: Option<Box<Before>>,
    pub(super) manner: Manner,
    /// The results folder.
    pub(super) target: PathBuf,
    /// What was saved of it before, which it has to meet.
    pub(super) saved: Vec<SavedMoment>,
    /// The version of the program that has saved that.
    pub(super) saved_by: String,
    /// What a killed process has left of it.
    leftover: Option<PathBuf>,
}

impl Job {
    /// What the arguments ask for; what is wrong with it is said.
    pub(super) fn of(arguments: &RunArguments) -> Result<Self, Exit> {
        match (&arguments.resume, &arguments.from, &arguments.scenario) {
            (Some(run), _, _) => Self::resumed(arguments, run),
            (None, Some(run), _) => Self::branched(arguments, run),
            (None, None, Some(scenario)) => Self::fresh(arguments, scenario),
            (None, None, None) => Err(bad_input("there is nothing to run", "name a scenario file")),
        }
    }

    fn fresh(arguments: &RunArguments, scenario: &Path) -> Result<Self, Exit> {
        let overrides = Overrides { set: arguments.set.clone(), seed: arguments.seed };
        let loaded = load(scenario, &overrides)?;
        let name = format!("{}-seed{}", loaded.setup.name, loaded.setup.seed);
        Ok(Self::new(arguments, loaded, &name))
    }

    fn new(arguments: &RunArguments, loaded: Loaded, name: &str) -> Self {
        Self {
            loaded,
            before: None,
            manner: Manner::of(arguments),
            target: arguments.out.clone().unwrap_or_else(|| PathBuf::from("results").join(name)),
            saved: Vec::new(),
            saved_by: String::new(),
            leftover: None,
        }
    }

    fn branched(arguments: &RunArguments, run: &Path) -> Result<Self, Exit> {
        let source = Source::of_run(run)?;
        let setup = &source.loaded.setup;
        let at = arguments.at.unwrap_or_default();
        if at >= setup.duration {
            let message =
                format!("`--at {at}` is not before the end of the run, which lasts {}", setup.duration);
            return Err(bad_input(&message, "name an earlier time"));
        }
        if Span::from_secs_f64(at.as_secs_f64()) != at {
            return Err(bad_input(
                &format!("`--at {at}` is finer than results are written"),
                "use whole microseconds",
            ));
        }
        if let Some(before) = source.before.as_ref().filter(|before| before.at() >= Time::ZERO + at) {
            let message =
                format!("the run has itself branched off another one, at {}", before.at().since(Time::ZERO));
            return Err(bad_input(&message, "name a later time, or branch off the other one"));
        }
        let loaded = source.with(&arguments.set)?;
        let obstacles = obstacles(&source.loaded, &loaded, Time::ZERO + at);
        for obstacle in &obstacles {
            eprintln!("error: {} cannot change at {at}: {}", obstacle.path, obstacle.reason);
        }
        if !obstacles.is_empty() {
            eprintln!(
                "  = help: strategy, faults, operations, workload, expect and most of network can (docs/replay.md)"
            );
            return Err(Exit::BadInput);
        }
        let name = format!("{}-seed{}-from-{at}", loaded.setup.name, loaded.setup.seed);
        let name_of_run = fs::canonicalize(run).unwrap_or_else(|_| run.to_owned());
        let from =
            name_of_run.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let branch =
            Branch { from, at_s: at.as_secs_f64(), digest: String::new(), set: arguments.set.clone() };
        let before = Some(Box::new(Before { source, branch }));
        Ok(Self { before, ..Self::new(arguments, loaded, &name) })
    }

    fn resumed(arguments: &RunArguments, run: &Path) -> Result<Self, Exit> {
        let (folder, target) = find(run)?;
        let Saved { head, moments } = read_saved(&folder)?;
        let source = Source::of_folder(&folder, head.branch.clone())?;
        let Source { mut loaded, before, .. } = source;
        // They are in `run.json`, which is to be as if nothing had happened.
        loaded.setup.inputs =
            head.inputs.iter().map(|input| (input.path.clone(), input.sha256.clone())).collect();
        Ok(Self {
            manner: Manner::restored(&head),
            before,
            loaded,
            target: arguments.out.clone().unwrap_or_else(|| target.clone()),
            saved: moments,
            saved_by: head.version,
            leftover: (folder != target).then_some(folder),
        })
    }

    /// The run, with all that it goes on with.
    pub(super) fn course(&self) -> Course<'_> {
        course(&self.loaded, self.before.as_deref())
    }

    /// How it is begun, for whoever resumes it.
    pub(super) fn head(&self, every: Span) -> SavedHead {
        let Manner { record, check, metrics_only, no_history, no_report, .. } = &self.manner;
        let inputs = self.loaded.setup.inputs.iter();
        SavedHead {
            schema: SAVED_SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            every_ns: every.0,
            inputs: inputs
                .map(|(path, sha256)| InputHash { path: path.clone(), sha256: sha256.clone() })
                .collect(),
            branch: self.before.as_ref().map(|before| before.branch.clone()),
            record: record.iter().map(|format| format.name().to_owned()).collect(),
            check: *check,
            metrics_only: *metrics_only,
            no_history: *no_history,
            no_report: *no_report,
        }
    }

    pub(super) fn formats(&self) -> Vec<RecordFormat> {
        self.manner.record.iter().map(|format| (*format).into()).collect()
    }

    /// Writes all that it takes to make the run again.
    pub(super) fn write_inputs(&self, folder: &RunFolder) -> Result<(), FolderError> {
        write_loaded(folder, "", &self.loaded)?;
        let mut prefix = String::new();
        let mut before = self.before.as_ref();
        while let Some(Before { source, .. }) = before.map(|it| &**it) {
            prefix.push_str("before/");
            write_loaded(folder, &prefix, &source.loaded)?;
            if let Some(text) = source.manifest_text() {
                folder.write_text(&format!("{prefix}run.json"), &text)?;
            }
            before = source.before.as_ref();
        }
        Ok(())
    }

    /// The run has its results: what a killed process has left of it is of no use any more.
    pub(super) fn tidy_up(&self) {
        if let Some(leftover) = &self.leftover {
            // What stays is untidy and no more.
            drop(fs::remove_dir_all(leftover));
        }
    }
}

fn write_loaded(folder: &RunFolder, prefix: &str, loaded: &Loaded) -> Result<(), FolderError> {
    folder.write_text(&format!("{prefix}scenario.resolved.yaml"), &loaded.resolved)?;
    for (name, text) in loaded.copies() {
        folder.write_text(&format!("{prefix}{name}"), text)?;
    }
    for file in &loaded.job_traces {
        let mut bytes = file.open().map_err(|source| FolderError::Io {
            action: "read",
            path: PathBuf::from(&file.copy),
            source,
        })?;
        folder.write_from(&format!("{prefix}traces/{}", file.copy), &mut bytes)?;
    }
    Ok(())
}

/// Where a run that is to be resumed lies, and where its results belong.
fn find(run: &Path) -> Result<(PathBuf, PathBuf), Exit> {
    let shown = path_text(run);
    if run.join("plan.json").exists() {
        let help = "`dmsim sweep run` goes on with it by itself";
        return Err(bad_input(&format!("{shown} is a sweep"), help));
    }
    if let Ok(manifest) = read_run(&run.join("run.json")) {
        if manifest.stop_reason != "interrupted" {
            println!("{shown} is finished: there is nothing to resume");
            return Err(Exit::Fine);
        }
        return Ok((run.to_owned(), run.to_owned()));
    }
    let name = run.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let parent = run.parent().unwrap_or_else(|| Path::new(""));
    if run.is_dir()
        && let Some((whole, _)) = name.rsplit_once(".partial-")
    {
        return Ok((run.to_owned(), parent.join(whole)));
    }
    // A process that was killed has left what it had under another name.
    let beside = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let entries = fs::read_dir(beside).into_iter().flatten().flatten();
    let begins = format!("{name}.partial-");
    let left = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&begins));
    let saved = left.filter_map(|entry| Some((Saved::read(&entry.path()).ok()?.moments.len(), entry.path())));
    match saved.max() {
        Some((_, folder)) => Ok((folder, run.to_owned())),
        None if run.is_dir() => Ok((run.to_owned(), run.to_owned())),
        None => Err(bad_input(
            &format!("there is no {shown}, and nothing that a killed run has left beside it"),
            "`dmsim run --save-every 10m` saves moments while a run goes on, so that it can be resumed",
        )),
    }
}

fn read_saved(folder: &Path) -> Result<Saved, Exit> {
    Saved::read(folder).map_err(|error| {
        bad_input(
            &error.to_string(),
            "only a run with `--save-every` can be resumed; run the scenario again, which gives the same results",
        )
    })
}

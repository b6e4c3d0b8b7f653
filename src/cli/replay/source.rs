//! What is repeated: a run by its results folder, or a scenario.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{Exit, load};
use crate::kernel::{Span, Time, path_text};
use crate::observe::{Branch, ReadError, RunManifest, read_provenance, read_run};
use crate::scenario::{Loaded, Overrides};
use crate::sim::{Course, World};

/// A run that can be repeated.
pub(in crate::cli) struct Source {
    /// What it is made from; of a branch, what it goes on with.
    pub(in crate::cli) loaded: Loaded,
    /// What it has branched off, if it has.
    pub(in crate::cli) before: Option<Box<Before>>,
    /// What was recorded of it, where there is a results folder.
    pub(in crate::cli) recorded: Option<RunManifest>,
    /// The version of the program that recorded it.
    pub(in crate::cli) version: Option<String>,
    /// Its results folder.
    folder: Option<PathBuf>,
}

/// A run from which another one has branched off.
pub(in crate::cli) struct Before {
    pub(in crate::cli) source: Source,
    pub(in crate::cli) branch: Branch,
}

impl Before {
    /// Up to when both are the same.
    pub(in crate::cli) fn at(&self) -> Time {
        Time::ZERO + Span::from_secs_f64(self.branch.at_s)
    }
}

impl Source {
    /// Reads a results folder, or a scenario file; what is wrong with it is said.
    pub(in crate::cli) fn read(path: &Path) -> Result<Self, Exit> {
        if path.is_dir() {
            return Self::of_run(path);
        }
        if !path.exists() {
            return Err(bad_input(
                &format!("there is no {}", path_text(path)),
                "name the results folder of a run, or a scenario file",
            ));
        }
        Ok(Self {
            loaded: load(path, &Overrides::default())?,
            before: None,
            recorded: None,
            version: None,
            folder: None,
        })
    }

    /// Reads a results folder.
    pub(in crate::cli) fn of_run(folder: &Path) -> Result<Self, Exit> {
        let shown = path_text(folder);
        if folder.join("plan.json").exists() {
            return Err(bad_input(
                &format!("{shown} is a sweep, which is many runs"),
                "`dmsim sweep status` names its cells; or name one of the scenarios under its `setups/`",
            ));
        }
        let recorded = match read_run(&folder.join("run.json")) {
            Ok(recorded) => recorded,
            Err(error @ ReadError::Io { .. }) => {
                let help = "name the results folder of a run, or a scenario file";
                return Err(bad_input(&error.to_string(), help));
            }
            Err(error) => return Err(bad_input(&error.to_string(), "or name its scenario file")),
        };
        let branch = recorded.branch.clone();
        Ok(Self { recorded: Some(recorded), ..Self::of_folder(folder, branch)? })
    }

    /// Reads what a folder says of the beginning of a run, whether that has ended or not.
    pub(in crate::cli) fn of_folder(folder: &Path, branch: Option<Branch>) -> Result<Self, Exit> {
        let before = |branch| {
            let source = Self::of_run(&folder.join("before"))?;
            Ok(Box::new(Before { source, branch }))
        };
        Ok(Self {
            loaded: load(&folder.join("scenario.resolved.yaml"), &Overrides::default())?,
            before: branch.map(before).transpose()?,
            recorded: None,
            // Only to say who has written it: nothing depends on it.
            version: read_provenance(&folder.join("provenance.json")).ok().map(|it| it.version),
            folder: Some(folder.to_owned()),
        })
    }

    /// What it would be with other values from some moment on.
    pub(in crate::cli) fn with(&self, set: &[String]) -> Result<Loaded, Exit> {
        let folder = self.folder.as_deref().unwrap_or_else(|| Path::new(""));
        load(&folder.join("scenario.resolved.yaml"), &Overrides { set: set.to_vec(), seed: None })
    }

    /// The run, with all that it goes on with.
    pub(in crate::cli) fn course(&self) -> Course<'_> {
        course(&self.loaded, self.before.as_deref())
    }

    /// The run before its first event.
    pub(in crate::cli) fn world(&self) -> Result<World<'_>, Exit> {
        self.course().world().map_err(|error| bad_input(&error, "change the scenario"))
    }

    /// The text of its `run.json`.
    pub(in crate::cli) fn manifest_text(&self) -> Option<String> {
        fs::read_to_string(self.folder.as_ref()?.join("run.json")).ok()
    }
}

/// What is made from a scenario, and from what it branches off if it does.
pub(in crate::cli) fn course<'a>(loaded: &'a Loaded, before: Option<&'a Before>) -> Course<'a> {
    match before {
        Some(before) => before.source.course().turning(before.at(), &loaded.setup),
        None => Course::of(&loaded.setup),
    }
}

/// Says what is wrong with what somebody has asked for, and what to do.
pub(in crate::cli) fn bad_input(message: &str, help: &str) -> Exit {
    eprintln!("error: {message}\n  = help: {help}");
    Exit::BadInput
}

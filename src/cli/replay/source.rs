//! What is replayed: a run by its results folder, or a scenario.

use std::path::Path;

use crate::cli::{Exit, is_styled, metric_names};
use crate::kernel::path_text;
use crate::observe::{ReadError, RunManifest, read_provenance, read_run};
use crate::scenario::{self, Loaded, Overrides};
use crate::sim::World;

/// A run that can be repeated.
pub(in crate::cli) struct Source {
    /// What it is made from.
    pub(in crate::cli) loaded: Loaded,
    /// What was recorded of it, where there is a results folder.
    pub(in crate::cli) recorded: Option<RunManifest>,
    /// The version of the program that recorded it.
    pub(in crate::cli) version: Option<String>,
}

impl Source {
    /// Reads a results folder, or a scenario file; what is wrong with it is said.
    pub(in crate::cli) fn read(path: &Path) -> Result<Self, Exit> {
        if path.is_dir() { Self::of_run(path) } else { Self::of_scenario(path) }
    }

    /// The run before its first event.
    pub(in crate::cli) fn world(&self) -> Result<World<'_>, Exit> {
        World::new(&self.loaded.setup).map_err(|error| bad_input(&error, "change the scenario"))
    }

    fn of_scenario(path: &Path) -> Result<Self, Exit> {
        if !path.exists() {
            return Err(bad_input(
                &format!("there is no {}", path_text(path)),
                "name the results folder of a run, or a scenario file",
            ));
        }
        Ok(Self { loaded: load(path)?, recorded: None, version: None })
    }

    fn of_run(folder: &Path) -> Result<Self, Exit> {
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
                return Err(bad_input(
                    &error.to_string(),
                    "name the results folder of a run, or a scenario file",
                ));
            }
            Err(error) => return Err(bad_input(&error.to_string(), "or replay its scenario file")),
        };
        let loaded = load(&folder.join("scenario.resolved.yaml"))?;
        // Only to say who has written it: nothing depends on it.
        let version = read_provenance(&folder.join("provenance.json")).ok().map(|it| it.version);
        Ok(Self { loaded, recorded: Some(recorded), version })
    }
}

fn load(path: &Path) -> Result<Loaded, Exit> {
    scenario::load(path, &Overrides::default(), &metric_names()).map_err(|report| {
        eprint!("{}", report.render(is_styled()));
        Exit::BadInput
    })
}

pub(in crate::cli) fn bad_input(message: &str, help: &str) -> Exit {
    eprintln!("error: {message}\n  = help: {help}");
    Exit::BadInput
}

//! The ensembles that steps name: files beside the feature, or those that this program carries under the names of DMS's
//! own suite.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dms::ensemble::EnsembleConfig;
use crate::scenario::ensemble_file::read_for_simulation;
use crate::scenario::{Sources, render, shown};

/// Declares the ensembles that are carried, by the names of their files.
macro_rules! carried {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../scenarios/features/ensembles/", $name)))),+]
    };
}

/// Those that DMS's own suite ships, as far as its steps name them.
const CARRIED: &[(&str, &str)] =
    carried!["docker_hello.yaml", "nginx.yaml", "multiple_nginx.yaml", "multiple.yaml"];

/// The ensemble of a file with this name.
///
/// # Errors
/// That there is none, or what is wrong with it.
pub(super) fn find(name: &str, folders: &[PathBuf]) -> Result<Arc<EnsembleConfig>, String> {
    for folder in folders {
        let path = folder.join(name);
        if path.is_file() {
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            return parse(&shown(&path), &text);
        }
    }
    if let Some((_, text)) = CARRIED.iter().find(|(own, _)| *own == name) {
        return parse(name, text);
    }
    let looked: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let carried: Vec<&str> = CARRIED.iter().map(|(own, _)| *own).collect();
    Err(format!(
        "there is no ensemble file {name} in {}; carried are {}",
        looked.join(", "),
        carried.join(", ")
    ))
}

/// Where the ensembles of a feature may be: beside it, in a folder `ensembles` there, or in one further up.
pub(super) fn folders(beside: &Path) -> Vec<PathBuf> {
    let up = beside.parent().map(|folder| folder.join("ensembles"));
    [Some(beside.to_owned()), Some(beside.join("ensembles")), up].into_iter().flatten().collect()
}

/// Reads an ensemble; `shown` is what it is called.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(shown: &str, text: &str) -> Result<Arc<EnsembleConfig>, String> {
    match read_for_simulation(shown, text.as_bytes()) {
        Ok(loaded) => Ok(Arc::new(loaded.config)),
        Err(diagnostics) => {
            let sources: Sources = std::iter::once((shown.to_owned(), text.to_owned())).collect();
            Err(render(&diagnostics, &sources, false))
        }
    }
}

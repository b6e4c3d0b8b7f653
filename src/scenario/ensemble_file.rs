//! Ensemble files: DMS's own format, from bytes to a typed configuration with diagnostics.
use crate::dms::ensemble::tree::Node;
use crate::dms::ensemble::{self, EnsembleConfig, Finding};

use super::diagnostic::Diagnostic;
use super::{overrides, yaml};

/// An ensemble that was read, with what there is to say about it.
#[derive(Clone, Debug)]
pub struct LoadedEnsemble {
    /// The configuration.
    pub config: EnsembleConfig,
    /// The file as a tree, for positions.
    pub tree: Node,
    /// Warnings, in the order of the file.
    pub warnings: Vec<Diagnostic>,
}

/// Reads an ensemble file, which may use everything that DMS accepts.
///
/// # Errors
/// All diagnostics in the order of the file when at least one is an error.
pub fn read(file: &str, bytes: &[u8]) -> Result<LoadedEnsemble, Vec<Diagnostic>> {
    let tree = yaml::parse(bytes).map_err(|findings| placed("yaml", file, findings))?;
    match ensemble::load(&tree) {
        Ok((config, findings)) => {
            Ok(LoadedEnsemble { config, tree, warnings: placed("ensemble", file, findings) })
        }
        Err(findings) => Err(placed("ensemble", file, findings)),
    }
}

/// Reads an ensemble file for a run: what is not simulated is an error.
///
/// # Errors
/// As `read`, and uses of features that this version does not honour.
pub fn read_for_simulation(file: &str, bytes: &[u8]) -> Result<LoadedEnsemble, Vec<Diagnostic>> {
    simulated(file, read(file, bytes)?)
}

/// An ensemble that stands within another file, for a run.
///
/// # Errors
/// As [`read_for_simulation`], with the places in that file, or in the overrides that put it there.
pub fn tree_for_simulation(file: &str, tree: &Node) -> Result<LoadedEnsemble, Vec<Diagnostic>> {
    match ensemble::load(tree) {
        Ok((config, findings)) => {
            let warnings = placed("ensemble", file, findings);
            simulated(file, LoadedEnsemble { config, tree: tree.clone(), warnings })
        }
        Err(findings) => Err(placed("ensemble", file, findings)),
    }
}

fn simulated(file: &str, loaded: LoadedEnsemble) -> Result<LoadedEnsemble, Vec<Diagnostic>> {
    let refused = ensemble::unsupported(&loaded.config, &loaded.tree);
    if refused.is_empty() {
        return Ok(loaded);
    }
    let mut all = loaded.warnings;
    all.extend(placed("unsupported", file, refused));
    all.sort_by_key(|one| (one.line, one.column));
    Err(all)
}

fn placed(code: &'static str, file: &str, findings: Vec<Finding>) -> Vec<Diagnostic> {
    findings.into_iter().map(|finding| overrides::placed(code, file, finding)).collect()
}

#[cfg(test)]
mod tests;

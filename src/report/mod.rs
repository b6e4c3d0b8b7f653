//! Plots and the HTML report of a run, made from its result files alone.
//!
//! [`write()`] reads a finished results folder and adds `plots/*.svg`, each with its
//! numbers as `plots/*.csv`, and `report.html`: one file that works
//! offline. Any report can be remade from the files; nothing here knows the simulator. The same files give
//! the same plots.
//!
//! [`chart`] holds the kinds of charts, [`mod@plots`] says which ones a run gets, [`page`] makes the page. [`fits`]
//! draws what `dmsim fit` found in a trace, which is no run.

pub mod chart;
pub mod compare;
pub mod fits;
pub mod page;
pub mod plots;
pub mod steady;
pub mod study;
pub mod sweep;
pub mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use crate::kernel::path_text;
use crate::observe::{FolderError, ReadError, write_atomically};

pub use plots::{Plot, plots};
pub use tables::Tables;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A result file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A plot or the page could not be written.
    #[error(transparent)]
    Write(#[from] FolderError),
    /// The folder of the plots could not be made.
    #[error("cannot create {}: {source}", path_text(path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The page's template failed, which is a fault of the program.
    #[error("the report's template failed: {0}; please report this with the results folder")]
    Template(String),
}

/// Writes the plots and the report of a finished run into its folder and returns their paths.
///
/// A plot whose data the run does not have is left out.
///
/// # Errors
/// [`ReportError::Read`] for a folder that is incomplete or of another schema; [`ReportError::Write`] and
/// [`ReportError::Folder`] from the file system.
pub fn write(run_folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let tables = Tables::read(run_folder)?;
    let plots = plots(&tables);
    let html = page::html(&tables, &plots, page::Source::Inside(page::Limits::FILE))?;
    let mut written = Vec::new();
    let folder = run_folder.join("plots");
    fs::create_dir_all(&folder).map_err(|source| ReportError::Folder { path: folder.clone(), source })?;
    for plot in &plots {
        let files = [("svg", plot.svg.clone()), ("csv", plot.data.csv())];
        for (ending, text) in files {
            let path = folder.join(format!("{}.{ending}", plot.name));
            write_atomically(&path, text.as_bytes())?;
            written.push(path);
        }
    }
    let path = run_folder.join("report.html");
    write_atomically(&path, html.as_bytes())?;
    written.push(path);
    Ok(written)
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

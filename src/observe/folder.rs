//! The results folder of a run: written aside, then renamed, so that it appears complete or not at all.
//!
//! A [`RunFolder`] fills `NAME.partial-1` (the next free number) beside the wanted folder;
//! [`RunFolder::finish`] gives it its name. What happens when that name is taken:
//!
//! - asked to overwrite, or the old folder is empty or a run of the same inputs: it is replaced. It is
//!   moved aside, the new one takes the name, then the old one is deleted; a reader sees the old run or the
//!   new, or for an instant none, but never a mixture.
//! - otherwise the new folder is called `NAME-2`, `NAME-3`, ..., and [`RunFolder::finish`] says which.
//!
//! A folder that is no run, or that holds files a run does not write (notes, notebooks), is never replaced:
//! the name with a suffix is taken, or, asked to overwrite, the error names the file that stands in the way.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::manifest::{Provenance, RunManifest, json_text};
use super::read::read_run;
use super::recording::RecordFormat;
use super::rows::{
    AllocationRow, AttackRow, CapabilityRow, ConnectionRow, ContractRow, DeploymentRow, HistoryRow,
    InvoiceRow, MessageRow, MetricRow, OperationRow, PeerRow, RefusalRow, RequestRow, Row, SeriesRow,
};
use super::saved::SAVED;
use super::stream::StreamFile;
use crate::kernel::path_text;

/// What a run and the report write into a folder; anything else in it belongs to the user.
const OWN_FILES: [&str; 33] = [
    "before",
    "ensembles",
    "traces",
    SAVED,
    "run.json",
    "provenance.json",
    "scenario.resolved.yaml",
    MetricRow::FILE,
    SeriesRow::FILE,
    DeploymentRow::FILE,
    AllocationRow::FILE,
    RefusalRow::FILE,
    PeerRow::FILE,
    AttackRow::FILE,
    OperationRow::FILE,
    ConnectionRow::FILE,
    RequestRow::FILE,
    ContractRow::FILE,
    InvoiceRow::FILE,
    CapabilityRow::FILE,
    HistoryRow::FILE,
    MessageRow::FILE,
    StreamFile::Logs.name(),
    StreamFile::Index.name(),
    StreamFile::Bus.name(),
    StreamFile::Traces.name(),
    StreamFile::Metrics.name(),
    RecordFormat::Events.file(),
    RecordFormat::OpenMetrics.file(),
    RecordFormat::Otlp.file(),
    RecordFormat::Perfetto.file(),
    "report.html",
    "plots",
];

/// Why a results folder could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path_text(path))]
    Io {
        /// What was tried: `create`, `write`, `rename`, ...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A row could not be written as CSV.
    #[error("cannot write {}: {source}", path_text(path))]
    Csv {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: csv::Error,
    },
    /// Overwriting would delete something that no run wrote.
    #[error(
        "{} is not replaced because it holds {entry}, which no run writes: move it away or choose another folder",
        path_text(path)
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        entry: String,
    },
    /// The wanted path has no last part that could be a folder's name.
    #[error(
        "{} cannot name a results folder: give a path such as results/quickstart-seed42",
        path_text(path)
    )]
    NoName {
        /// The path.
        path: PathBuf,
    },
    /// [`RunFolder::finish`] came before [`RunFolder::write_run`].
    #[error("the results folder has no run.json yet: write the manifest before finishing it")]
    NoManifest,
}

/// Attaches what was tried to an error of the operating system.
pub(super) fn doing<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FolderError + 'a {
    move |source| FolderError::Io { action, path: path.to_owned(), source }
}

/// A results folder that is being written. Dropped unfinished, it removes what it wrote.
#[derive(Debug)]
pub struct RunFolder {
    partial: PathBuf,
    target: PathBuf,
    overwrite: bool,
    run: Option<RunManifest>,
    finished: bool,
}

/// Rows as CSV, with the names of their fields above.
///
/// # Panics
/// If a row is no flat record of numbers and texts.
pub fn csv_text<R: Serialize>(rows: impl IntoIterator<Item = R>) -> String {
    written(rows, true)
}

/// Rows as CSV, without a header.
pub(super) fn csv_lines<R: Serialize>(rows: impl IntoIterator<Item = R>) -> String {
    written(rows, false)
}

fn written<R: Serialize>(rows: impl IntoIterator<Item = R>, header: bool) -> String {
    let terminator = csv::Terminator::Any(b'\n');
    let mut writer =
        csv::WriterBuilder::new().has_headers(header).terminator(terminator).from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).expect("a row is flat, and memory takes all of it");
    }
    let bytes = writer.into_inner().expect("memory takes all of it");
    String::from_utf8(bytes).expect("texts are UTF-8")
}

impl RunFolder {
    /// Starts the folder `target` (`results/quickstart-seed42`), making its parents. Nothing appears under
    /// that name before [`RunFolder::finish`]; the module says what `overwrite` decides.
    ///
    /// # Errors
    /// [`FolderError::NoName`] for a path that ends in `..` or is a root, [`FolderError::Foreign`] where
    /// overwriting would delete a user's file, so that nobody computes what cannot be put there; [`FolderError::Io`]
    /// from the file system.
    pub fn create(target: &Path, overwrite: bool) -> Result<Self, FolderError> {
        let no_name = || FolderError::NoName { path: target.to_owned() };
        let name = target.file_name().and_then(|name| name.to_str()).ok_or_else(no_name)?;
        if overwrite && fs::symlink_metadata(target).is_ok() {
            refuse_foreign(target)?;
        }
        let parent = target.parent().unwrap_or_else(|| Path::new(""));
        if !parent.as_os_str().is_empty() {
            fs::create_dir_all(parent).map_err(doing("create", parent))?;
        }
        let partial = first_free(parent, |n| format!("{name}.partial-{n}"), 1)?;
        let target = parent.join(name);
        Ok(Self { partial, target, overwrite, run: None, finished: false })
    }

    /// Where the files lie until [`RunFolder::finish`]: for writers of large files of their own.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.partial
    }

    /// Writes a table under its own name. Rows may be borrowed from anywhere, in the order that they shall
    /// have.
    ///
    /// # Errors
    /// [`FolderError::Io`] or [`FolderError::Csv`].
    pub fn write_table<'a, R: Row + 'a>(
        &self,
        rows: impl IntoIterator<Item = &'a R>,
    ) -> Result<(), FolderError> {
        let path = self.partial.join(R::FILE);
        write_through(&path, |file| {
            let csv_error = |source| FolderError::Csv { path: path.clone(), source };
            let terminator = csv::Terminator::Any(b'\n');
            let mut writer =
                csv::WriterBuilder::new().has_headers(false).terminator(terminator).from_writer(file);
            writer.write_record(R::COLUMNS).map_err(csv_error)?;
            for row in rows {
                writer.serialize(row).map_err(csv_error)?;
            }
            writer.flush().map_err(doing("write", &path))
        })
    }

    /// Writes `run.json`.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn write_run(&mut self, run: &RunManifest) -> Result<(), FolderError> {
        write_atomically(&self.partial.join("run.json"), json_text(run).as_bytes())?;
        self.run = Some(run.clone());
        Ok(())
    }

    /// Writes `provenance.json`.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn write_provenance(&self, provenance: &Provenance) -> Result<(), FolderError> {
        write_atomically(&self.partial.join("provenance.json"), json_text(provenance).as_bytes())
    }

    /// Writes another file of the run, such as `scenario.resolved.yaml`.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn write_text(&self, name: &str, text: &str) -> Result<(), FolderError> {
        write_into(&self.partial, &[(name, text.as_bytes())])
    }

    /// Writes another file of the run with bytes that need not fit in memory.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn write_from(&self, name: &str, bytes: &mut dyn io::Read) -> Result<(), FolderError> {
        copy_into(&self.partial, name, bytes)
    }

    /// Gives the folder its name and returns the path that it got.
    ///
    /// # Errors
    /// [`FolderError::NoManifest`] before [`RunFolder::write_run`]; [`FolderError::Foreign`] where
    /// overwriting would delete a user's file; [`FolderError::Io`]. The folder of an earlier run is left as
    /// it was in all these cases.
    pub fn finish(mut self) -> Result<PathBuf, FolderError> {
        let run = self.run.take().ok_or(FolderError::NoManifest)?;
        let target = if fs::symlink_metadata(&self.target).is_err() {
            self.target.clone()
        } else {
            if self.overwrite {
                // It may hold something by now.
                refuse_foreign(&self.target)?;
            }
            match foreign_entry(&self.target)? {
                None if self.overwrite || is_empty(&self.target) || same_inputs(&self.target, &run) => {
                    replace(&self.partial, &self.target)?;
                    self.finished = true;
                    return Ok(self.target.clone());
                }
                _ => {
                    let parent = self.target.parent().unwrap_or_else(|| Path::new(""));
                    let name = self
                        .target
                        .file_name()
                        .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                    // An empty folder reserves the name; renaming a folder onto an empty one is atomic.
                    first_free(parent, |n| format!("{name}-{n}"), 2)?
                }
            }
        };
        fs::rename(&self.partial, &target).map_err(doing("rename the results to", &target))?;
        self.finished = true;
        Ok(target)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if !self.finished {
            // The error that brought us here is the one to report; a leftover folder is only untidy.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// Makes the first folder `name(n)`, n from `start`, that does not exist yet.
fn first_free(parent: &Path, name: impl Fn(u32) -> String, start: u32) -> Result<PathBuf, FolderError> {
    let mut number = start;
    loop {
        let path = parent.join(name(number));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < u32::MAX => number += 1,
            Err(error) => return Err(doing("create", &path)(error)),
        }
    }
}

/// An error where a folder holds what no run writes.
fn refuse_foreign(folder: &Path) -> Result<(), FolderError> {
    let refuse = |entry| Err(FolderError::Foreign { path: folder.to_owned(), entry });
    foreign_entry(folder)?.map_or(Ok(()), refuse)
}

/// The first entry (by name) that no run writes; the folder itself where it is no run at all.
fn foreign_entry(folder: &Path) -> Result<Option<String>, FolderError> {
    if !folder.is_dir() || folder.is_symlink() {
        return Ok(Some("something else than a folder".to_owned()));
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(doing("read", folder))? {
        names.push(entry.map_err(doing("read", folder))?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    let foreign = names.iter().find(|name| !OWN_FILES.contains(&name.as_str()));
    let foreign = foreign.map(|name| path_text(Path::new(name)));
    let no_run = !names.is_empty() && !names.iter().any(|name| name == "run.json");
    Ok(foreign.or_else(|| no_run.then(|| "files without a run.json".to_owned())))
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn same_inputs(folder: &Path, run: &RunManifest) -> bool {
    read_run(&folder.join("run.json")).is_ok_and(|old| old.same_inputs(run))
}

/// Puts `partial` in the place of `target`; on an error `target` is what it was.
fn replace(partial: &Path, target: &Path) -> Result<(), FolderError> {
    let parent = target.parent().unwrap_or_else(|| Path::new(""));
    let name = target.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let aside = first_free(parent, |n| format!("{name}.replaced-{n}"), 1)?;
    if let Err(error) = fs::rename(target, &aside) {
        let _ = fs::remove_dir(&aside);
        return Err(doing("replace", target)(error));
    }
    if let Err(error) = fs::rename(partial, target) {
        fs::rename(&aside, target).map_err(doing("restore", target))?;
        return Err(doing("rename the results to", target)(error));
    }
    fs::remove_dir_all(&aside).map_err(doing("remove", &aside))
}

/// Writes a file under a temporary name beside it, then renames it: readers see the old content or the new.
///
/// # Errors
/// [`FolderError::Io`].
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    write_through(path, |file| file.write_all(bytes).map_err(doing("write", path)))
}

/// Writes files into a folder, which is made where it is missing, each as [`write_atomically`] does.
///
/// # Errors
/// [`FolderError::Io`], by the first that fails; those before it are written.
pub fn write_into(folder: &Path, files: &[(&str, &[u8])]) -> Result<(), FolderError> {
    files.iter().try_for_each(|(name, bytes)| {
        let path = folder.join(name);
        make_parent(&path)?;
        write_atomically(&path, bytes)
    })
}

/// Writes a file into a folder with bytes that need not fit in memory, as [`write_atomically`] does.
///
/// # Errors
/// [`FolderError::Io`].
pub fn copy_into(folder: &Path, name: &str, bytes: &mut dyn io::Read) -> Result<(), FolderError> {
    let path = folder.join(name);
    make_parent(&path)?;
    write_through(&path, |file| io::copy(bytes, file).map(drop).map_err(doing("write", &path)))
}

fn make_parent(path: &Path) -> Result<(), FolderError> {
    path.parent().map_or(Ok(()), |folder| fs::create_dir_all(folder).map_err(doing("create", folder)))
}

fn write_through(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), FolderError>,
) -> Result<(), FolderError> {
    // Several processes may write the same file at the same time.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = BufWriter::new(File::create(&temporary).map_err(doing("create", &temporary))?);
        fill(&mut file)?;
        file.flush().map_err(doing("write", &temporary))?;
        fs::rename(&temporary, path).map_err(doing("write", path))
    };
    let done = write();
    if done.is_err() {
        // The error is the one to report; a leftover file is only untidy.
        drop(fs::remove_file(&temporary));
    }
    done
}

#[cfg(test)]
mod tests;

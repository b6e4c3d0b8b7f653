//! `saved.jsonl`: moments of a run, written while it goes on, so that one that is interrupted or killed can be resumed.
//!
//! The first line says how the run was begun; each further one is a moment: the simulated time, the events up to there
//! and the digest of all facts. A line is written and flushed at once, so a process that is killed loses none but the
//! one that it is writing. The state of the peers is not among it: a run is a function of its scenario, so whoever
//! resumes it repeats it, and the digests say whether it is the same.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::folder::{FolderError, doing};
use super::manifest::{Branch, InputHash};
use crate::kernel::Span;

/// The version of the file.
pub const SAVED_SCHEMA: u32 = 1;
/// The file in a results folder.
pub const SAVED: &str = "saved.jsonl";

/// How a run was begun: all that decides what its folder holds.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct SavedHead {
    /// [`SAVED_SCHEMA`].
    pub schema: u32,
    /// The version of the program.
    pub version: String,
    /// How often moments are saved, in nanoseconds.
    pub every_ns: u64,
    /// The files that the run was made from, for `run.json`.
    pub inputs: Vec<InputHash>,
    /// From which run it branches off, if it does; the digest is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Branch>,
    /// The formats of its recordings.
    pub record: Vec<String>,
    /// Whether the rules of every run are watched.
    pub check: bool,
    /// Whether no table is made but that of the metrics.
    pub metrics_only: bool,
    /// Whether no history is written.
    pub no_history: bool,
    /// Whether no report is written.
    pub no_report: bool,
}

impl SavedHead {
    /// How often moments are saved.
    #[must_use]
    pub const fn every(&self) -> Span {
        Span(self.every_ns)
    }
}

/// A moment of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SavedMoment {
    /// The simulated time in nanoseconds; all events of that time have happened.
    pub at_ns: u64,
    /// Events up to then.
    pub events: u64,
    /// The digest of all facts up to then, 32 hexadecimal digits.
    pub digest: String,
}

/// What was saved of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Saved {
    /// How it was begun.
    pub head: SavedHead,
    /// Its moments, in the order of time.
    pub moments: Vec<SavedMoment>,
}

/// Why what was saved of a run cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", crate::kernel::path_text(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is not what it should be.
    #[error("{}:{line}: {reason}", crate::kernel::path_text(path))]
    Line {
        /// The file.
        path: PathBuf,
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Another version of the program wrote it in another form.
    #[error(
        "{} has schema {found}, this program reads {SAVED_SCHEMA}: resume it with the version that wrote it",
        crate::kernel::path_text(path)
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// The process that writes it lives.
    #[error(
        "{} is still being written: the run goes on in another process; wait for it, or end that process first",
        crate::kernel::path_text(path)
    )]
    Live {
        /// The file.
        path: PathBuf,
    },
}

/// Writes moments into a results folder, one after another.
#[derive(Debug)]
pub struct SavedFile {
    path: PathBuf,
    file: File,
}

impl SavedFile {
    /// Begins the file in a folder. As long as this lives, nobody takes the run for one that has died.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn create(folder: &Path, head: &SavedHead) -> Result<Self, FolderError> {
        let path = folder.join(SAVED);
        let file = File::create(&path).map_err(doing("create", &path))?;
        // Where files cannot be locked nobody is kept from resuming what still runs; that harms neither of the two.
        drop(file.try_lock());
        let mut saved = Self { path, file };
        saved.append(head)?;
        Ok(saved)
    }

    /// Saves a moment: when this returns, it is in the file.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn save(&mut self, moment: &SavedMoment) -> Result<(), FolderError> {
        self.append(moment)
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), FolderError> {
        let mut text = serde_json::to_string(line).expect("it has only string keys");
        text.push('\n');
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(doing("write", &self.path))
    }
}

impl Saved {
    /// Reads what was saved of a run whose process is gone. A last line that was not written to its end is left out.
    ///
    /// # Errors
    /// [`SavedError`].
    pub fn read(folder: &Path) -> Result<Self, SavedError> {
        let path = folder.join(SAVED);
        let io = |source| SavedError::Io { path: path.clone(), source };
        let file = File::open(&path).map_err(io)?;
        if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock_shared() {
            return Err(SavedError::Live { path });
        }
        let bytes = io::read_to_string(file).map_err(io)?;
        let whole = bytes.rfind('\n').map_or("", |end| &bytes[..end]);
        let bad = |line: usize, reason: String| SavedError::Line { path: path.clone(), line, reason };
        let mut lines = whole.lines().zip(1..);
        let (first, _) =
            lines.next().ok_or_else(|| bad(1, "there is no line that says how it was begun".into()))?;
        let head: SavedHead = serde_json::from_str(first).map_err(|error| bad(1, error.to_string()))?;
        if head.schema != SAVED_SCHEMA {
            return Err(SavedError::Schema { path, found: head.schema });
        }
        if head.every_ns == 0 {
            return Err(bad(1, "moments are saved every so often, and never at once".to_owned()));
        }
        let mut moments: Vec<SavedMoment> = Vec::new();
        for (text, line) in lines {
            let moment: SavedMoment =
                serde_json::from_str(text).map_err(|error| bad(line, error.to_string()))?;
            let is_next = Some(moment.at_ns) == head.every_ns.checked_mul(moments.len() as u64 + 1);
            if !is_next {
                let reason = format!("this is not the moment that follows, every {}", head.every());
                return Err(bad(line, reason));
            }
            moments.push(moment);
        }
        Ok(Self { head, moments })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(number: u64) -> SavedMoment {
        SavedMoment { at_ns: number * 10, events: number, digest: format!("{number:032x}") }
    }

    fn written(folder: &Path) -> SavedHead {
        let head = SavedHead { schema: SAVED_SCHEMA, every_ns: 10, ..SavedHead::default() };
        let mut file = SavedFile::create(folder, &head).unwrap();
        assert!(matches!(Saved::read(folder), Err(SavedError::Live { .. })), "its process lives");
        (1..=3).for_each(|number| file.save(&moment(number)).unwrap());
        head
    }

    #[test]
    fn a_torn_line_costs_itself_only() {
        let folder = tempfile::tempdir().unwrap();
        let head = written(folder.path());
        let path = folder.path().join(SAVED);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        let saved = Saved::read(folder.path()).unwrap();
        assert_eq!(saved, Saved { head, moments: vec![moment(1), moment(2)] });
    }

    #[test]
    fn what_is_damaged_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path());
        let path = folder.path().join(SAVED);
        let text = std::fs::read_to_string(&path).unwrap();
        let cases = [
            (text.replacen("\"events\":2", "\"events\":true", 1), ":3: "),
            (text.replacen("\"at_ns\":20", "\"at_ns\":21", 1), ":3: this is not the moment that follows"),
            (text.replacen("\"schema\":1", "\"schema\":7", 1), "has schema 7"),
            (String::new(), ":1: there is no line"),
        ];
        for (damaged, said) in cases {
            std::fs::write(&path, damaged).unwrap();
            let error = Saved::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}

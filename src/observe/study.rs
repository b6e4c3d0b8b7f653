//! The runs of a study as they lie on disk: a row for each metric of each run, added as the runs come to their ends, so
//! that an interrupted study goes on where it was.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::FolderError;
use super::folder::{csv_text, doing};

/// A metric of a run: a row of `runs.csv`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StudyRow {
    /// The condition.
    pub condition: String,
    /// The variant.
    pub variant: String,
    /// The replication, from 0.
    pub replication: u32,
    /// Its seed.
    pub seed: u64,
    /// The metric.
    pub metric: String,
    /// Its value; empty where there was nothing to measure.
    pub value: Option<f64>,
}

/// The first line of the file.
const HEADER: &str = "condition,variant,replication,seed,metric,value";

/// The file to which runs are added.
#[derive(Debug)]
pub struct StudyRuns {
    path: PathBuf,
    file: Mutex<File>,
}

impl StudyRuns {
    /// Opens the file in a folder, and reads what is there. The rows of a run are written at once, each run behind the
    /// other; a last one that is cut off, because the program was killed over it, is dropped.
    ///
    /// # Errors
    /// The file cannot be made, read or written.
    pub fn open(folder: &Path) -> Result<(Self, Vec<StudyRow>), FolderError> {
        std::fs::create_dir_all(folder).map_err(doing("create", folder))?;
        let path = folder.join("runs.csv");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<StudyRow> = reader.deserialize().map_while(Result::ok).collect();
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(&path);
        let runs = Self { file: Mutex::new(file.map_err(doing("create", &path))?), path };
        runs.write(&format!("{HEADER}\n{}", body(&rows)))?;
        Ok((runs, rows))
    }

    /// Adds the rows of a run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&self, rows: &[StudyRow]) -> Result<(), FolderError> {
        self.write(&body(rows))
    }

    fn write(&self, text: &str) -> Result<(), FolderError> {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(doing("write", &self.path))
    }
}

/// Rows without a header.
fn body(rows: &[StudyRow]) -> String {
    let text = csv_text(rows);
    text.split_once('\n').map_or_else(String::new, |(_, rows)| rows.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_again_and_a_line_that_was_cut_off_is_not() {
        let folder = tempfile::tempdir().expect("there is room");
        let row = |replication, value| StudyRow {
            condition: "calm, mostly".to_owned(),
            variant: "one".to_owned(),
            replication,
            seed: 7,
            metric: "messages.sent".to_owned(),
            value,
        };
        let rows = vec![row(0, Some(1.5)), row(1, None)];
        let (runs, known) = StudyRuns::open(folder.path()).expect("it can be made");
        assert!(known.is_empty());
        runs.add(&rows[..1]).expect("it can be written");
        runs.add(&rows[1..]).expect("it can be written");
        drop(runs);
        let path = folder.path().join("runs.csv");
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(text.starts_with(HEADER), "{text}");
        std::fs::write(&path, format!("{text}\"calm, mostly\",one,2,7")).expect("it can be written");
        let (_, known) = StudyRuns::open(folder.path()).expect("it can be opened");
        assert_eq!(known, rows);
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), text);
    }
}

//! What is wrong with feature files, before anything is run.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// Something that is wrong at a place of a feature file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Complaint {
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// What.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Complaint {
    /// Without advice.
    pub fn new(file: &str, line: u32, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into(), help: None }
    }

    /// With advice.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

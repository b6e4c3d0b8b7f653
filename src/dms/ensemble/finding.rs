//! What is wrong, or looks wrong, with a text: messages that carry positions.
//!
//! Collected instead of thrown, because a user wants all of them at once and in the order of the file.
use serde::Serialize;

use super::tree::Position;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but probably does not mean what its author thinks.
    Warning,
}

/// One thing to tell the author of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub position: Position,
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    /// An error without advice.
    pub fn error(position: Position, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, position, message: message.into(), help: None }
    }

    /// A warning without advice.
    pub fn warning(position: Position, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, position, message: message.into(), help: None }
    }

    /// The same with advice, if there is any.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }
}

/// A growing list of findings.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds an error without advice.
    pub fn error(&mut self, position: Position, message: impl Into<String>) {
        self.push(Finding::error(position, message));
    }

    /// Adds an error with advice.
    pub fn error_with_help(
        &mut self,
        position: Position,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.push(Finding::error(position, message).with_help(help));
    }

    /// Adds a warning with advice.
    pub fn warning(
        &mut self,
        position: Position,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.push(Finding::warning(position, message).with_help(help));
    }

    /// Whether one of them is an error.
    pub fn have_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// All of them in the order of the text, each once. A template that several places use is reported once.
    pub fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| (finding.position.line, finding.position.column));
        let mut sorted: Vec<Finding> = Vec::with_capacity(self.0.len());
        for finding in self.0 {
            let here = sorted.iter().rev().take_while(|other| other.position == finding.position);
            if !here.into_iter().any(|other| *other == finding) {
                sorted.push(finding);
            }
        }
        sorted
    }
}

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

/// The steps in which DMS reads an ensemble file; it stops at the first error (dms-acceptance 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Short forms become long ones.
    Transform,
    /// The rules are checked.
    Validate,
    /// The typed configuration is made.
    Decode,
}

/// That DMS refuses a file for a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// In which step.
    pub step: Step,
    /// Whether the message has the very words of DMS; otherwise they are not known.
    pub verbatim: bool,
}

/// One thing to tell the author of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub position: Position,
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// What DMS itself does about it; `None` when it takes the file all the same. Means nothing outside of ensembles.
    pub in_dms: Option<Refusal>,
}

impl Finding {
    /// An error without advice.
    pub fn error(position: Position, message: impl Into<String>) -> Self {
        let in_dms = Some(Refusal { step: Step::Decode, verbatim: false });
        Self { severity: Severity::Error, position, message: message.into(), help: None, in_dms }
    }

    /// A warning without advice.
    pub fn warning(position: Position, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, position, message: message.into(), help: None, in_dms: None }
    }

    /// The same with advice, if there is any.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// The same, refused by DMS in these very words when it validates.
    #[must_use]
    pub fn quoted(mut self) -> Self {
        self.in_dms = Some(Refusal { step: Step::Validate, verbatim: true });
        self
    }

    /// The same, refused by DMS in some step in words that are not known.
    #[must_use]
    pub fn reworded(mut self, step: Step) -> Self {
        self.in_dms = Some(Refusal { step, verbatim: false });
        self
    }

    /// The same, of which DMS takes no notice.
    #[must_use]
    pub fn accepted_by_dms(mut self) -> Self {
        self.in_dms = None;
        self
    }
}

/// What DMS says to a file with these findings: the first refusal of the earliest step; `None` when it accepts it.
///
/// Inside a step DMS walks maps in an order that changes from run to run; here it is the order of the text.
pub fn first_refusal(sorted: &[Finding]) -> Option<(&Finding, Refusal)> {
    let refusals = sorted.iter().filter_map(|finding| Some((finding, finding.in_dms?)));
    refusals.min_by_key(|(_, refusal)| refusal.step)
}

/// A growing list of findings.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds an error in the words of DMS, without advice.
    pub fn quote(&mut self, position: Position, message: impl Into<String>) {
        self.push(Finding::error(position, message).quoted());
    }

    /// Adds an error in the words of DMS, with advice.
    pub fn quote_with_help(
        &mut self,
        position: Position,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.push(Finding::error(position, message).quoted().with_help(help));
    }

    /// Adds an error that DMS reports too when it validates, in words that are not known.
    pub fn reword(&mut self, position: Position, message: impl Into<String>) {
        self.push(Finding::error(position, message).reworded(Step::Validate));
    }

    /// Adds an error that DMS takes no notice of.
    pub fn stricter(
        &mut self,
        position: Position,
        message: impl Into<String>,
        help: impl Into<Option<String>>,
    ) {
        self.push(Finding::error(position, message).accepted_by_dms().with_help(help));
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

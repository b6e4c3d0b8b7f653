//! What came of a script, for people and for programs.

use std::sync::Arc;

use std::fmt::Write as _;

use serde::Serialize;

use super::script::Expected;
use crate::dms::capability::{Route, Token};
use crate::dms::identity::SignatureMode;

/// What came of a script.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The script's name.
    pub name: String,
    /// Real or modelled.
    pub signatures: SignatureMode,
    /// Every step in its order.
    pub steps: Vec<StepReport>,
    /// How many steps were expected to come out in some way.
    pub expectations: usize,
    /// How many of these did not.
    pub failed: usize,
}

/// What came of a step.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// Its line in the file.
    pub line: u32,
    /// The time since the start, in nanoseconds.
    pub at_ns: u64,
    /// The operation's word.
    pub operation: &'static str,
    /// Who does it to whom.
    pub who: String,
    /// The name of its result.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it was not refused.
    pub ok: bool,
    /// What came out, in DMS's words where it refuses.
    pub outcome: String,
    /// The route by which authority was found.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "route_word")]
    pub route: Option<Route>,
    /// Why, line by line: tokens, their links, and what trusted them or did not.
    pub explanation: Vec<String>,
    /// The tokens that it made, in DMS's form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Arc<Token>>,
    /// What must come out.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "expected_words")]
    pub expected: Vec<Expected>,
    /// Whether it did; none without an expectation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<bool>,
}

/// The word of a route in scripts and reports.
pub(super) const fn word(route: Route) -> &'static str {
    match route {
        Route::Own => "own",
        Route::Root => "root",
        Route::SideChain => "side_chain",
    }
}

fn route_word<S: serde::Serializer>(route: &Option<Route>, serializer: S) -> Result<S::Ok, S::Error> {
    route.map(word).serialize(serializer)
}

fn expected_words<S: serde::Serializer>(expected: &[Expected], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(expected.iter().map(Expected::words))
}

impl Expected {
    fn words(&self) -> &str {
        match self {
            Self::Ok => "ok",
            Self::Route(route) => word(*route),
            Self::Says(words) => words,
        }
    }
}

impl StepReport {
    /// Judges what came out.
    pub(super) fn judge(&mut self) {
        let holds = |expected: &Expected| match expected {
            Expected::Ok => self.ok,
            Expected::Route(route) => self.route == Some(*route),
            Expected::Says(words) => self.outcome.contains(words.as_str()),
        };
        self.held = (!self.expected.is_empty()).then(|| self.expected.iter().all(holds));
    }
}

impl Report {
    /// Every decision with its explanation, and a line that counts.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        for step in &self.steps {
            let StepReport { line, operation, who, outcome, .. } = step;
            let name = step.name.as_ref().map_or_else(String::new, |name| format!(" as {name}"));
            let _ = writeln!(out, "{line:>4}  {operation} {who}{name}: {outcome}");
            for line in &step.explanation {
                let _ = writeln!(out, "        {line}");
            }
            if step.held == Some(false) {
                let words: Vec<&str> = step.expected.iter().map(Expected::words).collect();
                let _ = writeln!(out, "      FAILED: expected {}", words.join(" and "));
            }
        }
        let steps = if self.steps.len() == 1 { "step" } else { "steps" };
        let _ = writeln!(
            out,
            "\n{}: {} {steps}, {} expected, {} failed",
            self.name,
            self.steps.len(),
            self.expectations,
            self.failed
        );
        out
    }
}

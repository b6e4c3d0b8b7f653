//! Results as JSON.

use serde::Serialize;

use crate::accept::results::{CaseResult, Counts, Report};
use crate::accept::suite::Options;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    options: &'a Options,
    counts: Counts,
    interrupted: bool,
    cases: &'a [CaseResult],
}

/// Everything, with the counts.
#[must_use]
pub fn json(report: &Report) -> String {
    let document = Document {
        schema: report.schema,
        options: &report.options,
        counts: report.counts(),
        interrupted: report.interrupted,
        cases: &report.cases,
    };
    let text = serde_json::to_string_pretty(&document);
    text.expect("the document has only texts and numbers") + "\n"
}

//! Results as Markdown, for documents and comments.

use std::fmt::Write as _;

use crate::accept::results::{Report, Verdict};

const FITS: &str = "a text takes everything";

/// A table with a row a scenario, and the failures below it.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let counts = report.counts();
    let mut text = format!(
        "# Acceptance\n{} features, {} scenarios, profile `{}`, {} seeds from {}, {} other peers: {} passed, {} \
         failed, {} wip.\n\n\
         | feature | scenario | passed | failed |\n| --- | --- | --- | --- |\n",
        counts.features,
        counts.scenarios,
        report.options.profile,
        report.options.repeat,
        report.options.seed,
        report.options.network,
        counts.passed,
        counts.failed,
        counts.wip
    );
    for runs in report.cases.chunk_by(|a, b| (&a.file, a.line) == (&b.file, b.line)) {
        let passed = runs.iter().filter(|case| case.verdict == Verdict::Passed).count();
        let failed = runs.iter().filter(|case| case.trouble().is_some()).count();
        let passed = if runs[0].verdict == Verdict::Wip { "wip".to_owned() } else { passed.to_string() };
        writeln!(text, "| {} | {} | {passed} | {failed} |", cell(&runs[0].feature), cell(&runs[0].scenario))
            .expect(FITS);
    }
    for case in report.cases.iter().filter(|case| case.trouble().is_some()) {
        let Some(trouble) = case.trouble() else { continue };
        write!(
            text,
            "\n## {}: {}\n`{}:{}`: {}\n\n{}\n\n```\n{}\n```\nAgain: `{}`\n",
            case.feature,
            case.scenario,
            case.file,
            trouble.line,
            trouble.step,
            trouble.reason,
            trouble.transcript.join("\n"),
            trouble.replay
        )
        .expect(FITS);
    }
    text
}

/// A text in a cell of a table.
pub(in crate::accept) fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

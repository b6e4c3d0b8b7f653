//! Results as text.

use std::fmt::Write as _;

use crate::accept::results::{CaseResult, Report, Verdict};

/// A line a scenario, a paragraph a failure, and the counts.
#[must_use]
pub fn human(report: &Report) -> String {
    let mut text = String::new();
    let mut feature = None;
    let mut rest: &[CaseResult] = &report.cases;
    while let Some(first) = rest.first() {
        let same =
            rest.iter().take_while(|case| (&case.file, case.line) == (&first.file, first.line)).count();
        let (runs, behind) = rest.split_at(same);
        rest = behind;
        if feature != Some(&first.feature) {
            writeln!(text, "{}{}", if feature.is_some() { "\n" } else { "" }, first.feature).expect(FITS);
            feature = Some(&first.feature);
        }
        scenario(&mut text, report, runs);
    }
    let failed: Vec<&CaseResult> = report.cases.iter().filter(|case| case.trouble().is_some()).collect();
    for case in &failed {
        failure(&mut text, report, case);
    }
    summary(&mut text, report);
    text
}

const FITS: &str = "a text takes everything";

fn scenario(text: &mut String, report: &Report, runs: &[CaseResult]) {
    let failed = runs.iter().filter(|case| case.trouble().is_some()).count();
    let known = runs.iter().filter(|case| report.is_known(case)).count();
    let mark = match () {
        () if runs.iter().all(|case| case.verdict == Verdict::Wip) => "wip   ",
        () if failed == 0 => "passed",
        () if failed == known => "known ",
        () => "FAILED",
    };
    let first = &runs[0];
    let seeds = if runs.len() > 1 {
        format!("  ({} of {} seeds)", runs.len() - failed, runs.len())
    } else {
        String::new()
    };
    let numbers = if failed > 0 && failed == known {
        format!("  as-is: {}", first.weaknesses().join(", "))
    } else {
        String::new()
    };
    writeln!(text, "  {mark}  {}{seeds}{numbers}", first.scenario).expect(FITS);
}

fn failure(text: &mut String, report: &Report, case: &CaseResult) {
    let Some(trouble) = case.trouble() else { return };
    let known = if report.is_known(case) { " (known)" } else { "" };
    write!(
        text,
        "\n{}: {}{known}\n  {}:{}: {}\n  {}\n",
        case.feature,
        case.scenario,
        case.file,
        trouble.line,
        trouble.step,
        trouble.reason.replace('\n', "\n  ")
    )
    .expect(FITS);
    for line in &trouble.transcript {
        writeln!(text, "    {line}").expect(FITS);
    }
    writeln!(text, "  again: {}", trouble.replay).expect(FITS);
}

fn summary(text: &mut String, report: &Report) {
    let counts = report.counts();
    let runs = counts.passed + counts.failed;
    write!(
        text,
        "\n{} features, {} scenarios: {runs} runs, {} passed, {} failed",
        counts.features, counts.scenarios, counts.passed, counts.failed
    )
    .expect(FITS);
    if counts.known > 0 {
        write!(text, " ({} of them known)", counts.known).expect(FITS);
    }
    writeln!(text, ", {} wip{}", counts.wip, if report.interrupted { "; interrupted" } else { "" })
        .expect(FITS);
}

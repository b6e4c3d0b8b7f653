//! Results as JUnit XML, for build servers: a suite a feature, a case a scenario and seed. Times are simulated.

use crate::accept::results::{CaseResult, Report, Verdict};
use crate::observe::junit::{self, JunitCase, JunitVerdict};

/// All of it.
#[must_use]
pub fn junit(report: &Report) -> String {
    let cases: Vec<JunitCase> = report.cases.iter().map(|case| test_case(report, case)).collect();
    junit::junit("dmsim accept", &cases)
}

fn test_case(report: &Report, case: &CaseResult) -> JunitCase {
    let verdict = match &case.verdict {
        Verdict::Passed => JunitVerdict::Passed,
        Verdict::Wip => JunitVerdict::Skipped(None),
        Verdict::Failed(trouble) if report.is_known(case) => {
            let reason = format!("as-is ({}): {}", case.weaknesses().join(", "), trouble.reason);
            JunitVerdict::Skipped(Some(reason))
        }
        Verdict::Failed(trouble) => {
            let line = format!("{}:{}: {}: {}", case.file, trouble.line, trouble.step, trouble.reason);
            let text = format!("{}\nagain: {}", trouble.transcript.join("\n"), trouble.replay);
            match trouble.is_of_the_file {
                true => JunitVerdict::Broken(line, text),
                false => JunitVerdict::Failed(line, text),
            }
        }
    };
    let name = match report.options.repeat > 1 {
        true => format!("{} [seed {}]", case.scenario, case.seed),
        false => case.scenario.to_string(),
    };
    JunitCase {
        suite: case.feature.to_string(),
        name,
        verdict,
        time_s: case.simulated_s,
        properties: vec![
            ("file", format!("{}:{}", case.file, case.line)),
            ("seed", case.seed.to_string()),
            ("digest", case.digest.clone()),
        ],
    }
}

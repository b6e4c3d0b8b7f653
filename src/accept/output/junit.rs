//! Results as JUnit XML, for build servers: a suite a feature, a case a scenario and seed. Times are simulated.

use quick_junit::{NonSuccessKind, Property, Report as Document, TestCase, TestCaseStatus, TestSuite};

use crate::accept::results::{CaseResult, Report, Verdict};

/// All of it.
#[must_use]
pub fn junit(report: &Report) -> String {
    let mut document = Document::new("dmsim accept");
    let mut suite: Option<(&str, TestSuite)> = None;
    for case in &report.cases {
        if suite.as_ref().is_none_or(|(feature, _)| *feature != &*case.feature) {
            let next = TestSuite::new(case.feature.to_string());
            if let Some((_, done)) = suite.replace((&case.feature, next)) {
                document.add_test_suite(done);
            }
        }
        if let Some((_, suite)) = &mut suite {
            suite.add_test_case(test_case(report, case));
        }
    }
    if let Some((_, suite)) = suite {
        document.add_test_suite(suite);
    }
    document.to_string().expect("texts can be written as XML") + "\n"
}

fn test_case(report: &Report, case: &CaseResult) -> TestCase {
    let status = match &case.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Wip => TestCaseStatus::skipped(),
        Verdict::Failed(trouble) if report.is_known(case) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("as-is ({}): {}", case.weaknesses().join(", "), trouble.reason));
            status
        }
        Verdict::Failed(trouble) => {
            let kind = if trouble.is_of_the_file { NonSuccessKind::Error } else { NonSuccessKind::Failure };
            let mut status = TestCaseStatus::non_success(kind);
            status
                .set_message(format!("{}:{}: {}: {}", case.file, trouble.line, trouble.step, trouble.reason));
            status.set_description(format!("{}\nagain: {}", trouble.transcript.join("\n"), trouble.replay));
            status
        }
    };
    let name = if report.options.repeat > 1 {
        format!("{} [seed {}]", case.scenario, case.seed)
    } else {
        case.scenario.to_string()
    };
    let mut test_case = TestCase::new(name, status);
    test_case.set_classname(case.feature.to_string());
    test_case.set_time(std::time::Duration::from_secs_f64(case.simulated_s));
    test_case.add_property(Property::new("file", format!("{}:{}", case.file, case.line)));
    test_case.add_property(Property::new("seed", case.seed.to_string()));
    test_case.add_property(Property::new("digest", case.digest.as_str()));
    test_case
}

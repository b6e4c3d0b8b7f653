//! Verdicts as JUnit XML, for build servers: suites of cases that passed, were skipped or failed.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

/// A case of a suite.
#[derive(Clone, PartialEq, Debug)]
pub struct JunitCase {
    /// The suite. Cases of one suite follow each other.
    pub suite: String,
    /// What was looked at.
    pub name: String,
    /// What came of it.
    pub verdict: JunitVerdict,
    /// How long it took, in seconds.
    pub time_s: f64,
    /// What else is known of it.
    pub properties: Vec<(&'static str, String)>,
}

/// What came of a case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JunitVerdict {
    /// It is as it should be.
    Passed,
    /// It was not judged, and why where that is known.
    Skipped(Option<String>),
    /// It is not as it should be: what is wrong, in a line, and in full.
    Failed(String, String),
    /// It could not be judged, likewise.
    Broken(String, String),
}

/// All of it.
///
/// # Panics
/// Never: texts can be written as XML.
#[must_use]
pub fn junit(title: &str, cases: &[JunitCase]) -> String {
    let mut document = Report::new(title);
    for cases in cases.chunk_by(|one, next| one.suite == next.suite) {
        let mut suite = TestSuite::new(cases[0].suite.clone());
        suite.add_test_cases(cases.iter().map(test_case));
        document.add_test_suite(suite);
    }
    document.to_string().expect("texts can be written as XML") + "\n"
}

fn test_case(case: &JunitCase) -> TestCase {
    let non_success = |kind, line: &str, text: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(line.to_owned());
        status.set_description(text.to_owned());
        status
    };
    let status = match &case.verdict {
        JunitVerdict::Passed => TestCaseStatus::success(),
        JunitVerdict::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            if let Some(reason) = reason {
                status.set_message(reason.clone());
            }
            status
        }
        JunitVerdict::Failed(line, text) => non_success(NonSuccessKind::Failure, line, text),
        JunitVerdict::Broken(line, text) => non_success(NonSuccessKind::Error, line, text),
    };
    let mut test_case = TestCase::new(case.name.clone(), status);
    test_case.set_classname(case.suite.clone());
    test_case.set_time(Duration::from_secs_f64(case.time_s));
    for (name, value) in &case.properties {
        test_case.add_property(Property::new(*name, value.as_str()));
    }
    test_case
}

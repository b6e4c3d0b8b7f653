//! Step phrases as Cucumber expressions: the only place that knows their parser.
//!
//! Beside Cucumber's own parameters there is `{status}`: a word, quoted or bare.

use cucumber_expressions::Expression;
use regex::Regex;
use rustc_hash::FxHashMap;

/// The parameters beside those of Cucumber.
const OWN: [(&str, &str); 1] = [("status", r#""[^"]*"|[A-Za-z_-]+"#)];

/// A phrase that steps are compared with.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    text: &'static str,
    regex: Regex,
    /// Its parameters, in order.
    kinds: Vec<&'static str>,
}

impl Phrase {
    /// Reads a phrase of the vocabulary.
    ///
    /// # Panics
    /// If it is not an expression: a mistake of this program.
    pub(super) fn new(text: &'static str) -> Self {
        let own: FxHashMap<&str, &str> = OWN.into_iter().collect();
        let regex = Expression::regex_with_parameters(text, &own);
        let regex = regex.unwrap_or_else(|error| panic!("the phrase `{text}`: {error}"));
        let mut kinds = Vec::new();
        let mut rest = text;
        while let Some((_, behind)) = rest.split_once('{') {
            let Some((kind, behind)) = behind.split_once('}') else { break };
            kinds.push(kind);
            rest = behind;
        }
        Self { text, regex, kinds }
    }

    /// As it stands in the vocabulary.
    pub(super) const fn text(&self) -> &'static str {
        self.text
    }

    /// What stands in the places of its parameters, if a step is this phrase.
    pub(super) fn matches(&self, step: &str) -> Option<Vec<String>> {
        let captures = self.regex.captures(step)?;
        let mut values: Vec<String> = Vec::with_capacity(self.kinds.len());
        // A parameter with groups of its own has names `__PARAMETER_GROUP`, one without is a group without a name.
        let mut of_parameter: Option<&str> = None;
        for (name, found) in self.regex.capture_names().zip(captures.iter()).skip(1) {
            let parameter =
                name.and_then(|name| name.strip_prefix("__")).and_then(|name| name.split_once('_'));
            match parameter {
                Some((number, _)) if of_parameter == Some(number) => {
                    if let (Some(found), Some(value)) = (found, values.last_mut()) {
                        *value = found.as_str().to_owned();
                    }
                }
                _ => {
                    of_parameter = parameter.map(|(number, _)| number);
                    values.push(found.map_or_else(String::new, |found| found.as_str().to_owned()));
                }
            }
        }
        for (value, kind) in values.iter_mut().zip(&self.kinds) {
            if *kind == "status" {
                *value = value.trim_matches('"').to_owned();
            }
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &'static str, step: &str, expected: Option<&[&str]>) {
        let found = Phrase::new(phrase).matches(step);
        assert_eq!(
            found.as_deref().map(|all| all.iter().map(String::as_str).collect()),
            expected.map(<[_]>::to_vec)
        );
    }

    #[test]
    fn parameters_are_found() {
        check(
            r#"{string} has {int} task(s) {status} on {string}"#,
            r#""A b" has 1 task Running on "C""#,
            Some(&["A b", "1", "Running", "C"]),
        );
        check(
            r#"{string} has {int} task(s) {status} on {string}"#,
            r#""A" has 2 tasks "running" on "C""#,
            Some(&["A", "2", "running", "C"]),
        );
        check("{string} deployment is {word}", "\"A\" deployment is completed", Some(&["A", "completed"]));
        check("{string} deployment is {word}", "\"A\" deployment is not completed", None);
        check("{int} task(s)/service(s)", "3 services", Some(&["3"]));
        check("{int} task(s)/service(s)", "3 service", Some(&["3"]));
        check("his <DID>", "his <DID>", Some(&[]));
        check("the following nodes", "the following nodes:", None);
    }
}

//! Feature files: Gherkin text to the scenarios that are run. The only place that knows the Gherkin parser.
//!
//! What a scenario inherits is put into it here (backgrounds of its feature and its rule, tags, the rows of its
//! examples), so that the runner sees plain lists of steps, each with its line.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gherkin::tagexpr::TagOperation;
use gherkin::{GherkinEnv, Step as ParsedStep};

use super::complaint::Complaint;

/// A feature file.
#[derive(Clone, Debug)]
pub struct Feature {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// Its folder, beside which ensembles are looked for.
    pub folder: PathBuf,
    /// The feature's title.
    pub title: Arc<str>,
    /// What its description says in lines of the form `Key: value`, keys in lower case.
    pub facts: Vec<(String, String)>,
    /// The whole text, for excerpts.
    pub text: Arc<str>,
    /// Its scenarios, in order, with a scenario for each row of examples.
    pub scenarios: Vec<Scenario>,
}

/// A scenario that can be run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its title; of an outline with examples, with the row's values behind it.
    pub title: Arc<str>,
    /// The title in the file.
    pub outline: Arc<str>,
    /// The line of its title, or of its row of examples.
    pub line: u32,
    /// Its tags and those that it inherits, without `@`.
    pub tags: Vec<String>,
    /// Its steps, those of backgrounds first.
    pub steps: Vec<Step>,
}

/// A step.
#[derive(Clone, Debug)]
pub struct Step {
    /// `Given`, `When`, `Then`, `And`, `But` or `*`, as written.
    pub keyword: String,
    /// What it says.
    pub text: String,
    /// The rows of its table, if it has one.
    pub table: Option<Vec<Vec<String>>>,
    /// Its text in quotes, if it has one.
    pub quoted: Option<Quoted>,
    /// Its line.
    pub line: u32,
}

/// A text in triple quotes below a step.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// The text, without the indentation of its quotes.
    pub text: String,
    /// The line of the file on which it begins.
    pub line: u32,
    /// How many columns its indentation took.
    pub column: u32,
}

impl Scenario {
    /// Whether it has a tag.
    #[must_use]
    pub fn is(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }

    /// Whether it is said to be unfinished.
    #[must_use]
    pub fn is_wip(&self) -> bool {
        self.is("wip")
    }
}

impl Feature {
    /// What its description says of this.
    #[must_use]
    pub fn fact(&self, key: &str) -> Option<&str> {
        self.facts.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }
}

/// Which scenarios are wanted, as a tag expression says: `@nat and not @slow`.
#[derive(Clone, Debug)]
pub struct TagFilter(TagOperation);

/// The longest expression of tags, in bytes.
const LONGEST_TAGS: usize = 1000;

impl TagFilter {
    /// Reads an expression.
    ///
    /// # Errors
    /// That it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        // It is read by recursion.
        if text.len() > LONGEST_TAGS {
            return Err(format!("a tag expression has at most {LONGEST_TAGS} bytes"));
        }
        text.parse().map(Self).map_err(|_| {
            format!("`{text}` is not a tag expression; write one like `@open`, `@nat and not @slow`")
        })
    }

    /// Whether a scenario is wanted.
    #[must_use]
    pub fn takes(&self, scenario: &Scenario) -> bool {
        fn holds(operation: &TagOperation, scenario: &Scenario) -> bool {
            match operation {
                TagOperation::And(a, b) => holds(a, scenario) && holds(b, scenario),
                TagOperation::Or(a, b) => holds(a, scenario) || holds(b, scenario),
                TagOperation::Not(one) => !holds(one, scenario),
                TagOperation::Tag(tag) => scenario.is(tag.trim_start_matches('@')),
            }
        }
        holds(&self.0, scenario)
    }
}

/// Reads a feature file.
///
/// # Errors
/// Where it is not Gherkin, or says something that cannot be run.
pub fn parse(shown: &str, folder: &Path, text: &str) -> Result<Feature, Vec<Complaint>> {
    // The parser takes a row of a table or a tag in front of nothing for the end of the file.
    let parsed = gherkin::Feature::parse(text, GherkinEnv::default()).map_err(|error| {
        let line = offending_line(text).unwrap_or_else(|| line_of(&error));
        let said = text.lines().nth(line as usize - 1).unwrap_or("").trim();
        let message = match said {
            "" => "this is not valid Gherkin: the file ends where something is missing".to_owned(),
            said => format!("this is not valid Gherkin: `{said}`"),
        };
        let help = "a line is a step (Given, When, Then, And, But), a row of a table, a tag, a comment (#), or the \
                    beginning of a Scenario, Scenario Outline, Background, Rule or Examples; free text stands only \
                    right below such a beginning";
        vec![Complaint::new(shown, line, message).with_help(help)]
    })?;
    let mut reading = Reading { shown, text, complaints: Vec::new() };
    let background = parsed.background.iter().flat_map(|one| &one.steps).collect::<Vec<_>>();
    let mut scenarios = Vec::new();
    for scenario in &parsed.scenarios {
        reading.scenario(scenario, &[&parsed.tags], &background, &mut scenarios);
    }
    for rule in &parsed.rules {
        let own = rule.background.iter().flat_map(|one| &one.steps);
        let background: Vec<_> = background.iter().copied().chain(own).collect();
        for scenario in &rule.scenarios {
            reading.scenario(scenario, &[&parsed.tags, &rule.tags], &background, &mut scenarios);
        }
    }
    let facts = parsed.description.as_deref().unwrap_or("").lines().filter_map(|line| {
        let (key, value) = line.trim().split_once(':')?;
        Some((key.trim().to_lowercase(), value.trim().to_owned()))
    });
    let feature = Feature {
        file: shown.into(),
        folder: folder.to_owned(),
        title: parsed.name.trim().into(),
        facts: facts.collect(),
        text: text.into(),
        scenarios,
    };
    if reading.complaints.is_empty() { Ok(feature) } else { Err(reading.complaints) }
}

struct Reading<'a> {
    shown: &'a str,
    text: &'a str,
    complaints: Vec<Complaint>,
}

impl Reading<'_> {
    /// Adds a scenario, or one for each row of its examples. An outline without examples is an ordinary scenario, as
    /// for DMS's own suite.
    fn scenario(
        &mut self,
        parsed: &gherkin::Scenario,
        inherited: &[&[String]],
        background: &[&ParsedStep],
        to: &mut Vec<Scenario>,
    ) {
        let title: Arc<str> = parsed.name.trim().into();
        let mut complaints = Vec::new();
        if title.is_empty() {
            complaints.push(Complaint::new(
                self.shown,
                parsed.position.line as u32,
                "a scenario needs a title",
            ));
        }
        let tags = |more: &[String]| -> Vec<String> {
            let all = inherited.iter().copied().flatten().chain(&parsed.tags).chain(more);
            all.map(|tag| tag.trim_start_matches('@').to_owned()).collect()
        };
        let steps = |values: &[(&str, &str)]| -> Vec<Step> {
            let own = parsed.steps.iter().map(|step| self.step(step, values));
            background.iter().map(|step| self.step(step, &[])).chain(own).collect()
        };
        if parsed.examples.is_empty() {
            let line = parsed.position.line as u32;
            let (outline, tags, steps) = (Arc::clone(&title), tags(&[]), steps(&[]));
            to.push(Scenario { title, outline, line, tags, steps });
            return self.complaints.append(&mut complaints);
        }
        for examples in &parsed.examples {
            let rows = examples.table.as_ref().map(|table| table.rows.as_slice()).unwrap_or_default();
            let [head, rows @ ..] = rows else {
                let line = examples.position.line as u32;
                complaints.push(Complaint::new(self.shown, line, "these examples have no rows"));
                continue;
            };
            let first = examples.table.as_ref().map_or(0, |table| table.position.line as u32);
            for (row, place) in rows.iter().zip(1..) {
                let values: Vec<(&str, &str)> =
                    head.iter().map(String::as_str).zip(row.iter().map(String::as_str)).collect();
                let said: Vec<&str> = values.iter().map(|(_, value)| *value).collect();
                to.push(Scenario {
                    title: format!("{} ({})", fill(&title, &values), said.join(", ")).into(),
                    outline: Arc::clone(&title),
                    line: first + place,
                    tags: tags(&examples.tags),
                    steps: steps(&values),
                });
            }
        }
        self.complaints.append(&mut complaints);
    }

    fn step(&self, parsed: &ParsedStep, values: &[(&str, &str)]) -> Step {
        let line = parsed.position.line as u32;
        let table = parsed.table.as_ref().map(|table| {
            let row = |row: &Vec<String>| row.iter().map(|cell| fill(cell, values)).collect();
            table.rows.iter().map(row).collect()
        });
        let quoted = parsed.docstring.as_ref().map(|text| {
            // The quotes stand on the next line that has any.
            let mut below = self.text.lines().enumerate().skip(line as usize);
            let found = below.find(|(_, own)| {
                let own = own.trim_start();
                own.starts_with("\"\"\"") || own.starts_with("```")
            });
            let (at, quotes) = found.unwrap_or((line as usize, ""));
            let column = (quotes.len() - quotes.trim_start().len()) as u32;
            Quoted { text: fill(text.trim_start_matches('\n'), values), line: at as u32 + 2, column }
        });
        Step {
            keyword: parsed.keyword.trim().to_owned(),
            text: fill(parsed.value.trim(), values),
            table,
            quoted,
            line,
        }
    }
}

/// The first line that cannot stand where it does, if that can be told line by line: the parser tells where it gave up,
/// which may be further down.
fn offending_line(text: &str) -> Option<u32> {
    const HEADS: [&str; 9] = [
        "Feature:",
        "Background:",
        "Rule:",
        "Scenario:",
        "Scenario Outline:",
        "Scenario Template:",
        "Example:",
        "Examples:",
        "Scenarios:",
    ];
    const STEPS: [&str; 6] = ["Given ", "When ", "Then ", "And ", "But ", "* "];
    // In another language the words are others.
    if text.contains("# language:") {
        return None;
    }
    let begins = |line: &str, words: &[&str]| words.iter().any(|word| line.starts_with(word));
    let (mut quotes, mut has_begun, mut may_be_free) = (None, false, false);
    for (line, number) in text.lines().map(str::trim).zip(1..) {
        let mark = ["\"\"\"", "```"].into_iter().find(|mark| line.starts_with(mark));
        if let Some(open) = quotes {
            if mark == Some(open) {
                quotes = None;
            }
            continue;
        }
        if line.is_empty() || line.starts_with('#') || line.starts_with('@') {
            continue;
        }
        if begins(line, &HEADS) {
            (has_begun, may_be_free) = (true, true);
        } else if !has_begun {
            return Some(number);
        } else if begins(line, &STEPS) || line.starts_with('|') {
            may_be_free = false;
        } else if mark.is_some() {
            quotes = mark;
        } else if !may_be_free {
            return Some(number);
        }
    }
    None
}

/// The line at which the parser gave up, which it tells in words only: `Error at LINE:COLUMN: ...`.
fn line_of(error: &gherkin::ParseError) -> u32 {
    let said = error.to_string();
    let place = said.strip_prefix("Error at ").and_then(|rest| rest.split_once(':'));
    place.and_then(|(line, _)| line.parse().ok()).unwrap_or(1).max(1)
}

/// A text with the values of a row of examples in the places of `<their names>`.
fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Feature, Vec<Complaint>> {
        parse("x.feature", Path::new("."), text)
    }

    const OUTLINE: &str = "\
@all
Feature: Launch
  Stakeholders: service providers
  Free text.

  Background:
    Given the following nodes
      | nodes | role | onboarded | org |
      | Alice | SP   | false     | acme |

  @one
  Scenario Outline: Run <what>
    When \"Alice\" deploys \"<what>\"
      \"\"\"
      a: <what>
      \"\"\"

    Examples:
      | what |
      | x    |
      | y    |

  Rule: others
    Background:
      Given more
    Scenario: plain
      Then something
";

    #[test]
    fn what_a_scenario_inherits_is_in_it() {
        let feature = read(OUTLINE).unwrap();
        let titles: Vec<&str> = feature.scenarios.iter().map(|one| &*one.title).collect();
        assert_eq!(titles, ["Run x (x)", "Run y (y)", "plain"]);
        assert_eq!(feature.scenarios[0].tags, ["all", "one"]);
        assert_eq!(feature.fact("stakeholders"), Some("service providers"));
        let steps = &feature.scenarios[1].steps;
        assert_eq!(steps[0].table.as_ref().unwrap()[1], ["Alice", "SP", "false", "acme"]);
        assert_eq!((steps[1].text.as_str(), steps[1].line), ("\"Alice\" deploys \"y\"", 13));
        let quoted = steps[1].quoted.as_ref().unwrap();
        assert_eq!((quoted.text.trim_end(), quoted.line, quoted.column), ("a: y", 15, 6));
        assert_eq!((feature.scenarios[0].line, feature.scenarios[1].line), (20, 21));
        assert_eq!(feature.scenarios[2].steps.len(), 3);
    }

    #[test]
    fn what_is_not_gherkin_has_its_line() {
        for (text, line) in [
            ("free text\n", 1),
            ("Feature: f\n\n  Scenario: s\n    Given a\n    free text\n", 5),
            ("Feature: f\n  Scenario: s\n    Given a\n      | a |\n    and then free text\n", 5),
        ] {
            let complaints = read(text).unwrap_err();
            assert_eq!(complaints[0].line, line, "{text}: {complaints:?}");
        }
    }

    #[test]
    fn an_outline_without_examples_is_one_scenario() {
        let text = "Feature: f\n  Scenario Outline: s\n    Then his <DID>\n";
        let feature = read(text).unwrap();
        assert_eq!(feature.scenarios[0].steps[0].text, "his <DID>");
    }

    #[test]
    fn tags_choose() {
        let feature = read(OUTLINE).unwrap();
        let count = |text: &str| {
            let filter = TagFilter::parse(text).unwrap();
            feature.scenarios.iter().filter(|one| filter.takes(one)).count()
        };
        assert_eq!(
            [count("@all"), count("@one"), count("not @one"), count("@all and not @one")],
            [3, 2, 1, 1]
        );
        assert!(TagFilter::parse("and").is_err());
    }
}

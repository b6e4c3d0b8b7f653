//! Files of closed-form cases: a list of maps in JSON (which is YAML), as in `data/oracles/oracles.json`.
//!
//! Which parameters and values a case of a known kind has is told by whoever reads it; of other kinds anything goes.

use std::path::Path;

use super::diagnostic::{Diagnostic, Sources};
use super::reader::{Map, Reader, listed};
use super::{Report, yaml};
use crate::dms::ensemble::finding::Findings;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::{Node, Value};

const KEYS: [&str; 9] = ["id", "area", "what", "formula", "params", "values", "use", "ref", "tol"];

/// A case: what some numbers of a simple system are.
#[derive(Clone, PartialEq, Debug)]
pub struct OracleCase {
    /// Its name, which begins with its kind: `F2-2of3`.
    pub id: String,
    /// What system it is, in a few words.
    pub what: String,
    /// Its parameters that are numbers.
    pub params: Vec<(String, f64)>,
    /// The exact values by their names, in the order of the file.
    pub values: Vec<(String, f64)>,
}

impl OracleCase {
    /// What is before the dash of its name.
    #[must_use]
    pub fn kind(&self) -> &str {
        kind_of(&self.id)
    }

    /// A parameter by its name; not a number if it has none of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> f64 {
        self.params.iter().find(|(own, _)| own == name).map_or(f64::NAN, |(_, value)| *value)
    }
}

fn kind_of(id: &str) -> &str {
    id.split('-').next().unwrap_or(id)
}

/// What a parameter may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    /// Above zero and at most a million.
    Positive,
    /// From zero to a million.
    Amount,
    /// Between zero and one, and neither.
    Share,
    /// Above one and at most a thousand.
    AboveOne,
    /// A whole number from one to this.
    Whole(u32),
    /// A list of maps with these parameters, at most so many. Those of the first are called `name.0.parameter`.
    Maps(&'static [(&'static str, Self)], usize),
}

/// What a case of a known kind must say.
#[derive(Clone, Copy, Debug)]
pub struct OracleForm<'a> {
    /// The kind.
    pub kind: &'a str,
    /// Its parameters, all of them needed.
    pub params: &'a [(&'a str, Bound)],
    /// Whether it has a value of that name.
    pub has_value: fn(&str) -> bool,
    /// The names of its values, for advice.
    pub values: &'a [&'a str],
}

/// The cases of a file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_cases(path: &Path, forms: &[OracleForm<'_>]) -> Result<Vec<OracleCase>, Report> {
    read_cases(&super::shown(path), &super::bytes_of(path)?, forms)
}

/// The cases of a text; `shown` is what messages call it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_cases(shown: &str, bytes: &[u8], forms: &[OracleForm<'_>]) -> Result<Vec<OracleCase>, Report> {
    let (cases, code, findings) = match yaml::parse(bytes) {
        Err(findings) => (Vec::new(), "yaml", findings),
        Ok(root) => {
            let (cases, findings) = read(&root, forms);
            (cases, "oracles", findings.into_sorted())
        }
    };
    let place = |finding| Diagnostic::new(code, shown, finding);
    let diagnostics: Vec<Diagnostic> = findings.into_iter().map(place).collect();
    let text = String::from_utf8_lossy(bytes).into_owned();
    let report = Report { diagnostics, sources: Sources::from([(shown.to_owned(), text)]) };
    if report.has_errors() { Err(report) } else { Ok(cases) }
}

fn read(root: &Node, forms: &[OracleForm<'_>]) -> (Vec<OracleCase>, Findings) {
    let mut reader = Reader::default();
    if !matches!(root.value, Value::Sequence(_)) {
        let help = "as in `[{\"id\": \"F1\", ...}]`".to_owned();
        reader.wrong_type(root, "the file", "a list of cases", help);
    }
    let mut cases: Vec<OracleCase> = Vec::new();
    for node in root.items() {
        let Some(case) = read_case(&mut reader, node, forms) else { continue };
        if cases.iter().any(|other| other.id == case.id) {
            reader.error(node.position, format!("there are two cases `{}`", case.id), None);
        }
        cases.push(case);
    }
    (cases, reader.findings)
}

fn read_case(reader: &mut Reader, node: &Node, forms: &[OracleForm<'_>]) -> Option<OracleCase> {
    let map = reader.map(node, "case", node.position, &KEYS)?;
    let id =
        reader.required(&map, "id", "its kind, a dash and a name: `F2-2of3`", |r, node| r.text(node, "id"));
    let what =
        reader.required(&map, "what", "say in a few words which system it is", |r, n| r.text(n, "what"));
    let form = id.as_ref().and_then(|id| forms.iter().find(|form| form.kind == kind_of(id)));
    let params = reader.required(&map, "params", "they may be `{}`", |r, node| params(r, &map, node, form));
    let values = reader.required(&map, "values", "what is exact", |r, node| values(r, &map, node, form));
    Some(OracleCase { id: id?.to_string(), what: what?.to_string(), params: params?, values: values? })
}

/// The parameters; those that are no numbers are of no use to any kind that is known.
fn params(
    reader: &mut Reader,
    case: &Map<'_>,
    node: &Node,
    form: Option<&OracleForm<'_>>,
) -> Option<Vec<(String, f64)>> {
    if !node.is_map() {
        reader.wrong_type(node, "`params`", "a map", None);
        return None;
    }
    let Some(form) = form else {
        return Some(Vec::new());
    };
    let names: Vec<&str> = form.params.iter().map(|(name, _)| *name).collect();
    let at = case.node.entry("params").map_or(case.at, |(key, _)| key.position);
    let map = reader.map(node, "params", at, &names)?;
    let mut found = Vec::new();
    for (name, bound) in form.params {
        let help = format!("a case of kind {} has {}", form.kind, listed(&names));
        if let Bound::Maps(parameters, most) = *bound {
            let read = reader.required(&map, name, &help, |r, node| maps(r, node, name, (parameters, most)));
            found.extend(read.unwrap_or_default());
            continue;
        }
        if let Some(value) = reader.required(&map, name, &help, |r, node| bounded(r, node, name, *bound)) {
            found.push(((*name).to_owned(), value));
        }
    }
    Some(found)
}

/// The parameters of a list of maps.
fn maps(
    reader: &mut Reader,
    node: &Node,
    name: &str,
    (parameters, most): (&[(&str, Bound)], usize),
) -> Option<Vec<(String, f64)>> {
    let items = node.items();
    if items.is_empty() || items.len() > most {
        reader.error(node.position, format!("`{name}` must be a list of one to {most} maps"), None);
        return None;
    }
    let names: Vec<&str> = parameters.iter().map(|(name, _)| *name).collect();
    let mut found = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let map = reader.map(item, name, item.position, &names)?;
        for (parameter, bound) in parameters {
            let help = format!("each of `{name}` has {}", listed(&names));
            let read = |r: &mut Reader, node: &Node| bounded(r, node, parameter, *bound);
            let value = reader.required(&map, parameter, &help, read)?;
            found.push((format!("{name}.{place}.{parameter}"), value));
        }
    }
    Some(found)
}

fn bounded(reader: &mut Reader, node: &Node, name: &str, bound: Bound) -> Option<f64> {
    const MOST: f64 = 1e6;
    let value = reader.number(node, name)?;
    let (fits, wanted) = match bound {
        Bound::Positive => (value > 0.0 && value <= MOST, "above 0 and at most 1,000,000".to_owned()),
        Bound::Amount => ((0.0..=MOST).contains(&value), "from 0 to 1,000,000".to_owned()),
        Bound::Share => (value > 0.0 && value < 1.0, "between 0 and 1".to_owned()),
        Bound::AboveOne => (value > 1.0 && value <= 1000.0, "above 1 and at most 1,000".to_owned()),
        Bound::Whole(most) => (
            value >= 1.0 && value <= f64::from(most) && value.fract() == 0.0,
            format!("a whole number from 1 to {most}"),
        ),
        Bound::Maps(..) => (false, "a list".to_owned()),
    };
    if !fits {
        reader.error(node.position, format!("`{name}` must be {wanted}, not {value}"), None);
        return None;
    }
    Some(value)
}

fn values(
    reader: &mut Reader,
    case: &Map<'_>,
    node: &Node,
    form: Option<&OracleForm<'_>>,
) -> Option<Vec<(String, f64)>> {
    if !node.is_map() || node.entries().is_empty() {
        let at = case.node.entry("values").map_or(case.at, |(key, _)| key.position);
        reader.error(at, "`values` must be a map with one value at least", None);
        return None;
    }
    let mut found = Vec::new();
    for (key, value) in node.entries() {
        if let Some(form) = form
            && !(form.has_value)(&key.text)
        {
            let help = suggestion(&key.text, form.values.iter().copied())
                .unwrap_or_else(|| format!("it has {}", listed(form.values)));
            reader.error(key.position, format!("kind {} has no value `{}`", form.kind, key.text), help);
            continue;
        }
        if let Some(value) = reader.number(value, &key.text) {
            found.push((key.text.to_string(), value));
        }
    }
    Some(found)
}

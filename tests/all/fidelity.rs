//! `docs/fidelity.csv` says for each constant and each section of the descriptions of DMS where the code has it and
//! which test holds it there. These tests keep the table whole and true, and `docs/fidelity.md` is made of it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// What is known about a row.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Read in the code of DMS and reproduced.
    Read,
    /// Inferred from several pieces of it.
    Inferred,
    /// Declared by DMS, without code there; done here as it is declared.
    Declared,
    /// Knowingly done in another way, or without effect here: the note says why.
    Otherwise,
    /// Of this project; DMS has nothing of the kind.
    Extension,
    /// Not reproduced, or not yet.
    Open,
}

#[derive(Clone, Deserialize, Debug)]
struct Row {
    spec: String,
    section: String,
    subject: String,
    kind: Kind,
    /// `file#item`, several behind semicolons.
    code: String,
    /// The same; the items are tests.
    tests: String,
    note: String,
}

/// The sections of the three descriptions.
const SECTIONS: [(&str, &[&str]); 3] = [
    (
        "orchestration",
        &[
            "0", "1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8",
            "2.9", "2.10", "2.11", "2.12", "2.13", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "4.1",
            "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "5.1", "5.2", "5.3", "5.4", "5.5", "6.1", "6.2", "7",
            "9",
        ],
    ),
    (
        "capabilities",
        &[
            "1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "3.1", "3.2", "3.3",
            "3.4", "3.5", "3.6", "3.7", "4", "5", "6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8",
            "6.9", "6.10", "6.11", "7", "8", "9.1", "9.2", "9.3", "9.4",
        ],
    ),
    (
        "acceptance",
        &["1", "1.1", "1.2", "2.1", "2.2", "2.3", "3", "4", "5.1", "5.2", "5.3", "5.4", "6", "7", "8", "9"],
    ),
];

/// The head of the page.
const HEAD: &str = "# Fidelity
Where each constant and each section of what is known about DMS stands in the code, and the test that holds it there.
This page is made of `fidelity.csv`, which `tests/all/fidelity.rs` holds to the code. Numbered weaknesses are listed by
`dmsim list weaknesses`, the 27 of deployments (W1 to W26 and W6b) in full; other differences are under
[deviations](deviations.md). What the code cites as dms-orchestration, dms-capabilities and dms-acceptance are
descriptions of DMS that do not come with dmsim; their sections are the first column here.

- *read*: read in the code of DMS;
- *inferred*: put together from several pieces of it;
- *declared*: declared there without code, and done here;
- *otherwise*: done in another way on purpose, or without effect here;
- *extension*: of this project;
- *open*: not reproduced, or not yet.
";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<Row> {
    let table = csv::Reader::from_path(root().join("docs/fidelity.csv"));
    table.expect("the table is there").deserialize().map(|row| row.expect("a row is whole")).collect()
}

fn references(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').filter(|reference| !reference.is_empty())
}

/// Whether the file of a reference has its item as a word of its own; `before` must stand before a definition.
fn holds(reference: &str, before: &str) -> bool {
    let Some((file, item)) = reference.split_once('#') else { return false };
    let Ok(text) = fs::read_to_string(root().join(file)) else { return false };
    let wanted = format!("{before}{item}");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&wanted)
        .any(|(at, _)| !text[..at].ends_with(is_word) && !text[at + wanted.len()..].starts_with(is_word))
}

/// What is wrong with the rows.
fn faults(rows: &[Row]) -> Vec<String> {
    let mut faults = Vec::new();
    for row in rows {
        let place = format!("{} {}, {}", row.spec, row.section, row.subject);
        let mapped = !row.code.is_empty() && !row.tests.is_empty();
        if mapped == (row.kind == Kind::Open) {
            faults.push(format!("{place}: {:?} and yet mapped: {mapped}", row.kind));
        }
        let code = references(&row.code).filter(|reference| !holds(reference, ""));
        faults.extend(code.map(|reference| format!("{place}: {reference} is not there")));
        let tests = references(&row.tests).filter(|reference| !holds(reference, "fn "));
        faults.extend(tests.map(|reference| format!("{place}: there is no test {reference}")));
    }
    for (spec, sections) in SECTIONS {
        let known: BTreeSet<&str> = sections.iter().copied().collect();
        let mapped: BTreeSet<&str> =
            rows.iter().filter(|row| row.spec == spec).map(|row| row.section.as_str()).collect();
        faults.extend(known.difference(&mapped).map(|section| format!("{spec} {section} has no row")));
        faults.extend(mapped.difference(&known).map(|section| format!("{spec} has no section {section}")));
    }
    let constants = fs::read_to_string(root().join("src/dms/constants.rs")).expect("it is there");
    for name in constants.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next()) {
        let reference = format!("src/dms/constants.rs#{name}");
        if !rows.iter().any(|row| references(&row.code).any(|code| code == reference)) {
            faults.push(format!("the constant {name} has no row"));
        }
    }
    faults
}

fn page(rows: &[Row]) -> String {
    let mut text = HEAD.to_owned();
    let links = |references_of: &str| -> String {
        let link = |reference: &str| {
            let (file, item) = reference.split_once('#').expect("checked");
            format!("[`{item}`](../{file})")
        };
        references(references_of).map(link).collect::<Vec<_>>().join(", ")
    };
    for (spec, _) in SECTIONS {
        write!(text, "\n## {spec}\n| section | what | kind | code | tests | note |\n").expect("to a string");
        text.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for row in rows.iter().filter(|row| row.spec == spec) {
            let kind = format!("{:?}", row.kind).to_lowercase();
            let (code, tests) = (links(&row.code), links(&row.tests));
            writeln!(
                text,
                "| {} | {} | {kind} | {code} | {tests} | {} |",
                row.section, row.subject, row.note
            )
            .expect("to a string");
        }
    }
    text
}

#[test]
fn every_section_and_constant_is_mapped_to_code_and_test() {
    let faults = faults(&rows());
    assert!(faults.is_empty(), "mend docs/fidelity.csv:\n{}", faults.join("\n"));
}

#[test]
fn the_page_is_made_of_the_table() {
    let (path, page) = (root().join("docs/fidelity.md"), page(&rows()));
    if crate::bless::is_on() {
        fs::write(&path, &page).expect("docs can be written");
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(written == page, "DMSIM_BLESS=1 writes docs/fidelity.md anew");
}

#[test]
fn planted_faults_are_found() {
    let row = rows().into_iter().find(|row| row.kind == Kind::Read).expect("there is one");
    let planted = [
        (Row { tests: String::new(), ..row.clone() }, "and yet mapped"),
        (Row { kind: Kind::Open, ..row.clone() }, "and yet mapped"),
        (Row { code: "src/dms/constants.rs#NOT_THERE".into(), ..row.clone() }, "is not there"),
        (Row { tests: "tests/all/fidelity.rs#planted".into(), ..row.clone() }, "there is no test"),
        (Row { section: "99".into(), ..row }, "has no section 99"),
    ];
    for (row, expected) in planted {
        let found = faults(std::slice::from_ref(&row));
        assert!(found.iter().any(|fault| fault.contains(expected)), "{expected}: {found:?}");
    }
    let all = faults(&[]);
    assert!(all.iter().any(|fault| fault == "orchestration 2.8 has no row"), "{all:?}");
    assert!(all.iter().any(|fault| fault == "the constant MIN_DEPLOYMENT_TIME has no row"), "{all:?}");
}

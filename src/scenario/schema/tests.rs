//! The schemas against every file that is shipped, and against what the readers say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;

use super::*;
use crate::dms::ensemble;
use crate::dms::ensemble::tree::{Node, Value as Tree};
use crate::scenario::files::Files;
use crate::scenario::{Diagnostic, Kind, Overrides, load, resolve, yaml};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(file(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder}");
    files
}

fn tree(path: &Path) -> Node {
    yaml::parse(&fs::read(path).unwrap()).unwrap()
}

/// A tree as a schema sees it. Numbers keep their digits; what JSON has no number for is null.
fn to_json(node: &Node) -> Value {
    match &node.value {
        Tree::Null => Value::Null,
        Tree::Bool(yes) => json!(yes),
        Tree::String(text) => json!(&**text),
        Tree::Integer(number) => json!(number),
        Tree::Float(number) => node
            .written
            .as_ref()
            .and_then(|text| text.parse::<u64>().ok())
            .map_or(json!(number), |whole| json!(whole)),
        Tree::Sequence(items) => items.iter().map(to_json).collect(),
        Tree::Mapping(entries) => entries
            .iter()
            .map(|(key, node)| (key.text.to_string(), to_json(node)))
            .collect::<Object<_, _>>()
            .into(),
    }
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::meta::validate(schema).expect("it is a schema of draft 2020-12");
    jsonschema::validator_for(schema).unwrap()
}

fn complaints(validator: &Validator, node: &Node) -> Vec<String> {
    let json = to_json(node);
    validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn shipped_files_fit() {
    let scenarios = validator(&of_scenarios());
    for path in yaml_files("scenarios").iter().chain(&yaml_files("tests/data/scenarios")) {
        assert_eq!(complaints(&scenarios, &tree(path)), Vec::<String>::new(), "{}", path.display());
    }
    let ensembles = validator(&of_ensembles());
    for path in yaml_files("scenarios/ensembles").iter().chain(&yaml_files("tests/data/ensembles")) {
        assert_eq!(complaints(&ensembles, &tree(path)), Vec::<String>::new(), "{}", path.display());
    }
}

/// Broken scenarios whose structure is right: only what refers to what, or how much it is, is wrong.
const RIGHT_STRUCTURE: &[&str] = &[
    "07-missing-ensemble-file",
    "08-ensemble-with-errors",
    "10-cyclic-depends-on",
    "20-unknown-peer",
    "21-fault-after-the-end",
    "23-unknown-metric",
    "25-unsupported-feature",
    "26-unknown-image",
    "33-duplicate-peer-name",
    "35-timeout-too-short",
    "44-ensemble-is-a-directory",
    "72-nat-of-nothing",
    "84-hand-over",
    "91-traces-of-jobs",
    "contracted",
    "cycle",
    "encrypted",
    "image",
];

#[test]
fn broken_files_are_refused() {
    let (scenarios, ensembles) = (validator(&of_scenarios()), validator(&of_ensembles()));
    let mut accepted = Vec::new();
    for path in yaml_files("scenarios/invalid").iter().chain(&yaml_files("scenarios/invalid/ensembles")) {
        let Ok(root) = yaml::parse(&fs::read(path).unwrap()) else { continue };
        let is_ensemble = matches!(Kind::of(&root), (Kind::Ensemble, _));
        let validator = if is_ensemble { &ensembles } else { &scenarios };
        if complaints(validator, &root).is_empty() {
            accepted.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    assert_eq!(accepted, RIGHT_STRUCTURE);
}

/// The shapes that may describe the child of a value.
fn descend(shapes: &[Shape], parent: &Node, step: &Step<'_>) -> Vec<Shape> {
    let mut found = Vec::new();
    for shape in shapes {
        match (shape, step) {
            (Shape::Either(more), _) => found.extend(descend(more, parent, step)),
            (Shape::List(item) | Shape::FilledList(item) | Shape::ListOf(_, item), Step::Item) => {
                found.push(**item);
            }
            (Shape::Named(item) | Shape::Hosts(item), Step::Key(_)) => found.push(**item),
            (Shape::Map(map), Step::Key(key)) => {
                found.extend(map.keys.iter().filter(|own| own.name == *key).map(|own| own.shape));
            }
            (Shape::Tagged(tag, maps), Step::Key(_)) => {
                let word = parent.get(tag).and_then(Node::scalar_text);
                let map = maps.iter().find(|(own, _)| Some(*own) == word.as_deref());
                found.extend(map.iter().flat_map(|(_, map)| descend(&[Shape::Map(map)], parent, step)));
            }
            _ => {}
        }
    }
    found
}

enum Step<'a> {
    Key(&'a str),
    Item,
}

/// The maps with known keys that may describe a value.
fn maps(shapes: &[Shape], node: &Node) -> Vec<&'static Map> {
    let mut found = Vec::new();
    for shape in shapes {
        match shape {
            Shape::Map(map) => found.push(*map),
            Shape::Either(more) => found.extend(maps(more, node)),
            Shape::Tagged(tag, all) => {
                let word = node.get(tag).and_then(Node::scalar_text);
                found
                    .extend(all.iter().filter(|(own, _)| Some(*own) == word.as_deref()).map(|(_, map)| *map));
            }
            _ => {}
        }
    }
    found
}

/// Every value of a tree with its path, as overrides name it, and the shapes that describe it.
fn walk<'n>(node: &'n Node, path: &str, shapes: &[Shape], visit: &mut impl FnMut(&'n Node, &str, &[Shape])) {
    visit(node, path, shapes);
    for (key, child) in node.entries() {
        let dot = if path.is_empty() { "" } else { "." };
        let below = descend(shapes, node, &Step::Key(&key.text));
        walk(child, &format!("{path}{dot}{}", key.text), &below, visit);
    }
    for (place, child) in node.items().iter().enumerate() {
        let below = descend(shapes, node, &Step::Item);
        walk(child, &format!("{path}[{place}]"), &below, visit);
    }
}

/// The words in backticks behind a phrase.
fn quoted(text: &str, phrase: &str) -> Option<BTreeSet<String>> {
    let behind = text.split_once(phrase)?.1.lines().next()?;
    Some(behind.split('`').skip(1).step_by(2).map(str::to_owned).collect())
}

/// What the reader of scenarios says when one value is replaced: its warnings where it can be read.
fn with(path: &str, value: &str) -> Result<String, String> {
    let overrides = Overrides { set: vec![format!("{path}={value}")], seed: None };
    let everything = file("tests/data/scenarios/everything.yaml");
    load(&everything, &overrides, &crate::observe::all().iter().map(|one| one.name).collect::<Vec<_>>())
        .map(|loaded| loaded.warnings.render(false))
        .map_err(|report| report.render(false))
}

/// The paths of ensembles that stand in a scenario itself. [`ensemble_schema_and_reader_agree`] asks their reader,
/// which has words of its own.
fn ensembles_within(root: &Node) -> Vec<String> {
    let mut found = Vec::new();
    walk(root, "", &[Shape::Map(&SCENARIO)], &mut |node, path, shapes| {
        if node.is_map() && maps(shapes, node).iter().any(|map| std::ptr::eq(*map, &raw const ENSEMBLE)) {
            found.push(path.to_owned());
        }
    });
    found
}

#[test]
fn scenario_schema_and_reader_know_the_same_keys_and_words() {
    let root = tree(&file("tests/data/scenarios/everything.yaml"));
    let within = ensembles_within(&root);
    assert_eq!(within.len(), 4, "one of a `deploy`, of `jobs`, of a `new` and of an `update`: {within:?}");
    let elsewhere = |path: &str| !within.iter().any(|own| path.starts_with(own));
    let mut met: Vec<&'static Map> = Vec::new();
    walk(&root, "", &[Shape::Map(&SCENARIO)], &mut |node, path, shapes| {
        let known = maps(shapes, node);
        if !node.is_map() || known.is_empty() || !elsewhere(path) {
            return;
        }
        met.extend(&known);
        let keys: BTreeSet<String> = known.iter().flat_map(|map| map.names()).map(str::to_owned).collect();
        let dot = if path.is_empty() { "" } else { "." };
        let said = with(&format!("{path}{dot}qqqqqqqq"), "1").unwrap_err();
        let told = quoted(&said, "may have ").or_else(|| quoted(&said, "must be exactly one of "));
        assert_eq!(told, Some(keys), "{path}: {said}");
    });
    walk(&root, "", &[Shape::Map(&SCENARIO)], &mut |_, path, shapes| {
        let ([Shape::Words(words)], true) = (shapes, elsewhere(path)) else { return };
        let words: BTreeSet<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let said = with(path, "qqqqqqqq").unwrap_err();
        assert_eq!(quoted(&said, "known are "), Some(words), "{path}: {said}");
    });
    met.extend(all_maps(&ENSEMBLE));
    let unmet: Vec<&str> = all_maps(&SCENARIO)
        .into_iter()
        .filter(|map| !met.iter().any(|own| std::ptr::eq(*own, *map)))
        .map(|map| map.what)
        .collect();
    assert_eq!(unmet, Vec::<&str>::new(), "everything.yaml has no such maps");
}

/// A map and all below it, each once.
fn all_maps(root: &'static Map) -> Vec<&'static Map> {
    fn add(shape: &Shape, all: &mut Vec<&'static Map>) {
        match shape {
            Shape::Map(map) if !all.iter().any(|own| std::ptr::eq(*own, *map)) => {
                all.push(map);
                map.keys.iter().for_each(|key| add(&key.shape, all));
            }
            Shape::Tagged(_, maps) => maps.iter().for_each(|(_, map)| add(&Shape::Map(map), all)),
            Shape::List(item) | Shape::FilledList(item) | Shape::ListOf(_, item) => add(item, all),
            Shape::Named(item) | Shape::Hosts(item) => add(item, all),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| add(shape, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    add(&Shape::Map(root), &mut all);
    all
}

/// What a value is replaced by, to see whether schema and reader agree. Structure, not amounts: the last ones are
/// wrong everywhere, whatever stands there.
const VALUES: [&str; 11] =
    ["-1", "0", "1", "''", "x", "true", "1h", "100%", "[x]", "[[[]]]", "{qqqq: {qqqq: [[]]}}"];

/// A quarter of the values at each place, by turns.
#[test]
fn scenario_schema_refuses_nothing_that_can_be_read() {
    try_values(4);
}

#[test]
#[ignore = "takes minutes; ./verify --full runs it"]
fn scenario_schema_refuses_nothing_at_all_that_can_be_read() {
    try_values(1);
}

/// One in so many of the values at each place of a scenario that has everything.
fn try_values(one_in: usize) {
    let schema = validator(&of_scenarios());
    let path = file("tests/data/scenarios/everything.yaml");
    let root = tree(&path);
    let mut all = Vec::new();
    walk(&root, "", &[], &mut |_, path, _| all.push(path.to_owned()));
    all.retain(|path| !path.is_empty() && !path.contains("my/image"));
    let (mut loose, mut tried, mut wrong) = (0, 0, Vec::new());
    for (number, path) in all.iter().enumerate() {
        for value in VALUES.iter().skip(number % one_in).step_by(one_in) {
            tried += 1;
            let mut changed = root.clone();
            let overrides = Overrides { set: vec![format!("{path}={value}")], seed: None };
            assert!(overrides.apply(&mut changed).is_empty(), "{path}");
            let complaints = complaints(&schema, &changed);
            match with(path, value) {
                // Keys of ensembles that DMS ignores are warnings to the reader and errors to an editor.
                Ok(warnings) if warnings.contains("warning: unknown key") => {}
                Ok(_) if !complaints.is_empty() => wrong.push(format!("{path}={value}: {complaints:?}")),
                Err(_) if value.contains("[[]]") && complaints.is_empty() => {
                    wrong.push(format!("{path}={value} fits"));
                }
                Ok(_) => {}
                Err(_) => loose += usize::from(complaints.is_empty()),
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    // What only the reader sees are names, ranges and the end of the run.
    assert!(loose < tried / 4, "{loose} of {tried}");
}

#[test]
fn ensemble_schema_and_reader_agree() {
    let schema = validator(&of_ensembles());
    let root = tree(&file("tests/data/ensembles/everything.yaml"));
    let mut met: BTreeSet<(&str, String)> = BTreeSet::new();
    let mut all = Vec::new();
    walk(&root, "", &[Shape::Map(&ENSEMBLE)], &mut |node, path, shapes| {
        for map in maps(shapes, node) {
            met.extend(node.entries().iter().map(|(key, _)| (map.what, key.text.to_string())));
        }
        all.push(path.to_owned());
    });
    for map in all_maps(&ENSEMBLE) {
        for key in map.names() {
            // A health check of one kind may have the keys of the other.
            let known = met.contains(&(map.what, key.to_owned()));
            assert!(known, "everything.yaml has no `{key}` in {}", map.what);
        }
    }
    all.retain(|path| !path.is_empty() && !path.starts_with("anything"));
    let mut wrong = Vec::new();
    for path in &all {
        for value in VALUES {
            let mut changed = root.clone();
            let overrides = Overrides { set: vec![format!("{path}={value}")], seed: None };
            assert!(overrides.apply(&mut changed).is_empty(), "{path}");
            let complaints = complaints(&schema, &changed);
            // Keys that DMS ignores are warnings to the reader and errors to an editor.
            match ensemble::load(&changed) {
                Ok((_, warnings)) if warnings.iter().any(|one| one.message.starts_with("unknown key")) => {}
                Ok(_) if !complaints.is_empty() => wrong.push(format!("{path}={value}: {complaints:?}")),
                Err(_) if value.contains("[[]]") && complaints.is_empty() => {
                    wrong.push(format!("{path}={value} fits"));
                }
                _ => {}
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// A tree without one of its entries, for each of them, with its path.
fn removals(node: &Node, path: &str) -> Vec<(String, Node)> {
    let mut found = Vec::new();
    for (place, (key, child)) in node.entries().iter().enumerate() {
        let own = format!("{path}.{}", key.text);
        let mut entries = node.entries().to_vec();
        entries.remove(place);
        found.push((own.clone(), Node { value: Tree::Mapping(entries), ..node.clone() }));
        for (path, changed) in removals(child, &own) {
            let mut entries = node.entries().to_vec();
            entries[place].1 = changed;
            found.push((path, Node { value: Tree::Mapping(entries), ..node.clone() }));
        }
    }
    for (place, child) in node.items().iter().enumerate() {
        for (path, changed) in removals(child, &format!("{path}[{place}]")) {
            let mut items = node.items().to_vec();
            items[place] = changed;
            found.push((path, Node { value: Tree::Sequence(items), ..node.clone() }));
        }
    }
    found
}

#[test]
fn schemas_and_readers_need_the_same_keys() {
    let mut wrong = Vec::new();
    let mut compare = |path: String, needed: bool, good: bool, complaints: Vec<String>| {
        if (needed && complaints.is_empty()) || (good && !complaints.is_empty()) {
            wrong.push(format!("{path}: needed {needed}, good {good}, {complaints:?}"));
        }
    };
    let schema = validator(&of_ensembles());
    for (path, changed) in removals(&tree(&file("tests/data/ensembles/everything.yaml")), "") {
        let errors = ensemble::load(&changed).err().unwrap_or_default();
        let said = |text: &str| errors.iter().any(|one| one.message.contains(text));
        // What a volume lacks may be inherited, and only a gpg key needs `dest`.
        let needed = said("must have") && !path.contains("volume") && !path.ends_with(".dest");
        compare(path, needed, errors.is_empty(), complaints(&schema, &changed));
    }
    let schema = validator(&of_scenarios());
    let scenario = file("tests/data/scenarios/everything.yaml");
    let metrics: Vec<&str> = crate::observe::all().iter().map(|one| one.name).collect();
    for (path, changed) in removals(&tree(&scenario), "") {
        let mut files = Files::beside(&scenario);
        let (_, findings) = resolve::resolve(&changed, &scenario, &metrics, &mut files);
        let errors = findings.into_sorted();
        // What else an operation says, which peers there are, or what they say, decides whether it needs these.
        let depends = |text: &str| {
            let others = [
                "needs `peer`",
                "needs `offer`",
                "needs `logger`",
                "needs `volume`",
                "needs `subnet`",
                "needs `range`",
                "needs `address`",
                "needs `nat` of the network",
                "needs a section `dynamic_dns`",
                "needs `fraction_wrong`",
            ];
            // So does the model of a contract.
            text.starts_with("`revoke` needs")
                || text.starts_with("the model ")
                || others.iter().any(|needs| text.ends_with(needs))
        };
        let needed = errors.iter().any(|one| one.message.contains(" needs ") && !depends(&one.message));
        let good = errors.iter().all(|one| one.severity == ensemble::Severity::Warning)
            && !files.diagnostics.iter().any(Diagnostic::is_error);
        // A group needs `count` or `names`, which a schema would say less clearly than the reader does.
        compare(path.clone(), needed && !path.ends_with(".count"), good, complaints(&schema, &changed));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_key_of_an_ensemble_is_documented() {
    let page = fs::read_to_string(file("docs/ensemble-format.md")).unwrap();
    for map in all_maps(&ENSEMBLE) {
        for key in map.keys {
            assert!(page.contains(&format!("`{}`", key.name)), "`{}` of {} is not there", key.name, map.what);
            let default = key.default.filter(|default| !default.contains(' '));
            assert!(default.is_none_or(|default| page.contains(default)), "default of `{}`", key.name);
        }
        for (former, _) in map.former {
            assert!(page.contains(&format!("`{former}`")), "the older `{former}` is not there");
        }
    }
}

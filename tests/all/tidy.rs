//! The rules of the repository that a compiler does not know: which room may name which, and what stays out.
//!
//! A rule is a function from a path and a text to violations; each is shown to find a planted one.

use std::fs;
use std::path::Path;

/// What is wrong and where, `path:line: what`.
type Violations = Vec<String>;

/// The rooms from the bottom, each with those that it may name beside itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("placement", &["kernel"]),
    ("dms", &["placement", "kernel"]),
    ("net", &["kernel"]),
    ("observe", &["kernel"]),
    // `net` for its geography only, see GEOGRAPHY.
    ("workload", &["kernel", "net"]),
    ("sim", &["dms", "placement", "net", "workload", "observe", "kernel"]),
    ("scenario", &["sim", "dms", "placement", "net", "workload", "observe", "kernel"]),
    ("experiment", &["scenario", "sim", "observe", "kernel"]),
    (
        "reproduce",
        &["experiment", "scenario", "sim", "dms", "placement", "net", "workload", "observe", "kernel"],
    ),
    ("accept", &["scenario", "sim", "dms", "net", "observe", "kernel"]),
    ("explore", &["scenario", "sim", "dms", "kernel"]),
    ("report", &["observe", "kernel"]),
    (
        "cli",
        &[
            "report",
            "accept",
            "explore",
            "experiment",
            "reproduce",
            "scenario",
            "sim",
            "dms",
            "placement",
            "net",
            "workload",
            "observe",
            "kernel",
        ],
    ),
];
/// Peers live in cities, and cities belong to `net`: the one place where stimuli know the network's room.
const GEOGRAPHY: &str = "src/workload/place.rs";

/// Crates that one part of the tree keeps to itself.
const OWNED: &[(&str, &[&str])] = &[
    ("clap", &["src/cli/"]),
    ("sigpipe", &["src/main.rs"]),
    ("clap_complete", &["src/cli/manual.rs"]),
    ("clap_mangen", &["src/cli/manual.rs"]),
    ("parquet", &["src/observe/parquet.rs"]),
    ("arrow_array", &["src/observe/parquet.rs"]),
    ("arrow_schema", &["src/observe/parquet.rs"]),
    ("indicatif", &["src/cli/"]),
    ("ctrlc", &["src/cli/"]),
    ("gherkin", &["src/accept/feature.rs"]),
    ("cucumber_expressions", &["src/accept/expression.rs"]),
    ("quick_junit", &["src/observe/junit.rs"]),
    ("saphyr_parser", &["src/scenario/yaml.rs", "src/scenario/yaml/"]),
    ("plotters", &["src/report/chart/canvas.rs"]),
    ("resvg", &["src/report/chart/raster.rs"]),
    ("rust_sugiyama", &["src/report/chart/graph.rs"]),
    ("ratatui", &["src/cli/watch/"]),
    ("prost", &["src/observe/perfetto/"]),
    (
        "csv",
        &[
            "src/observe/",
            "src/scenario/trace.rs",
            "src/workload/trace/lines.rs",
            "src/reproduce/openb/data.rs",
            "src/sim/check/listed.rs",
        ],
    ),
    ("flate2", &["src/workload/trace/lines.rs", "src/report/page/data.rs"]),
    ("syn", &["src/placement/policy/expression/"]),
    ("proc_macro2", &["src/placement/policy/expression/"]),
];

/// What would let two runs of one seed differ, and may be named in `cli` only.
const UNREPEATABLE: &[&str] = &[
    "collections::HashMap",
    "collections::HashSet",
    "hash_map::",
    "Instant::now",
    "SystemTime",
    "std::env::",
];
/// Where it is fine all the same.
const UNREPEATABLE_ALLOWED: &[(&str, &str)] = &[
    // The flag with which expected texts and results are written anew.
    ("tests/all/bless.rs", "std::env::"),
    // When files were written, which tells whether they were written again.
    ("tests/all/study.rs", "SystemTime"),
    // The folder into which a test writes its sample report; no run reads it.
    ("src/report/tests.rs", "std::env::"),
];

const LEFTOVERS: &[&str] =
    &["todo!", "unimplemented!", "dbg!", "FIXME", "TODO", "XXX", "HACK", "<<<<<<<", ">>>>>>>"];

const LONGEST_FILE: usize = 800;
const LONGEST_LINE: usize = 120;
/// Files with texts, of the protocol or of YAML, in strings that a line break would change.
const LONG_LINES_ALLOWED: &[&str] = &[
    "src/dms/capability/tests/forms.rs",
    "src/scenario/ensemble_file/tests.rs",
    "src/scenario/yaml/tests.rs",
    "src/scenario/yaml/write/tests.rs",
];

/// Beginnings of paths that exist on one machine only, and hosts from which packages come.
const MACHINE_PATHS: &[&str] = &["/home/", "/root/", "/tmp/", "/work/", "/Users/"];
const REGISTRIES: &[&str] =
    &["crates.io", "pypi.org", "pythonhosted.org", "npmjs.", "docker.io", "ghcr.io", "proxy.golang.org"];
/// Where a registry's name is part of what is said: images without one are that registry's.
const REGISTRIES_ALLOWED: &[(&str, &str)] =
    &[("src/sim/images.rs", "docker.io"), ("docs/scenario-format.md", "docker.io")];
/// Cargo names its registry in the lock file; nobody else does.
const LOCK: &str = "Cargo.lock";
/// This file names everything that it forbids.
const SELF: &str = "tests/all/tidy.rs";

/// Lines of code with their numbers from 1; lines that are comments are left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The places of `word` in `line` where it is a word of its own.
fn words<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let goes_on = word.ends_with(is_part) && after.is_some_and(is_part);
        !goes_on && !before.is_some_and(is_part)
    })
}

fn layering(path: &str, text: &str) -> Violations {
    let Some((room, _)) = path.strip_prefix("src/").and_then(|rest| rest.split_once('/')) else {
        return Vec::new();
    };
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{path}:1: `{room}` is no room: add it to the rooms of {SELF}")];
    };
    let mut found = Vec::new();
    // `super` of a room's own file is the crate; deeper down it is the room or a part of it.
    let roots: &[&str] =
        if path.ends_with(&format!("{room}/mod.rs")) { &["crate::", "super::"] } else { &["crate::"] };
    for (number, line) in code(text) {
        for root in roots {
            for at in words(line, root) {
                let rest = &line[at + root.len()..];
                let named: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if rest.starts_with(['{', '*']) {
                    found.push(format!("{path}:{number}: name one room a `use`, not `{root}{{...}}`"));
                } else if named != room
                    && ROOMS.iter().any(|(name, _)| *name == named)
                    && !(allowed.contains(&&*named)
                        && (room != "workload" || named != "net" || path == GEOGRAPHY))
                {
                    found.push(format!("{path}:{number}: `{room}` must not name `{named}`"));
                }
            }
        }
    }
    found
}

fn file_length(path: &str, text: &str) -> Violations {
    let lines = text.lines().count();
    let long = lines > LONGEST_FILE;
    long.then(|| format!("{path}:{lines}: {lines} lines: split it at {LONGEST_FILE}")).into_iter().collect()
}

fn line_length(path: &str, text: &str) -> Violations {
    if LONG_LINES_ALLOWED.contains(&path) {
        return Vec::new();
    }
    let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.chars().count()));
    lines
        .filter(|(_, columns)| *columns > LONGEST_LINE)
        .map(|(number, columns)| format!("{path}:{number}: {columns} columns"))
        .collect()
}

fn leftovers(path: &str, text: &str) -> Violations {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for marker in LEFTOVERS {
            if words(line, marker).next().is_some() {
                found.push(format!("{path}:{}: `{marker}` is left over", number + 1));
            }
        }
    }
    found
}

fn repeatable(path: &str, text: &str) -> Violations {
    if path.starts_with("src/cli/") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in code(text) {
        for word in UNREPEATABLE {
            let allowed = UNREPEATABLE_ALLOWED.contains(&(path, word));
            // Several of one module may be named at once: `use std::collections::{BTreeMap, HashMap}`.
            let grouped = word
                .strip_prefix("collections::")
                .is_some_and(|name| line.contains("collections::{") && words(line, name).next().is_some());
            if !allowed && (words(line, word).next().is_some() || grouped) {
                found.push(format!("{path}:{number}: `{word}` differs from run to run"));
            }
        }
    }
    found
}

fn owned_crates(path: &str, text: &str) -> Violations {
    let mut found = Vec::new();
    for (number, line) in code(text) {
        for (name, owners) in OWNED {
            let used = words(line, name).any(|at| {
                let named = line[at + name.len()..].starts_with("::")
                    || line.trim_end().ends_with(&format!("use {name};"));
                // `crate::csv` or `super::csv` would be a module of our own.
                named && !line[..at].ends_with("::")
            });
            if used && !owners.iter().any(|owner| path.starts_with(owner)) {
                found.push(format!("{path}:{number}: `{name}` belongs to {}", owners.join(" and ")));
            }
        }
    }
    found
}

/// A shipped scenario begins with a comment of a sentence or more.
fn scenario_says_what_it_shows(path: &str, text: &str) -> Violations {
    let words: usize = text
        .lines()
        .map_while(|line| line.strip_prefix('#'))
        .map(|line| line.split_whitespace().count())
        .sum();
    (words < 8)
        .then(|| format!("{path}:1: begin with a comment that says what it shows"))
        .into_iter()
        .collect()
}

fn no_places(path: &str, text: &str) -> Violations {
    if path == LOCK {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for word in MACHINE_PATHS {
            // In `src/work/` or `https://host/home/` it is a part of another path.
            let begins = |at: usize| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || "._-/}$".contains(c))
            };
            if line.match_indices(word).any(|(at, _)| begins(at)) {
                found.push(format!("{path}:{}: `{word}` is a path of one machine", number + 1));
            }
        }
        let is_forbidden =
            |host: &&&str| line.contains(**host) && !REGISTRIES_ALLOWED.contains(&(path, **host));
        for host in REGISTRIES.iter().filter(is_forbidden) {
            found.push(format!("{path}:{}: `{host}` is the host of a registry", number + 1));
        }
    }
    found
}

/// The committed `run.json` of a shipped scenario: it is there and carries a digest.
fn golden(path: &str, text: &str) -> Violations {
    let digest = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|run| run.get("digest")?.as_str().map(str::to_owned))
        .filter(|digest| digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let missing = digest.is_none();
    missing
        .then(|| format!("{path}:1: no golden digest: write it with `./verify --bless`"))
        .into_iter()
        .collect()
}

/// Every file of a folder as (path with `/` from the root, bytes), sorted.
fn walk(folder: &str) -> Vec<(String, Vec<u8>)> {
    fn visit(root: &Path, folder: &str, found: &mut Vec<(String, Vec<u8>)>) {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
        for entry in entries {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            let ignored = [".git", "target", "__pycache__", ".venv"].contains(&&*name)
                || folder == "results" && name != "golden";
            if ignored {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                visit(root, &path, found);
            } else {
                found.push((path, fs::read(entry.path()).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    visit(Path::new(env!("CARGO_MANIFEST_DIR")), folder, &mut found);
    found.sort();
    found
}

/// The same for texts.
fn texts(folder: &str) -> Vec<(String, String)> {
    walk(folder)
        .into_iter()
        .filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?)))
        .collect()
}

/// Rust files of the folders, without this one.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let all = folders.iter().flat_map(|folder| texts(folder));
    let found: Vec<_> = all.filter(|(path, _)| path.ends_with(".rs") && path != SELF).collect();
    assert!(found.len() >= folders.len(), "no sources in {folders:?}");
    found
}

fn assert_none(files: &[(String, String)], rule: fn(&str, &str) -> Violations) {
    let found: Vec<_> = files.iter().flat_map(|(path, text)| rule(path, text)).collect();
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
fn rooms_name_only_those_below() {
    assert_none(&sources(&["src"]), layering);
}

#[test]
fn files_are_short() {
    assert_none(&sources(&["src", "tests", "examples", "benches"]), file_length);
}

#[test]
fn lines_are_short() {
    assert_none(&sources(&["src", "tests", "examples", "benches"]), line_length);
}

#[test]
fn nothing_is_left_over() {
    assert_none(&sources(&["src", "tests", "examples", "benches"]), leftovers);
}

#[test]
fn nothing_differs_between_runs() {
    assert_none(&sources(&["src", "tests"]), repeatable);
}

#[test]
fn crates_stay_in_their_rooms() {
    assert_none(&sources(&["src"]), owned_crates);
}

#[test]
fn scenarios_say_what_they_show_and_have_golden_results() {
    let all = texts("scenarios");
    let shipped: Vec<_> = all
        .into_iter()
        .filter(|(path, _)| path.ends_with(".yaml") && path.matches('/').count() == 1)
        .collect();
    assert!(shipped.len() >= 3, "{} scenarios", shipped.len());
    assert_none(&shipped, scenario_says_what_it_shows);
    let goldens: Vec<_> = shipped
        .iter()
        .map(|(path, _)| {
            let name = path.trim_start_matches("scenarios/").trim_end_matches(".yaml");
            let golden = format!("results/golden/{name}/run.json");
            let text =
                fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&golden)).unwrap_or_default();
            (golden, text)
        })
        .collect();
    assert_none(&goldens, golden);
}

#[test]
fn no_text_names_a_machine_or_a_registry() {
    let files: Vec<_> = texts("").into_iter().filter(|(path, _)| path != SELF).collect();
    assert!(files.len() > 200, "{} files", files.len());
    assert_none(&files, no_places);
}

mod planted {
    use super::*;

    /// How many violations a rule finds.
    #[track_caller]
    fn finds(rule: fn(&str, &str) -> Violations, count: usize, path: &str, text: &str) {
        let found = rule(path, text);
        assert_eq!(found.len(), count, "{path}: {text:?}: {found:?}");
        assert!(found.iter().all(|one| one.starts_with(&format!("{path}:"))));
    }

    #[test]
    fn wrong_layers() {
        finds(layering, 1, "src/dms/peer.rs", "use crate::net::Network;");
        finds(layering, 1, "src/net/network.rs", "fn f() { crate::dms::Peer::new() }");
        finds(layering, 1, "src/kernel/queue/mod.rs", "pub(in crate::sim) fn f() {}");
        finds(layering, 1, "src/report/page.rs", "use crate::sim::Outcome;");
        finds(layering, 1, "src/sim/world.rs", "use crate::scenario::Loaded;");
        finds(layering, 1, "src/workload/churn.rs", "use crate::net::Cities;");
        finds(layering, 1, "src/net/mod.rs", "use super::dms::Peer;");
        finds(layering, 1, "src/net/mod.rs", "use crate::{dms, kernel};");
        finds(layering, 1, "src/utils/mod.rs", "");
        finds(layering, 0, "src/workload/place.rs", "use crate::net::Cities;\nuse crate::kernel::Rng;");
        finds(
            layering,
            0,
            "src/scenario/resolve.rs",
            "use super::{network, workload};\nuse crate::sim::Setup;",
        );
        finds(layering, 0, "src/dms/peer.rs", "// Not crate::net::Network.\nuse crate::dms::Desk;");
        finds(layering, 0, "src/lib.rs", "use crate::dms::Peer;");
    }

    #[test]
    fn lengths() {
        finds(file_length, 1, "src/a.rs", &"\n".repeat(LONGEST_FILE + 1));
        finds(file_length, 0, "src/a.rs", &"\n".repeat(LONGEST_FILE));
        finds(line_length, 1, "src/a.rs", &format!("a\n{}\nb", "ä".repeat(LONGEST_LINE + 1)));
        finds(line_length, 0, "src/a.rs", &"ä".repeat(LONGEST_LINE));
    }

    #[test]
    fn leftover_markers() {
        finds(leftovers, 1, "src/a.rs", "fn f() { todo!() }");
        finds(leftovers, 1, "src/a.rs", "unimplemented!(\"later\")");
        finds(leftovers, 1, "src/a.rs", "let a = dbg!(b);");
        finds(leftovers, 2, "src/a.rs", "// FIXME: soon\n// TODO soon");
        finds(leftovers, 1, "src/a.rs", "<<<<<<< ours");
        finds(leftovers, 0, "src/a.rs", "a << b; // To do: nothing. mastodon!");
    }

    #[test]
    fn unrepeatable_things() {
        finds(repeatable, 1, "src/sim/a.rs", "use std::collections::HashMap;");
        finds(repeatable, 1, "src/sim/a.rs", "use std::collections::{BTreeMap, HashSet};");
        finds(repeatable, 1, "src/sim/a.rs", "let now = Instant::now();");
        finds(repeatable, 1, "src/sim/a.rs", "use std::time::SystemTime;");
        finds(repeatable, 1, "src/sim/a.rs", "std::env::var(\"SEED\")");
        finds(repeatable, 1, "tests/all/determinism.rs", "std::env::var(\"SEED\")");
        finds(repeatable, 0, "tests/all/bless.rs", "std::env::var(\"DMSIM_BLESS\")");
        finds(repeatable, 0, "src/cli/measure.rs", "Instant::now()");
        finds(repeatable, 0, "src/sim/a.rs", "use rustc_hash::FxHashMap;\nuse std::collections::BTreeMap;");
    }

    #[test]
    fn crates_elsewhere() {
        finds(owned_crates, 1, "src/sim/world.rs", "use clap::Parser;");
        finds(owned_crates, 1, "src/scenario/reader.rs", "use saphyr_parser::Event;");
        finds(owned_crates, 1, "src/report/page.rs", "fn f() { resvg::render() }");
        finds(owned_crates, 1, "src/report/page.rs", "use csv;");
        finds(owned_crates, 0, "src/report/page.rs", "let csv = super::csv::read();");
        finds(owned_crates, 0, "src/observe/read.rs", "let reader = csv::Reader::from_path(path);");
    }

    #[test]
    fn silent_scenarios() {
        finds(
            scenario_says_what_it_shows,
            1,
            "scenarios/a.yaml",
            "version: 1\n# Too late: this shows what happens in it.",
        );
        finds(scenario_says_what_it_shows, 1, "scenarios/a.yaml", "# A scenario\nversion: 1");
        let good = "# Calm: nothing breaks. Fifty equal machines,\n# one delay for all.\nversion: 1";
        finds(scenario_says_what_it_shows, 0, "scenarios/a.yaml", good);
    }

    #[test]
    fn machines_and_registries() {
        finds(no_places, 1, "docs/a.md", "see /home/ada/notes");
        finds(no_places, 1, "docs/a.md", "in `/tmp/x`");
        finds(no_places, 1, "docs/a.md", "(/root/.cargo)");
        finds(no_places, 1, "docs/a.md", "/work/dmsim");
        finds(no_places, 1, "docs/a.md", "https://crates.io/crates/dmsim");
        finds(no_places, 0, "docs/a.md", "src/work/a.rs, https://example.org/home/a and target/tmp/b");
        finds(no_places, 0, "Cargo.lock", "registry+https://github.com/rust-lang/crates.io-index");
    }

    #[test]
    fn absent_goldens() {
        finds(golden, 1, "results/golden/a/run.json", "");
        finds(golden, 1, "results/golden/a/run.json", r#"{"digest": "12"}"#);
        finds(golden, 0, "results/golden/a/run.json", r#"{"digest": "0123456789abcdef0123456789abcdef"}"#);
    }
}

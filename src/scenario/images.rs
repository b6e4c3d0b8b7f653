//! The `images` of a scenario: what is pulled and how it behaves.

use std::sync::Arc;

use super::catalogue;
use super::executors;
use super::reader::{Map, Reader};
use super::storage;
use crate::dms::ensemble::tree::{Node, Position, Value};
use crate::kernel::Distribution;
use crate::sim::images::Reference;
use crate::sim::setup::{Image, ImageBehaviour, Prints, Stalls};

/// Far more than any scenario has; what a run numbers them with holds them.
const MOST_IMAGES: usize = 10_000;
const REFERENCE_HELP: &str =
    "write it as in an ensemble: `nginx`, `nginx:1.27` or `my-registry.org/team/app`, or the path of a file";
const KEYS: &[&str] =
    &["size", "start", "task", "service", "kernel", "survives", "stop", "uses", "pull_fails"];
/// What only what runs has.
const OF_PROGRAMS: &[&str] = &["survives", "stop", "uses"];
/// What tasks and services print.
const PRINTS: &[&str] = &["output", "stderr", "output_size", "output_every"];
/// More attempts than any run makes: such a container is never terminated.
const MOST_SURVIVED: i64 = 1_000_000;

/// The built-in catalogue with the scenario's own images on top: one of the same name is replaced.
pub(super) fn read(reader: &mut Reader, top: &Map<'_>) -> Vec<Image> {
    let mut images = catalogue::images();
    let Some(node) = top.node.present("images") else { return images };
    let mut own: Vec<(Arc<str>, Position, &Node)> = Vec::new();
    match &node.value {
        Value::Mapping(entries) => {
            own.extend(entries.iter().map(|(key, node)| (key.text.clone(), key.position, node)));
        }
        Value::Sequence(items) => own.extend(items.iter().filter_map(|item| named(reader, item))),
        _ => {
            let help = "write `my-image: {size: 57 MB, start: 1s, service: {}}`".to_owned();
            reader.wrong_type(node, "`images`", "a map of images by name", help);
        }
    }
    let built_in = images.len();
    if own.len() > MOST_IMAGES {
        reader.error(
            node.position,
            format!("there are {} images; at most {MOST_IMAGES} can be described", own.len()),
            None,
        );
        return images;
    }
    for (name, at, node) in own {
        let Some(image) = image(reader, &name, at, node) else { continue };
        let reference = Reference::parse(&name);
        if reference.is_none() && !name.starts_with('/') {
            reader.error(at, format!("`{name}` is not an image reference"), REFERENCE_HELP.to_owned());
            continue;
        }
        let same = |other: &Image| match (&reference, Reference::parse(&other.name)) {
            (Some(reference), Some(other)) => other.is_same_entry(reference),
            _ => *other.name == *name,
        };
        match images.iter().position(same) {
            Some(place) if place >= built_in => {
                reader.error(at, format!("the image `{name}` is described twice"), None);
            }
            Some(place) => images[place] = image,
            None => images.push(image),
        }
    }
    images
}

/// An item of the list form: `- my-image: {...}`.
fn named<'n>(reader: &mut Reader, item: &'n Node) -> Option<(Arc<str>, Position, &'n Node)> {
    if let [(key, node)] = item.entries() {
        return Some((key.text.clone(), key.position, node));
    }
    let help = "write `- my-image: {size: 57 MB, start: 1s, service: {}}`".to_owned();
    reader.error(item.position, "an image must be a map with one key, its name", help);
    None
}

fn image(reader: &mut Reader, name: &str, at: Position, node: &Node) -> Option<Image> {
    let map = reader.map(node, name, at, &[KEYS, storage::DATA].concat())?;
    let size =
        reader.required(&map, "size", "the bytes to pull, as in `size: 57 MB`", |r, n| r.bytes(n, "size"));
    let start = match node.entry("start") {
        Some(_) => reader.optional(&map, "start", |r, n| r.distribution(n, "start")),
        None => Some(Distribution::Constant { value_s: 1.0 }),
    };
    let behaviour = behaviour(reader, name, at, node);
    let survives = match node.entry("survives") {
        Some(_) => reader.optional(&map, "survives", |r, n| r.whole(n, "survives", 0, MOST_SURVIVED)),
        None => Some(0),
    };
    let stop = executors::stop_of_image(reader, &map);
    let uses = reader.optional(&map, "uses", executors::uses_of_image).unwrap_or_default();
    let pull_fails = reader.optional(&map, "pull_fails", |r, n| r.fraction(n, "pull_fails")).unwrap_or(0.0);
    let data = storage::of_image(reader, &map);
    Some(Image {
        name: name.to_owned(),
        size_bytes: size?,
        start: start?,
        behaviour: behaviour?,
        survives: survives? as u32,
        stop,
        uses,
        pull_fails,
        data: data?,
    })
}

/// What it does: the one of `task`, `service` and `kernel` that is there.
fn behaviour(reader: &mut Reader, name: &str, at: Position, node: &Node) -> Option<ImageBehaviour> {
    let kinds = ["task", "service", "kernel"].into_iter().filter_map(|kind| node.entry(kind));
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_by_key(|(key, _)| key.position);
    match kinds[..] {
        [(key, content)] => match &*key.text {
            "task" => task(reader, content, key.position, node),
            "service" => service(reader, content, key.position),
            _ => kernel(reader, content, key.position, node),
        },
        [] => {
            let help = "write `task: {run: 5m}` for what ends by itself, `service: {}` for what does not, \
                        `kernel: {}` for what virtual machines boot from";
            reader.error(at, format!("`{name}` needs `task`, `service` or `kernel`"), help.to_owned());
            None
        }
        [_, (key, _), ..] => {
            let message = format!("`{name}` is a task, a service or a kernel, not several of these");
            reader.error(key.position, message, None);
            None
        }
    }
}

/// What only boots has nothing of what runs.
fn kernel(reader: &mut Reader, content: &Node, at: Position, image: &Node) -> Option<ImageBehaviour> {
    if !content.is_null() {
        reader.map(content, "kernel", at, &[])?;
    }
    for key in OF_PROGRAMS.iter().chain(storage::DATA) {
        if let Some((key, _)) = image.entry(key) {
            let help = "say it of the root file system: remove it here".to_owned();
            reader.error(key.position, format!("a kernel has no `{}`", key.text), help);
        }
    }
    Some(ImageBehaviour::Kernel)
}

fn task(reader: &mut Reader, node: &Node, at: Position, image: &Node) -> Option<ImageBehaviour> {
    let map = reader.map(node, "task", at, &[&["run", "exit_code", "stalls"], PRINTS].concat())?;
    let help = "how long it runs, as in `run: 5m` or `run: {lognormal: {median: 5m, sigma: 0.5}}`";
    let run = reader.required(&map, "run", help, |r, n| r.distribution(n, "run"));
    let exit_code = reader.optional(&map, "exit_code", |r, n| r.whole(n, "exit_code", 0, 255)).unwrap_or(0);
    let stalls = match map.node.entry("stalls") {
        Some((key, _)) => Some(reader.optional(&map, "stalls", |r, n| stalls(r, n, key.position, image))?),
        None => None,
    };
    let prints = prints(reader, &map);
    Some(ImageBehaviour::Task { run: run?, exit_code: exit_code as i32, stalls, prints: prints? })
}

/// When a task is held up. What it saves says how far it has come, which is not known of one that is held up.
fn stalls(reader: &mut Reader, node: &Node, at: Position, image: &Node) -> Option<Stalls> {
    const SHORTEST_S: f64 = 1e-3;
    for key in ["writes", "checkpoint"] {
        if image.entry(key).is_some() {
            let help = format!("remove one of `stalls` and `{key}`");
            reader.error(at, format!("a task with `stalls` has no `{key}`"), help);
        }
    }
    let map = reader.map(node, "stalls", at, &["after", "for"])?;
    let help = "how long it is at work until it is held up, as in `after: {exponential: {mean: 10m}}`";
    let after = reader.required(&map, "after", help, |r, n| {
        let after = r.distribution(n, "after")?;
        if after.mean_s() < SHORTEST_S {
            r.error(n.position, "`after` must be a millisecond at least, in the mean", None);
            return None;
        }
        Some(after)
    });
    let help = "how long it is held up, as in `for: 30s`";
    let lasts = reader.required(&map, "for", help, |r, n| r.distribution(n, "for"));
    Some(Stalls { after: after?, lasts: lasts? })
}

fn service(reader: &mut Reader, node: &Node, at: Position) -> Option<ImageBehaviour> {
    if node.is_null() {
        let (health, prints) = (Arc::default(), Prints::default());
        return Some(ImageBehaviour::Service { fails_after: None, health, answers_after: None, prints });
    }
    let keys = ["fails_after", "health", "answers_after"];
    let map = reader.map(node, "service", at, &[&keys, PRINTS].concat())?;
    let fails_after = reader.optional(&map, "fails_after", |r, n| r.distribution(n, "fails_after"));
    let health = printed(reader, &map, "health").unwrap_or_default();
    let answers_after = reader.optional(&map, "answers_after", |r, n| r.distribution(n, "answers_after"));
    let prints = prints(reader, &map);
    Some(ImageBehaviour::Service { fails_after, health, answers_after, prints: prints? })
}

/// What it prints: none where something of it is wrong.
fn prints(reader: &mut Reader, map: &Map<'_>) -> Option<Prints> {
    let before = reader.errors;
    let output = printed(reader, map, "output").unwrap_or_default();
    let stderr = printed(reader, map, "stderr").unwrap_or_default();
    let most = Prints::MOST_BYTES;
    let output_bytes = reader.optional(map, "output_size", |r, node| {
        let bytes = r.bytes(node, "output_size")?;
        if bytes > most {
            let help = format!("at most {} MiB are printed", most >> 20);
            r.error(node.position, "`output_size` is too large", help);
            return None;
        }
        Some(bytes)
    });
    let every = reader.optional(map, "output_every", |r, node| r.positive_span(node, "output_every"));
    (reader.errors == before).then_some(Prints { output, stderr, output_bytes, every })
}

/// A text that may be empty. An empty `health` fulfils every health check.
fn printed(reader: &mut Reader, map: &Map<'_>, key: &str) -> Option<Arc<str>> {
    reader.optional(map, key, |r, node| match node.as_text() {
        Some(text) => Some(text.clone()),
        None => r.text(node, key),
    })
}

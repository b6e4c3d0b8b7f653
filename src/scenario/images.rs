//! The `images` of a scenario: what is pulled and how it behaves.

use std::sync::Arc;

use super::catalogue;
use super::reader::{Map, Reader};
use super::storage;
use crate::dms::ensemble::tree::{Node, Position, Value};
use crate::kernel::Distribution;
use crate::sim::images::Reference;
use crate::sim::setup::{Image, ImageBehaviour, Prints};

/// Far more than any scenario has; what a run numbers them with holds them.
const MOST_IMAGES: usize = 10_000;
const REFERENCE_HELP: &str =
    "write it as in an ensemble: `nginx`, `nginx:1.27` or `my-registry.org/team/app`";
const KEYS: &[&str] = &["size", "start", "task", "service", "survives"];
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
        let Some(reference) = Reference::parse(&name) else {
            reader.error(at, format!("`{name}` is not an image reference"), REFERENCE_HELP.to_owned());
            continue;
        };
        let same = |other: &Image| {
            Reference::parse(&other.name).is_some_and(|other| other.is_same_entry(&reference))
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
    let behaviour = match (node.entry("task"), node.entry("service")) {
        (Some((key, content)), None) => task(reader, content, key.position),
        (None, Some((key, content))) => service(reader, content, key.position),
        (Some(_), Some((key, _))) => {
            reader.error(key.position, format!("`{name}` is a task or a service, not both"), None);
            None
        }
        (None, None) => {
            let help = "write `task: {run: 5m}` for what ends by itself, `service: {}` for what does not";
            reader.error(at, format!("`{name}` needs `task` or `service`"), help.to_owned());
            None
        }
    };
    let survives = match node.entry("survives") {
        Some(_) => reader.optional(&map, "survives", |r, n| r.whole(n, "survives", 0, MOST_SURVIVED)),
        None => Some(0),
    };
    let data = storage::of_image(reader, &map);
    Some(Image {
        name: name.to_owned(),
        size_bytes: size?,
        start: start?,
        behaviour: behaviour?,
        survives: survives? as u32,
        data: data?,
    })
}

fn task(reader: &mut Reader, node: &Node, at: Position) -> Option<ImageBehaviour> {
    let map = reader.map(node, "task", at, &[&["run", "exit_code"], PRINTS].concat())?;
    let help = "how long it runs, as in `run: 5m` or `run: {lognormal: {median: 5m, sigma: 0.5}}`";
    let run = reader.required(&map, "run", help, |r, n| r.distribution(n, "run"));
    let exit_code = reader.optional(&map, "exit_code", |r, n| r.whole(n, "exit_code", 0, 255)).unwrap_or(0);
    let prints = prints(reader, &map);
    Some(ImageBehaviour::Task { run: run?, exit_code: exit_code as i32, prints: prints? })
}

fn service(reader: &mut Reader, node: &Node, at: Position) -> Option<ImageBehaviour> {
    if node.is_null() {
        let (health, prints) = (Arc::default(), Prints::default());
        return Some(ImageBehaviour::Service { fails_after: None, health, prints });
    }
    let map = reader.map(node, "service", at, &[&["fails_after", "health"], PRINTS].concat())?;
    let fails_after = reader.optional(&map, "fails_after", |r, n| r.distribution(n, "fails_after"));
    let health = printed(reader, &map, "health").unwrap_or_default();
    let prints = prints(reader, &map);
    Some(ImageBehaviour::Service { fails_after, health, prints: prints? })
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

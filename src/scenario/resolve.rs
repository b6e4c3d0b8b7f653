//! The tree of a scenario to a `Setup`: names are resolved, defaults filled in, everything is checked.

use std::path::Path;
use std::sync::Arc;

use super::check::Kind;
use super::deployed::Deployed;
use super::files::Files;
use super::organizations::Organizations;
use super::reader::{Map, Reader};
use super::workload::Request;
use super::{
    attacks, contracts, dynamic_dns, epoch, expectation, faults, images, network, observability, operations,
    peers, storage, strategy, traffic, workload,
};
use crate::dms::ensemble::finding::Findings;
use crate::dms::ensemble::tree::{Node, Value};
use crate::dms::identity::SignatureMode;
use crate::dms::profile::Profile;
use crate::kernel::Span;
use crate::sim::setup::{Processing, Setup};

const KEYS: &[&str] = &[
    "version",
    "name",
    "seed",
    "duration",
    "epoch",
    "profile",
    "signatures",
    "processing",
    "network",
    "organizations",
    "peers",
    "images",
    "contracts",
    "workload",
    "operations",
    "traffic",
    "dynamic_dns",
    "faults",
    "observability",
    "strategy",
    "expect",
];
/// The seed of a scenario that names none.
const DEFAULT_SEED: u64 = 42;
/// The longest run: ten years.
const LONGEST: Span = Span::hours(87_660);

/// A scenario in typed form, with the names of its ensembles' copies, one for each deployment.
pub(super) struct Resolved {
    /// The run. Without inputs, which the files know.
    pub setup: Setup,
    /// For each deployment, those of the workload before those of operations, the copy of its ensemble.
    pub copies: Vec<String>,
}

/// Reads a tree. The result is good only where the findings and those of `files` have no errors.
pub(super) fn resolve(
    root: &Node,
    path: &Path,
    metrics: &[&str],
    files: &mut Files,
) -> (Option<Resolved>, Findings) {
    let mut reader = Reader::default();
    let resolved = read(&mut reader, root, path, metrics, files);
    (resolved, reader.findings)
}

fn read(
    reader: &mut Reader,
    root: &Node,
    path: &Path,
    metrics: &[&str],
    files: &mut Files,
) -> Option<Resolved> {
    if !is_scenario(reader, root) || !version(reader, root, "scenario") {
        return None;
    }
    let top = reader.map(root, "scenario", root.position, KEYS)?;
    let stem = peers::name_of_file(path).unwrap_or_else(|| "scenario".to_owned());
    let name = reader.optional(&top, "name", |r, node| peers::identifier(r, node, "name"));
    let seed = reader.optional(&top, "seed", seed).unwrap_or(DEFAULT_SEED);
    let duration =
        reader.required(&top, "duration", "how long the run lasts, as in `duration: 6h`", duration);
    let epoch =
        reader.optional(&top, "epoch", |r, node| epoch::read(r, node, "epoch")).unwrap_or(epoch::DEFAULT);
    let profile = super::profile::read(reader, &top).unwrap_or(Profile::INTENDED);
    let signatures = signatures(reader, &top);
    let processing = reader.optional(&top, "processing", processing).unwrap_or(Processing::DEFAULT);
    let (network, hellos) = network::read(reader, &top);
    let mut organizations = Organizations::read(reader, &top);
    let mut peers = peers::read(reader, &top, &mut organizations, files);
    attacks::read(reader, duration, &mut peers);
    let contracts = contracts::read(reader, &top, duration, &peers);
    if !contracts.is_empty() {
        organizations.allow_contracts();
    }
    let before = reader.errors;
    let images = images::read(reader, &top);
    storage::check_buckets(reader, &top, &peers);
    let images_failed = reader.errors > before;
    let context = workload::Context::new((seed, duration), &peers, &images, images_failed, &contracts);
    let requests = workload::read(reader, &top, &context, files);
    let (operations, copies_of_operations) =
        operations::read(reader, &top, &context, &requests, &mut organizations, files);
    let deployed = Deployed::new(&top, &requests, &operations);
    let traffic = traffic::read(reader, &top, &traffic::Context::new(&top, duration, &deployed));
    let dynamic_dns = dynamic_dns::read(reader, &top, duration, &peers);
    let faults = faults::read(reader, &top, &faults::Context { duration, peers: &peers }, &deployed);
    let observability = observability::read(reader, &top, duration, &peers);
    let expected_jobs = Arc::new(super::placement::expected_jobs(&requests, seed));
    let strategy = strategy::read(reader, &top, &peers, &expected_jobs);
    let expect = expectation::read(reader, &top, metrics);
    let (workload, mut copies): (Vec<_>, Vec<_>) =
        requests.into_iter().map(|Request { deploy, copy }| (deploy, copy)).unzip();
    copies.extend(copies_of_operations);
    let setup = Setup {
        name: name.map_or(stem, |name| name.to_string()),
        seed,
        duration: duration?,
        epoch,
        profile,
        signatures,
        processing,
        network,
        hellos,
        organizations: organizations.all,
        groups: peers.groups,
        images,
        contracts,
        workload,
        operations,
        traffic,
        dynamic_dns,
        faults,
        observability,
        strategy,
        expect,
        inputs: Vec::new(),
        expected_jobs,
    };
    Some(Resolved { setup, copies })
}

/// Whether the file is a scenario at all; says so when not.
fn is_scenario(reader: &mut Reader, root: &Node) -> bool {
    if !root.is_map() {
        let help = "it begins with `version: 1`".to_owned();
        reader.error(root.position, format!("a scenario must be a map, not {}", root.type_name()), help);
        return false;
    }
    if matches!(Kind::of(root), (Kind::Ensemble, _)) {
        let help = "name it under `ensemble` of a `deploy` in a scenario, or check it with `dmsim check`";
        reader.error(root.position, "this is an ensemble, not a scenario", help.to_owned());
        return false;
    }
    true
}

/// Whether the file can be read by this program; `what` it is, for messages.
pub(super) fn version(reader: &mut Reader, root: &Node, what: &str) -> bool {
    let Some((key, node)) = root.entry("version") else {
        let help = "write `version: 1` at its beginning".to_owned();
        reader.error(root.position, format!("a {what} needs `version`"), help);
        return true;
    };
    if node.value == Value::Integer(1) {
        return true;
    }
    let written = node.scalar_text().unwrap_or_default();
    if &*written == "1" {
        reader.error(node.position, "`version` must be a number, not a text", "remove the quotes".to_owned());
        return true;
    }
    let at = if node.is_null() { key.position } else { node.position };
    let shown = super::reader::shortened(&written);
    let (message, help) = match node.value {
        Value::Integer(number) if number < 1 => (
            format!("`{shown}` is a version of {what}s from before the first release"),
            "write `version: 1`: `dmsim check` then names every key that has changed, and what it is called now",
        ),
        Value::Integer(_) => (
            format!("`{shown}` is a later version of {what}s than this program knows"),
            "it reads `version: 1`: use the dmsim that the file was written for, or a newer one",
        ),
        _ => (format!("`{shown}` is not a version of {what}s"), "write `version: 1`"),
    };
    reader.error(at, message, help.to_owned());
    false
}

/// Any number of 64 bits.
fn seed(reader: &mut Reader, node: &Node) -> Option<u64> {
    let whole = match &node.value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::Float(_) => node.written.as_ref().and_then(|text| text.parse().ok()),
        _ => None,
    };
    if whole.is_none() {
        let help = format!("it is between 0 and {}", u64::MAX);
        reader.wrong_type(node, "`seed`", "a whole number from 0 on", help);
    }
    whole
}

fn duration(reader: &mut Reader, node: &Node) -> Option<Span> {
    let duration = reader.positive_span(node, "duration")?;
    if duration > LONGEST {
        let help = "runs last at most ten years (87660h)".to_owned();
        reader.error(node.position, format!("`duration: {duration}` is too long"), help);
        return None;
    }
    Some(duration)
}

fn signatures(reader: &mut Reader, top: &Map<'_>) -> SignatureMode {
    let words = [("modelled", SignatureMode::Modelled), ("real", SignatureMode::Real)];
    let read = reader.optional(top, "signatures", |r, node| r.word(node, "signatures", &words));
    read.unwrap_or(SignatureMode::Modelled)
}

fn processing(reader: &mut Reader, node: &Node) -> Option<Processing> {
    if node.as_text().is_some_and(|text| &**text == "none") {
        return Some(Processing::NONE);
    }
    if !node.is_map() {
        let help = "write `none`, or `{signature: 40us, message: 20us}`".to_owned();
        reader.wrong_type(node, "`processing`", "`none` or a map", help);
        return None;
    }
    let map = reader.map(node, "processing", node.position, &["signature", "message"])?;
    let signature = reader.optional(&map, "signature", |r, node| r.span(node, "signature"));
    let message = reader.optional(&map, "message", |r, node| r.span(node, "message"));
    Some(Processing {
        signature: signature.unwrap_or(Processing::DEFAULT.signature),
        message: message.unwrap_or(Processing::DEFAULT.message),
    })
}

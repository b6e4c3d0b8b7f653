//! What a scenario says of executors: which ones peers have, what programs use, and how they end.

use super::distribution;
use super::peers::{Peers, allowed};
use super::reader::{Map, Reader};
use super::resolved::map as written;
use super::units::write_bytes;
use crate::dms::ensemble::config::Word;
use crate::dms::ensemble::tree::Node;
use crate::dms::ensemble::{AllocationConfig, AllocationKind, ExecutionConfig, Executor, RestartPolicy};
use crate::sim::images::Images;
use crate::sim::setup::{Growth, ImageBehaviour, Places, Role, Stop, Uses, Writes};

/// The exit code of a program that does nothing about SIGTERM: 128 + 15.
const TERMINATED: i32 = 143;
/// More than any machine has.
const MOST_CORES: f64 = 4096.0;
const RUNS_NOTHING: &str = "only providers run anything: remove it";
/// Allocations that a machine runs at once, or that wait there.
const MOST_ALLOCATIONS: i64 = 1_000_000;

/// The `executors` of a group.
pub(super) fn of_group(reader: &mut Reader, group: &Map<'_>, role: Role) -> Vec<Executor> {
    if group.node.entry("executors").is_none() {
        return vec![Executor::Docker];
    }
    let may = matches!(role, Role::Provider | Role::Gateway);
    let Some((_, node)) = allowed(reader, group, "executors", may, RUNS_NOTHING) else { return Vec::new() };
    let words: Vec<_> =
        Executor::WORDS.iter().filter_map(|word| Some((*word, Executor::from_word(word)?))).collect();
    let mut executors = Vec::new();
    for item in reader.list(group, "executors") {
        // A bare `null` means the executor of that name.
        let executor =
            if item.is_null() { Some(Executor::Null) } else { reader.word(item, "executors", &words) };
        executors.extend(executor);
    }
    if node.items().is_empty() {
        let help = "write what they run, as in `executors: [docker, firecracker]`".to_owned();
        reader.error(node.position, "`executors` is empty", help);
    }
    executors.sort_unstable();
    executors.dedup();
    executors
}

/// The `queue` of a group: how many allocations a machine runs at once, and how many more may wait.
pub(super) fn places(reader: &mut Reader, group: &Map<'_>, role: Role) -> Option<Places> {
    let (key, node) = allowed(reader, group, "queue", role == Role::Provider, RUNS_NOTHING)?;
    let map = reader.map(node, "queue", key.position, &["at_once", "waiting"])?;
    let help = "how many allocations a machine runs, as in `at_once: 1`";
    let at_once =
        reader.required(&map, "at_once", help, |r, node| r.whole(node, "at_once", 1, MOST_ALLOCATIONS));
    let waiting = reader.optional(&map, "waiting", |r, node| r.whole(node, "waiting", 0, MOST_ALLOCATIONS));
    Some(Places {
        at_once: u32::try_from(at_once?).ok()?,
        waiting: waiting.and_then(|n| u32::try_from(n).ok()),
    })
}

/// The `stop` of an image; none where it is not there or wrong.
pub(super) fn stop_of_image(reader: &mut Reader, image: &Map<'_>) -> Option<Stop> {
    reader.optional(image, "stop", |reader, node| {
        if !node.is_map() {
            let ignored = reader.word(node, "stop", &[("ignored", ())]);
            return ignored.map(|()| Stop { after: None, exit_code: TERMINATED });
        }
        let map = reader.map(node, "stop", node.position, &["after", "exit_code"])?;
        let help = "how long it takes to end, as in `after: 3s`; or `stop: ignored`";
        let after = reader.required(&map, "after", help, |r, n| r.distribution(n, "after"));
        let code = reader.optional(&map, "exit_code", |r, n| r.whole(n, "exit_code", 0, 255));
        let exit_code = code.map_or(TERMINATED, |code| code as i32);
        Some(Stop { after: Some(after?), exit_code })
    })
}

/// The `uses` of an image.
pub(super) fn uses_of_image(reader: &mut Reader, node: &Node) -> Option<Uses> {
    let map = reader.map(node, "uses", node.position, &["cpu", "ram", "disk"])?;
    let cores_milli = reader.optional(&map, "cpu", |r, node| {
        let cores = r.number(node, "cpu")?;
        if !(0.0..=MOST_CORES).contains(&cores) {
            let help = "write cores, as in `cpu: 1.5`".to_owned();
            r.error(node.position, format!("`cpu` must be between 0 and {MOST_CORES}"), help);
            return None;
        }
        Some(libm::round(cores * 1000.0) as u64)
    });
    let ram = reader.optional(&map, "ram", |r, node| amount(r, node, "ram"));
    let disk = reader.optional(&map, "disk", |r, node| amount(r, node, "disk"));
    Some(Uses { cores_milli, ram, disk })
}

/// `300 MiB`, or what grows.
fn amount(reader: &mut Reader, node: &Node, what: &str) -> Option<Growth> {
    if !node.is_map() {
        return reader.bytes(node, what).map(|bytes| Growth { bytes, grows: None });
    }
    let map = reader.map(node, what, node.position, &["start", "size", "every"])?;
    let bytes = reader.optional(&map, "start", |r, n| r.bytes(n, "start")).unwrap_or(0);
    let help = "how much is added, as in `size: 10 MB`";
    let size = reader.required(&map, "size", help, |r, n| r.bytes(n, "size"));
    let help = "how often, as in `every: 1s`";
    let every = reader.required(&map, "every", help, |r, n| r.period(n, "every"));
    Some(Growth { bytes, grows: Some(Writes { bytes: size?, every: every? }) })
}

/// The executors of a group, as a scenario has them; none where they are the usual ones.
pub(super) fn write_of_group(executors: &[Executor]) -> Option<String> {
    let words: Vec<&str> = executors.iter().map(|executor| executor.word()).collect();
    (!executors.is_empty() && executors != [Executor::Docker]).then(|| format!("[{}]", words.join(", ")))
}

/// The queue of a group, as a scenario has it.
pub(super) fn write_places(places: Places) -> String {
    written(&[
        ("at_once", Some(places.at_once.to_string())),
        ("waiting", places.waiting.map(|waiting| waiting.to_string())),
    ])
}

/// What an image says of its end and its use, as a scenario has it.
pub(super) fn write_of_image(stop: Option<&Stop>, uses: &Uses, pull_fails: f64) -> String {
    let stop = stop.map(|stop| match &stop.after {
        None => "ignored".to_owned(),
        Some(after) => written(&[
            ("after", Some(distribution::write(after))),
            ("exit_code", Some(stop.exit_code.to_string())),
        ]),
    });
    let amount = |growth: &Growth| match &growth.grows {
        None => write_bytes(growth.bytes),
        Some(step) => written(&[
            ("start", Some(write_bytes(growth.bytes))),
            ("size", Some(write_bytes(step.bytes))),
            ("every", Some(step.every.to_string())),
        ]),
    };
    let uses = (*uses != Uses::default()).then(|| {
        written(&[
            ("cpu", uses.cores_milli.map(|milli| (milli as f64 / 1000.0).to_string())),
            ("ram", uses.ram.as_ref().map(amount)),
            ("disk", uses.disk.as_ref().map(amount)),
        ])
    });
    let fails = (pull_fails > 0.0).then(|| pull_fails.to_string());
    let entries = [("stop", stop), ("uses", uses), ("pull_fails", fails)];
    entries.into_iter().filter_map(|(key, value)| Some(format!(", {key}: {}", value?))).collect()
}

/// What of an allocation's execution cannot be as its author means: the key, and why.
pub(super) fn doubts(
    name: &str,
    allocation: &AllocationConfig,
    images: &Images,
    peers: &Peers,
) -> Vec<(&'static str, String)> {
    let mut doubts = Vec::new();
    let executor = allocation.executor;
    if !peers.incomplete && !peers.groups.iter().any(|group| group.executors.contains(&executor)) {
        let message = format!("no provider has the executor `{executor}`: nobody will bid for `{name}`");
        doubts.push(("executor", message));
    }
    let policy = allocation.execution.container().and_then(|container| container.restart_policy);
    if let (AllocationKind::Task, Some(policy @ (RestartPolicy::Always | RestartPolicy::UnlessStopped))) =
        (allocation.kind, policy)
    {
        let message = format!(
            "`{name}` is a task that is started again whenever it ends (`{policy}`): it never completes"
        );
        doubts.push(("execution", message));
    }
    if let ExecutionConfig::Firecracker(machine) = &allocation.execution {
        let boots = [Some(&machine.kernel_image), machine.initrd.as_ref()];
        for path in boots.into_iter().flatten() {
            let image = images.find_file(path).map(|place| images.image(place));
            if image.is_some_and(|image| image.behaviour != ImageBehaviour::Kernel) {
                doubts
                    .push(("execution", format!("`{path}` of `{name}` is no kernel: it boots all the same")));
            }
        }
        let root = images.find_file(&machine.root_file_system).map(|place| images.image(place));
        if root.is_some_and(|image| image.behaviour == ImageBehaviour::Kernel) {
            let path = &machine.root_file_system;
            doubts.push(("execution", format!("`{path}` of `{name}` is a kernel: nothing will run in it")));
        }
    }
    doubts
}

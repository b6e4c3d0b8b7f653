//! The `workload` of a scenario: deployments that users ask for.

use super::arrivals;
use super::contracts::name_of;
use super::executors;
use super::files::{Ensemble, Files};
use super::jobs;
use super::peers::{Peers, identifier};
use super::reader::{Map, Reader, listed};
use super::storage;
use crate::dms::constants::MIN_DEPLOYMENT_TIME;
use crate::dms::ensemble::config::{
    AllocationConfig, AllocationKind, EnsembleConfig, ExecutionConfig, FirecrackerConfig, HealthProbe,
};
use crate::dms::ensemble::finding::Finding;
use crate::dms::ensemble::suggest::{did_you_mean, suggestion};
use crate::dms::ensemble::tree::{Node, Position, Value};
use crate::dms::resources::{Cpu, Gpu, Resources, Shortage};
use crate::kernel::Span;
use crate::sim::images::{Images, Reference};
use crate::sim::setup::{Askers, ContractPlan, Deploy, Image, ImageBehaviour, PeerGroup, Requested, Role};
use crate::workload::{ArrivalsConfig, Hardware};

const KEYS: &[&str] = &[
    "by",
    "ensemble",
    "name",
    "arrivals",
    "count",
    "timeout",
    "shutdown_after",
    "contracts",
    "recovery",
    "detector",
    "priority",
];
const TO_LET_IT: &str = "list the name under `orchestrators` to let it deploy";
/// What a request lives when nothing is written.
pub(super) const DEFAULT_TIMEOUT: Span = Span::mins(5);

/// What deployments are checked against.
pub(super) struct Context<'a> {
    /// The seed of the run.
    pub seed: u64,
    /// The end of the run, if it could be read.
    pub duration: Option<Span>,
    /// Who may ask.
    pub peers: &'a Peers,
    /// What may be pulled.
    pub images: &'a [Image],
    /// The same, to look them up as a run does.
    pub known: Images,
    /// Whether `images` has errors, so that one may be missing for that reason.
    pub images_failed: bool,
    /// Under what it may run.
    pub contracts: &'a [ContractPlan],
}

impl<'a> Context<'a> {
    /// What requests are checked against, with the images as a run looks them up.
    pub(super) fn new(
        (seed, duration): (u64, Option<Span>),
        peers: &'a Peers,
        images: &'a [Image],
        images_failed: bool,
        contracts: &'a [ContractPlan],
    ) -> Self {
        Self { seed, duration, peers, images, known: Images::new(images.to_vec()), images_failed, contracts }
    }
}

/// A deployment and the ensemble file that it uses, by its place in [`Files`].
pub(super) struct Request {
    /// The deployment.
    pub deploy: Deploy,
    /// The name of the ensemble's copy beside a resolved scenario.
    pub copy: String,
}

/// Reads the workload; ensembles are read through `files`.
pub(super) fn read(
    reader: &mut Reader,
    top: &Map<'_>,
    context: &Context<'_>,
    files: &mut Files,
) -> Vec<Request> {
    let mut requests = Vec::new();
    for item in reader.list(top, "workload") {
        let Some(variant) = reader.variant(item, "a kind of workload", &["deploy", "jobs"]) else { continue };
        if variant.name == "jobs" {
            let entry = requests.len() as u32;
            requests.extend(jobs::read(reader, &variant, context, files, entry));
            continue;
        }
        let Some(map) = reader.map(variant.node, "deploy", variant.at, KEYS) else { continue };
        requests.extend(deploy(reader, &map, context, files));
    }
    if top.node.present("workload").is_none() {
        let help = "add `workload` with `- deploy: {by: alice, ensemble: ensembles/web.yaml}`".to_owned();
        reader.warning(top.at, "nothing is deployed: the scenario has no `workload`", help);
    }
    requests
}

/// Who asks.
pub(super) fn by(reader: &mut Reader, map: &Map<'_>, context: &Context<'_>) -> Option<Askers> {
    reader.required(map, "by", "the orchestrator that asks, as in `by: alice`", |r, node| {
        askers(r, node, context.peers)
    })
}

/// Until when it must run.
pub(super) fn timeout_of(reader: &mut Reader, map: &Map<'_>) -> Option<Span> {
    match map.node.entry("timeout") {
        Some(_) => reader.optional(map, "timeout", timeout),
        None => Some(DEFAULT_TIMEOUT),
    }
}

/// The names of the contracts under which it runs.
pub(super) fn contracts_of(reader: &mut Reader, map: &Map<'_>, context: &Context<'_>) -> Vec<String> {
    let named = reader.list(map, "contracts").iter();
    named.filter_map(|item| name_of(reader, item, "contracts", context.contracts)).collect()
}

fn deploy(reader: &mut Reader, map: &Map<'_>, context: &Context<'_>, files: &mut Files) -> Option<Request> {
    let by = by(reader, map, context);
    let help = "a DMS ensemble file, as in `ensemble: ensembles/web.yaml`";
    let ensemble =
        reader.required(map, "ensemble", help, |r, node| checked_ensemble(r, node, context, files));
    let name = reader.optional(map, "name", |r, node| identifier(r, node, "name"));
    let count = reader.optional(map, "count", |r, node| r.count(node, "count"));
    let (arrivals, natural) = match map.node.entry("arrivals") {
        Some(_) => {
            let read = reader.optional(map, "arrivals", |r, node| arrivals::read(r, node, context.duration));
            (read.as_ref().map(|(arrivals, _)| arrivals.clone()), read.and_then(|(_, natural)| natural))
        }
        None => (Some(ArrivalsConfig::At(vec![Span::ZERO])), Some(1)),
    };
    let timeout = timeout_of(reader, map);
    let shutdown_after =
        reader.optional(map, "shutdown_after", |r, node| r.distribution(node, "shutdown_after"));
    let contracts = contracts_of(reader, map, context);
    let wishes = super::strategy::wishes(reader, map, context.peers);
    let ensemble = ensemble?;
    let deploy = Deploy {
        by: by?,
        name: name.map_or_else(|| ensemble.stem.clone(), |name| name.to_string()),
        ensemble: ensemble.config.clone(),
        requested: Requested::Alike(arrivals?),
        count: count.or(natural).unwrap_or(u32::MAX),
        timeout: timeout?,
        shutdown_after,
        contracts,
        wishes,
    };
    Some(Request { deploy, copy: ensemble.copy })
}

/// An ensemble by the name of its file, or one that stands there itself, checked against the images and the machines of
/// the scenario.
pub(super) fn checked_ensemble(
    reader: &mut Reader,
    node: &Node,
    context: &Context<'_>,
    files: &mut Files,
) -> Option<Ensemble> {
    let ensemble = template(reader, node, context, files)?;
    fitting(reader, node.position, &ensemble, &context.peers.groups);
    Some(ensemble)
}

/// The same without a look at how large it is.
pub(super) fn template(
    reader: &mut Reader,
    node: &Node,
    context: &Context<'_>,
    files: &mut Files,
) -> Option<Ensemble> {
    let ensemble = ensemble(reader, node, files)?;
    contracted(reader, node.position, &ensemble, context.contracts);
    check_images(reader, node.position, &ensemble, context, files);
    Some(ensemble)
}

/// The orchestrator of this name, or all of the group of this name.
fn askers(reader: &mut Reader, node: &Node, peers: &Peers) -> Option<Askers> {
    let name = reader.text(node, "by")?;
    let found = peers.called(&name);
    match &found {
        Some((_, group)) if group.role == Role::Orchestrator => {}
        Some((_, group)) => {
            let (one, many) = in_words(group.role);
            let (message, help) = if group.name == *name {
                let help = "name an orchestrator, or a group of them".to_owned();
                (format!("`{name}` is a group of {many}, not of orchestrators"), help)
            } else {
                let numbered = !group.names.iter().any(|own| **own == *name);
                let help = if numbered { known(&name, peers) } else { TO_LET_IT.to_owned() };
                (format!("`{name}` is {one}, not an orchestrator"), help)
            };
            reader.error(node.position, message, help);
        }
        None if peers.incomplete => {}
        None => {
            reader.error(node.position, format!("there is no orchestrator `{name}`"), known(&name, peers));
        }
    }
    let peers = found.map_or(0..0, |(peers, _)| peers);
    Some(Askers { name: name.to_string(), peers })
}

/// Who a misspelt orchestrator or group of them may be.
fn known(name: &str, peers: &Peers) -> String {
    let groups = || peers.groups.iter().filter(|group| group.role == Role::Orchestrator);
    let named = peers.named.iter().filter(|(_, role)| **role == Role::Orchestrator);
    let unnamed = groups().filter(|group| group.names.len() < group.count as usize);
    let mut single: Vec<String> = named.map(|(name, _)| name.to_string()).collect();
    single.extend(unnamed.map(|group| format!("{}-{}", group.name, group.names.len())));
    let single: Vec<&str> = single.iter().map(String::as_str).collect();
    let several: Vec<&str> =
        groups().filter(|group| group.count > 1).map(|group| group.name.as_str()).collect();
    let all = single.iter().chain(&several).copied();
    suggestion(name, all).unwrap_or_else(|| match (single.is_empty(), several.is_empty()) {
        (true, _) => format!("add `- orchestrators: {{names: [{name}]}}` under `peers`"),
        (false, true) => format!("orchestrators are {}", listed(&single[..single.len().min(8)])),
        (false, false) => format!(
            "orchestrators are {}; all of a group in turn are {}",
            listed(&single[..single.len().min(8)]),
            listed(&several[..several.len().min(8)])
        ),
    })
}

/// One peer of a role, and several.
const fn in_words(role: Role) -> (&'static str, &'static str) {
    match role {
        Role::Attacker => ("an attacker", "attackers"),
        Role::Relay => ("a relay", "relays"),
        Role::Bootstrap => ("a bootstrap", "bootstraps"),
        Role::ContractHost => ("a contract host", "contract hosts"),
        Role::PaymentValidator => ("a payment validator", "payment validators"),
        Role::VolumeServer => ("a server of volumes", "servers of volumes"),
        Role::Gateway => ("a gateway", "gateways"),
        Role::Machine => ("a virtual machine", "virtual machines"),
        Role::Provider => ("a provider", "providers"),
        Role::Orchestrator => ("an orchestrator", "orchestrators"),
    }
}

fn ensemble(reader: &mut Reader, node: &Node, files: &mut Files) -> Option<Ensemble> {
    if node.is_map() {
        return files.ensemble_within(node);
    }
    if matches!(node.value, Value::Sequence(_)) {
        let help = "name a file, as in `ensembles/web.yaml`, or write the ensemble itself".to_owned();
        reader.wrong_type(node, "`ensemble`", "a file or a map", help);
        return None;
    }
    let path = reader.text(node, "ensemble")?;
    match files.ensemble(&path) {
        Ok(ensemble) => ensemble,
        Err(reason) => {
            let beside = files.yaml_files_beside(&path);
            let names = beside.iter().map(String::as_str);
            let help = match did_you_mean(&path, names) {
                Some(guess) => format!("did you mean `{guess}`?"),
                None => "the path is relative to the scenario file".to_owned(),
            };
            reader.error(node.position, format!("cannot read the ensemble `{path}`: {reason}"), help);
            None
        }
    }
}

/// Each image of the ensemble must be known; the error stands where the ensemble names it.
fn check_images(
    reader: &mut Reader,
    at: Position,
    ensemble: &Ensemble,
    context: &Context<'_>,
    files: &mut Files,
) {
    if context.images_failed {
        return;
    }
    for (name, allocation) in &ensemble.config.allocations {
        for (key, message) in executors::doubts(name, allocation, &context.known, context.peers) {
            files.report(ensemble, &["allocations", name, key], Finding::warning(at, message));
        }
        if let ExecutionConfig::Firecracker(machine) = &allocation.execution {
            check_machine(reader, at, (name, machine), ensemble, context, files);
        }
        let Some(container) = allocation.execution.container() else { continue };
        let reference = &*container.image;
        let known = context.known.find(reference).map(|place| context.known.image(place));
        for (key, message) in storage::doubts(name, allocation, known, context.peers) {
            files.report(ensemble, &["allocations", name, key], Finding::warning(at, message));
        }
        if let Some(image) = known {
            if let Some((key, message)) = mismatch(name, allocation, image) {
                let help = format!("to change what it does, describe `{}` under `images`", image.name);
                let finding = Finding::warning(at, message).with_help(help);
                files.report(ensemble, &["allocations", name, key], finding);
            }
            continue;
        }
        let parsed = Reference::parse(reference);
        let short = parsed.as_ref().map_or(reference, Reference::familiar_name);
        let add = format!("add it to the scenario: `images: {{{short}: {{size: 100 MB, service: {{}}}}}}`");
        let help = match did_you_mean(short, context.images.iter().map(|image| image.name.as_str())) {
            Some(guess) => format!("did you mean `{guess}`? If not, {add}"),
            None => add,
        };
        let message = format!("nothing is known about the image `{reference}`");
        let finding = Finding::error(at, message.clone()).with_help(help.clone());
        if !files.report(ensemble, &["allocations", name, "execution", "image"], finding) {
            reader.error(at, format!("{message} of `{name}`"), help);
        }
    }
}

/// The files of a virtual machine must be known, as images must.
fn check_machine(
    reader: &mut Reader,
    at: Position,
    (name, machine): (&str, &FirecrackerConfig),
    ensemble: &Ensemble,
    context: &Context<'_>,
    files: &mut Files,
) {
    let boots = "kernel: {}";
    let of_kind = [
        ("kernel_image", Some(&machine.kernel_image), boots),
        ("initrd", machine.initrd.as_ref(), boots),
        ("root_file_system", Some(&machine.root_file_system), "service: {}"),
    ];
    for (key, path, kind) in of_kind {
        let Some(path) = path.filter(|path| context.known.find_file(path).is_none()) else { continue };
        let message = format!("nothing is known about the file `{path}`");
        let add = format!("add it to the scenario: `images: {{{path}: {{size: 100 MB, {kind}}}}}`");
        let help = match did_you_mean(path, context.images.iter().map(|image| image.name.as_str())) {
            Some(guess) => format!("did you mean `{guess}`? If not, {add}"),
            None => add,
        };
        let finding = Finding::error(at, message.clone()).with_help(help.clone());
        if !files.report(ensemble, &["allocations", name, "execution", key], finding) {
            reader.error(at, format!("{message} of `{name}`"), help);
        }
    }
}

/// Where an image cannot do what an allocation wants: the key that says so, and why it will fail.
fn mismatch(name: &str, allocation: &AllocationConfig, image: &Image) -> Option<(&'static str, String)> {
    let reference = &image.name;
    match (&image.behaviour, allocation.kind) {
        (ImageBehaviour::Task { .. }, AllocationKind::Service) => Some((
            "type",
            format!("`{name}` is a service, but `{reference}` ends by itself: it will count as failed"),
        )),
        (ImageBehaviour::Service { .. }, AllocationKind::Task) => Some((
            "type",
            format!("`{name}` is a task, but `{reference}` never ends by itself: it will not complete"),
        )),
        (ImageBehaviour::Service { health, .. }, AllocationKind::Service) => {
            let (expected, fulfilled) = match &allocation.healthcheck.as_ref()?.probe {
                HealthProbe::Command { expected, .. } => {
                    let expected = expected.as_ref()?;
                    (expected, health.contains(&**expected))
                }
                HealthProbe::Http { expected, .. } => {
                    let expected = expected.as_ref()?;
                    (expected, health == expected)
                }
            };
            let message = format!(
                "`{name}` will never be healthy: the check wants `{expected}`, `{reference}` answers `{health}`"
            );
            (!fulfilled && !health.is_empty()).then_some(("healthcheck", message))
        }
        (ImageBehaviour::Kernel, _) => Some((
            "execution",
            format!("`{name}` runs the kernel `{reference}` in a container: it does nothing"),
        )),
        (ImageBehaviour::Task { .. }, AllocationKind::Task) => None,
    }
}

/// Warns where no machine of the scenario could ever run a node of the ensemble.
fn fitting(reader: &mut Reader, at: Position, ensemble: &Ensemble, groups: &[PeerGroup]) {
    let Some(machines) = machines(groups) else { return };
    for name in ensemble.config.nodes.keys() {
        if let Some(shortage) = shortage_of_all(&machines, &wanted_by(&ensemble.config, name)) {
            let message = format!("no provider is large enough for the node `{name}`: {shortage}");
            reader.warning(at, message, "every deployment of it will fail".to_owned());
        }
    }
}

/// What the allocations of a node ask for together.
pub(super) fn wanted_by(ensemble: &EnsembleConfig, node: &str) -> Resources {
    let own = ensemble.allocations_of(node);
    own.fold(Resources::default(), |sum, (_, allocation)| sum.plus(&allocation.resources))
}

/// What the first of these machines is short of for this, where all of them are short of something.
pub(super) fn shortage_of_all(machines: &[Resources], wanted: &Resources) -> Option<Shortage> {
    let mut first = None;
    for machine in machines {
        let shortage = machine.shortages(wanted).into_iter().next()?;
        first.get_or_insert(shortage);
    }
    first
}

/// What each kind of machine of a scenario offers; none where some are only known by how likely they are.
pub(super) fn machines(groups: &[PeerGroup]) -> Option<Vec<Resources>> {
    let plans = groups.iter().filter_map(|group| group.gateway.as_ref()).flat_map(|plan| &plan.plans);
    let mut machines: Vec<Resources> = plans.map(|plan| offered(plan, [1.0; 3])).collect();
    for group in groups.iter().filter(|group| group.role == Role::Provider) {
        let kinds = group.hardware.all()?;
        let onboard = group.onboard.map_or([1.0; 3], |part| [part.cpu, part.ram, part.disk]);
        machines.extend(kinds.iter().map(|machine| offered(machine, onboard)));
    }
    Some(machines)
}

/// What a machine offers when these parts of its cores, memory and disk are onboarded.
fn offered(machine: &Hardware, onboard: [f64; 3]) -> Resources {
    let part = |amount: u64, share: f64| libm::floor(amount as f64 * share) as u64;
    let cards = machine.gpus.iter().map(|gpu| Gpu {
        vendor: Some(gpu.vendor.as_str().into()),
        model: Some(gpu.model.as_str().into()),
        vram_bytes: gpu.vram_bytes,
    });
    Resources {
        cpu: Cpu {
            cores_milli: part(u64::from(machine.cores) * 1000, onboard[0]),
            clock_hz: machine.clock_hz,
            architecture: Some(machine.architecture.as_str().into()),
        },
        ram_bytes: part(machine.ram_bytes, onboard[1]),
        disk_bytes: part(machine.disk_bytes, onboard[2]),
        gpus: cards.collect(),
    }
}

/// A contract's DID is made in the run, so the contracts of an ensemble are found by their names.
fn contracted(reader: &mut Reader, at: Position, ensemble: &Ensemble, contracts: &[ContractPlan]) {
    for name in ensemble.config.contracts.keys() {
        if !contracts.iter().any(|plan| plan.name == **name) {
            let message = format!("the ensemble names a contract `{name}` that the scenario does not have");
            let help =
                "describe one of this name under `contracts`; it stands for the one that the file names";
            reader.error(at, message, help.to_owned());
        }
    }
}

/// A time within the run.
pub(super) fn moment(reader: &mut Reader, node: &Node, what: &str, duration: Option<Span>) -> Option<Span> {
    within_the_run(reader, node, what, duration, "it")
}

/// The same for something that has a name.
pub(super) fn within_the_run(
    reader: &mut Reader,
    node: &Node,
    what: &str,
    duration: Option<Span>,
    whose: &str,
) -> Option<Span> {
    let span = reader.span(node, what)?;
    if let Some(duration) = duration.filter(|duration| span >= *duration) {
        let help = format!("the run lasts {duration}: move {whose}, or raise `duration`");
        reader.error(node.position, format!("`{what}: {span}` is after the end of the run"), help);
        return None;
    }
    Some(span)
}

fn timeout(reader: &mut Reader, node: &Node) -> Option<Span> {
    let timeout = reader.span(node, "timeout")?;
    if timeout < MIN_DEPLOYMENT_TIME {
        let help = format!(
            "DMS refuses requests that live less than {MIN_DEPLOYMENT_TIME}: there is no time to place them"
        );
        let message = format!("`timeout` must be at least {MIN_DEPLOYMENT_TIME}, not {timeout}");
        reader.error(node.position, message, help);
        return None;
    }
    Some(timeout)
}

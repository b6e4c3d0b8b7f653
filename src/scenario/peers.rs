//! The `peers` of a scenario: groups of providers, orchestrators and others.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;

use super::churn::{self, Presence};
use super::faults::number_in;
use super::files::Files;
use super::gateways;
use super::hardware;
use super::nat;
use super::network::bandwidth;
use super::organizations::Organizations;
use super::reader::{Map, Reader};
use super::storage;
use super::{clocks, costs, joins};
use crate::dms::ensemble::tree::{Key, Node, Position};
use crate::sim::setup::{Onboard, PeerGroup, Role};
use crate::workload::HardwareConfig;

const GROUP_KEYS: &[&str] = &[
    "name",
    "count",
    "names",
    "org",
    "membership",
    "place",
    "location",
    "hardware",
    "onboard",
    "bandwidth",
    "nat",
    "churn",
    "joins",
    "clock",
    "profile",
    "require_contracts",
    "storage",
    "executors",
    "price",
    "power",
    "queue",
    "quotas",
];
/// Attackers offer nothing and attack.
const ATTACKER_KEYS: &[&str] = &[
    "name",
    "count",
    "names",
    "org",
    "membership",
    "place",
    "hardware",
    "bandwidth",
    "nat",
    "churn",
    "profile",
    "attack",
];
/// Gateways offer nothing of their own.
const GATEWAY_KEYS: &[&str] = &[
    "name",
    "count",
    "names",
    "org",
    "membership",
    "place",
    "hardware",
    "bandwidth",
    "nat",
    "churn",
    "profile",
    "plans",
    "machines",
    "boot",
    "fails",
    "executors",
];
const ROLES: &[&str] = &[
    "providers",
    "orchestrators",
    "attackers",
    "relays",
    "bootstraps",
    "contract_hosts",
    "payment_validators",
    "volume_servers",
    "gateways",
];
/// More names than anyone writes by hand.
const MOST_PEERS: u64 = 10_000_000;

/// The groups of peers, and where each was described.
#[derive(Default)]
pub(super) struct Peers {
    /// The groups in the order of the file.
    pub groups: Vec<PeerGroup>,
    /// Names of single peers, with whether they orchestrate.
    pub named: IndexMap<Arc<str>, Role>,
    /// Groups that could not be read; names may be missing because of them.
    pub incomplete: bool,
    /// What the attackers of a group are to try, by the place of the group: read when all peers are known.
    pub attacks: Vec<(usize, Node)>,
}

impl Peers {
    /// How many peers have this role.
    pub(super) fn count_of(&self, role: Role) -> u32 {
        let counts = self.groups.iter().filter(|group| group.role == role).map(|group| group.count);
        counts.fold(0, u32::saturating_add)
    }

    /// An orchestrator that has no other one of its organizations beside it.
    pub(super) fn lone_orchestrator(&self) -> Option<&PeerGroup> {
        let orchestrators = || self.groups.iter().filter(|group| group.role == Role::Orchestrator);
        orchestrators().find(|group| {
            let alike = orchestrators().filter(|other| other.is_of_the_organizations_of(group));
            alike.fold(0, |sum: u32, other| sum.saturating_add(other.count)) < 2
        })
    }

    /// The peers that a name means and their group: one peer, or all of the group that is called so. Peers are numbered
    /// one after another, group by group, as in the run.
    pub(super) fn called(&self, name: &str) -> Option<(Range<u32>, &PeerGroup)> {
        let numbered = || {
            self.groups.iter().scan(0_u32, |next, group| {
                let first = *next;
                *next = next.saturating_add(group.count);
                Some((first..*next, group))
            })
        };
        let single = numbered().find_map(|(all, group)| {
            let named = group.names.iter().position(|own| own == name);
            let place = named.or_else(|| number_in(name, group))?;
            let number = all.start.saturating_add(place as u32);
            Some((number..number.saturating_add(1), group))
        });
        single.or_else(|| numbered().find(|(_, group)| group.name == name))
    }
}

/// Reads all groups and checks that names are unique.
pub(super) fn read(
    reader: &mut Reader,
    top: &Map<'_>,
    organizations: &mut Organizations,
    files: &mut Files,
) -> Peers {
    let mut peers = Peers::default();
    let items = reader.list(top, "peers");
    if items.is_empty() {
        let at = top.node.entry("peers").map_or(top.at, |(key, _)| key.position);
        if top
            .node
            .get("peers")
            .is_none_or(|node| node.is_null() || node.items().is_empty() && !node.is_map())
        {
            let help = "add `- providers: {count: 10}` and `- orchestrators: {names: [alice]}`";
            reader.error(at, "a scenario needs `peers`", help.to_owned());
        }
        peers.incomplete = true;
    }
    let mut total = 0_u64;
    for item in items {
        match group(reader, item, &mut peers.named, organizations, files) {
            Some((group, attack, at)) => {
                if let Some(attack) = attack {
                    peers.attacks.push((peers.groups.len(), attack));
                }
                let machines = group.machines();
                for group in std::iter::once(group).chain(machines) {
                    if peers.groups.iter().any(|other| other.name == group.name) {
                        let help = "give one of them a `name` of its own".to_owned();
                        reader.error(at, format!("there are two groups called `{}`", group.name), help);
                    }
                    total += u64::from(group.count);
                    peers.groups.push(group);
                }
            }
            None => peers.incomplete = true,
        }
    }
    if total > MOST_PEERS {
        let at = top.node.entry("peers").map_or(top.at, |(key, _)| key.position);
        reader.error(at, format!("there are {total} peers; at most {MOST_PEERS} can be simulated"), None);
    }
    name_clashes(reader, top, &peers);
    unhidden(reader, top);
    peers
}

/// What only matters where peers are hidden from each other must not be written where they are not.
fn unhidden(reader: &mut Reader, top: &Map<'_>) {
    if top.node.get("network").is_some_and(|network| network.get("nat").is_some()) {
        return;
    }
    for (role, group) in top.node.get("peers").into_iter().flat_map(Node::items).flat_map(Node::entries) {
        let help = "add `nat: {preset: measured}` under `network`, or remove it".to_owned();
        if matches!(&*role.text, "relays" | "bootstraps") {
            let message = format!("`{}` are of no use where everybody reaches everybody", role.text);
            reader.error(role.position, message, help);
        } else if let Some((key, _)) = group.entry("nat") {
            reader.error(key.position, "`nat` of a group needs `nat` of the network", help);
        }
    }
}

/// Names of single peers must not look like the numbered names of another group.
fn name_clashes(reader: &mut Reader, top: &Map<'_>, peers: &Peers) {
    for name in peers.named.keys() {
        let numbered = peers.groups.iter().any(|group| {
            name.strip_prefix(group.name.as_str())
                .and_then(|rest| rest.strip_prefix('-'))
                .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        });
        if numbered {
            let at = top.node.entry("peers").map_or(top.at, |(key, _)| key.position);
            let help =
                "unnamed peers are called after their group and a number: choose another name".to_owned();
            reader.error(at, format!("the peer name `{name}` is taken by a numbered peer"), help);
        }
    }
}

fn group(
    reader: &mut Reader,
    node: &Node,
    named: &mut IndexMap<Arc<str>, Role>,
    organizations: &mut Organizations,
    files: &mut Files,
) -> Option<(PeerGroup, Option<Node>, Position)> {
    let variant = reader.variant(node, "a role of peers", ROLES)?;
    let role = role_of(variant.name);
    let keys = match role {
        Role::Attacker => ATTACKER_KEYS,
        Role::Gateway => GATEWAY_KEYS,
        _ => GROUP_KEYS,
    };
    let map = reader.map(variant.node, variant.name, variant.at, keys)?;
    let name = reader.optional(&map, "name", |r, node| identifier(r, node, "name"));
    let names = peer_names(reader, &map, role, named);
    let hardware = reader.optional(&map, "hardware", |r, node| hardware::read(r, node, files));
    let count = count(reader, &map, &names, hardware.as_ref());
    let quotas = organizations.quotas(reader, &map, role);
    let (organizations, membership) = organizations.memberships(reader, &map, role != Role::Attacker);
    let place = reader.optional(&map, "place", Reader::place).unwrap_or_default();
    let location = reader.optional(&map, "location", Reader::location);
    let offers_nothing = matches!(role, Role::Attacker | Role::Gateway);
    let onboard = if offers_nothing { None } else { onboard(reader, &map, role) };
    let links = reader.optional(&map, "bandwidth", bandwidth);
    let nat = reader.optional(&map, "nat", |r, node| nat::of_group(r, node, role));
    let presence = reader.optional(&map, "churn", |r, node| churn::read(r, node, files));
    let Presence { churn, repairers } = presence.unwrap_or_default();
    let joins = reader.optional(&map, "joins", |r, node| joins::read(r, node, count));
    let joins = joins.filter(|_| joins::fits_churn(reader, &map, churn.as_ref(), repairers));
    let clock = reader.optional(&map, "clock", clocks::of_group);
    let profile = super::profile::read(reader, &map);
    let require_contracts = require_contracts(reader, &map, role);
    let storage = reader.optional(&map, "storage", storage::of_group).unwrap_or_default();
    let executors = super::executors::of_group(reader, &map, role);
    let (tariff, power) = costs::of_group(reader, &map, role);
    let places = super::executors::places(reader, &map, role);
    let attack = if role == Role::Attacker {
        let help = "what they try, as in `attack: {replayer: {start: 5m}}`";
        reader.required(&map, "attack", help, |_, node| Some(node.clone()))
    } else {
        None
    };
    let gateway = if role == Role::Gateway { Some(gateways::read(reader, &map)?) } else { None };
    let group = PeerGroup {
        name: name.as_deref().unwrap_or(variant.name).to_owned(),
        role,
        count: count?,
        names,
        profile,
        organizations,
        membership,
        place,
        location,
        hardware: hardware.unwrap_or_default(),
        onboard,
        bandwidth: links,
        nat,
        churn,
        repairers,
        joins,
        clock,
        attack: None,
        require_contracts,
        storage,
        gateway,
        executors,
        tariff,
        power,
        places,
        quotas,
    };
    Some((group, attack, variant.at))
}

/// A key of a group that not all roles may have, if it is there; says so where this one may not.
pub(super) fn allowed<'n>(
    reader: &mut Reader,
    group: &Map<'n>,
    key: &str,
    may: bool,
    help: &str,
) -> Option<(&'n Key, &'n Node)> {
    let (own, node) = group.node.entry(key)?;
    if !may {
        reader.error(own.position, format!("`{}` cannot have `{key}`", group.what), help.to_owned());
        return None;
    }
    Some((own, node))
}

/// The role whose peers are called so.
fn role_of(name: &str) -> Role {
    match name {
        "providers" => Role::Provider,
        "orchestrators" => Role::Orchestrator,
        "relays" => Role::Relay,
        "bootstraps" => Role::Bootstrap,
        "contract_hosts" => Role::ContractHost,
        "payment_validators" => Role::PaymentValidator,
        "volume_servers" => Role::VolumeServer,
        "gateways" => Role::Gateway,
        _ => Role::Attacker,
    }
}

/// A name that can stand in file names, tables and expectations.
pub(super) fn identifier(reader: &mut Reader, node: &Node, what: &str) -> Option<Arc<str>> {
    let text = reader.text(node, what)?;
    check_name(reader, &text, node.position).then_some(text)
}

/// The longest name, in bytes.
const LONGEST_NAME: usize = 100;

fn fits_in_a_name(c: char) -> bool {
    c.is_alphanumeric() || "-_.".contains(c)
}

/// A name like that of a file without its extension, where none is written.
pub(super) fn name_of_file(path: &Path) -> Option<String> {
    path.file_stem().map(|stem| name_like(&stem.to_string_lossy()))
}

/// The same of any text.
pub(super) fn name_like(stem: &str) -> String {
    let mut name = String::new();
    for c in stem.chars().map(|c| if fits_in_a_name(c) { c } else { '_' }) {
        if name.len() + c.len_utf8() > LONGEST_NAME {
            break;
        }
        name.push(if name.is_empty() && c == '.' { '_' } else { c });
    }
    if name.is_empty() { "_".to_owned() } else { name }
}

/// Whether a text is such a name, which is said where it is not.
pub(super) fn check_name(reader: &mut Reader, text: &str, at: Position) -> bool {
    let is_short = text.len() <= LONGEST_NAME;
    if !text.is_empty() && text.chars().all(fits_in_a_name) && !text.starts_with('.') && is_short {
        return true;
    }
    let help = match is_short {
        true => "names have letters, digits, `-`, `_` and `.`".to_owned(),
        false => format!("names have at most {LONGEST_NAME} bytes"),
    };
    let shown = super::reader::shortened(text);
    reader.error(at, format!("`{shown}` cannot be a name"), help);
    false
}

fn peer_names(
    reader: &mut Reader,
    map: &Map<'_>,
    role: Role,
    named: &mut IndexMap<Arc<str>, Role>,
) -> Vec<String> {
    let mut names = Vec::new();
    for item in reader.list(map, "names") {
        let Some(name) = identifier(reader, item, "names") else { continue };
        if named.insert(name.clone(), role).is_some() {
            let help = "every peer has a name of its own".to_owned();
            reader.error(item.position, format!("there are two peers called `{name}`"), help);
        }
        names.push(name.to_string());
    }
    names
}

/// How many peers: as written, else as many as there are machines in their list or names.
fn count(
    reader: &mut Reader,
    map: &Map<'_>,
    names: &[String],
    hardware: Option<&HardwareConfig>,
) -> Option<u32> {
    let Some((key, _)) = map.node.entry("count") else {
        if let Some(HardwareConfig::Listed(nodes)) = hardware {
            return Some((nodes.len() as u32).max(names.len() as u32));
        }
        if map.node.get("hardware").is_some_and(|hardware| hardware.get("csv").is_some()) {
            // The list would have said it, and what is wrong with that has been told.
            return None;
        }
        if names.is_empty() {
            let help = format!("`count: 10` for ten {}, or `names: [...]`", map.what);
            reader.error(map.at, format!("`{}` needs `count`", map.what), help);
            return None;
        }
        return Some(names.len() as u32);
    };
    let count = reader.optional(map, "count", |r, node| r.count(node, "count"))?;
    if (count as usize) < names.len() {
        let message = format!("there are {} `names` for {count} peers", names.len());
        reader.error(key.position, message, "raise `count`, or leave it out".to_owned());
        return None;
    }
    Some(count)
}

/// What is offered. Providers offer 80 % of cores and memory and half the disk unless they say otherwise.
fn onboard(reader: &mut Reader, map: &Map<'_>, role: Role) -> Option<Onboard> {
    const DEFAULT: Onboard = Onboard { cpu: 0.8, ram: 0.8, disk: 0.5 };
    let Some((key, node)) = map.node.entry("onboard") else {
        return (role == Role::Provider).then_some(DEFAULT);
    };
    if role != Role::Provider {
        let help = "only providers offer resources: remove it".to_owned();
        reader.error(key.position, format!("`{}` cannot have `onboard`", map.what), help);
        return None;
    }
    let parts = reader.map(node, "onboard", key.position, &["cpu", "ram", "disk"])?;
    let mut part = |key: &str, default| {
        reader
            .optional(&parts, key, |r, node| {
                let part = r.fraction(node, key)?;
                if part == 0.0 {
                    let help = "without any of it a provider can run nothing".to_owned();
                    r.error(node.position, format!("`{key}` must be above 0%"), help);
                }
                Some(part)
            })
            .unwrap_or(default)
    };
    let (cpu, ram, disk) = (part("cpu", DEFAULT.cpu), part("ram", DEFAULT.ram), part("disk", DEFAULT.disk));
    Some(Onboard { cpu, ram, disk })
}

/// Whether providers bid only for deployments that name contracts.
fn require_contracts(reader: &mut Reader, map: &Map<'_>, role: Role) -> bool {
    if allowed(reader, map, "require_contracts", role == Role::Provider, "only providers bid: remove it")
        .is_none()
    {
        return false;
    }
    let words = [("true", true), ("false", false)];
    let read = reader.optional(map, "require_contracts", |r, node| r.word(node, "require_contracts", &words));
    read.unwrap_or(false)
}

//! `capabilities.csv`: who may call what through which tokens, as the nodes hold them at the end (dms-capabilities
//! sections 2.6 and 7). The peers of a group hold the same, so they are told together.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::dms::capability::{Capability, CapabilityContext, Token};
use crate::dms::identity::Did;
use crate::kernel::Timestamp;
use crate::observe::CapabilityRow;
use crate::sim::host::Host;
use crate::sim::ledger::find_id;
use crate::sim::texts::shared;
use crate::sim::world::World;

/// What is told of those who are neither organizations, nor users or nodes of the run: mostly actors of deployments.
const OTHERS: &str = "actors of deployments and others";

/// What tokens have in common that are told as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    from: String,
    to: String,
    slot: &'static str,
    action: &'static str,
    capabilities: String,
    topics: String,
}

/// How many there are, and when the first of them ends.
struct Tally {
    count: u64,
    expire: Option<Timestamp>,
}

/// The names of principals by their keys.
struct Principals<'a> {
    world: &'a World<'a>,
    known: FxHashMap<Did, String>,
}

impl World<'_> {
    /// The tokens of all nodes, those that have ended left out.
    pub(in crate::sim) fn capability_rows(&self, now: Timestamp) -> Vec<CapabilityRow> {
        let principals = Principals::of(self);
        let mut tallies = BTreeMap::new();
        // What nothing has happened to holds what its whole group does: it is looked at once.
        let mut at_rest: BTreeMap<usize, (&Host, u64)> = BTreeMap::new();
        for (host, member) in self.hosts.iter().zip(self.population.members().iter()) {
            match host.built() {
                Some(inside) => {
                    let context = inside.peer.capabilities();
                    principals.add(&mut tallies, (context, member.group), 1, now);
                }
                None => at_rest.entry(member.group).or_insert((host, 0)).1 += 1,
            }
        }
        for (group, (host, count)) in at_rest {
            let context = host.likeness().peer.capabilities();
            principals.add(&mut tallies, (context, group), count, now);
        }
        let seconds = |at: Timestamp| at.0.saturating_sub(self.setup.epoch.0) as f64 / 1e9;
        let row = |(key, tally): (Key, Tally)| CapabilityRow {
            from: shared(&key.from),
            to: shared(&key.to),
            slot: shared(key.slot),
            action: shared(key.action),
            capabilities: shared(&key.capabilities),
            topics: shared(&key.topics),
            expire_s: tally.expire.map(seconds),
            count: tally.count,
        };
        tallies.into_iter().map(row).collect()
    }
}

impl<'a> Principals<'a> {
    fn of(world: &'a World<'a>) -> Self {
        let mut principals = Self { world, known: FxHashMap::default() };
        for (host, member) in world.hosts.iter().zip(world.population.members().iter()) {
            let Some(inside) = host.built() else { continue };
            principals.know(inside.peer.capabilities(), member.group);
        }
        principals
    }

    fn know(&mut self, context: &CapabilityContext, group: usize) {
        self.known.insert(context.did().clone(), self.node(group));
        // Who owns a node is its first root.
        if let Some(user) = context.roots().first() {
            self.known.insert(user.clone(), self.user(group));
        }
    }

    fn node(&self, group: usize) -> String {
        self.members(group, "node of", "nodes of")
    }

    fn user(&self, group: usize) -> String {
        self.members(group, "user of", "users of")
    }

    fn members(&self, group: usize, one: &str, many: &str) -> String {
        let of_group = &self.world.setup.groups[group];
        match (of_group.count, of_group.names.first()) {
            (1, Some(name)) => format!("{one} {name}"),
            (1, None) => format!("{one} {}", of_group.name),
            (count, _) => format!("{many} {} ({count})", of_group.name),
        }
    }

    fn name(&self, did: &Did, (context, group): (&CapabilityContext, usize)) -> String {
        if did == context.did() {
            return self.node(group);
        }
        if context.roots().first() == Some(did) {
            return self.user(group);
        }
        if let Some(organization) = self.world.office.name_of(did) {
            return format!("organization {organization}");
        }
        self.known.get(did).cloned().unwrap_or_else(|| OTHERS.to_owned())
    }

    /// Adds what `count` nodes hold, each as this one does.
    fn add(
        &self,
        tallies: &mut BTreeMap<Key, Tally>,
        of: (&CapabilityContext, usize),
        count: u64,
        now: Timestamp,
    ) {
        let (context, group) = of;
        let held = context.list_roots(now);
        let mut note = |key: Key, expire: Option<Timestamp>| {
            let tally = tallies.entry(key).or_insert(Tally { count: 0, expire });
            tally.count += count;
            tally.expire = tally.expire.min(expire).or(expire);
        };
        for root in &held.roots {
            let key = Key {
                from: self.node(group),
                to: self.name(root, of),
                slot: "root",
                action: "trust",
                capabilities: "/".to_owned(),
                topics: String::new(),
            };
            note(key, None);
        }
        let key = |token: &Token, slot| Key {
            from: self.name(token.issuer(), of),
            to: self.name(token.subject(), of),
            slot,
            action: token.action().as_str(),
            capabilities: joined(token.capabilities()),
            topics: joined(token.topics()),
        };
        for token in &held.require {
            note(key(token, "require"), Some(token.expire()));
        }
        // A token that is held has those within it that it was made from, up to who began the chain.
        for token in &held.provide {
            token.links().for_each(|link| note(key(link, "provide"), Some(link.expire())));
        }
    }
}

/// Paths with spaces between them. Those for one ensemble are alike, and its id is another under another mode of
/// signatures.
fn joined(capabilities: &[Capability]) -> String {
    let without_id = |capability: &Capability| {
        let path = capability.to_string();
        match find_id(&path) {
            Some((start, end)) => format!("{}<id>{}", &path[..start], &path[end..]),
            None => path,
        }
    };
    let mut texts: Vec<String> = capabilities.iter().map(without_id).collect();
    texts.sort_unstable();
    texts.join(" ")
}

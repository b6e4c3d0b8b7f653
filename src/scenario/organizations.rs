//! The `organizations` of a scenario, and the memberships of groups of peers.

use std::sync::Arc;

use super::peers::{allowed, check_name, identifier};
use super::reader::{Map, Reader};
use crate::dms::capability::setup::{MEMBER_CAPABILITIES, TOKENOMICS};
use crate::dms::capability::{Capability, Form};
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::{Node, Position, Value};
use crate::sim::setup::{Organization, Role};

const KEYS: &[&str] = &["name", "capabilities", "topics", "expire"];

/// The organizations of a scenario.
pub(super) struct Organizations {
    /// All that are known so far; the public one is always among them.
    pub all: Vec<Organization>,
    /// Whether the scenario lists its organizations: then a name that is not listed is a mistake.
    listed: bool,
}

impl Organizations {
    /// What the scenario lists.
    pub(super) fn read(reader: &mut Reader, top: &Map<'_>) -> Self {
        let mut all: Vec<Organization> = Vec::new();
        for item in reader.list(top, "organizations") {
            let Some(one) = organization(reader, item) else { continue };
            if all.iter().any(|other| other.name == one.name) {
                let message = format!("there are two organizations called `{}`", one.name);
                reader.error(item.position, message, None);
                continue;
            }
            all.push(one);
        }
        if !all.iter().any(|one| one.name == Organization::PUBLIC) {
            all.insert(0, Organization::usual(Organization::PUBLIC));
        }
        Self { all, listed: top.node.present("organizations").is_some() }
    }

    /// Members of organizations with the usual bundle may deal with each other's contracts, where there are any.
    pub(super) fn allow_contracts(&mut self) {
        for one in self.all.iter_mut().filter(|one| one.capabilities == MEMBER_CAPABILITIES) {
            one.capabilities.push(TOKENOMICS.clone());
        }
    }

    /// The organization of this name.
    pub(super) fn find(&self, name: &str) -> Option<&Organization> {
        self.all.iter().find(|one| one.name == name)
    }

    /// A name of an organization. Where none are listed, a new name makes one with the usual bundle.
    pub(super) fn name(&mut self, reader: &mut Reader, node: &Node, what: &str) -> Option<String> {
        let name = identifier(reader, node, what)?;
        self.meant(reader, &name, node.position)
    }

    /// The one that is called so.
    fn meant(&mut self, reader: &mut Reader, name: &str, at: Position) -> Option<String> {
        if self.find(name).is_none() {
            if self.listed {
                let names = self.all.iter().map(|one| one.name.as_str());
                let help = suggestion(name, names)
                    .unwrap_or_else(|| "list it under `organizations`: `- name: ...`".to_owned());
                reader.error(at, format!("there is no organization `{name}`"), help);
                return None;
            }
            self.all.push(Organization::usual(name));
        }
        Some(name.to_owned())
    }

    /// `quotas` of a group: what organizations may have of each machine, in thousandths of what it offers.
    pub(super) fn quotas(&mut self, reader: &mut Reader, map: &Map<'_>, role: Role) -> Vec<(String, u32)> {
        let help = "only providers give anything away: remove it";
        let Some((_, node)) = allowed(reader, map, "quotas", role == Role::Provider, help) else {
            return Vec::new();
        };
        if !node.is_map() {
            let help = "name organizations, as in `quotas: {acme: 40%}`".to_owned();
            reader.wrong_type(node, "`quotas`", "a map", help);
            return Vec::new();
        }
        let quotas = node.entries().iter().filter_map(|(key, share)| {
            let is_name = check_name(reader, &key.text, key.position);
            let name = is_name.then(|| self.meant(reader, &key.text, key.position)).flatten();
            let share = reader.fraction(share, "quotas")?;
            Some((name?, libm::round(share * 1000.0) as u32))
        });
        quotas.collect()
    }

    /// `org` and `membership` of a group: which organizations, and how far. Groups that say nothing belong to the
    /// `public` one, or are outsiders.
    pub(super) fn memberships(
        &mut self,
        reader: &mut Reader,
        map: &Map<'_>,
        public: bool,
    ) -> (Vec<String>, Option<Form>) {
        let words: Vec<(&str, Option<Form>)> =
            Form::ALL.map(|(word, form)| (word, Some(form))).into_iter().chain([("none", None)]).collect();
        let form = reader
            .optional(map, "membership", |r, node| r.word(node, "membership", &words))
            .unwrap_or(Some(Form::Full));
        let Some((key, node)) = map.node.entry("org") else {
            if !public && map.node.entry("membership").is_none() {
                return (Vec::new(), None);
            }
            let default = if form.is_some() { vec![Organization::PUBLIC.to_owned()] } else { Vec::new() };
            return (default, form);
        };
        if form.is_none() {
            let help = "outsiders belong to no organization: remove it".to_owned();
            reader.error(key.position, "`membership: none` cannot have `org`", help);
            return (Vec::new(), None);
        }
        let mut names: Vec<String> = Vec::new();
        let items = match &node.value {
            Value::Sequence(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        if items.is_empty() {
            let help = "for peers of no organization write `membership: none`".to_owned();
            reader.error(node.position, "`org` names no organization", help);
        }
        for item in items {
            let Some(name) = self.name(reader, item, "org") else { continue };
            if names.contains(&name) {
                reader.error(item.position, format!("`{name}` is named twice"), None);
            }
            names.push(name);
        }
        (names, form)
    }
}

/// A name alone, or a map.
fn organization(reader: &mut Reader, node: &Node) -> Option<Organization> {
    if node.as_text().is_some() {
        return identifier(reader, node, "name").map(|name| Organization::usual(&name));
    }
    let map = reader.map(node, "organizations", node.position, KEYS)?;
    let name = reader.required(&map, "name", "as in `name: acme`", |r, node| identifier(r, node, "name"));
    let capabilities = paths(reader, &map, "capabilities", true);
    let topics = paths(reader, &map, "topics", false);
    let expire = reader.optional(&map, "expire", |r, node| r.positive_span(node, "expire"));
    let usual = Organization::usual(&name?);
    Some(Organization {
        capabilities: capabilities.unwrap_or(usual.capabilities),
        topics: topics.unwrap_or(usual.topics),
        expire: expire.unwrap_or(usual.expire),
        name: usual.name,
    })
}

/// A list of capabilities or topics, where it is written. Capabilities are absolute; without any there is nothing to
/// grant.
pub(super) fn paths(
    reader: &mut Reader,
    map: &Map<'_>,
    key: &str,
    absolute: bool,
) -> Option<Vec<Capability>> {
    let (own, _) = map.node.entry(key)?;
    reader.optional(map, key, |_, _| Some(()))?;
    let mut found = Vec::new();
    for item in reader.list(map, key) {
        let text: Arc<str> = reader.text(item, key)?;
        if absolute && !text.starts_with('/') {
            let help = format!("write `/{text}`");
            reader.error(item.position, format!("a capability is an absolute path, not `{text}`"), help);
        }
        found.push(Capability::from(text));
    }
    if absolute && found.is_empty() {
        let help = "write at least one, as in `[/dms/deployment, /broadcast, /public]`".to_owned();
        reader.error(own.position, format!("`{key}` is empty"), help);
    }
    Some(found)
}

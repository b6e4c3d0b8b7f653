//! What a scenario begins with: the nodes of its table, and whatever else its first steps say of the network. From it
//! comes the [`Setup`] of the run.
//!
//! Most of it is put together as a scenario file would say it, so that every default is that of scenarios, and mistakes
//! in quoted sections are told as in a scenario file.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::crowd::Crowd;
use super::ensembles;
use super::failure::{Done, Failure};
use crate::dms::capability::Capability;
use crate::dms::capability::setup::{MEMBER_CAPABILITIES, TOKENOMICS};
use crate::dms::ensemble::EnsembleConfig;
use crate::net::Cities;
use crate::scenario::Diagnostic;
use crate::scenario::parts::{Part, load_parts};
use crate::sim::Setup;
use crate::sim::setup::Organization;

/// How long the world of a scenario exists: longer than any step waits.
const DURATION: &str = "1000d";
/// What lets members publish revocations, and take those of others.
const REVOCATIONS: &str = "/dms/cap/revoke";
/// A machine of which the table says nothing.
const HARDWARE: [(&str, &str); 3] = [("cpu", "8"), ("ram", "16 GiB"), ("disk", "200 GB")];

/// Where nodes on networks of their own are, with their relay: a detour over it is no way round the world.
const HIDDEN_IN: &str = "DE";

/// The roles of the nodes table.
pub(super) const ROLES: [(&str, &str); 8] = [
    ("SP", "orchestrators"),
    ("CP", "providers"),
    ("CH", "contract_hosts"),
    ("PV", "payment_validators"),
    ("VS", "volume_servers"),
    ("RELAY", "relays"),
    ("BOOTSTRAP", "bootstraps"),
    ("GW", "gateways"),
];

/// A row of the nodes table.
#[derive(Clone, Debug)]
pub(super) struct NodeRow {
    /// In lower case.
    pub(super) name: String,
    /// The word of the scenario format.
    role: &'static str,
    onboarded: bool,
    organizations: Vec<String>,
    /// The other columns, by their heads, as far as they say something.
    more: Vec<(String, String)>,
}

/// Sections of a scenario that a step quotes.
#[derive(Clone, Debug)]
struct Section {
    text: String,
    line: u32,
    column: u32,
}

/// What a scenario begins with.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    file: Arc<str>,
    source: Arc<str>,
    /// Where ensembles are looked for, in this order; then come those that this program carries.
    folders: Vec<PathBuf>,
    pub(super) nodes: Vec<NodeRow>,
    /// Organizations of which nobody need be a member.
    organizations: Vec<Organization>,
    sections: Vec<Section>,
    /// Ensembles that steps quote, by name.
    ensembles: Vec<(String, Arc<EnsembleConfig>)>,
    /// Whether nodes are hidden behind translators: then there are a relay and a bootstrap beside them.
    pub(super) hidden: bool,
    profile: String,
    seed: u64,
    crowd: Option<Crowd>,
}

impl Setting {
    pub(super) fn new(
        (file, source): (&Arc<str>, &Arc<str>),
        folders: Vec<PathBuf>,
        profile: &str,
        seed: u64,
        crowd: Option<Crowd>,
    ) -> Self {
        Self {
            file: Arc::clone(file),
            source: Arc::clone(source),
            folders,
            nodes: Vec::new(),
            organizations: Vec::new(),
            sections: Vec::new(),
            ensembles: Vec::new(),
            hidden: false,
            profile: profile.to_owned(),
            seed,
            crowd,
        }
    }

    /// Takes a table `nodes | role | onboarded | org` with further columns.
    pub(super) fn add_nodes(&mut self, rows: &[Vec<String>]) -> Done {
        let [head, rows @ ..] = rows else { return Failure::bad("the table has no head") };
        let head: Vec<String> = head.iter().map(|cell| cell.trim().to_lowercase()).collect();
        for needed in ["nodes", "role"] {
            if !head.iter().any(|cell| cell == needed) {
                return Failure::bad(format!("the table has no column `{needed}`"));
            }
        }
        const MORE: [&str; 12] = [
            "continent",
            "country",
            "city",
            "cpu",
            "ram",
            "disk",
            "gpu",
            "nat",
            "executors",
            "profile",
            "clock",
            "storage",
        ];
        let known = |cell: &&String| {
            matches!(cell.as_str(), "nodes" | "role" | "onboarded" | "org") || MORE.contains(&cell.as_str())
        };
        if let Some(unknown) = head.iter().find(|cell| !known(cell)) {
            return Failure::bad(format!(
                "the table has a column `{unknown}`; columns are nodes, role, onboarded, org, {}",
                MORE.join(", ")
            ));
        }
        if rows.is_empty() {
            return Failure::bad("the table has no nodes");
        }
        for row in rows {
            let cell = |name: &str| {
                let place = head.iter().position(|own| own == name)?;
                row.get(place).map(|cell| cell.trim()).filter(|cell| !cell.is_empty() && *cell != "-")
            };
            let name =
                cell("nodes").ok_or_else(|| Failure::Bad("a row has no name".to_owned()))?.to_lowercase();
            if self.nodes.iter().any(|node| node.name == name) {
                return Failure::bad(format!("there are two nodes called {name}"));
            }
            let role = cell("role").unwrap_or_default();
            let Some((_, role)) = ROLES.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(role)) else {
                let words = ROLES.map(|(word, _)| word).join(", ");
                return Failure::bad(format!("`{role}` is not a role; roles are {words}"));
            };
            let onboarded = match cell("onboarded").map(str::to_lowercase).as_deref() {
                None | Some("false") => false,
                Some("true") => true,
                Some(other) => return Failure::bad(format!("`onboarded` is true or false, not {other}")),
            };
            if onboarded && role != "providers" {
                return Failure::bad(format!("{name} cannot be onboarded: only compute providers (CP) are"));
            }
            let organizations = cell("org").unwrap_or_default();
            let organizations = organizations.split(',').map(|one| one.trim().to_lowercase());
            let organizations = organizations.filter(|one| !one.is_empty()).collect();
            let more = MORE.iter().filter_map(|key| Some(((*key).to_owned(), cell(key)?.to_owned())));
            let more = more.collect();
            self.nodes.push(NodeRow { name, role, onboarded, organizations, more });
        }
        Ok(())
    }

    /// Takes nodes on networks of their own, called as DMS's own suite calls its.
    pub(super) fn add_hidden_nodes(&mut self, count: u64) -> Done {
        const NAMES: [&str; 8] = ["alice", "bob", "charlie", "dave", "eve", "frank", "grace", "heidi"];
        if !(1..=NAMES.len() as u64).contains(&count) {
            return Failure::bad(format!("between 1 and {} nodes can be had", NAMES.len()));
        }
        self.hidden = true;
        for name in &NAMES[..count as usize] {
            let more = [("nat", "port_restricted"), ("country", HIDDEN_IN)];
            let more = more.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
            let organizations = vec!["nunet".to_owned()];
            let (name, role) = ((*name).to_owned(), "orchestrators");
            self.nodes.push(NodeRow { name, role, onboarded: false, organizations, more });
        }
        Ok(())
    }

    /// Takes an organization; it grants these capabilities, or the usual ones.
    pub(super) fn add_organization(&mut self, name: &str, capabilities: Option<&str>) -> Done {
        let mut own = Organization::usual(&name.to_lowercase());
        if let Some(listed) = capabilities {
            let paths: Vec<&str> = listed.split(',').map(str::trim).collect();
            if let Some(wrong) = paths.iter().find(|path| !path.starts_with('/')) {
                return Failure::bad(format!("`{wrong}` is no capability: it begins with `/`"));
            }
            own.capabilities = paths.into_iter().map(Capability::new).collect();
        }
        if self.organizations.iter().any(|other| other.name == own.name) {
            return Failure::bad(format!("there are two organizations called {}", own.name));
        }
        self.organizations.push(own);
        Ok(())
    }

    /// Takes sections of a scenario.
    pub(super) fn add_section(&mut self, text: &str, line: u32, column: u32) {
        self.sections.push(Section { text: text.to_owned(), line, column });
    }

    /// Takes an ensemble that stands in the feature file.
    pub(super) fn add_ensemble(&mut self, name: &str, text: &str, line: u32) -> Done {
        let config = ensembles::parse(name, text).map_err(|why| {
            Failure::Bad(format!("the ensemble {name}, which begins in line {line}:\n{why}"))
        })?;
        self.ensembles.push((name.to_owned(), config));
        Ok(())
    }

    /// The ensemble of this name: one that a step has quoted, a file, or one that this program carries.
    pub(super) fn ensemble(&self, name: &str) -> Result<Arc<EnsembleConfig>, Failure> {
        if let Some((_, config)) = self.ensembles.iter().find(|(own, _)| own == name) {
            return Ok(Arc::clone(config));
        }
        ensembles::find(name, &self.folders).map_err(Failure::Bad)
    }

    /// The node that checks payments, if there is one.
    pub(super) fn validator(&self) -> Option<&str> {
        let row = self.nodes.iter().find(|row| row.role == "payment_validators")?;
        Some(&row.name)
    }

    /// The whole of the run.
    ///
    /// # Errors
    /// What is wrong with it, at its places.
    pub(super) fn setup(&self) -> Result<Setup, Failure> {
        let parts: Vec<Part<'_>> = self
            .sections
            .iter()
            .map(|section| Part { text: &section.text, line: section.line, column: section.column })
            .collect();
        if self.nodes.is_empty() && parts.is_empty() {
            return Err(Failure::Bad(
                "there are no nodes: begin with `Given the following nodes`".to_owned(),
            ));
        }
        let added = self.added();
        let carried = self.crowd.as_ref().map(Crowd::ensembles).unwrap_or_default();
        let loaded = load_parts(&self.file, &self.source, &parts, &added, carried);
        let mut setup = loaded.map_err(|mut report| {
            report.diagnostics.retain(Diagnostic::is_error);
            Failure::Bad(report.render(false))
        })?;
        self.complete(&mut setup);
        Ok(setup)
    }

    /// What the sections do not say.
    fn added(&self) -> String {
        let mut text = format!("version: 1\nname: acceptance\nduration: {DURATION}\nseed: {}\n", self.seed);
        writeln!(text, "profile: {}", self.profile).expect("a text takes everything");
        if self.hidden {
            text += "network: {nat: {shares: {public: 100%, full_cone: 0, restricted: 0, port_restricted: 0, \
                     symmetric: 0, carrier_grade: 0, firewalled: 0}, start: fresh}}\n";
        }
        text += "peers:\n";
        for node in &self.nodes {
            writeln!(text, "- {}", node.group()).expect("a text takes everything");
        }
        if self.hidden {
            let where_and_whose = format!("org: nunet, place: {{by_population: {{country: {HIDDEN_IN}}}}}");
            write!(
                text,
                "- relays: {{names: [relay], {where_and_whose}}}\n\
                 - bootstraps: {{names: [bootstrap], {where_and_whose}}}\n"
            )
            .expect("a text takes everything");
        }
        if let Some(crowd) = &self.crowd {
            // Where organizations are listed, that of the crowd must be among them.
            let lists =
                |section: &Section| section.text.lines().any(|line| line.starts_with("organizations:"));
            if self.sections.iter().any(lists) {
                text = format!("organizations: [{}]\n{text}", Crowd::ORGANIZATION);
            }
            text += &crowd.sections(&self.organizations());
        }
        text
    }

    /// All organizations of the nodes, each once.
    fn organizations(&self) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.nodes.iter().flat_map(|node| &node.organizations).map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What scenarios cannot say, or say otherwise: organizations that are listed beside those that groups name, nodes
    /// that are not onboarded yet, and the capabilities that members
    /// have in DMS's own suite: beside the usual ones those for contracts (dms-acceptance section 1.2), and those for
    /// the revocations that they broadcast.
    fn complete(&self, setup: &mut Setup) {
        for own in &self.organizations {
            match setup.organizations.iter_mut().find(|known| known.name == own.name) {
                Some(known) => known.clone_from(own),
                None => setup.organizations.push(own.clone()),
            }
        }
        let usual =
            |organization: &&mut Organization| organization.capabilities.starts_with(&MEMBER_CAPABILITIES);
        for organization in setup.organizations.iter_mut().filter(usual) {
            for more in [TOKENOMICS.clone(), Capability::new(REVOCATIONS)] {
                if !organization.capabilities.contains(&more) {
                    organization.capabilities.push(more);
                }
            }
        }
        for node in self.nodes.iter().filter(|node| !node.onboarded) {
            let group = setup.groups.iter_mut().find(|group| group.names.contains(&node.name));
            if let Some(group) = group {
                group.onboard = None;
            }
        }
    }
}

impl NodeRow {
    fn value(&self, key: &str) -> Option<&str> {
        self.more.iter().find(|(own, _)| own == key).map(|(_, value)| value.as_str())
    }

    /// The group that it is, as a scenario has it.
    fn group(&self) -> String {
        let name = &self.name;
        let mut text = format!("{}: {{name: {name}-node, names: [{name}]", self.role);
        match self.organizations.as_slice() {
            [] => text += ", membership: none",
            all => text += &format!(", org: [{}]", all.join(", ")),
        }
        let mut hardware: Vec<String> = HARDWARE
            .iter()
            .map(|(key, usual)| format!("{key}: {}", self.value(key).unwrap_or(usual)))
            .collect();
        if let Some(gpu) = self.value("gpu") {
            hardware.push(format!("gpu: {{{gpu}}}"));
        }
        text += &format!(", hardware: {{{}}}", hardware.join(", "));
        if self.role == "providers" {
            text += ", onboard: {cpu: 100%, ram: 100%, disk: 100%}";
        }
        if let Some(continent) = self.value("continent") {
            let mut said = vec![format!("continent: {continent}")];
            said.extend(
                ["country", "city"].iter().filter_map(|key| Some(format!("{key}: {}", self.value(key)?))),
            );
            text += &format!(", location: {{{}}}", said.join(", "));
        }
        if let Some(place) = self.place() {
            text += &format!(", place: {place}");
        }
        for key in ["nat", "profile", "clock", "storage"] {
            if let Some(value) = self.value(key) {
                text += &format!(", {key}: {value}");
            }
        }
        if let Some(executors) = self.value("executors") {
            text += &format!(", executors: [{executors}]");
        }
        text + "}"
    }

    /// Where it is, if what the table says of that is a place of this world: the texts are compared as they are, but
    /// distances are those of places.
    fn place(&self) -> Option<String> {
        let world = Cities::world();
        let country = self.value("country").map(str::to_uppercase);
        let fits =
            |continent: &str| self.value("continent").is_none_or(|own| own.eq_ignore_ascii_case(continent));
        if let Some(city) = self.value("city")
            && let Some(found) = world.find(city, country.as_deref())
        {
            return Some(format!(
                "{{city: {}, country: {}}}",
                world.city(found).name,
                world.city(found).country
            ));
        }
        let known = |code: &String| {
            world.iter().any(|(_, city)| city.country == *code && fits(city.continent.code()))
        };
        country.filter(known).map(|code| format!("{{by_population: {{country: {code}}}}}"))
    }
}

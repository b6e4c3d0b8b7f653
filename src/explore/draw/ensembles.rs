//! What is deployed: ensembles in DMS's own format, and the images that they run.

use super::peers::CONTAINERS;
use super::{Draft, Group};
use crate::explore::choices::Choice;
use crate::explore::dice::{Dice, listed};

/// The images of all configurations.
pub(super) fn images(draft: &mut Draft) {
    let mut dice = draft.dice(2);
    let (short, long) = (dice.scaled(1, 60), dice.scaled(120, 1200));
    let mut add = |text: String| draft.images.push(text);
    add(format!("x/short: {{size: 20 MB, start: 1s, task: {{run: {short}s, output: done}}}}"));
    add(format!("x/long: {{size: 60 MB, start: 2s, task: {{run: {{exponential: {{mean: {long}s}}}}}}}}"));
    add("x/web: {size: 40 MB, start: 1s, service: {}}".to_owned());
    if draft.has(Choice::Failures) {
        let fails = dice.scaled(60, 1800);
        draft.images.push("x/broken: {size: 20 MB, start: 1s, task: {run: 20s, exit_code: 1}}".to_owned());
        draft.images.push(format!(
            "x/frail: {{size: 40 MB, start: 1s, service: {{fails_after: {{exponential: {{mean: {fails}s}}}}}}}}"
        ));
        draft.images.push(
            "x/greedy: {size: 20 MB, start: 1s, task: {run: 5m}, uses: {ram: {start: 100 MiB, size: 20 MiB, \
             every: 1s}}}"
                .to_owned(),
        );
    }
    if draft.has(Choice::Checks) {
        draft.images.push("x/sick: {size: 40 MB, start: 1s, service: {health: bad}}".to_owned());
    }
    if draft.has(Choice::Output) {
        let size = dice.scaled(10, 1500);
        draft.images.push(format!(
            "x/talker: {{size: 20 MB, start: 1s, task: {{run: 30s, output: words, output_size: {size} KiB}}}}"
        ));
    }
    if draft.has(Choice::Stubborn) {
        let survives = dice.between(1, 4);
        draft
            .images
            .push(format!("x/stubborn: {{size: 40 MB, start: 1s, service: {{}}, survives: {survives}}}"));
        draft.images.push("x/deaf: {size: 40 MB, start: 1s, service: {}, stop: ignored}".to_owned());
    }
    if draft.has(Choice::Volumes) {
        draft.images.push(
            "x/store: {size: 40 MB, start: 1s, service: {}, writes: {size: 1 MB, every: 30s}}".to_owned(),
        );
    }
    if draft.has(Choice::Strategies) {
        draft.images.push(
            "x/saver: {size: 40 MB, start: 1s, task: {run: 10m}, checkpoint: {size: 1 MB, every: 1m}}"
                .to_owned(),
        );
    }
}

/// An ensemble as it is put together.
pub(super) struct Ensemble {
    /// In which nearly all of its allocations run.
    executor: &'static str,
    /// The kinds of processor that its allocations want in turn, as they are written: the same, nearly always.
    processors: [&'static str; 2],
    allocations: Vec<Allocation>,
    nodes: Vec<String>,
    edges: Vec<String>,
    more: Vec<String>,
}

struct Allocation {
    name: String,
    is_task: bool,
    text: String,
}

impl Ensemble {
    /// One of a configuration; `number` tells it from the others.
    pub(super) fn draw(draft: &Draft, number: u64) -> Self {
        let mut dice = draft.dice(100 + number);
        let (home, is_contracted) = draft.home_of(number);
        let nodes = if draft.has(Choice::Nodes) { dice.between(1, 4) } else { 1 };
        // Contracts are with few peers.
        let nodes = if is_contracted && dice.percent(70) { 1 } else { nodes };
        let processor = match draft.has(Choice::Executors) && dice.percent(30) {
            true => home.processor,
            false => "",
        };
        let other = match draft.has(Choice::Executors) && draft.dice(200 + number).percent(8) {
            true => ", architecture: arm64",
            false => processor,
        };
        let executor = match home.executors.is_empty() {
            true => "docker",
            false => dice.one(&home.executors),
        };
        let mut ensemble = Self {
            executor,
            processors: [processor, other],
            allocations: Vec::new(),
            nodes: Vec::new(),
            edges: Vec::new(),
            more: Vec::new(),
        };
        let is_hopeless = draft.has(Choice::Hopeless) && dice.percent(25);
        for _ in 0..nodes {
            let several = draft.has(Choice::Dependencies) || dice.percent(20);
            let count = if several { dice.between(1, 4) } else { 1 };
            ensemble.add_node(draft, &mut dice, number, (count, is_hopeless));
        }
        if nodes > 1 {
            ensemble.tie(draft, &mut dice, 1);
        }
        if draft.has(Choice::Recoveries) && dice.percent(50) {
            let strategy = dice.one(&["redeploy", "teardown"]);
            ensemble.more.push(format!("escalation_strategy: {strategy}"));
        }
        if draft.has(Choice::Supervisors) && ensemble.allocations.len() > 1 && dice.percent(60) {
            let strategy = dice.one(&["OneForOne", "AllForOne", "RestForOne"]);
            let own = listed(ensemble.allocations.iter().map(|one| &one.name));
            ensemble.more.push(format!("supervisor: {{strategy: {strategy}, allocations: {own}}}"));
        }
        if draft.has(Choice::Subnets) && dice.percent(50) {
            ensemble.more.push("subnet: {join: true}".to_owned());
        }
        if draft.has(Choice::Questions) {
            ensemble.more.push(format!("metadata: {{team: {}}}", dice.one(&["red", "blue"])));
        }
        ensemble
    }

    /// Wants a node to be near the first one, now and then.
    fn tie(&mut self, draft: &Draft, dice: &mut Dice, node: usize) {
        if draft.has(Choice::Edges) && dice.percent(60) {
            let rtt = dice.scaled(20, 600);
            let bandwidth = match draft.has(Choice::Mistakes) && dice.percent(30) {
                true => ", bw: 4000000000",
                false => "",
            };
            self.edges.push(format!("{{edges: [n0, n{node}], rtt: {rtt}{bandwidth}}}"));
        }
    }

    /// Adds a node of so many allocations to the ensemble of this number.
    fn add_node(&mut self, draft: &Draft, dice: &mut Dice, number: u64, (count, is_hopeless): (u64, bool)) {
        let home = draft.home_of(number);
        let (first, node) = (self.allocations.len(), self.nodes.len() as u64);
        for _ in 0..count {
            self.add(draft, dice, (home.0, count), first, is_hopeless);
        }
        let own: Vec<&str> = self.allocations[first..].iter().map(|one| &*one.name).collect();
        let text = node_text(draft, dice, home, (number, node), &own);
        self.nodes.push(text);
    }

    /// Adds an allocation to a node whose first one is the `first` of the ensemble. So many of the node are to fit on a
    /// machine of its home.
    fn add(
        &mut self,
        draft: &Draft,
        dice: &mut Dice,
        (home, count): (&Group, u64),
        first: usize,
        is_hopeless: bool,
    ) {
        let name = format!("a{}", self.allocations.len());
        let is_task = !draft.has(Choice::Services) || dice.percent(50);
        let image = if is_task { task_image(draft, dice) } else { service_image(draft, dice) };
        let executor = match draft.has(Choice::Executors) && dice.percent(8) {
            true => dice.one(&CONTAINERS),
            false => self.executor,
        };
        let fitting = |most: u64, amount: &'static str| {
            let fits = amount.parse().is_ok_and(|amount: f64| amount * count as f64 <= most as f64);
            if fits { amount } else { "0.5" }
        };
        let cores = match (is_hopeless, draft.has(Choice::Tight)) {
            (true, _) => "200",
            (_, true) => fitting(home.cores, dice.one(&["0.5", "1", "1", "2"])),
            _ => fitting(home.cores, dice.one(&["0.5", "1", "2"])),
        };
        let cards = match draft.has(Choice::Cards) && dice.percent(if home.has_cards { 40 } else { 5 }) {
            true => dice.one(&[
                ", gpus: [{vendor: NVIDIA}]",
                ", gpus: [{vendor: NVIDIA, vram: 8 GiB}]",
                ", gpus: [{vendor: NVIDIA, model: T4, vram: 12 GiB}]",
            ]),
            false => "",
        };
        let ram = fitting(home.ram_gib, dice.one(&["0.5", "1", "2"]));
        let disk = if draft.has(Choice::Tight) { dice.one(&["1", "1", "1", "12"]) } else { "1" };
        let kind = self.processors[self.allocations.len() % 2];
        let mut text = format!(
            "{{type: {}, executor: {executor}, resources: {{cpu: {{cores: {cores}{kind}}}, ram: {{size: {ram}}}, disk: \
             {{size: {disk}}}{cards}}}, execution: {{type: {executor}, image: {image}{}}}",
            if is_task { "task" } else { "service" },
            restart_policy(draft, dice, is_task)
        );
        let own = &self.allocations[first..];
        if draft.has(Choice::Dependencies) && !own.is_empty() && dice.percent(70) {
            let names: Vec<&String> = own.iter().map(|one| &one.name).collect();
            text.push_str(&format!(", depends_on: {}", listed(dice.some(&names))));
        }
        if draft.has(Choice::Checks) && !is_task && dice.percent(70) {
            text.push_str(
                ", healthcheck: {type: http, endpoint: \"http://localhost/\", response: {type: string, value: ok}, \
                 interval: 30s}",
            );
        }
        if draft.has(Choice::Recoveries) && dice.percent(70) {
            let recovery = dice.one(&["stay_down", "one_for_one", "one_for_all", "rest_for_one"]);
            text.push_str(&format!(", failure_recovery: {recovery}"));
        }
        if image == "x/store" {
            text.push_str(
                ", volume: [{type: glusterfs, name: data, servers: [vault], mount_destination: /data, client_pem: \
                 \"-----BEGIN CERTIFICATE-----ZG1zaW0=-----END CERTIFICATE-----\", client_private_key: key}]",
            );
        }
        text.push('}');
        self.allocations.push(Allocation { name, is_task, text });
    }

    /// The ensemble of this number with another allocation of its first node.
    pub(super) fn with_another_allocation(draft: &Draft, number: u64, dice: &mut Dice) -> Self {
        let mut grown = Self::draw(draft, number);
        let first = grown.allocations.len();
        let (home, _) = draft.home_of(number);
        grown.add(draft, dice, (home, first as u64 + 1), first, false);
        let (node, name) = (&mut grown.nodes[0], &grown.allocations[first].name);
        let end = node.find(']').expect("a node lists its allocations first");
        node.insert_str(end, &format!(", {name}"));
        grown
    }

    /// The ensemble of this number with more nodes, of an allocation each.
    pub(super) fn with_more_nodes(draft: &Draft, number: u64, dice: &mut Dice) -> Self {
        let mut grown = Self::draw(draft, number);
        for _ in 0..dice.between(1, 4) {
            let node = grown.nodes.len();
            grown.add_node(draft, dice, number, (1, false));
            grown.tie(draft, dice, node);
        }
        grown
    }

    /// Who asks a service of it, and which; none where nobody could.
    pub(super) fn asked_by(&self, dice: &mut Dice) -> Option<String> {
        let services = self.allocations.iter().filter(|one| !one.is_task).map(|one| &*one.name);
        let services: Vec<&str> = services.collect();
        if services.is_empty() {
            return None;
        }
        let to = dice.one(&services);
        let others = self.allocations.iter().map(|one| &*one.name).filter(|name| *name != to);
        let others: Vec<&str> = others.collect();
        let is_public = self.nodes.iter().any(|node| node.contains(&format!("allocation: {to}}}")));
        let who = match (is_public && dice.percent(60), others.is_empty()) {
            (true, _) => format!("clients: {{count: {}}}", dice.between(1, 4)),
            (false, false) => format!("from: {}", dice.one(&others)),
            (false, true) => return None,
        };
        Some(format!("{who}, to: {to}"))
    }

    /// Whether it ends by itself.
    pub(super) fn is_task_only(&self) -> bool {
        self.allocations.iter().all(|one| one.is_task)
    }

    /// What it is, for names.
    pub(super) fn kind(&self) -> &'static str {
        if self.is_task_only() { "job" } else { "app" }
    }

    /// Its text, as it stands in a scenario.
    pub(super) fn text(&self) -> String {
        let allocations: Vec<String> =
            self.allocations.iter().map(|one| format!("{}: {}", one.name, one.text)).collect();
        let nodes: Vec<String> =
            self.nodes.iter().enumerate().map(|(number, node)| format!("n{number}: {node}")).collect();
        let edges = match self.edges.is_empty() {
            true => String::new(),
            false => format!(", edge_constraints: {}", listed(&self.edges)),
        };
        let more: String = self.more.iter().map(|more| format!(", {more}")).collect();
        format!(
            "{{version: V1, allocations: {{{}}}, nodes: {{{}}}{edges}{more}}}",
            allocations.join(", "),
            nodes.join(", ")
        )
    }
}

fn task_image(draft: &Draft, dice: &mut Dice) -> &'static str {
    let mut images = vec!["x/short", "x/short", "x/long"];
    if draft.has(Choice::Failures) {
        images.extend(["x/broken", "x/greedy"]);
    }
    if draft.has(Choice::Output) {
        images.push("x/talker");
    }
    if draft.has(Choice::Strategies) {
        images.push("x/saver");
    }
    dice.one(&images)
}

fn service_image(draft: &Draft, dice: &mut Dice) -> &'static str {
    let mut images = vec!["x/web", "x/web"];
    if draft.has(Choice::Failures) {
        images.push("x/frail");
    }
    if draft.has(Choice::Checks) {
        images.push("x/sick");
    }
    if draft.has(Choice::Stubborn) {
        images.extend(["x/stubborn", "x/deaf"]);
    }
    if draft.has(Choice::Volumes) {
        images.push("x/store");
    }
    dice.one(&images)
}

fn restart_policy(draft: &Draft, dice: &mut Dice, is_task: bool) -> String {
    if !draft.has(Choice::Failures) || !dice.percent(40) {
        return String::new();
    }
    let policies: &[&str] = if is_task { &["no", "on-failure"] } else { &["no", "on-failure", "always"] };
    format!(", restart_policy: \"{}\"", dice.one(policies))
}

fn node_text(
    draft: &Draft,
    dice: &mut Dice,
    (home, is_contracted): (&Group, bool),
    (number, node): (u64, u64),
    own: &[&str],
) -> String {
    let mut text = format!("{{allocations: {}", listed(own));
    if draft.has(Choice::Ports) && dice.percent(70) {
        let public = match dice.percent(50) {
            true => "0".to_owned(),
            // Below those that may be given.
            false if draft.has(Choice::Mistakes) && dice.percent(10) => "8080".to_owned(),
            false => (20_000 + number * 4 + node).to_string(),
        };
        let first = own[0];
        let mut ports = vec![format!("{{public: {public}, private: 80, allocation: {first}}}")];
        if dice.percent(40) {
            ports.push(format!("{{public: 0, private: 443, allocation: {first}}}"));
        }
        text.push_str(&format!(", ports: {}", listed(ports)));
    }
    if draft.has(Choice::Places) && dice.percent(40) {
        let (word, any) = (dice.one(&["accept", "reject"]), dice.one(&["EU", "AS", "NA", "OC"]));
        let continent = match (word, home.continent) {
            ("accept", Some(own)) if !dice.percent(20) => own,
            ("reject", Some(own)) if any == own && !dice.percent(20) => "AF",
            _ => any,
        };
        text.push_str(&format!(", location: {{{word}: [{{continent: {continent}}}]}}"));
    }
    if draft.has(Choice::Pins) && dice.percent(25) {
        text.push_str(&format!(", peer: {}-{}", home.name, dice.between(0, 2)));
    } else if draft.has(Choice::Standbys) && dice.percent(if is_contracted { 10 } else { 40 }) {
        text.push_str(&format!(", redundancy: {}", dice.between(1, 3)));
    }
    if draft.has(Choice::Recoveries) && dice.percent(80) {
        let recovery = dice.one(&["stay_down", "restart", "redeploy", "redeploy"]);
        text.push_str(&format!(", failure_recovery: {recovery}"));
    }
    text.push('}');
    text
}

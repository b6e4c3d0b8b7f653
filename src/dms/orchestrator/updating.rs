//! The update of a running deployment: a whole new ensemble, of which the difference decides (dms-orchestration
//! section 4.4, dms-acceptance section 7).
//!
//! What is not in it any more is undone at once. What is new looks for a place like at the beginning: a new node by
//! itself, new allocations of a node that runs as a *part*, which is asked for at the node's own peer and becomes one
//! with the node when it runs. A node whose peer has changed takes the steps of a recovery. All else runs on.
//!
//! At the deadline, what was to be added and does not run is undone and taken out of the ensemble again, and a node
//! that could not be moved may go anywhere; the answer says so. The real DMS calls that a success and leaves behind
//! what was reserved (W11), and its supervisor forgets what ran before the update (W8).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use super::candidates::Edge;
use super::logs::At;
use super::node::{Change, Member, Node, address_count, no_room};
use super::{Deployment, Phase, Purpose};
use crate::dms::actor::{DeploymentReport, UpdateDeployment};
use crate::dms::constants::{MIN_ENSEMBLE_UPDATE_TIMEOUT, MIN_UPDATE_DEPLOYMENT_TIME};
use crate::dms::desk::{Asker, Desk};
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::ensemble::difference::check_update;
use crate::dms::fact::{DeploymentStatus, Fact, Role, Stage};
use crate::dms::identity::Handle;
use crate::dms::outbox::Timer;
use crate::dms::profile::Weakness;
use crate::dms::subnet::AddressRange;
use crate::kernel::Timestamp;

/// An update under way.
#[derive(Clone, Debug)]
pub(super) struct Update {
    number: u32,
    deadline: Timestamp,
    asker: Asker,
}

impl Deployment {
    /// Makes the deployment run another ensemble; the answer comes when it does, or at the deadline.
    pub(in crate::dms) fn update(
        &mut self,
        desk: &mut Desk<'_, '_>,
        asker: Asker,
        order: &UpdateDeployment,
        expire: Timestamp,
    ) {
        let ensemble = self.strategy.recovery.fit(Arc::clone(&order.ensemble));
        let order = &UpdateDeployment { ensemble, ..order.clone() };
        if let Err(reason) = self.judge_update(desk.now, order, expire) {
            return self.answers.push((asker, Err(reason)));
        }
        let deadline = expire - MIN_ENSEMBLE_UPDATE_TIMEOUT;
        self.last_failure = None;
        self.begin_update(asker, deadline);
        self.resume_update(desk);
        self.set_status(desk, DeploymentStatus::Updating, None);
        self.reshape(desk, order);
        self.tell_shape(desk);
        self.advance(desk);
    }

    /// The deadline of the update under way.
    pub(super) fn update_deadline(&self) -> Option<Timestamp> {
        self.updating.as_ref().map(|update| update.deadline)
    }

    /// Notes an update that must be done by then.
    fn begin_update(&mut self, asker: Asker, deadline: Timestamp) {
        self.update_count += 1;
        self.updating = Some(Update { number: self.update_count, deadline, asker });
    }

    /// There was an update under way before a restart. Whoever asked for it hears no more of it.
    pub(super) fn note_update(&mut self, deadline: Option<Timestamp>) {
        if let Some(deadline) = deadline {
            self.begin_update(Asker::NOBODY, deadline);
        }
    }

    /// Has the update under way end at its deadline.
    pub(super) fn resume_update(&self, desk: &mut Desk<'_, '_>) {
        if let Some(update) = &self.updating {
            let timer = Timer::UpdateDeadline(self.number, update.number);
            desk.timer(update.deadline.since(desk.now), timer);
        }
    }

    fn judge_update(
        &self,
        now: Timestamp,
        order: &UpdateDeployment,
        expire: Timestamp,
    ) -> Result<(), Arc<str>> {
        if expire.since(now) < MIN_UPDATE_DEPLOYMENT_TIME {
            return Err("requested update time too short".into());
        }
        if self.status != DeploymentStatus::Running {
            return Err("deployment is not running".into());
        }
        let new = &order.ensemble;
        let recovery = &self.strategy.recovery;
        if address_count(new, recovery) > AddressRange::CAPACITY {
            return Err(no_room(self.range, new, recovery));
        }
        let standbys = self.nodes.iter().filter(|node| node.standby_of.is_some());
        let guarded = |name: &str| standbys.clone().any(|node| *node.entry == *name);
        check_update(&self.config, new, |name| self.moves(order, name), guarded)
    }

    /// Whether an update moves a node: it names another peer than before, and the node is not there.
    fn moves(&self, order: &UpdateDeployment, name: &str) -> bool {
        let Some((index, _, node)) = order.ensemble.nodes.get_full(name) else { return false };
        let repinned = self.config.nodes.get(name).is_some_and(|former| former.peer != node.peer);
        let pin = order.pins.get(index).and_then(Option::as_ref);
        let place = self.nodes.iter().find(|node| *node.name == *name).and_then(|node| node.place.as_ref());
        repinned && pin.is_some_and(|pin| place.is_none_or(|place| place.host != pin.host))
    }

    /// Goes over to the new ensemble: what is not in it any more is undone, what is new has no place yet.
    fn reshape(&mut self, desk: &mut Desk<'_, '_>, order: &UpdateDeployment) {
        let (former, known) = (self.ids(), self.known());
        let moving: Vec<bool> = order.ensemble.nodes.keys().map(|name| self.moves(order, name)).collect();
        let mut old = std::mem::take(&mut self.nodes);
        let before = std::mem::replace(&mut self.config, Arc::clone(&order.ensemble));
        let config = Arc::clone(&order.ensemble);
        let highest = self.highest_address.max(highest_address(&old));
        let mut addresses = free_addresses(self.range, &old, self.own.address(), highest, &config);
        let (mut nodes, mut parts) = (Vec::new(), Vec::new());
        for (index, (entry, node)) in config.nodes.iter().enumerate() {
            if node.allocations.is_empty() {
                continue;
            }
            let pin = order.pins.get(index).cloned().flatten();
            let mut known: Vec<Node> = old.extract_if(.., |other| other.entry == *entry).collect();
            if known.iter().any(|known| known.standby_of.is_some()) {
                // The rules leave it as it is.
                nodes.extend(known);
                continue;
            }
            let Some(mut known) = known.pop() else {
                nodes.extend(self.added(entry, nodes.len(), pin.as_ref(), &mut addresses));
                continue;
            };
            let fresh = self.fresh_members(&known, &mut addresses);
            let gone = |member: &Member| !node.allocations.contains(&member.name);
            if moving[index] {
                self.give_back(desk, &known, |_| true);
                known.members.retain(|member| !gone(member));
                nodes.push(self.moved(known, fresh, pin));
                continue;
            }
            self.give_back(desk, &known, gone);
            known.members.retain(|member| !gone(member));
            if before.nodes[entry].peer != node.peer {
                known.pin = pin;
            }
            let place = known.place.clone();
            if known.members.is_empty() {
                let pin = known.pin.or(place);
                nodes.push(Node { pin, change: Change::Added, ..Node::of(&config, (entry, entry), fresh) });
                continue;
            }
            if place.is_none() {
                // A lost node stays lost, with all that belongs to it.
                known.members.extend(fresh);
            } else if !fresh.is_empty() {
                let part = Node::of(&config, (entry, entry), fresh);
                parts.push(Node { pin: place, change: Change::Part, ..part });
            }
            nodes.push(known);
        }
        for removed in &old {
            self.give_back(desk, removed, |_| true);
        }
        nodes.extend(parts);
        self.nodes = nodes;
        self.highest_address = highest.max(highest_address(&self.nodes));
        self.relabel(desk, &former);
        // What its former peer was asked says nothing of the next.
        for index in 0..self.nodes.len() {
            if self.nodes[index].change == Change::Moved {
                self.drop_pending_of(index);
            }
        }
        self.stop_joining(desk);
        self.forget_gone(desk, known);
    }

    /// The node of a new entry in the file, which is the `first`th of all, and its standbys.
    fn added(
        &self,
        entry: &Arc<str>,
        first: usize,
        pin: Option<&Arc<Handle>>,
        addresses: &mut impl Iterator<Item = Ipv4Addr>,
    ) -> Vec<Node> {
        let known = (&*self.config, &self.strategy.recovery);
        let instances = Node::instances(self.id, known, entry, first, pin, addresses);
        let mut nodes = instances.expect("the rules leave an address for every allocation");
        for node in &mut nodes {
            node.change = Change::Added;
            for member in &mut node.members {
                member.generation = self.next_generation(&member.id);
            }
        }
        nodes
    }

    /// The allocations of a node without standbys that it does not have yet.
    fn fresh_members(&self, node: &Node, addresses: &mut impl Iterator<Item = Ipv4Addr>) -> Vec<Member> {
        let has = |name: &Arc<str>| node.members.iter().any(|member| member.name == *name);
        let mut fresh = Vec::new();
        for allocation in self.config.nodes[&node.entry].allocations.iter().filter(|name| !has(name)) {
            let address = addresses.next().expect("the rules leave an address for every allocation");
            let names = (&node.name, &node.entry);
            let mut member = Member::new(self.id, &self.config, names, allocation, address);
            member.generation = self.next_generation(&member.id);
            fresh.push(member);
        }
        fresh
    }

    /// A node that begins anew at another peer, and so may differ in more than its peer.
    fn moved(&self, mut node: Node, fresh: Vec<Member>, pin: Option<Arc<Handle>>) -> Node {
        node.renew();
        node.reset();
        for member in &mut node.members {
            let names = (&node.name, &node.entry);
            let new = Member::new(self.id, &self.config, names, &member.name, member.address);
            (member.config, member.ports) = (new.config, new.ports);
        }
        node.members.extend(fresh);
        Node { pin, excluded: Vec::new(), change: Change::Moved, ..node }
    }

    /// Has a node's peer give back some of its allocations.
    fn give_back(&mut self, desk: &mut Desk<'_, '_>, node: &Node, which: impl Fn(&Member) -> bool) {
        let gone: Vec<_> = node
            .members
            .iter()
            .filter(|member| which(member))
            .map(|member| (Arc::clone(&member.id), member.generation))
            .collect();
        self.note_former_lives(&gone);
        if let Some(place) = node.place.clone().filter(|_| !gone.is_empty()) {
            self.undo_at(desk, place, gone);
        }
    }

    fn note_former_lives(&mut self, lives: &[(Arc<str>, u32)]) {
        for (id, generation) in lives {
            let newest = self.former_lives.entry(Arc::clone(id)).or_default();
            *newest = (*newest).max(*generation);
        }
    }

    /// The first generation of an allocation: one after that of its last life, where it is taken up again. What is said
    /// to or of that one, however late, does not concern the new one.
    fn next_generation(&self, id: &Arc<str>) -> u32 {
        let next = self.former_lives.get(id).map_or(0, |former| former + 1);
        next.max(self.succession.first_generation())
    }

    fn ids(&self) -> Vec<Vec<Arc<str>>> {
        let of_node = |node: &Node| node.members.iter().map(|member| Arc::clone(&member.id)).collect();
        self.nodes.iter().map(of_node).collect()
    }

    /// The nodes are others now, or stand in another order: whatever names an allocation by its place follows. What was
    /// asked about one that is gone is not awaited any more, and bids that are on their way do not fit.
    fn relabel(&mut self, desk: &mut Desk<'_, '_>, former: &[Vec<Arc<str>>]) {
        for index in 0..self.nodes.len() {
            self.nodes[index].refit(index, &self.config);
            if self.nodes[index].standby_of.is_some() {
                self.nodes[index].standby_of = self.active_of(&self.nodes[index].entry);
            }
        }
        self.edges = Edge::all(&self.config, self.nodes.iter().map(|node| &node.name));
        self.round = None;
        self.search = None;
        let mut moved: BTreeMap<At, At> = BTreeMap::new();
        for (node, ids) in former.iter().enumerate() {
            for (member, id) in ids.iter().enumerate() {
                moved.extend(self.find(id).map(|at| ((node, member), at)));
            }
        }
        let mut unanswered = self.relabel_logs(&moved);
        self.pending.retain_mut(|pending| {
            if matches!(pending.purpose, Purpose::Undo | Purpose::Logs | Purpose::Own(_)) {
                return true;
            }
            // The search that asked for it is over.
            if pending.purpose == Purpose::Edge {
                return false;
            }
            let now = moved.get(&(pending.node, pending.member));
            match (now, pending.purpose) {
                (Some(now), _) => (pending.node, pending.member) = *now,
                (None, Purpose::Stats(inquiry)) => unanswered.push(inquiry),
                (None, _) => {}
            }
            now.is_some()
        });
        self.pass = self.pass.iter().filter_map(|at| moved.get(at).copied()).collect();
        self.relabel_inquiries(desk, &moved, &unanswered);
    }

    /// The place of the node that is not a standby of this entry in the file.
    fn active_of(&self, entry: &Arc<str>) -> Option<usize> {
        let is_active = |node: &Node| node.standby_of.is_none() && node.change != Change::Part;
        self.nodes.iter().position(|node| node.entry == *entry && is_active(node))
    }

    /// Everything that was to be added runs, or nothing was.
    pub(super) fn conclude_update(&mut self, desk: &mut Desk<'_, '_>) {
        if let Some(update) = self.updating.take() {
            self.settle(desk);
            self.answers.push((update.asker, Ok(DeploymentReport::Updated)));
        }
    }

    /// What the update has changed is as good as all else from now on.
    fn settle(&mut self, desk: &mut Desk<'_, '_>) {
        self.merge(desk, |_| true);
        let forgets = desk.security.profile.has(Weakness::UnsupervisedUpdate);
        for node in &mut self.nodes {
            // The condition of the real supervisor is the wrong way round: it keeps the new ones only (W8).
            if forgets && node.change == Change::Nothing {
                node.members.iter_mut().for_each(|member| {
                    member.unsupervised |= member.registered;
                    member.registered = false;
                });
            }
            node.change = Change::Nothing;
        }
        self.tell_shape(desk);
    }

    /// Makes parts one with their nodes.
    pub(super) fn merge(&mut self, desk: &mut Desk<'_, '_>, which: impl Fn(&Node) -> bool) {
        let is_part = |node: &Node| node.change == Change::Part && which(node);
        if !self.nodes.iter().any(is_part) {
            return;
        }
        let former = self.ids();
        let (parts, mut nodes): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.nodes).into_iter().partition(is_part);
        for part in parts {
            let base = nodes.iter_mut().find(|node| node.name == part.name && node.change != Change::Part);
            base.expect("a node is not removed while it has parts").members.extend(part.members);
        }
        self.nodes = nodes;
        self.relabel(desk, &former);
    }

    /// The node to which this one belongs, with all of its parts, however far they have come: they share its peer, and
    /// so its fate.
    pub(super) fn made_whole(&mut self, desk: &mut Desk<'_, '_>, index: usize) -> usize {
        let name = Arc::clone(&self.nodes[index].name);
        self.merge(desk, |node| node.name == name);
        self.nodes.iter().position(|node| node.name == name).expect("merging removes parts only")
    }

    /// The deadline of an update has come.
    pub(super) fn handle_update_deadline(&mut self, desk: &mut Desk<'_, '_>, number: u32) {
        // Who waits behind a lock that nobody gives back does not look at the clock (W6).
        if self.is_hung {
            return;
        }
        let Some(update) = self.updating.take_if(|update| update.number == number) else { return };
        // The real DMS tells its deadline as a success, and leaves behind what it has reserved (W11).
        let silent = desk.security.profile.has(Weakness::SilentUpdateTimeout);
        let missing = self.withdraw(desk, silent);
        self.settle(desk);
        let answer = if missing.is_empty() || silent {
            Ok(DeploymentReport::Updated)
        } else {
            let why = match &self.last_failure {
                Some((stage, reason)) => format!("{}: {reason}", stage.as_str()),
                None => "the time was too short".to_owned(),
            };
            Err(format!("not updated: {}: {why}", missing.join(", ")).into())
        };
        self.answers.push((update.asker, answer));
        self.advance(desk);
    }

    /// Takes out of the ensemble what does not run yet; a node that was to be moved may go anywhere instead. The answer
    /// names all of them. A new node and its standbys are there together, or not at all.
    fn withdraw(&mut self, desk: &mut Desk<'_, '_>, silent: bool) -> Vec<String> {
        let mut config = (*self.config).clone();
        // What is idle is not needed yet, or has done its part.
        let lacks = |node: &Node| {
            let is_as_wanted = matches!(node.phase, Phase::Started | Phase::Standby | Phase::Idle);
            node.change != Change::Nothing && !is_as_wanted
        };
        let lacking = self.nodes.iter().filter(|node| lacks(node));
        let names = |node: &Node| {
            node.members.iter().map(|member| format!("{}.{}", node.name, member.name)).collect::<Vec<_>>()
        };
        let missing: Vec<String> = lacking.flat_map(names).collect();
        let belongs_to = |one: &Node, other: &Node| one.entry == other.entry && one.change == other.change;
        let mut gone: Vec<bool> = self
            .nodes
            .iter()
            .map(|node| self.nodes.iter().any(|other| lacks(other) && belongs_to(node, other)))
            .collect();
        for (index, gone) in gone.iter_mut().enumerate().filter(|(_, gone)| **gone) {
            let node = &mut self.nodes[index];
            let entry = Arc::clone(&node.entry);
            if node.change == Change::Moved && !silent {
                node.pin = None;
                config.nodes[&entry].peer = None;
                *gone = false;
                continue;
            }
            if let Some(settings) = config.nodes.get_mut(&entry) {
                let is_here = |name: &Arc<str>| node.members.iter().any(|member| member.name == *name);
                settings.allocations.retain(|allocation| !is_here(allocation));
                settings.ports.retain(|port| !is_here(&port.allocation));
                if settings.allocations.is_empty() {
                    config.nodes.shift_remove(&entry);
                }
            }
            let lives = node.lives();
            self.note_former_lives(&lives);
            if !silent {
                self.undo_node(desk, index);
            }
            self.drop_pending_of(index);
        }
        if missing.is_empty() {
            return missing;
        }
        let (former, known) = (self.ids(), self.known());
        let mut gone = gone.into_iter();
        self.nodes.retain(|_| !gone.next().expect("there is one for each node"));
        self.config = Arc::new(config);
        self.pause = None;
        self.relabel(desk, &former);
        self.forget_gone(desk, known);
        missing
    }

    /// The deployment ends: the update under way is none any more.
    pub(super) fn abandon_update(&mut self) {
        if let Some(update) = self.updating.take() {
            self.answers.push((update.asker, Err("the deployment ended before it was updated".into())));
        }
    }

    /// Whether a node whose commit has failed keeps what it has reserved nevertheless (W11).
    pub(super) fn leaves_behind(&self, desk: &Desk<'_, '_>, node: usize, stage: Stage) -> bool {
        stage == Stage::Commit
            && matches!(self.nodes[node].change, Change::Added | Change::Part)
            && desk.security.profile.has(Weakness::SilentUpdateTimeout)
    }

    /// Says what the deployment consists of, and what of that is meant to run: not what is still to be added, nor
    /// standbys.
    fn tell_shape(&self, desk: &mut Desk<'_, '_>) {
        let of_node = |node: &Node| {
            let is_there = matches!(node.change, Change::Nothing | Change::Moved);
            let role = |member: &Member| Role {
                allocation: format!("{}.{}", node.name, member.name).into(),
                service: format!("{}.{}", node.entry, member.name).into(),
                kind: member.config.kind,
                is_wanted: is_there && node.standby_of.is_none(),
            };
            node.members.iter().map(role).collect::<Vec<_>>()
        };
        let allocations = self.nodes.iter().flat_map(of_node).collect();
        desk.fact(Fact::DeploymentReshaped { ensemble: self.id, allocations });
    }
}

/// Addresses for new allocations. Those that somebody may have had, up to the highest, come last: others may still know
/// them by another name.
fn free_addresses(
    range: AddressRange,
    nodes: &[Node],
    own: Option<Ipv4Addr>,
    highest: Option<Ipv4Addr>,
    config: &EnsembleConfig,
) -> impl Iterator<Item = Ipv4Addr> + use<> {
    let stays = |node: &Node, member: &Member| {
        config.nodes.get(&node.entry).is_some_and(|new| new.allocations.contains(&member.name))
    };
    let members = || nodes.iter().flat_map(|node| node.members.iter().map(move |member| (node, member)));
    let staying = members().filter(|(node, member)| stays(node, member)).map(|(_, member)| member.address);
    let kept: Vec<Ipv4Addr> = staying.chain(own).collect();
    let (new, had): (Vec<_>, Vec<_>) = range
        .for_allocations()
        .filter(|address| !kept.contains(address))
        .partition(|address| Some(*address) > highest);
    new.into_iter().chain(had)
}

fn highest_address(nodes: &[Node]) -> Option<Ipv4Addr> {
    nodes.iter().flat_map(|node| &node.members).map(|member| member.address).max()
}

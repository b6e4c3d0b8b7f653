//! What happened in a lab, in words of the protocol.
//!
//! A line of a message has its time, sender and receiver, the behaviour that it calls and its content in short; a
//! line of a peer has what became known there. Ids of deployments are replaced by their names.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use dmsim::dms::actor::{
    AllocationState, Behaviour, BehaviourKind, DeploymentRequest, EdgeConstraint, Envelope, LogChunk,
    LogRequest, Message, NodeRequest, Revert, TaskTermination,
};
use dmsim::dms::deputy::{DeputyMessage, Mandate};
use dmsim::dms::fact::{Fact, MachineFact, Role};
use dmsim::dms::identity::{ActorId, Did, EnsembleId, Handle, Inbox, PeerId};
use dmsim::dms::outbox::Action;
use dmsim::kernel::{Span, Timestamp};

use super::lab::Host;

/// The names of peers by their hosts.
pub(super) type Names = BTreeMap<PeerId, String>;

/// Everything that happened so far.
pub(super) struct Record {
    start: Timestamp,
    names: Names,
    /// The names of the peers by their numbers.
    peers: Vec<String>,
    lines: Vec<String>,
    facts: Vec<(Timestamp, usize, Fact)>,
    labels: Vec<(EnsembleId, String)>,
    /// The name of the deployment that is being asked for.
    expected: Option<String>,
    /// What the reply with this nonce to this actor answers.
    purposes: BTreeMap<(ActorId, u64), String>,
    /// The behaviours of the messages sent, replies left out.
    sent: Vec<String>,
    /// The ends of behaviours that are not written down.
    pub(super) hidden: Vec<String>,
}

impl Record {
    pub(super) fn new(start: Timestamp, peers: Vec<(PeerId, String)>) -> Self {
        Self {
            start,
            peers: peers.iter().map(|(_, name)| name.clone()).collect(),
            names: peers.into_iter().collect(),
            lines: Vec::new(),
            facts: Vec::new(),
            labels: Vec::new(),
            expected: None,
            purposes: BTreeMap::new(),
            sent: Vec::new(),
            hidden: Vec::new(),
        }
    }

    /// The lines so far.
    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    pub(super) fn facts(&self) -> &[(Timestamp, usize, Fact)] {
        &self.facts
    }

    /// A command of the script.
    pub(super) fn command(&mut self, command: &str) {
        self.lines.push(String::new());
        self.lines.push(format!("> {command}"));
    }

    /// The next deployment that is accepted has this name.
    pub(super) fn expect_deployment(&mut self, label: &str) {
        self.expected = Some(label.to_owned());
    }

    pub(super) fn deployment(&self, label: &str) -> Option<EnsembleId> {
        self.labels.iter().find(|(_, name)| name == label).map(|(id, _)| *id)
    }

    /// Whether a deployment has been given this name.
    pub(super) fn is_taken(&self, label: &str) -> bool {
        self.deployment(label).is_some()
    }

    /// How many messages with this behaviour were sent.
    pub(super) fn sent_count(&self, behaviour: &str) -> usize {
        let end = format!("/{behaviour}");
        self.sent.iter().filter(|path| path.ends_with(&end)).count()
    }

    /// The path of the behaviour that a message calls; for a reply, of that which it answers.
    pub(super) fn purpose_of(&self, envelope: &Envelope) -> String {
        let of_reply = || {
            let key = (envelope.to.as_ref()?.id, envelope.behaviour.reply_nonce()?);
            self.purposes.get(&key).cloned()
        };
        of_reply().unwrap_or_else(|| envelope.behaviour.path.as_str().to_owned())
    }

    /// A message is sent; each receiver gets it late by so much, or not at all.
    pub(super) fn message(&mut self, now: Timestamp, envelope: &Envelope, fates: &[(usize, Option<Span>)]) {
        let path = self.purpose_of(envelope);
        if let Some(nonce) = envelope.reply_to.as_ref().and_then(Behaviour::reply_nonce) {
            self.purposes.insert((envelope.from.id, nonce), path.clone());
        }
        let reply = envelope.behaviour.kind == BehaviourKind::ReplyTo;
        let hidden = self.hidden.iter().any(|end| path.ends_with(&format!("/{end}")));
        if !reply {
            self.sent.push(path.clone());
        }
        if hidden {
            return;
        }
        let to = envelope.to.as_ref().map_or_else(|| "everyone".to_owned(), |to| self.name(to));
        let route = format!("{} -> {to}", self.name(&envelope.from));
        let path = if reply { format!("reply to {path}") } else { path };
        let mut what = format!("{path}  {}", self.content(&envelope.message));
        if fates.is_empty() {
            what.push_str("  [NOBODY THERE]");
        }
        for (to, fate) in fates {
            let whom =
                if envelope.to.is_none() { format!(" for {}", self.peers[*to]) } else { String::new() };
            match fate {
                None => what.push_str(&format!("  [LOST{whom}]")),
                Some(Span::ZERO) => {}
                Some(delay) => what.push_str(&format!("  [LATE by {delay}{whom}]")),
            }
        }
        self.line(now, &route, &what);
    }

    /// A message reaches a peer that is down.
    pub(super) fn unheard(&mut self, now: Timestamp, peer: usize, envelope: &Envelope) {
        let path = self.purpose_of(envelope);
        if !self.hidden.iter().any(|end| path.ends_with(&format!("/{end}"))) {
            let from = self.name(&envelope.from);
            let name = self.peers[peer].clone();
            self.line(now, &name, &format!("is down and does not hear {from} ({path})"));
        }
    }

    pub(super) fn fact(&mut self, now: Timestamp, peer: usize, fact: Fact) {
        if let Fact::DeploymentAccepted(id) = &fact
            && let Some(label) = self.expected.take()
        {
            self.labels.push((*id, label));
        }
        let (who, what) = (self.peers[peer].clone(), self.words(&fact));
        self.line(now, &who, &what);
        self.facts.push((now, peer, fact));
    }

    pub(super) fn action(&mut self, now: Timestamp, peer: usize, action: &Action) {
        let what = match action {
            Action::Start(run, config) => {
                format!("executor: start {} as run {}.{}", config.dns_name, run.slot, run.run)
            }
            Action::Stop(run) => format!("executor: stop run {}.{}", run.slot, run.run),
            Action::ReadLog(run, stream, offset) => {
                format!("executor: read {} of run {}.{} from {offset}", lower(stream), run.slot, run.run)
            }
            Action::Terminate(run) => format!("executor: terminate run {}.{}", run.slot, run.run),
            Action::Probe(run, ..) => format!("executor: probe run {}.{}", run.slot, run.run),
            Action::ReadStats(run) => format!("executor: look what run {}.{} uses", run.slot, run.run),
            Action::Mount(run, _) => format!("executor: mount for run {}.{}", run.slot, run.run),
            Action::Unmount(slot) => format!("executor: unmount for slot {slot}"),
            Action::RemoveBrick(brick) => format!("executor: remove {brick}"),
            Action::Provision(order, plan) => format!("cloud: make machine {order} with {plan}"),
            Action::DeleteMachine(order) => format!("cloud: delete machine {order}"),
            Action::LookUpTransfer(chain, tx_hash) => format!("chain: look up {tx_hash} on {chain:?}"),
        };
        let who = self.peers[peer].clone();
        self.line(now, &who, &what);
    }

    /// A peer's process has ended by itself.
    pub(super) fn broke_down(&mut self, now: Timestamp, peer: usize) {
        let who = self.peers[peer].clone();
        self.line(now, &who, "BREAKS DOWN");
    }

    /// What a peer holds and orchestrates now.
    pub(super) fn state(&mut self, now: Timestamp, host: &Host) {
        let mut parts = Vec::new();
        for deployment in host.peer.deployments() {
            let state = match deployment.is_handed_over() {
                true => "another's",
                false => deployment.status().as_str(),
            };
            parts.push(format!("{} is {state}", deployment.id()));
        }
        let provider = host.peer.provider();
        for (id, generation, state) in provider.allocations() {
            parts.push(format!("{id} of generation {generation} is {}", lower(state)));
        }
        for (id, holding) in provider.pool().holdings().filter(|(_, holding)| holding.lease.is_some()) {
            parts.push(format!("reserved for {id} of generation {}", holding.generation));
        }
        if provider.pool().holdings().count() > 0 {
            parts.push(format!("free {}", provider.pool().free()));
        }
        if !host.up {
            parts.push("down".to_owned());
        }
        let what = if parts.is_empty() { "holds nothing".to_owned() } else { parts.join("; ") };
        self.line(now, &host.name, &format!("STATE  {what}"));
    }

    fn line(&mut self, now: Timestamp, who: &str, what: &str) {
        let time = now.since(self.start).0 / 1_000_000;
        let time = format!("{}.{:03}", time / 1000, time % 1000);
        let line = self.named(&format!("{time:>9}  {who:<26}  {what}"));
        self.lines.push(line);
    }

    /// The text with the names of deployments and nodes in the place of their ids.
    fn named(&self, text: &str) -> String {
        let replace = |text: String, (id, label): &(EnsembleId, String)| text.replace(&id.to_string(), label);
        let text = self.labels.iter().fold(text.to_owned(), replace);
        let host = |text: String, (host, name): (&PeerId, &String)| {
            text.replace(&Did::Key(host.0).to_string(), name)
        };
        if text.contains("did:key") { self.names.iter().fold(text, host) } else { text }
    }

    fn name(&self, handle: &Handle) -> String {
        let host = self.names.get(&handle.host).map_or("nobody", String::as_str);
        match &handle.inbox {
            Inbox::Root => host.to_owned(),
            inbox => self.named(&format!("{host}/{inbox}")),
        }
    }

    #[expect(clippy::too_many_lines, reason = "an arm for each kind, and no more")]
    fn content(&self, message: &Message) -> String {
        match message {
            Message::Hello
            | Message::HelloReply(_)
            | Message::AllocationStart
            | Message::AllocationRestart
            | Message::SubnetCreate(_)
            | Message::SubnetDestroy(_)
            | Message::HealthCheckRegister
            | Message::HealthCheck => String::new(),
            Message::BidRequest(request) => {
                let nodes: Vec<String> = request.requests.iter().map(node).collect();
                let mut excluded: Vec<&str> = request.exclude.iter().map(|peer| &*self.names[peer]).collect();
                excluded.sort_unstable();
                let not = if excluded.is_empty() { "" } else { "; not " };
                let part = request.draw.map(|draw| format!("; of {:.1}%", 100.0 * draw.share.fraction()));
                let (nodes, excluded) = (nodes.join("; "), excluded.join(", "));
                format!("round {}: {nodes}{not}{excluded}{}", request.nonce, part.unwrap_or_default())
            }
            Message::Bid(bid) if bid.promise => format!("a promise for {}", bid.node),
            Message::Bid(bid) if bid.signature.is_some() => {
                format!("the signed bid of {} for {}", self.name(&bid.handle), bid.node)
            }
            Message::Bid(bid) => format!("for {}", bid.node),
            Message::ConvertPromise(order) => {
                format!("for {} of generation {}", order.node, order.generation)
            }
            Message::SignBid(wanted) => format!("for {}", node(&wanted.node)),
            Message::Commit(commit) => {
                format!("{} of generation {}: {}", commit.allocation, commit.generation, commit.resources)
            }
            Message::Allocate(allocate) => ordered(allocate),
            Message::Allocated(handles) => {
                let handles: Vec<String> = handles.iter().map(|handle| self.name(handle)).collect();
                format!("yes: {}", handles.join(", "))
            }
            Message::SubnetAcceptPeers(routes) => {
                let told = |one: &dmsim::dms::subnet::Route| {
                    format!("{} at {}", dotted(one.address), self.names[&one.peer])
                };
                routes.iter().map(told).collect::<Vec<_>>().join(", ")
            }
            Message::Report(report) => report.summary(),
            Message::NewDeployment(_) => "deploy".to_owned(),
            Message::Deployment(request) => asked(request),
            Message::LogRequest(log) => log_request(log),
            Message::LogChunk(part) => log_chunk(part),
            Message::EdgeConstraint(edge) => self.edge(edge),
            Message::EdgeProbe(padding) => format!("{} bytes", padding.0),
            // No script asks for what operators do beside deployments.
            Message::Query
            | Message::Connect(_)
            | Message::Anchor(_)
            | Message::RevocationSummary(_)
            | Message::Revocations(_)
            | Message::Onboard(_)
            | Message::ConfigureLogger(_)
            | Message::Volume(_)
            | Message::Contract(_) => format!("{message:?}"),
            Message::Revert(revert) | Message::AllocationShutdown(revert) => undone(revert),
            Message::SubnetAddPeer { address } => format!("address {}", dotted(*address)),
            Message::SubnetRemovePeers(addresses) => {
                addresses.iter().map(|one| dotted(*one)).collect::<Vec<_>>().join(", ")
            }
            Message::DnsRemoveRecords(names) => names.join(", "),
            Message::SubnetJoin(order) => format!("address {}", dotted(order.address)),
            Message::DnsAddRecords(records) => {
                let records = records.iter().map(|one| format!("{} is {}", one.name, dotted(one.address)));
                records.collect::<Vec<_>>().join(", ")
            }
            Message::MapPort { public: 0, private } => format!("any public port to {private}"),
            Message::MapPort { public, private } => format!("public port {public} to {private}"),
            Message::TaskTermination(end) => task_end(end),
            Message::Liveness(report) => {
                let (id, generation) = (&report.allocation, report.generation);
                let (state, number) = (lower(report.status), report.sequence);
                format!("{id} of generation {generation} is {state}, report {number}")
            }
            Message::DeploymentState(allocations) => format!("still wanted: {}?", generations(allocations)),
            Message::AllocationStates(states) => in_states(states),
            Message::Deputy(said) => self.of_deputies(said),
            Message::Wait => "wait".to_owned(),
            Message::Ok => "yes".to_owned(),
            Message::Queued => "yes, in its turn".to_owned(),
            Message::Error(reason) => format!("no: {reason}"),
        }
    }

    fn of_deputies(&self, said: &DeputyMessage) -> String {
        let holder = |mandate: &Mandate| {
            format!("it is {}'s in term {}", self.names[&mandate.successor.host], mandate.term)
        };
        match said {
            DeputyMessage::Copy(copy) => self.named(&format!("a copy of {}", copy.ensemble)),
            DeputyMessage::Beat(_) => String::new(),
            DeputyMessage::Lacking => "copies are lacking".to_owned(),
            DeputyMessage::TakeOver(mandate) => holder(mandate),
            DeputyMessage::Superseded(mandate) => format!("no: {}", holder(mandate)),
        }
    }

    fn edge(&self, edge: &EdgeConstraint) -> String {
        let (from, to) = (&self.names[&edge.source], &self.names[&edge.target]);
        let (rtt, bandwidth) = (edge.rtt_ms, edge.bandwidth_bits_per_s);
        format!("from {from} to {to}: at most {rtt} ms, at least {bandwidth} bits a second")
    }

    #[expect(clippy::too_many_lines, reason = "an arm for each kind, and no more")]
    fn words(&self, fact: &Fact) -> String {
        match fact {
            Fact::MessageRejected { rejection, behaviour, explanation, .. } => {
                let why = explanation.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
                format!("REFUSES in silence {behaviour}: {rejection}{why}")
            }
            Fact::HelloAnswered => "has been greeted back".to_owned(),
            Fact::DeploymentAccepted(id) => format!("accepts {id}"),
            Fact::DeploymentQueued(id) => format!("lets {id} wait for its turn"),
            Fact::NodeAwarded { node, provider, paid_micro_per_h, .. } => {
                let provider = &self.names[provider];
                format!("awards {node} to {provider}, for {paid_micro_per_h} millionths an hour")
            }
            Fact::DeploymentRefused(reason) => format!("REFUSES the deployment: {reason}"),
            Fact::DeploymentStatus { ensemble, status, reason } => {
                let why = reason.as_ref().map_or_else(String::new, |why| format!(": {why}"));
                format!("{ensemble} is {}{why}", status.as_str())
            }
            Fact::RoundOpened { nonce, nodes, .. } => format!("opens round {nonce}, nodes: {nodes}"),
            Fact::BidMade(_) => "bids".to_owned(),
            Fact::BidRefused { refusal, .. } => format!("REFUSES to bid: {refusal}"),
            Fact::BidAccepted(_) => "keeps the bid".to_owned(),
            Fact::StageFailed { stage, reason, .. } => format!("FAILED {}: {reason}", stage.as_str()),
            Fact::Committed { allocation, generation, .. } => {
                format!("reserves for {allocation} of generation {generation}")
            }
            Fact::AllocationCreated { allocation, generation } => {
                format!("creates {allocation} of generation {generation}")
            }
            Fact::AddressGiven { allocation, generation, address } => {
                format!("{allocation} of generation {generation} is at {}", dotted(*address))
            }
            Fact::Named { allocation, generation, name } => {
                format!("{allocation} of generation {generation} is known as {name}")
            }
            // Which public port is drawn is of no interest.
            Fact::PortMapped { allocation, generation, private, .. } => {
                format!("opens a public port to port {private} of {allocation} of generation {generation}")
            }
            Fact::SentWithoutAuthority { behaviour, .. } => {
                format!("has no authority for {behaviour} and sends it all the same")
            }
            Fact::OperationAnswered { answer, .. } => format!("ANSWERS its operator: {answer}"),
            Fact::OperationRefused { reason, .. } => format!("REFUSES its operator: {reason}"),
            Fact::OperationUnanswered { reason, .. } => format!("tells its operator: {reason}"),
            Fact::AnchorRefused { .. }
            | Fact::RevocationAnchored(_)
            | Fact::Onboarded(_)
            | Fact::Offboarded
            | Fact::OnboardingRefused(_)
            | Fact::Contract { .. } => format!("{fact:?}"),
            Fact::Machine { machine, what, .. } => match what {
                MachineFact::Ordered => format!("has machine {machine} made"),
                MachineFact::Up => format!("has machine {machine} up"),
                MachineFact::Given => format!("hands machine {machine} over"),
                MachineFact::Failed(reason) => format!("FAILED machine {machine}: {reason}"),
                MachineFact::Deleted(reason) => format!("deletes machine {machine}: {reason}"),
            },
            Fact::AllocationState { allocation, generation, state, exit_code } => {
                let code = exit_code.map_or_else(String::new, |code| format!(", exit code {code}"));
                format!("{allocation} of generation {generation} is {}{code}", lower(state))
            }
            Fact::Released { allocation, generation, lapsed } => {
                let why = if *lapsed { " (the lease is over)" } else { "" };
                format!("gives back what {allocation} of generation {generation} held{why}")
            }
            Fact::NotTerminated { allocation, generation, reason } => {
                format!("cannot terminate {allocation} of generation {generation}: {reason}")
            }
            Fact::Container { allocation, generation, what } => {
                format!("{allocation} of generation {generation}: {what:?}")
            }
            Fact::Suspected { allocation, generation, cause } => {
                format!("suspects {allocation} of generation {generation}: {cause:?}")
            }
            Fact::DeploymentRestored { ensemble, status } => {
                format!("takes up {ensemble} again, stored as {}", status.as_str())
            }
            Fact::AllocationRestored { allocation, generation } => {
                format!("takes up {allocation} of generation {generation} again")
            }
            Fact::DeploymentHandedOver { ensemble, term } => {
                format!("goes on with {ensemble} in the place of its orchestrator, in term {term}")
            }
            Fact::DeploymentSuperseded { ensemble, term } => {
                format!("steps down: {ensemble} is another's in term {term}")
            }
            Fact::DeploymentReshaped { ensemble, allocations } => shape(*ensemble, allocations),
            Fact::SecretsSeen(secrets) => format!("secrets seen: {secrets}"),
            Fact::ResultDecided { node, agreed, votes, .. } => {
                format!("takes the result of {node} on which {agreed} of {votes} agree")
            }
            Fact::ResultChecked { allocation, generation, judgement, .. } => {
                format!(
                    "holds the result of {allocation} of generation {generation} to be {}",
                    judgement.as_str()
                )
            }
            Fact::SubnetJoined { ensemble, address } => {
                format!("is in the subnet of {ensemble} at {}", dotted(*address))
            }
            Fact::RestartOrdered { allocation } => format!("has {allocation} restarted"),
            Fact::RedeploymentStarted { node, generation, .. } => {
                format!("places {node} anew as generation {generation}")
            }
        }
    }
}

fn shape(ensemble: EnsembleId, allocations: &[Role]) -> String {
    let wanted = allocations.iter().filter(|role| role.is_wanted);
    let names: Vec<&str> = wanted.map(|role| &*role.allocation).collect();
    format!("{ensemble} is to consist of {}", names.join(", "))
}

fn task_end(end: &TaskTermination) -> String {
    let (id, generation, code) = (&end.allocation, end.generation, end.exit_code);
    let output = match (end.fetch, end.output.bytes()) {
        (true, _) => "; the output is to be fetched".to_owned(),
        (false, 0) => String::new(),
        (false, bytes) => format!("; {bytes} B of output"),
    };
    format!("{id} of generation {generation} is {}, exit code {code}{output}", lower(end.status))
}

/// The allocations that an order is about.
fn ordered(allocate: &dmsim::dms::actor::Allocate) -> String {
    let orders = allocate.allocations.iter();
    let orders = orders.map(|order| format!("{} of generation {}", order.id, order.generation));
    orders.collect::<Vec<_>>().join(", ")
}

fn log_request(log: &LogRequest) -> String {
    let (id, generation, offset) = (&log.allocation, log.generation, log.offset);
    format!("{id} of generation {generation}: {} from {offset}", lower(log.stream))
}

fn log_chunk(part: &LogChunk) -> String {
    let (offset, bytes, total) = (part.offset, part.data.0.len(), part.total);
    let ended = if part.ended { ", ended" } else { "" };
    format!("{} from {offset}: {bytes} B of {total} B{ended}", lower(part.stream))
}

/// What an operator asks, in the words of the command line.
fn asked(request: &DeploymentRequest) -> String {
    match request {
        DeploymentRequest::List(list) => {
            format!(
                "limit {}, offset {}, status {:?}, sort {:?}",
                list.limit, list.offset, list.status, list.sort
            )
        }
        DeploymentRequest::Status(id)
        | DeploymentRequest::Manifest(id)
        | DeploymentRequest::Shutdown(id)
        | DeploymentRequest::Delete(id) => id.to_string(),
        DeploymentRequest::Info(info) => format!("{}, usage {}, logs {}", info.id, info.usage, info.logs),
        DeploymentRequest::Logs(logs) => format!("{} of {}", logs.allocation, logs.id),
        DeploymentRequest::Prune(prune) => format!("{prune:?}"),
        DeploymentRequest::Update(update) => {
            let nodes: Vec<&str> = update.ensemble.nodes.keys().map(|name| &**name).collect();
            format!("{} to nodes {}", update.id, nodes.join(", "))
        }
    }
}

fn lower(state: impl std::fmt::Debug) -> String {
    format!("{state:?}").to_lowercase()
}

fn node(request: &NodeRequest) -> String {
    let executors: Vec<String> = request.executors.iter().map(ToString::to_string).collect();
    format!("{} ({}, {})", request.node, request.resources, executors.join(", "))
}

fn generations(allocations: &[(Arc<str>, u32)]) -> String {
    let parts = allocations.iter().map(|(id, generation)| format!("{id} of generation {generation}"));
    parts.collect::<Vec<_>>().join(", ")
}

fn in_states(states: &[(Arc<str>, u32, AllocationState)]) -> String {
    let part = |(id, generation, state): &(Arc<str>, u32, AllocationState)| {
        format!("{id} of generation {generation} is {}", lower(state))
    };
    states.iter().map(part).collect::<Vec<_>>().join(", ")
}

fn undone(revert: &Revert) -> String {
    let parts =
        revert.allocations.iter().map(|(id, generation)| format!("{id} up to generation {generation}"));
    parts.collect::<Vec<_>>().join(", ")
}

/// An address without the part that is drawn from the deployment's id.
fn dotted(address: Ipv4Addr) -> String {
    format!("10.x.y.{}", address.octets()[3])
}

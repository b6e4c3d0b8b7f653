//! A provider and one orchestrator, message by message: the subnet of an ensemble from creation to its end.

mod confirming;

use std::net::Ipv4Addr;

use super::*;
use crate::dms::actor::{
    Allocate, AllocationOrder, BidRequest, Call, Commit, DnsRecord, LogRequest, NodeRequest, Output, Printed,
    Revert, SecurityContext, Stream, SubnetCreate,
};
use crate::dms::capability::{CapabilityContext, Rules};
use crate::dms::ensemble::{AllocationKind, LocationConstraints, PortConfig};
use crate::dms::identity::{Inbox, PeerId};
use crate::dms::outbox::{Effects, Execution, Outbox};
use crate::dms::profile::Profile;
use crate::dms::resources::Cpu;
use crate::dms::subnet::{AddressRange, Endpoint, LookupError, Route};
use crate::dms::suppression::{Draw, Share, Ticket};
use crate::dms::system::BareSystem;
use crate::kernel::{Cursor, Domain, Streams};

const ID: EnsembleId = EnsembleId([5; 32]);
const RANGE: AddressRange = AddressRange::new([1, 2]);
const WEB: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 2);
const DB: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);

struct Lab {
    provider: Provider,
    root: Actor,
    orchestrator: Actor,
    security: SecurityContext,
    effects: Effects,
    cursor: Cursor,
    now: Timestamp,
}

/// What a machine has and an allocation needs: so many cores and GiB.
fn amount(n: u64) -> Resources {
    Resources {
        cpu: Cpu { cores_milli: n * 1000, ..Cpu::default() },
        ram_bytes: n << 30,
        disk_bytes: n << 30,
        gpus: Vec::new(),
    }
}

fn secret(seed: u8) -> SecretKey {
    SecretKey::ed25519([seed; 32], SignatureMode::Modelled)
}

/// The full id of an allocation of the one node.
fn full(name: &str) -> Arc<str> {
    format!("{ID}_node.{name}").into()
}

impl Lab {
    const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);

    /// A provider that has made a bid for the ensemble.
    fn new() -> Self {
        Self::with_profile(Profile::INTENDED)
    }

    fn with_profile(profile: Profile) -> Self {
        let machine = Machine {
            total: amount(16),
            onboarded: Some(amount(8)),
            location: Location::default(),
            executors: [Executor::Docker].into(),
            tariff: None,
            quotas: Arc::default(),
            places: None,
        };
        let context = CapabilityContext::new("provider", secret(1), Rules::INTENDED);
        let (did, host) = (Did::Key(secret(2).public()), PeerId(secret(2).public()));
        let mut lab = Self {
            provider: Provider::new(machine),
            root: Actor::root(secret(1), Self::NOW),
            orchestrator: Actor::child(secret(3), did, host, Inbox::Ensemble(ID), Self::NOW),
            security: SecurityContext::new(context, profile),
            effects: Effects::default(),
            cursor: Cursor::default(),
            now: Self::NOW,
        };
        lab.bid();
        lab
    }

    /// A bid that commits can refer to.
    fn bid(&mut self) {
        let expire = Self::NOW + Span::mins(5);
        self.provider.bids.insert(ID, StoredBid { expire, tenant: None, answered: SmallVec::new() });
    }

    fn here(&self) -> PeerId {
        self.root.handle.host
    }

    /// Lets the provider handle something, and returns what it has answered.
    fn with(&mut self, handle: impl FnOnce(&mut Provider, &mut Actor, &mut Desk<'_, '_>)) -> Option<Message> {
        self.happens(handle);
        self.effects.sends.pop().map(|envelope| envelope.message)
    }

    /// Lets the provider handle something.
    fn happens(&mut self, handle: impl FnOnce(&mut Provider, &mut Actor, &mut Desk<'_, '_>)) {
        let streams = Streams::new(1);
        let random = streams.rng(Domain::new("test"), 0, &mut self.cursor);
        let mut out = Outbox { effects: &mut self.effects, random, system: &BareSystem };
        let mut desk = Desk { now: self.now, security: &mut self.security, out: &mut out };
        handle(&mut self.provider, &mut self.root, &mut desk);
    }

    /// Asks the node itself, or an allocation by its name, and returns the answer.
    #[track_caller]
    fn ask(&mut self, allocation: Option<&str>, message: Message) -> Message {
        self.tell(allocation, message).expect("the request is answered")
    }

    /// The same where the answer may come later.
    fn tell(&mut self, allocation: Option<&str>, message: Message) -> Option<Message> {
        let nonce = self.orchestrator.next_nonce();
        // The handlers look at the message alone; which behaviour leads to them is the peer's matter.
        let behaviour = Behaviour::fixed(BehaviourKind::Commit);
        let reply_to = Some(Behaviour::reply_to(nonce));
        let call = Call { behaviour, reply_to, expire: self.now + Span::secs(5), message };
        let streams = Streams::new(2);
        let mut random = streams.owned(Domain::new("test.orchestrator"), nonce);
        let to = Arc::clone(&self.root.handle);
        let context = &self.security.capabilities;
        let request = self.orchestrator.seal(context, nonce, to, call, Self::NOW, &mut random);
        self.with(|provider, root, desk| match allocation {
            None => provider.handle_root(desk, root, &request),
            Some(name) => provider.handle_allocation(desk, &full(name), &request),
        })
    }

    /// The executor reports; the answer to whom that was owed.
    fn report(&mut self, execution: Execution) -> Option<Message> {
        self.with(|provider, root, desk| provider.handle_execution(desk, root, execution))
    }

    /// Commits and allocates one allocation.
    fn create(&mut self, name: &str, generation: u32, ports: &[u16]) {
        assert_eq!(self.ask(None, commit(name, generation, ports)), Message::Ok);
        self.allocate(name, generation);
    }

    fn allocate(&mut self, name: &str, generation: u32) {
        let config = AllocationConfig::bare(name, AllocationKind::Service, Executor::Docker, amount(1));
        let (config, report_every) = (Arc::new(config), None);
        let order = AllocationOrder { id: full(name), name: name.into(), generation, config, report_every };
        let allocate = Allocate {
            ensemble: ID,
            node: "node".into(),
            allocations: vec![order],
            orchestrator: Arc::clone(&self.orchestrator.handle),
            mandate: None,
        };
        let created = self.ask(None, Message::Allocate(Box::new(allocate)));
        assert!(matches!(created, Message::Allocated(handles) if handles.len() == 1));
    }

    fn create_subnet(&mut self) -> Message {
        let (here, elsewhere) = (self.here(), PeerId(secret(9).public()));
        let routes = [Route { address: WEB, peer: here }, Route { address: DB, peer: elsewhere }];
        let order = SubnetCreate { ensemble: ID, range: RANGE, routes: routes.into() };
        self.ask(None, Message::SubnetCreate(Box::new(order)))
    }

    /// `web` with its address, the names of both and a port.
    fn connect_web(&mut self) {
        assert_eq!(self.create_subnet(), Message::Ok);
        assert_eq!(self.ask(Some("web"), Message::SubnetAddPeer { address: WEB }), Message::Ok);
        let records = [("web.internal", WEB), ("db.internal", DB)];
        let records = records.map(|(name, address)| DnsRecord { name: name.into(), address });
        assert_eq!(self.ask(Some("web"), Message::DnsAddRecords(records.into())), Message::Ok);
        assert_eq!(self.ask(Some("web"), Message::MapPort { public: 20_000, private: 80 }), Message::Ok);
    }

    fn revert(&mut self, name: &str, generation: u32) {
        let revert = Revert { ensemble: ID, allocations: vec![(full(name), generation)] };
        assert_eq!(self.ask(None, Message::Revert(Box::new(revert))), Message::Ok);
    }

    fn resolve(&self, name: &str) -> Result<Endpoint, LookupError> {
        self.provider.resolve(&full("web"), name)
    }
}

fn commit(name: &str, generation: u32, ports: &[u16]) -> Message {
    let port = |public: &u16| PortConfig { public: *public, private: 80, allocation: name.into() };
    Message::Commit(Box::new(Commit {
        ensemble: ID,
        allocation: full(name),
        node: "node".into(),
        generation,
        resources: amount(1),
        ports: ports.iter().map(port).collect(),
        cards: Vec::new(),
    }))
}

fn refusal(message: Message) -> String {
    match message {
        Message::Error(reason) => reason.to_string(),
        other => panic!("{other:?} is no refusal"),
    }
}

#[test]
fn an_allocation_is_reached_by_its_name_while_it_runs() {
    let mut lab = Lab::new();
    lab.create("web", 0, &[20_000]);
    lab.effects.facts.clear();
    lab.connect_web();
    let (allocation, generation) = (full("web"), 0);
    let expected = [
        Fact::AddressGiven { allocation: Arc::clone(&allocation), generation, address: WEB },
        Fact::Named { allocation: Arc::clone(&allocation), generation, name: "web.internal".into() },
        Fact::PortMapped { allocation, generation, public: 20_000, private: 80 },
    ];
    assert_eq!(lab.effects.facts, expected);
    assert_eq!(lab.resolve("web.internal"), Ok(Endpoint { address: WEB, peer: lab.here() }));
    assert_eq!(lab.provider.running_at(ID, WEB), None, "it has not started");
    let run = lab.provider.allocations[&full("web")].run;
    lab.report(Execution::Started(run));
    assert_eq!(lab.provider.running_at(ID, WEB), Some(&full("web")));
    // Where the other one is, changes while it runs.
    let moved = PeerId(secret(7).public());
    let routes = Message::SubnetAcceptPeers([Route { address: DB, peer: moved }].into());
    assert_eq!(lab.ask(Some("web"), routes), Message::Ok);
    assert_eq!(lab.resolve("db.internal"), Ok(Endpoint { address: DB, peer: moved }));
}

#[test]
fn steps_out_of_order_are_refused() {
    let mut lab = Lab::new();
    lab.create("web", 0, &[20_000]);
    let missing = format!("subnet with ID {ID} does not exist");
    assert_eq!(refusal(lab.ask(Some("web"), Message::SubnetAddPeer { address: WEB })), missing);
    assert_eq!(lab.create_subnet(), Message::Ok);
    assert_eq!(refusal(lab.create_subnet()), format!("subnet with ID {ID} already exists"));
    let no_address = "the allocation has no address in the subnet";
    assert_eq!(refusal(lab.ask(Some("web"), Message::DnsAddRecords([].into()))), no_address);
    assert_eq!(refusal(lab.ask(Some("web"), Message::MapPort { public: 20_000, private: 80 })), no_address);
    let elsewhere = refusal(lab.ask(Some("web"), Message::SubnetAddPeer { address: DB }));
    assert_eq!(elsewhere, "address 10.1.2.3 has no route to this peer");
    assert_eq!(lab.ask(Some("web"), Message::SubnetAddPeer { address: WEB }), Message::Ok);
    let foreign = refusal(lab.ask(Some("web"), Message::MapPort { public: 20_001, private: 80 }));
    assert_eq!(foreign, "port 20001 is not reserved");
    assert_eq!(lab.resolve("web.internal"), Err(LookupError::NoSuchName("web.internal".into())));
}

/// Every way in which a subnet ends leaves nothing behind, so that it can be created anew.
#[test]
fn destroyed_reverted_replaced_or_restarted_it_is_gone() {
    type End = fn(&mut Lab);
    let ends: [(&str, u32, End); 4] = [
        ("destroy", 0, |lab| assert_eq!(lab.ask(None, Message::SubnetDestroy(ID)), Message::Ok)),
        ("revert", 1, |lab| lab.revert("web", 0)),
        ("a newer life", 1, |_| {}),
        ("a restart", 1, |lab| lab.provider.stop()),
    ];
    for (what, next, end) in ends {
        let mut lab = Lab::new();
        lab.create("web", 0, &[20_000]);
        lab.connect_web();
        end(&mut lab);
        if next > 0 {
            lab.bid();
            lab.create("web", next, &[20_000]);
        }
        assert_eq!(lab.resolve("web.internal"), Err(LookupError::NotConnected), "{what}");
        assert_eq!(lab.provider.subnets.at(ID, WEB), None, "{what}");
        lab.connect_web();
    }
}

#[test]
fn a_late_revert_leaves_what_has_replaced_its_target() {
    let mut lab = Lab::new();
    lab.create("web", 1, &[20_000]);
    lab.connect_web();
    lab.revert("web", 0);
    assert!(lab.resolve("db.internal").is_ok());
    lab.revert("web", 1);
    assert_eq!(lab.resolve("db.internal"), Err(LookupError::NotConnected));
    assert!(lab.provider.hosted.is_empty());
}

/// A task that has ended with this output, and its run. What was sent and is to come is still among the effects.
fn ended_task(lab: &mut Lab, output: Output) -> RunId {
    lab.create("web", 0, &[]);
    let task = lab.provider.allocations.get_mut(&full("web")).expect("created just before");
    let config = AllocationConfig { kind: AllocationKind::Task, ..(*task.config).clone() };
    task.config = Arc::new(config);
    let run = task.run;
    lab.with(|provider, root, desk| provider.handle_execution(desk, root, Execution::Started(run)));
    lab.effects.timers.clear();
    lab.effects.sends.clear();
    let streams = Streams::new(1);
    let random = streams.rng(Domain::new("test"), 0, &mut lab.cursor);
    let mut out = Outbox { effects: &mut lab.effects, random, system: &BareSystem };
    let mut desk = Desk { now: lab.now, security: &mut lab.security, out: &mut out };
    lab.provider.handle_execution(&mut desk, &mut lab.root, Execution::Exited { run, code: 0, output });
    run
}

fn printed(bytes: usize) -> Output {
    Output { stdout: Printed("x".repeat(bytes).into()), stderr: Printed::default() }
}

/// How often the end of the task is told, if time passes and nothing else happens.
fn tellings(lab: &mut Lab) -> usize {
    let mut told = lab.effects.sends.len();
    lab.effects.sends.clear();
    while let Some(place) =
        lab.effects.timers.iter().position(|(_, timer)| matches!(timer, Timer::Farewell(_)))
    {
        let (at, timer) = lab.effects.timers.remove(place);
        lab.now = at;
        told += usize::from(lab.with(|provider, _, desk| provider.handle_timer(desk, timer)).is_some());
    }
    told
}

#[test]
fn a_task_s_end_is_told_until_it_is_acknowledged_or_three_hours_have_passed() {
    let mut lab = Lab::new();
    ended_task(&mut lab, printed(10));
    let nonce = lab.effects.sends[0].reply_to.as_ref().and_then(Behaviour::reply_nonce);
    assert!(lab.provider.has_allocation_behaviour(&full("web"), &Behaviour::reply_to(nonce.unwrap())));
    assert!(
        !lab.provider.has_allocation_behaviour(&full("web"), &Behaviour::fixed(BehaviourKind::HealthCheck))
    );
    let told = tellings(&mut lab);
    assert!(
        (30..50).contains(&told),
        "{told} times: every five minutes for three hours, more often at first"
    );
    assert!(lab.now.since(Lab::NOW) > Span::hours(3) && lab.provider.receiver(&full("web")).is_none());
    for (what, end) in [
        ("acknowledged", (|lab| lab.provider.acknowledged(&full("web"))) as fn(&mut Lab)),
        ("reverted", |lab| lab.revert("web", 0)),
    ] {
        let mut lab = Lab::new();
        ended_task(&mut lab, printed(10));
        lab.effects.sends.clear();
        end(&mut lab);
        assert_eq!(tellings(&mut lab), 0, "{what}");
    }
    let mut as_is = Lab::new();
    as_is.security.profile = crate::dms::profile::Profile::AS_IS;
    ended_task(&mut as_is, printed(10));
    assert_eq!(tellings(&mut as_is), 1);
}

#[test]
fn long_output_is_fetched_within_half_an_hour() {
    for (bytes, inline) in [(512 << 10, true), ((512 << 10) + 1, false)] {
        let mut lab = Lab::new();
        let run = ended_task(&mut lab, printed(bytes));
        let Message::TaskTermination(end) = &lab.effects.sends[0].message else { panic!("no end is told") };
        assert_eq!((end.output.bytes() > 0, end.fetch), (inline, !inline));
        lab.provider.acknowledged(&full("web"));
        let ask = |offset, generation| {
            let (allocation, run, stream) = (full("web"), 0, Stream::Stdout);
            Message::LogRequest(Box::new(LogRequest { allocation, generation, run, stream, offset }))
        };
        let Message::LogChunk(part) = lab.ask(None, ask(512 << 10, 0)) else { panic!("no log") };
        assert_eq!((part.total, part.ended), (bytes as u64, true));
        assert_eq!(part.data.0.len(), bytes - (512 << 10));
        assert!(refusal(lab.ask(None, ask(0, 1))).starts_with("no logs"));
        assert!(!lab.provider.hosted.is_empty(), "who may fetch it is known");
        lab.provider.forget_log(run);
        assert!(refusal(lab.ask(None, ask(0, 0))).starts_with("no logs"));
        assert!(lab.provider.hosted.is_empty());
    }
}
impl Lab {
    /// Creates an allocation and starts it: its run.
    fn run(&mut self, name: &str) -> RunId {
        self.create(name, 0, &[20_000]);
        let run = self.provider.allocations[&full(name)].run;
        self.tell(Some(name), Message::AllocationStart);
        self.report(Execution::Started(run));
        self.effects = Effects::default();
        run
    }

    /// Cores that nobody holds.
    fn free_cores(&self) -> u64 {
        assert_eq!(self.provider.pool.audit(), Ok(()));
        self.provider.pool.free().cpu.cores_milli / 1000
    }
}

#[test]
fn what_ran_is_given_back_when_the_executor_says_that_it_is_gone() {
    let mut lab = Lab::new();
    let run = lab.run("web");
    lab.revert("web", 0);
    assert!(matches!(lab.effects.actions[..], [Action::Terminate(it)] if it == run));
    assert_eq!((lab.free_cores(), lab.effects.facts.len()), (7, 0));
    assert_eq!(lab.provider.ports.check(&[20_000], 0), Ok(()), "ports go first");
    lab.revert("web", 0);
    assert_eq!(lab.free_cores(), 7, "asked twice it is still there");
    lab.report(Execution::Terminated(run, None));
    assert_eq!(lab.free_cores(), 8);
    let (allocation, generation, state) = (full("web"), 0, AllocationState::Terminated);
    let expected = [
        Fact::AllocationState { allocation: Arc::clone(&allocation), generation, state, exit_code: None },
        Fact::Released { allocation, generation, lapsed: false },
    ];
    assert_eq!(lab.effects.facts, expected);
    lab.effects.facts.clear();
    lab.report(Execution::Terminated(run, None));
    assert_eq!((lab.free_cores(), lab.effects.facts.len()), (8, 0), "said twice it is gone once");
}

#[test]
fn what_cannot_be_terminated_is_tried_again_and_with_w9_kept_for_ever() {
    let as_read = Profile::INTENDED.with(Weakness::LeakingTerminations);
    for (profile, pauses_s) in [(Profile::INTENDED, vec![30, 60, 120, 240, 300, 300]), (as_read, Vec::new())]
    {
        let mut lab = Lab::with_profile(profile);
        let run = lab.run("web");
        lab.revert("web", 0);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            lab.effects.timers.clear();
            lab.report(Execution::NotTerminated(run, "it hangs".into()));
            assert_eq!(lab.free_cores(), 7);
            let due = lab.effects.timers.iter().map(|(at, timer)| (at.since(Lab::NOW).as_secs_f64(), *timer));
            pauses.extend(due.clone().map(|(after_s, _)| after_s as u64));
            for (_, timer) in due.collect::<Vec<_>>() {
                lab.effects.actions.clear();
                lab.with(|provider, _, desk| provider.handle_timer(desk, timer));
                assert!(matches!(lab.effects.actions[..], [Action::Terminate(it)] if it == run));
            }
        }
        assert_eq!(pauses, pauses_s);
        lab.effects.actions.clear();
        lab.revert("web", 0);
        let asked_again = usize::from(profile == as_read);
        assert_eq!((lab.effects.actions.len(), lab.free_cores()), (asked_again, 7));
        lab.report(Execution::Terminated(run, None));
        assert_eq!(lab.free_cores(), 8);
        lab.with(|provider, _, desk| provider.handle_timer(desk, Timer::Terminate(run)));
        let reasons = lab.effects.facts.iter().filter(|fact| matches!(fact, Fact::NotTerminated { .. }));
        assert_eq!(reasons.count(), 6);
    }
}

#[test]
fn what_is_being_terminated_goes_on_after_a_restart_of_the_process_alone() {
    for (kept, free) in [(true, 7), (false, 8)] {
        let mut lab = Lab::new();
        let run = lab.run("web");
        lab.revert("web", 0);
        lab.report(Execution::NotTerminated(run, "it hangs".into()));
        let (record, running) = (lab.provider.record(), if kept { vec![run] } else { Vec::new() });
        lab.provider.stop();
        lab.effects = Effects::default();
        lab.with(|provider, _, desk| provider.recover(desk, record, &running, &[]));
        assert_eq!((lab.free_cores(), lab.effects.actions.len()), (free, usize::from(kept)));
        lab.report(Execution::Terminated(run, None));
        assert_eq!(lab.free_cores(), 8);
    }
}

#[test]
fn a_next_life_waits_for_the_end_of_the_former_one() {
    let mut lab = Lab::new();
    let run = lab.run("web");
    assert_eq!(lab.tell(None, commit("web", 1, &[20_000])), None, "first things first");
    assert_eq!(lab.report(Execution::Terminated(run, None)), Some(Message::Ok));
    assert_eq!(lab.free_cores(), 7);
    lab.allocate("web", 1);
    let mut lab = Lab::new();
    let run = lab.run("web");
    assert_eq!(lab.tell(None, commit("web", 1, &[])), None);
    let answer = lab.report(Execution::NotTerminated(run, "it hangs".into())).expect("there is an answer");
    let refused = format!("resources already committed for allocation {}", full("web"));
    assert_eq!(refusal(answer), refused);
    assert_eq!(refusal(lab.ask(None, commit("web", 2, &[]))), refused, "nobody waits for a second attempt");
    lab.report(Execution::Terminated(run, None));
    assert_eq!(lab.ask(None, commit("web", 2, &[])), Message::Ok);
}

#[test]
fn a_start_that_failed_has_failed_and_with_w10_runs() {
    for (profile, state) in [
        (Profile::INTENDED, AllocationState::Failed),
        (Profile::INTENDED.with(Weakness::FailedStartsRun), AllocationState::Running),
    ] {
        let mut lab = Lab::with_profile(profile);
        lab.create("web", 0, &[]);
        let run = lab.provider.allocations[&full("web")].run;
        assert_eq!(lab.tell(Some("web"), Message::AllocationStart), None);
        let answer = lab.report(Execution::StartFailed(run, "no such image".into()));
        assert_eq!(answer.map(refusal), Some("no such image".to_owned()), "the orchestrator is told");
        assert_eq!(lab.provider.allocations[&full("web")].state, state);
    }
}

/// What a node of so many cores asks of a provider.
fn node(name: &str, cores: u64) -> NodeRequest {
    NodeRequest {
        node: name.into(),
        index: 0,
        executors: [Executor::Docker].into(),
        resources: amount(cores),
        location: LocationConstraints::default(),
        static_ports: Vec::new(),
        dynamic_ports: 0,
        images: Vec::new(),
    }
}

#[test]
fn a_provider_without_room_for_a_node_tries_the_next_and_with_w18_none() {
    let bids = |profile: Profile, nodes: &[NodeRequest]| {
        let mut lab = Lab::with_profile(profile);
        let mut bids = 0;
        for nonce in 1..=20 {
            let request = BidRequest {
                ensemble: ID,
                nonce,
                requests: nodes.to_vec(),
                exclude: Vec::new(),
                contracts: Arc::default(),
                draw: None,
                offers: None,
            };
            bids += u32::from(matches!(
                lab.tell(None, Message::BidRequest(Arc::new(request))),
                Some(Message::Bid(bid)) if &*bid.node == "small"
            ));
        }
        (bids, lab.effects.facts.iter().filter(|fact| matches!(fact, Fact::BidRefused { .. })).count())
    };
    // The machine has 16 cores and offers 8 of them: `large` suits it and finds no room, `huge` does not suit it.
    let as_read = Profile::INTENDED.with(Weakness::SilentWithoutRoom);
    let nodes = [node("large", 12), node("small", 1)];
    let (intended, looked) = bids(Profile::INTENDED, &nodes);
    assert_eq!(intended, 20);
    assert!((1..20).contains(&looked), "{looked} of 20 shuffles begin with the large node");
    let (answered, silent) = bids(as_read, &nodes);
    assert_eq!((answered as usize, silent), (20 - looked, looked), "the same shuffles, and silence");
    assert_eq!(bids(as_read, &[node("huge", 20), node("small", 1)]).0, 20, "only room is looked at too late");
    assert_eq!(bids(Profile::INTENDED, &[node("large", 12)]), (0, 20));
}

#[test]
fn who_suits_is_held_back_by_the_draw_and_who_does_not_says_why() {
    let share = Share::of(1, 64, 0).expect("a half");
    let ask = |lab: &mut Lab, lot: u64, nodes: &[NodeRequest], exclude: Vec<PeerId>| {
        let draw = Some(Draw { lot, share });
        let (requests, contracts) = (nodes.to_vec(), Arc::default());
        let request =
            BidRequest { ensemble: ID, nonce: lot, requests, exclude, contracts, draw, offers: None };
        lab.effects.facts.clear();
        let answered = lab.tell(None, Message::BidRequest(Arc::new(request))).is_some();
        let refusals: Vec<BidRefusal> = lab
            .effects
            .facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::BidRefused { refusal, .. } => Some(refusal.clone()),
                _ => None,
            })
            .collect();
        (answered, refusals)
    };
    let mut lab = Lab::new();
    let mut answers = 0;
    for lot in 0..200 {
        let nodes = [node("small", 1), node("other", 2)];
        let (answered, refusals) = ask(&mut lab, lot, &nodes, Vec::new());
        assert_eq!(answered, Draw { lot, share }.takes(Ticket::of(&secret(1))), "its own key decides");
        assert_eq!(
            refusals,
            if answered { vec![] } else { vec![BidRefusal::HeldBack] },
            "once for all nodes"
        );
        answers += u32::from(answered);
        // Whoever could not bid is asked nothing else, whatever the draw.
        let here = lab.here();
        assert_eq!(ask(&mut lab, 1000 + lot, &nodes[..1], vec![here]).1, [BidRefusal::Excluded]);
        let full = ask(&mut lab, 2000 + lot, &[node("large", 12)], Vec::new()).1;
        assert!(matches!(full[..], [BidRefusal::Free(_)]), "{full:?}");
    }
    assert!((72..=128).contains(&answers), "{answers} of 200 at one half: four standard deviations are 28");
}

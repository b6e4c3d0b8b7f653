//! A provider and one orchestrator, message by message: the subnet of an ensemble from creation to its end.

use std::net::Ipv4Addr;

use super::*;
use crate::dms::actor::{
    Allocate, AllocationOrder, Call, Commit, DnsRecord, Revert, SecurityContext, SubnetCreate,
};
use crate::dms::capability::{CapabilityContext, Rules};
use crate::dms::ensemble::config::ExecutionConfig;
use crate::dms::ensemble::{AllocationKind, PortConfig};
use crate::dms::identity::{Inbox, PeerId};
use crate::dms::outbox::{Effects, Execution, Outbox};
use crate::dms::resources::Cpu;
use crate::dms::subnet::{AddressRange, Endpoint, LookupError, Route};
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
        let machine = Machine {
            total: amount(16),
            onboarded: Some(amount(8)),
            location: Location::default(),
            executors: vec![Executor::Docker],
        };
        let context = CapabilityContext::new("provider", secret(1), Rules::INTENDED);
        let (did, host) = (Did::Key(secret(2).public()), PeerId(secret(2).public()));
        let mut lab = Self {
            provider: Provider::new(machine),
            root: Actor::root(secret(1), Self::NOW),
            orchestrator: Actor::child(secret(3), did, host, Inbox::Ensemble(ID), Self::NOW),
            security: SecurityContext::new(context, crate::dms::profile::Profile::INTENDED),
            effects: Effects::default(),
            cursor: Cursor::default(),
        };
        lab.bid();
        lab
    }

    /// A bid that commits can refer to.
    fn bid(&mut self) {
        let expire = Self::NOW + Span::mins(5);
        self.provider.bids.insert(ID, StoredBid { expire, answered: SmallVec::new() });
    }

    fn here(&self) -> PeerId {
        self.root.handle.host
    }

    /// Lets the provider handle something, and returns what it has answered.
    fn with(&mut self, handle: impl FnOnce(&mut Provider, &mut Actor, &mut Desk<'_, '_>)) -> Option<Message> {
        let streams = Streams::new(1);
        let random = streams.rng(Domain::new("test"), 0, &mut self.cursor);
        let mut out = Outbox { effects: &mut self.effects, random };
        let mut desk = Desk { now: Self::NOW, security: &mut self.security, out: &mut out };
        handle(&mut self.provider, &mut self.root, &mut desk);
        drop(out);
        self.effects.sends.pop().map(|envelope| envelope.message)
    }

    /// Asks the node itself, or an allocation by its name, and returns the answer.
    fn ask(&mut self, allocation: Option<&str>, message: Message) -> Message {
        let nonce = self.orchestrator.next_nonce();
        // The handlers look at the message alone; which behaviour leads to them is the peer's matter.
        let behaviour = Behaviour::fixed(BehaviourKind::Commit);
        let reply_to = Some(Behaviour::reply_to(nonce));
        let call = Call { behaviour, reply_to, expire: Self::NOW + Span::secs(5), message };
        let streams = Streams::new(2);
        let mut random = streams.owned(Domain::new("test.orchestrator"), nonce);
        let to = Arc::clone(&self.root.handle);
        let context = &self.security.capabilities;
        let request = self.orchestrator.seal(context, nonce, to, call, Self::NOW, &mut random);
        let answer = self.with(|provider, root, desk| match allocation {
            None => provider.handle_root(desk, root, &request),
            Some(name) => provider.handle_allocation(desk, &full(name), &request),
        });
        answer.expect("every request is answered")
    }

    /// Commits and allocates one allocation.
    fn create(&mut self, name: &str, generation: u32, ports: &[u16]) {
        let port = |public: &u16| PortConfig { public: *public, private: 80, allocation: name.into() };
        let commit = Commit {
            ensemble: ID,
            allocation: full(name),
            node: "node".into(),
            generation,
            resources: amount(1),
            ports: ports.iter().map(port).collect(),
        };
        assert_eq!(self.ask(None, Message::Commit(Box::new(commit))), Message::Ok);
        let config = AllocationConfig {
            kind: AllocationKind::Service,
            executor: Executor::Docker,
            resources: amount(1),
            execution: ExecutionConfig::Null,
            dns_name: name.into(),
            keys: Vec::new(),
            provision: Vec::new(),
            healthcheck: None,
            volumes: Vec::new(),
            failure_recovery: None,
            depends_on: Vec::new(),
        };
        let order =
            AllocationOrder { id: full(name), name: name.into(), generation, config: Arc::new(config) };
        let allocate = Allocate {
            ensemble: ID,
            node: "node".into(),
            allocations: vec![order],
            orchestrator: Arc::clone(&self.orchestrator.handle),
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
    lab.with(|provider, _, desk| provider.handle_execution(desk, Execution::Started(run)));
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

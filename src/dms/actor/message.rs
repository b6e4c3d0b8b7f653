//! The payloads that actors exchange: what stands in an envelope's `msg` (dms-orchestration sections 2 to 4).
//!
//! A closed enum instead of bytes, so that a payload nobody handles is a compile error and an ordinary message
//! costs no parsing; its JSON is still what travels, and [`Message::json_len`] is what the network is charged with.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::control::{DeploymentRequest, NewDeployment};
use super::logs::{LogChunk, LogRequest, Output, Printed};
use super::promise::{ConvertPromise, SignBid};
use super::report::Report;
use crate::dms::capability::TokenList;
use crate::dms::contract::message::{ContractMessage, ContractRef};
use crate::dms::deputy::{DeputyMessage, Mandate};
use crate::dms::ensemble::{AllocationConfig, Executor, Location, LocationConstraints, PortConfig};
use crate::dms::identity::{Did, EnsembleId, Handle, PeerId, Signature};
use crate::dms::resources::Resources;
use crate::dms::scored_bids::{Disclosure, OffersWanted};
use crate::dms::storage::VolumeRequest;
use crate::dms::subnet::{AddressRange, Route};
use crate::dms::suppression::Draw;
use crate::kernel::Span;

/// What one node of an ensemble asks of a provider (`BidRequestV1`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct NodeRequest {
    /// The node's name in the ensemble.
    pub node: Arc<str>,
    /// Its place among the ensemble's nodes.
    #[serde(skip)]
    pub index: u16,
    /// Every executor that its allocations need.
    pub executors: Vec<Executor>,
    /// The sum over its allocations.
    pub resources: Resources,
    /// Where it may run.
    pub location: LocationConstraints,
    /// Public ports that must be exactly these.
    pub static_ports: Vec<u16>,
    /// How many further public ports it needs.
    pub dynamic_ports: u32,
    /// The images that it runs, where offers are wanted: who has them already can start sooner.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Arc<str>>,
}

/// A request for bids (`EnsembleBidRequest`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct BidRequest {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// The round; a provider answers each at most once.
    pub nonce: u64,
    /// The nodes that still need a bid.
    pub requests: Vec<NodeRequest>,
    /// Peers whose bids would not be taken.
    pub exclude: Vec<PeerId>,
    /// The contracts under which it is to run.
    #[serde(skip_serializing_if = "no_contracts")]
    pub contracts: Arc<[ContractRef]>,
    /// Who of those who could bid is to do so; everybody without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<Draw>,
    /// Whether bidders are to tell of themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offers: Option<OffersWanted>,
}

pub(super) fn no_contracts(contracts: &Arc<[ContractRef]>) -> bool {
    contracts.is_empty()
}

/// A provider's offer for one node; it reserves nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Bid {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// The node that it is for.
    pub node: Arc<str>,
    /// That node's place among the ensemble's nodes.
    #[serde(skip)]
    pub node_index: u16,
    /// The bidder's root handle; the messages that follow go there.
    pub handle: Arc<Handle>,
    /// Where the bidder says that it is.
    pub location: Location,
    /// Whether the bidder is a gateway that has yet to provision a machine for it.
    #[serde(skip_serializing_if = "is_no_promise")]
    pub promise: bool,
    /// The bidder's signature, on a bid that somebody else hands on; any other is signed with its envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// What the bidder tells of itself, where the request wants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<Box<Disclosure>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_no_promise(promise: &bool) -> bool {
    !*promise
}

/// Reserve resources for one allocation.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Commit {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// Full id of the allocation.
    pub allocation: Arc<str>,
    /// The node that it belongs to.
    pub node: Arc<str>,
    /// Which life of the allocation this is, from 0; every further placing of its node raises it.
    pub generation: u32,
    /// What to reserve.
    pub resources: Resources,
    /// Its ports.
    pub ports: Vec<PortConfig>,
    /// Which of the provider's cards, by their places, are to fulfil the wishes, where the orchestrator has a say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<u16>,
}

/// One allocation to create.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct AllocationOrder {
    /// Full id of the allocation.
    pub id: Arc<str>,
    /// Its name in the ensemble.
    pub name: Arc<str>,
    /// See [`Commit::generation`].
    pub generation: u32,
    /// What to run.
    pub config: Arc<AllocationConfig>,
    /// How often it is to report that it lives, where that is not what DMS does (an extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_every: Option<Span>,
}

/// Create the allocations of a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Allocate {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// The node.
    pub node: Arc<str>,
    /// All of its allocations.
    pub allocations: Vec<AllocationOrder>,
    /// The orchestrator's actor, to which the allocations report.
    pub orchestrator: Arc<Handle>,
    /// By which it is that, where another one has begun the deployment (an extension).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mandate: Option<Arc<Mandate>>,
}

/// Verify a link before a candidate is taken (dms-orchestration section 2.8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct EdgeConstraint {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// The peer that measures, which is the one that is asked.
    pub source: PeerId,
    /// The peer at the other end.
    pub target: PeerId,
    /// Round trip at most, in milliseconds; 0 = no limit.
    pub rtt_ms: u64,
    /// Bandwidth at least, in bits a second; 0 = no limit.
    pub bandwidth_bits_per_s: u64,
}

/// Undo what was committed or allocated for some allocations of an ensemble.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Revert {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// Full ids of the allocations, with the generation up to which they are meant.
    pub allocations: Vec<(Arc<str>, u32)>,
}

/// Create an ensemble's subnet on a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct SubnetCreate {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// Its addresses.
    pub range: AddressRange,
    /// Which peer each address is behind, as far as allocations have one.
    pub routes: Arc<[Route]>,
}

/// Give the node itself an address in an ensemble's subnet, and tell it everything that is known of the others.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct SubnetJoin {
    /// The ensemble.
    pub ensemble: EnsembleId,
    /// The address.
    pub address: Ipv4Addr,
    /// Which peer each address is behind.
    pub routes: Arc<[Route]>,
    /// The names.
    pub records: Arc<[DnsRecord]>,
}

/// A name of the ensemble's subnet.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct DnsRecord {
    /// The name, with `.internal`.
    pub name: Arc<str>,
    /// Its address.
    pub address: Ipv4Addr,
}

/// How a provider judges the health of an allocation that it reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AllocationState {
    /// Created, not started.
    Pending,
    /// Running.
    Running,
    /// Being restarted.
    Restarting,
    /// Stopped and not terminated.
    Stopped,
    /// Ended with an error, or could not be started.
    Failed,
    /// A task that ended with exit code 0.
    Completed,
    /// Ended on request.
    Terminated,
    /// Kept in reserve.
    Standby,
    /// Accepted by a machine that runs only so many at once, and not up yet (an extension).
    Queued,
}

impl AllocationState {
    /// DMS's own word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Terminated => "terminated",
            Self::Standby => "standby",
            Self::Queued => "queued",
        }
    }
}

/// The end of a task.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct TaskTermination {
    /// Full id of the allocation.
    pub allocation: Arc<str>,
    /// See [`Commit::generation`].
    pub generation: u32,
    /// Completed or failed.
    pub status: AllocationState,
    /// The exit code.
    pub exit_code: i32,
    /// What it printed; empty when that is too long to travel with it.
    pub output: Output,
    /// Whether what it printed is to be fetched in chunks.
    pub fetch: bool,
}

/// A heartbeat of an allocation.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Liveness {
    /// Full id of the allocation.
    pub allocation: Arc<str>,
    /// See [`Commit::generation`].
    pub generation: u32,
    /// Its state on the provider.
    pub status: AllocationState,
    /// Counts up with every report.
    pub sequence: u64,
    /// Whether the executor holds it to be healthy.
    pub healthy: bool,
}

/// What an operator offers of a machine, in the units of the command line. Integers, so that an offer has one meaning.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Offer {
    /// Cores, in thousandths.
    pub cores_milli: u64,
    /// Memory, in thousandths of what the receiver takes for a GiB.
    pub ram_milli_gib: u64,
    /// Disk, likewise.
    pub disk_milli_gib: u64,
    /// Whether graphics cards are left out.
    pub no_gpu: bool,
}

/// A change of how a node logs (dms-capabilities section 9.1); what is none stays as it is.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize)]
pub struct LoggerChange {
    /// From which level on.
    pub level: Option<Arc<str>>,
    /// How long records wait for their way to Elasticsearch, in seconds.
    pub flush_interval_s: Option<u64>,
    /// Where Elasticsearch is.
    pub elastic_url: Option<Arc<str>>,
    /// Its key.
    pub api_key: Option<Arc<str>>,
    /// Where traces go.
    pub apm_url: Option<Arc<str>>,
    /// Whether records go to Elasticsearch at all.
    pub elastic: Option<bool>,
}

/// Every payload.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum Message {
    /// A greeting.
    Hello,
    /// The answer to it.
    HelloReply(Did),
    /// A request for bids.
    BidRequest(Arc<BidRequest>),
    /// An offer.
    Bid(Box<Bid>),
    /// Reserve.
    Commit(Box<Commit>),
    /// Create.
    Allocate(Box<Allocate>),
    /// The allocations' handles, in the order of the request.
    Allocated(Vec<Arc<Handle>>),
    /// Undo.
    Revert(Box<Revert>),
    /// Create the ensemble's subnet on a node.
    SubnetCreate(Box<SubnetCreate>),
    /// Destroy it.
    SubnetDestroy(EnsembleId),
    /// Give an allocation its address.
    SubnetAddPeer {
        /// The address.
        address: Ipv4Addr,
    },
    /// Tell a node where others are that were placed or moved while it ran.
    SubnetAcceptPeers(Arc<[Route]>),
    /// Tell an allocation the names of the others.
    DnsAddRecords(Arc<[DnsRecord]>),
    /// Open a public port to an allocation.
    MapPort {
        /// The public port; 0 means any.
        public: u16,
        /// The port inside.
        private: u16,
    },
    /// Start an allocation.
    AllocationStart,
    /// Restart an allocation.
    AllocationRestart,
    /// End some allocations.
    AllocationShutdown(Box<Revert>),
    /// Put an allocation under supervision.
    HealthCheckRegister,
    /// Ask after its health.
    HealthCheck,
    /// A task has ended.
    TaskTermination(Box<TaskTermination>),
    /// A heartbeat.
    Liveness(Liveness),
    /// The answer "yes" to whatever was asked.
    Ok,
    /// The answer "no" with its reason.
    Error(Arc<str>),
    /// A question that its behaviour says all about.
    Query,
    /// Connect to this peer.
    Connect(Arc<Handle>),
    /// The answer to a question.
    Report(Arc<Report>),
    /// Take up tokens.
    Anchor(Box<AnchorRequest>),
    /// A number that stands for the revocations that the sender knows: equal for equal sets.
    RevocationSummary(u64),
    /// Revocations that the receiver may lack.
    Revocations(Box<TokenList>),
    /// Offer this much of the machine.
    Onboard(Offer),
    /// Change how the node logs.
    ConfigureLogger(Box<LoggerChange>),
    /// A provider asks whether these allocations, each of this generation, are still wanted.
    DeploymentState(Vec<(Arc<str>, u32)>),
    /// The allocations of an ensemble that a provider has, each with its generation and state.
    AllocationStates(Vec<(Arc<str>, u32, AllocationState)>),
    /// The answer "not yet": to be asked again later.
    Wait,
    /// Deploy something.
    NewDeployment(Box<NewDeployment>),
    /// Do something with the deployments of a node.
    Deployment(Box<DeploymentRequest>),
    /// Give a part of a log.
    LogRequest(Box<LogRequest>),
    /// A part of a log.
    LogChunk(Box<LogChunk>),
    /// Verify a link.
    EdgeConstraint(Box<EdgeConstraint>),
    /// Something of a known length that is only to be answered.
    EdgeProbe(Padding),
    /// About contracts.
    Contract(Box<ContractMessage>),
    /// About volumes that the receiver serves.
    Volume(Box<VolumeRequest>),
    /// Provision the machine that was promised.
    ConvertPromise(Box<ConvertPromise>),
    /// Sign a bid that somebody else hands on.
    SignBid(Box<SignBid>),
    /// Have an address in a subnet.
    SubnetJoin(Box<SubnetJoin>),
    /// Tell a node which addresses are nobody's any more.
    SubnetRemovePeers(Arc<[Ipv4Addr]>),
    /// Tell an allocation which names lead nowhere any more.
    DnsRemoveRecords(Arc<[Arc<str>]>),
    /// About handing deployments over.
    Deputy(Box<DeputyMessage>),
    /// The answer "when its turn comes" to an order to start something (an extension).
    Queued,
}

/// So many bytes of nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Padding(pub u32);

impl Serialize for Padding {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&"0".repeat(self.0 as usize))
    }
}

/// Which store of a capability context tokens are for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// Authority to hold.
    Provide,
    /// Side chains to accept.
    Require,
    /// Revocations.
    Revoke,
}

impl Slot {
    /// The word in paths and scenarios.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provide => "provide",
            Self::Require => "require",
            Self::Revoke => "revoke",
        }
    }
}

/// Tokens to anchor (dms-capabilities section 2.8).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct AnchorRequest {
    /// Where; the path of the behaviour says the same, except that of the older single behaviour.
    pub slot: Slot,
    /// What.
    pub tokens: TokenList,
}

/// What is said of a message whose payload is not that of its behaviour.
pub(in crate::dms) const LACKING: &str = "the message lacks what this behaviour needs";

impl Message {
    /// The answer to a message whose payload is not that of its behaviour.
    pub(in crate::dms) fn lacking() -> Self {
        Self::Error(LACKING.into())
    }

    /// What it answers in a few words, without ids.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::HelloReply(_) => "hello".to_owned(),
            Self::Report(report) => report.summary(),
            Self::Contract(said) => said.summary(),
            _ => "ok".to_owned(),
        }
    }

    /// Bytes of the payload's JSON.
    #[must_use]
    pub fn json_len(&self) -> u64 {
        match self {
            // By far the most frequent payload: its handle's length is known without writing it.
            Self::Bid(bid) => {
                r#"{"Bid":{"ensemble":"","node":,"handle":,"location":}}"#.len() as u64
                    + 64
                    + count(&bid.node)
                    + bid.handle.json_len() as u64
                    + count(&bid.location)
                    + if bid.promise { r#","promise":true"#.len() as u64 } else { 0 }
                    + bid
                        .signature
                        .as_ref()
                        .map_or(0, |signature| r#","signature":"#.len() as u64 + count(signature))
                    + bid.offer.as_ref().map_or(0, |offer| r#","offer":"#.len() as u64 + count(offer))
            }
            // What was printed may be long; as base64 its length is known without writing it.
            Self::LogChunk(chunk) => {
                let bare = LogChunk { data: Printed::default(), ..LogChunk::clone(chunk) };
                count(&Self::LogChunk(Box::new(bare))) + chunk.data.json_len()
            }
            Self::TaskTermination(end) => {
                let bare = TaskTermination { output: Output::default(), ..TaskTermination::clone(end) };
                let printed = end.output.stdout.json_len() + end.output.stderr.json_len();
                count(&Self::TaskTermination(Box::new(bare))) + printed
            }
            Self::Contract(said) => match &**said {
                ContractMessage::Chain(asked) => {
                    (r#"{"Contract":{"Chain":}}"#.len() + asked.json_len()) as u64
                }
                _ => count(self),
            },
            Self::Deputy(said) => match &**said {
                DeputyMessage::Copy(copy) => {
                    let length = (r#"{"Deputy":{"Copy":}}"#.len() + copy.json_len()) as u64;
                    debug_assert_eq!(length, count(self), "a copy is as long as its JSON");
                    length
                }
                _ => count(self),
            },
            Self::EdgeProbe(Padding(bytes)) => r#"{"EdgeProbe":""}"#.len() as u64 + u64::from(*bytes),
            other => count(other),
        }
    }
}

/// Bytes of a value's JSON, without keeping it.
fn count(value: &impl Serialize) -> u64 {
    struct Count(u64);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("counting bytes cannot fail and every key is a string");
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::contract::chain::ChainRequest;
    use crate::dms::identity::{SecretKey, SignatureMode};
    use crate::dms::suppression::Share;

    #[test]
    fn the_length_of_a_bid_is_that_of_its_json() {
        let key = SecretKey::ed25519([7; 32], SignatureMode::Modelled).public();
        let location = Location {
            continent: "EU".into(),
            country: Some("DE".into()),
            city: Some("M\"unchen".into()),
            ..Location::default()
        };
        let bid = Bid {
            ensemble: EnsembleId([5; 32]),
            node: "node1".into(),
            node_index: 3,
            handle: Arc::new(Handle::root(key)),
            location,
            promise: false,
            signature: None,
            offer: None,
        };
        let promise = Bid { promise: true, ..bid.clone() };
        let signed = Bid { signature: Some(Signature::NONE), ..bid.clone() };
        let offer = Disclosure {
            onboarded: Resources::default(),
            free: Resources::default(),
            card_users: vec![(0, 3)],
            allocations: 3,
            up: Span::mins(2),
            missing_images: 0,
            price_micro_per_h: Some(5),
            rank: 9,
        };
        let offering = Bid { offer: Some(Box::new(offer)), ..bid.clone() };
        for bid in [bid, promise, signed, offering] {
            let bid = Message::Bid(Box::new(bid));
            let json = serde_json::to_string(&bid).expect("a bid can be written");
            assert_eq!(bid.json_len(), json.len() as u64, "{json}");
        }
    }

    #[test]
    fn a_request_for_bids_says_who_is_to_answer_only_where_not_everybody_is() {
        let request = |draw| {
            let (requests, exclude) = (Vec::new(), Vec::new());
            let (ensemble, contracts) = (EnsembleId([5; 32]), Arc::default());
            Message::BidRequest(Arc::new(BidRequest {
                ensemble,
                nonce: 1,
                requests,
                exclude,
                contracts,
                draw,
                offers: None,
            }))
        };
        let json = |message: &Message| serde_json::to_string(message).expect("a request can be written");
        let plain = request(None);
        let id = EnsembleId([5; 32]);
        let unchanged =
            format!(r#"{{"BidRequest":{{"ensemble":"{id}","nonce":1,"requests":[],"exclude":[]}}}}"#);
        assert_eq!(json(&plain), unchanged);
        let share = Share::of(1, 64, 0).expect("it is a part");
        let part = request(Some(Draw { lot: 7, share }));
        assert!(
            json(&part).ends_with(r#","draw":{"lot":7,"share":9223372036854775808}}}"#),
            "{}",
            json(&part)
        );
        assert_eq!(part.json_len(), json(&part).len() as u64);
        assert_ne!(part, plain);
    }

    #[test]
    fn the_length_of_a_question_about_a_chain_is_that_of_its_json() {
        let key = Did::from(SecretKey::ed25519([3; 32], SignatureMode::Modelled).public());
        for contract_did in [key.clone(), Did::Empty, Did::from_text("did:web:a\"b")] {
            let (provider_did, orchestrator_did) = (key.clone(), Did::Empty);
            let asked = ChainRequest { contract_did, provider_did, orchestrator_did };
            let asked = Message::Contract(Box::new(ContractMessage::Chain(Box::new(asked))));
            let json = serde_json::to_string(&asked).expect("a question can be written");
            assert_eq!(asked.json_len(), json.len() as u64, "{json}");
        }
    }

    #[test]
    fn the_length_of_a_probe_is_that_of_its_json() {
        for bytes in [0, 1, 70_000] {
            let probe = Message::EdgeProbe(Padding(bytes));
            let json = serde_json::to_string(&probe).expect("a probe can be written");
            assert_eq!(probe.json_len(), json.len() as u64);
        }
    }
}

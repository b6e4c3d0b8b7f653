//! The network: who can reach whom, when. Topology, latency, loss, bandwidth, partitions, gossip and
//! geography.
//!
//! It carries opaque payloads that have a size: it never looks inside, and knows nothing of what runs at its
//! endpoints. [`Network`] is the way in; the rest are its models, each usable alone: [`latency`] (delays
//! between cities), [`bandwidth`] and [`flows`] (links and large transfers), [`overlay`] and [`gossip`]
//! (broadcast), [`exchange`] (requests and answers), [`score`] (standing among gossip peers), [`sending`] (how much at
//! once), [`nat`] (hosts that cannot be dialled, relays), [`conditions`] (what faults do), [`geo`] and [`measured`]
//! (the embedded world). The `_slow` modules are oracles: they compute the same things the plain way, for tests.

pub mod bandwidth;
pub mod conditions;
pub mod endpoint;
pub mod exchange;
pub mod flows;
pub mod flows_slow;
pub mod geo;
pub mod gossip;
pub mod gossip_slow;
pub mod latency;
pub mod measured;
pub mod medium;
pub mod nat;
pub mod network;
pub mod overlay;
pub mod score;
pub mod sending;
mod systems;

pub use bandwidth::{BandwidthConfig, BandwidthPreset, Links};
pub use conditions::{Condition, ConditionError, ConditionId, Group};
pub use endpoint::{EndpointId, EndpointSet};
pub use exchange::{Caller, Course, Obstacle, Outsider};
pub use flows::{FinishedFlow, Flow, FlowId, FlowNetwork};
pub use geo::{Cities, City, CityDraw, CityId, Continent, Coordinates, Region};
pub use latency::{CityDataSet, LatencyConfig};
pub use nat::{
    Duty, NatClass, NatConfig, NatError, NatShares, NatStart, Occurrence, PairCounts, RelayLimits,
    SharesError, Way,
};
pub use network::{
    BroadcastTally, Delivery, Endpoint, FLOW_THRESHOLD_BYTES, LossReason, Network, NetworkConfig,
    NetworkError, Receivers,
};
pub use overlay::{Neighbours, Overlay};
pub use score::PeerScores;
pub use sending::READ_TIMEOUT;
pub use systems::Systems;

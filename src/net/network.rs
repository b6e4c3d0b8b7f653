//! The network as its users see it: messages, broadcasts, transfers and faults over one set of endpoints.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::bandwidth::{BandwidthConfig, Links};
use super::conditions::{Condition, ConditionError, ConditionId, Conditions};
use super::endpoint::{EndpointId, EndpointSet, LiveEndpoints};
use super::flows::{FinishedFlow, Flow, FlowId, FlowNetwork};
use super::geo::{Cities, CityId, Coordinates};
use super::gossip::{COPIES, Flood};
use super::latency::{Attachment, LatencyConfig, LatencyModel};
use super::medium::Medium;
use super::overlay::{Neighbours, Overlay};
use super::score::PeerScores;
use crate::kernel::{Cursor, Domain, Id, IdVec, Rng, Span, Streams, Time};

/// Payloads of this size and more are transfers: see [`Network::start_transfer`].
pub const FLOW_THRESHOLD_BYTES: u64 = 64 * 1024;
/// How long a message to oneself takes: a pass through the local host's queues.
pub const LOOPBACK: Span = Span::micros(10);

const SEND: Domain = Domain::new("net.send");
const BROADCAST: Domain = Domain::new("net.broadcast");
/// Draws that only faults cause: apart, so that a fault shifts no other draw.
const FAULT: Domain = Domain::new("net.fault");
/// Chances below this are never drawn true by a generator of 53 bits.
const SMALLEST_CHANCE: f64 = 1.0 / (1_u64 << 53) as f64;

/// How a network behaves.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// How long messages travel.
    pub latency: LatencyConfig,
    /// The probability, 0 to 1, that a whole message is lost.
    pub loss: f64,
    /// The probability, 0 to 1 but not 1, that a packet is lost and sent again a round trip later.
    pub packet_loss: f64,
    /// The links of endpoints that are given no others.
    pub bandwidth: BandwidthConfig,
    /// How long an endpoint handles a gossiped message before it forwards it.
    pub hop_processing: Span,
}

impl Default for NetworkConfig {
    /// Delays between cities, home links, no loss; 60 us a hop, the time of a signature check and of
    /// handling.
    fn default() -> Self {
        Self {
            latency: LatencyConfig::default(),
            loss: 0.0,
            packet_loss: 0.0,
            bandwidth: BandwidthConfig::default(),
            hop_processing: Span::micros(60),
        }
    }
}

/// Why a network cannot be made.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum NetworkError {
    /// A loss that is no probability.
    #[error("{name} is {value}: it must be between 0 and 1")]
    Loss {
        /// The field of [`NetworkConfig`].
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// Every packet would be lost for ever.
    #[error("packet_loss is 1: no packet would ever arrive")]
    NoPacketArrives,
}

/// Where an endpoint is and how it is linked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Endpoint {
    /// Its place.
    pub at: Coordinates,
    /// Its links.
    pub links: Links,
}

impl Endpoint {
    /// An endpoint in a city, with the links that `bandwidth` gives there.
    #[must_use]
    pub fn in_city(city: CityId, bandwidth: BandwidthConfig) -> Self {
        let city = Cities::world().city(city);
        Self { at: city.at, links: bandwidth.links(city.region()) }
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    /// It arrives then, if its receiver is still up.
    At(Time),
    /// It never arrives.
    Lost(LossReason),
}

/// Why a message does not arrive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossReason {
    /// By chance.
    Loss,
    /// A partition lies between the two.
    Partition,
    /// The sender is down.
    SenderDown,
    /// The receiver is down when it is sent.
    ReceiverDown,
}

/// Whom a broadcast is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Receivers<'a> {
    /// Every live endpoint but the sender.
    AllLive,
    /// All of those but these, to whom nobody passes it on.
    AllLiveBut(&'a EndpointSet),
    /// These, as far as they are live and not the sender.
    Of(&'a [EndpointId]),
}

/// What became of a broadcast's deliveries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BroadcastTally {
    /// Deliveries made.
    pub delivered: u64,
    /// Lost by chance, all copies of them.
    pub lost: u64,
    /// Cut off by partitions.
    pub unreachable: u64,
}

/// How far the streams of a sender have been drawn.
#[derive(Clone, Copy, Default)]
struct SenderStreams {
    send: Cursor,
    fault: Cursor,
    broadcasts: u32,
}

/// The network between a fixed set of endpoints. Those that join later are down until they do.
pub struct Network {
    streams: Streams,
    senders: IdVec<EndpointId, SenderStreams>,
    overlay: Overlay,
    medium: Medium,
    /// What endpoints hold against each other.
    pub scores: PeerScores,
}

impl Network {
    /// A network of endpoints, all up; row `n` is `EndpointId(n)`.
    ///
    /// # Errors
    /// If a loss is no probability.
    pub fn new(
        config: NetworkConfig,
        endpoints: &[Endpoint],
        streams: Streams,
    ) -> Result<Self, NetworkError> {
        for (name, value) in [("loss", config.loss), ("packet_loss", config.packet_loss)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(NetworkError::Loss { name, value });
            }
        }
        if config.packet_loss >= 1.0 {
            return Err(NetworkError::NoPacketArrives);
        }
        let links: Vec<_> = endpoints.iter().map(|it| it.links).collect();
        let attach = |it: &Endpoint| match config.latency {
            LatencyConfig::Constant(_) => Attachment::default(),
            LatencyConfig::Cities(_) => Attachment::at(it.at),
        };
        let medium = Medium {
            latency: LatencyModel::new(config.latency),
            attachments: endpoints.iter().map(attach).collect(),
            flows: FlowNetwork::new(&links),
            live: LiveEndpoints::all(endpoints.len()),
            conditions: Conditions::default(),
            loss: config.loss,
            packet_loss: config.packet_loss,
            hop_processing: config.hop_processing,
        };
        let senders = endpoints.iter().map(|_| SenderStreams::default()).collect();
        let overlay = Overlay::new(streams, endpoints.len());
        Ok(Self { streams, senders, overlay, medium, scores: PeerScores::default() })
    }

    /// Sends a message: when it arrives, or why it does not. It sees what flows leave of both links.
    pub fn send(&mut self, now: Time, from: EndpointId, to: EndpointId, bytes: u64) -> Delivery {
        let medium = &self.medium;
        if !medium.live.contains(from) {
            return Delivery::Lost(LossReason::SenderDown);
        }
        if from == to {
            return Delivery::At(now + LOOPBACK);
        }
        let sender = &mut self.senders[from];
        // Everything is drawn before it is known whether it is needed, so that the next message of this
        // sender draws the same numbers whatever happens to this one.
        let mut rng = self.streams.rng(SEND, u64::from(from.0), &mut sender.send);
        let mut lost = rng.chance(medium.loss);
        let mut delay = medium.leg(from, to, bytes, &mut rng);
        if medium.conditions.draw() {
            let mut rng = self.streams.rng(FAULT, u64::from(from.0), &mut sender.fault);
            lost |= rng.chance(medium.conditions.loss(from, to));
            delay += medium.conditions.delay(from, to, &mut rng);
        }
        if !medium.live.contains(to) {
            Delivery::Lost(LossReason::ReceiverDown)
        } else if !medium.conditions.connects(from, to) {
            Delivery::Lost(LossReason::Partition)
        } else if lost {
            Delivery::Lost(LossReason::Loss)
        } else {
            Delivery::At(now + delay)
        }
    }

    /// Gossips a message: `deliver` gets each receiver and when it arrives there first. See
    /// [`gossip`](super::gossip).
    ///
    /// A delivery is lost only if six copies are. Extra delay of a fault counts once a delivery.
    pub fn broadcast(
        &mut self,
        now: Time,
        from: EndpointId,
        bytes: u64,
        receivers: Receivers<'_>,
        deliver: &mut impl FnMut(EndpointId, Time),
    ) -> BroadcastTally {
        let medium = &self.medium;
        let mut tally = BroadcastTally::default();
        if !medium.live.contains(from) {
            return tally;
        }
        let sender = &mut self.senders[from];
        let entity = u64::from(from.0) << 32 | u64::from(sender.broadcasts);
        sender.broadcasts = sender.broadcasts.wrapping_add(1);
        let mut rng = self.streams.owned(BROADCAST, entity);
        let mut fault = medium.conditions.draw().then(|| self.streams.owned(FAULT, !entity));
        let flood = Flood::new(medium, &self.overlay, from, bytes, &mut rng);
        let (ids, passed_over) = match receivers {
            Receivers::AllLive => (medium.live.ids(), None),
            Receivers::AllLiveBut(deaf) => (medium.live.ids(), Some(deaf)),
            Receivers::Of(ids) => (ids, None),
        };
        for &to in ids.iter().filter(|&&to| to != from && medium.live.contains(to)) {
            let mut lost = lose_all_copies(medium.loss, &mut rng);
            let arrival = flood.arrival(to, &mut rng);
            let mut extra = Span::ZERO;
            if let Some(fault) = &mut fault {
                lost |= lose_all_copies(medium.conditions.loss(from, to), fault);
                extra = medium.conditions.delay(from, to, fault);
            }
            if passed_over.is_some_and(|deaf| deaf.contains(to)) {
                continue;
            }
            match arrival {
                None => tally.unreachable += 1,
                Some(_) if lost => tally.lost += 1,
                Some(delay) => {
                    tally.delivered += 1;
                    deliver(to, now + delay + extra);
                }
            }
        }
        tally
    }

    /// Starts a transfer over the links of both; `from` none is the outside world, which no partition cuts
    /// off. Across a partition a transfer waits.
    ///
    /// # Errors
    /// If one of the two is down.
    pub fn start_transfer(
        &mut self,
        now: Time,
        from: Option<EndpointId>,
        to: EndpointId,
        bytes: u64,
    ) -> Result<FlowId, LossReason> {
        if from.is_some_and(|from| !self.is_up(from)) {
            return Err(LossReason::SenderDown);
        }
        if !self.is_up(to) {
            return Err(LossReason::ReceiverDown);
        }
        let id = self.medium.flows.start(now, from, to, bytes);
        if from.is_some_and(|from| !self.medium.conditions.connects(from, to)) {
            self.medium.flows.pause(now, id);
        }
        Ok(id)
    }

    /// Ends a transfer early: what it was and the bytes that had arrived; none if it is not under way.
    pub fn cancel_transfer(&mut self, now: Time, id: FlowId) -> Option<(Flow, u64)> {
        self.medium.flows.cancel(now, id)
    }

    /// The next transfer to complete, and when.
    #[must_use]
    pub fn next_completion(&self) -> Option<(Time, FlowId)> {
        self.medium.flows.next_completion()
    }

    /// Takes the transfers that complete up to `now`, in order.
    pub fn complete_transfers(&mut self, now: Time) -> Vec<FinishedFlow> {
        self.medium.flows.complete(now)
    }

    /// The transfers under way.
    #[must_use]
    pub const fn flows(&self) -> &FlowNetwork {
        &self.medium.flows
    }

    /// Puts an endpoint up or down. The transfers that end with an endpoint that goes down, in the order of
    /// their starts.
    pub fn set_up(&mut self, now: Time, endpoint: EndpointId, up: bool) -> Vec<Flow> {
        let changed = self.medium.live.set(endpoint, up);
        if changed && !up { self.medium.flows.cancel_all_of(now, endpoint) } else { Vec::new() }
    }

    /// Whether an endpoint is up.
    #[must_use]
    pub fn is_up(&self, endpoint: EndpointId) -> bool {
        self.medium.live.contains(endpoint)
    }

    /// The endpoints that are up, in an order that depends on the history of changes only.
    #[must_use]
    pub fn live(&self) -> &[EndpointId] {
        self.medium.live.ids()
    }

    /// Whether a message from one to the other would pass but for chance.
    #[must_use]
    pub fn reaches(&self, from: EndpointId, to: EndpointId) -> bool {
        self.medium.reaches(from, to)
    }

    /// Switches a condition on.
    ///
    /// # Errors
    /// If the condition makes no sense.
    pub fn apply(&mut self, now: Time, condition: Condition) -> Result<ConditionId, ConditionError> {
        let is_partition = matches!(condition, Condition::Partition { .. });
        let id = self.medium.conditions.apply(condition)?;
        if is_partition {
            self.stall_cut_transfers(now);
        }
        Ok(id)
    }

    /// Switches a condition off; whether it was on.
    pub fn lift(&mut self, now: Time, id: ConditionId) -> bool {
        let was_on = self.medium.conditions.lift(id);
        self.stall_cut_transfers(now);
        was_on
    }

    /// Stalls the transfers that a partition cuts and lets the others go on.
    fn stall_cut_transfers(&mut self, now: Time) {
        let Medium { flows, conditions, .. } = &mut self.medium;
        let cut = |flow: &Flow| flow.from.is_some_and(|from| !conditions.connects(from, flow.to));
        for id in flows.select(cut) {
            flows.pause(now, id);
        }
        for id in flows.select(|flow| !cut(flow)) {
            flows.resume(now, id);
        }
    }

    /// The endpoints that one is connected to, up or down: up to 16, mutual, a pure function of seed and
    /// number of endpoints.
    #[must_use]
    pub fn neighbours(&self, of: EndpointId) -> Neighbours {
        self.overlay.neighbours(of)
    }

    /// Those of its neighbours that an endpoint reaches now, but for chance: who gets first what it gossips.
    #[must_use]
    pub fn contacts(&self, of: EndpointId) -> Neighbours {
        let mut contacts = self.overlay.neighbours(of);
        contacts.retain(|other| self.medium.reaches(of, *other));
        contacts
    }

    /// The graph of connections.
    #[must_use]
    pub const fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// What lies between the endpoints now; the oracles work on it.
    #[must_use]
    pub const fn medium(&self) -> &Medium {
        &self.medium
    }

    /// The round trip without jitter, links and faults.
    #[must_use]
    pub fn shortest_round_trip(&self, a: EndpointId, b: EndpointId) -> Span {
        self.medium.shortest(a, b) + self.medium.shortest(b, a)
    }

    /// How many endpoints there are, up or down.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.medium.len()
    }

    /// Whether there are no endpoints.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.medium.is_empty()
    }

    /// All endpoints, up or down.
    pub fn ids(&self) -> impl Iterator<Item = EndpointId> + use<> {
        (0..self.len()).map(EndpointId::from_index)
    }
}

/// Whether all copies of a gossiped message to one receiver are lost; no draw where that is out of the
/// question.
fn lose_all_copies(loss: f64, rng: &mut Rng<'_>) -> bool {
    let all = (0..COPIES).map(|_| loss).product::<f64>();
    all >= SMALLEST_CHANCE && rng.chance(all)
}

#[cfg(test)]
mod tests;

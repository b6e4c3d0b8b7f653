//! The network as its users see it: messages, broadcasts, transfers and faults over one set of endpoints.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::bandwidth::{BandwidthConfig, Links};
use super::conditions::{Condition, ConditionError, ConditionId, Conditions};
use super::endpoint::{EndpointId, EndpointSet, LiveEndpoints};
use super::flows::{Course, FinishedFlow, Flow, FlowId, FlowNetwork};
use super::geo::{Cities, CityId, Coordinates};
use super::gossip::{COPIES, Flood};
use super::latency::{Attachment, LatencyConfig, LatencyModel};
use super::medium::Medium;
use super::nat::{Duty, Nat, NatClass, NatConfig, NatError, Occurrence, PairCounts, Passage};
use super::overlay::{Neighbours, Overlay};
use super::score::PeerScores;
use super::sending::Sends;
use crate::kernel::{Cursor, Domain, Id, IdVec, Rng, Span, Streams, Time, at_moment};

/// Payloads of this size and more are transfers: see [`Network::start_transfer`].
pub const FLOW_THRESHOLD_BYTES: u64 = 64 * 1024;
/// How long a message to oneself takes: a pass through the local host's queues.
pub const LOOPBACK: Span = Span::micros(10);

const SEND: Domain = Domain::new("net.send");
const BROADCAST: Domain = Domain::new("net.broadcast");
/// The way of a broadcast to each of its receivers.
const RECEIVED: Domain = Domain::new("net.received");
/// Blocks of a broadcast's stream that belong to one receiver: more than all packets of a message can draw.
const BLOCKS_EACH: u64 = 1 << 16;
/// Ways through relays.
const RELAYED: Domain = Domain::new("net.relayed");
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
    /// What hides endpoints from each other; without it everyone reaches everyone.
    pub nat: Option<NatConfig>,
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
            nat: None,
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
    /// Hosts that cannot be hidden like this.
    #[error("nat: {0}")]
    Nat(#[from] NatError),
}

/// Where an endpoint is and how it is linked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Endpoint {
    /// Its place.
    pub at: Coordinates,
    /// Its links.
    pub links: Links,
    /// What stands before it, where that matters.
    pub nat: NatClass,
    /// What it does for others, where they need it.
    pub duty: Duty,
}

impl Endpoint {
    /// An endpoint in a city, with the links that `bandwidth` gives there.
    #[must_use]
    pub fn in_city(city: CityId, bandwidth: BandwidthConfig) -> Self {
        let city = Cities::world().city(city);
        let links = bandwidth.links(city.region());
        Self { at: city.at, links, nat: NatClass::Public, duty: Duty::None }
    }
}

/// By what the delays of an endpoint are found.
fn attachment(latency: LatencyConfig, at: Coordinates) -> Attachment {
    match latency {
        LatencyConfig::Constant(_) => Attachment::default(),
        LatencyConfig::Cities(_) => Attachment::at(at),
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
    /// Nobody can dial the receiver, and it has no relay; or one of the two knows nobody yet.
    Unreachable,
    /// The relay that the connection goes through is down, and the sender has not noticed yet.
    RelayDown,
    /// All relays of the receiver that are up have as many connections for one of the two as they grant.
    RelayFull,
    /// One of the two has as many connections as it takes.
    TooManyConnections,
    /// Longer than all that a relay grants to a connection.
    TooLargeToRelay,
    /// It had not come whole when the receiver stopped reading.
    ReadTimeout,
}

impl LossReason {
    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Partition => "partition",
            Self::SenderDown => "sender down",
            Self::ReceiverDown => "receiver down",
            Self::Unreachable => "unreachable",
            Self::RelayDown => "relay down",
            Self::RelayFull => "relay full",
            Self::TooManyConnections => "too many connections",
            Self::TooLargeToRelay => "too large to relay",
            Self::ReadTimeout => "read timeout",
        }
    }
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
    /// No chain of connections leads to them.
    pub unconnected: u64,
}

/// A broadcast whose arrivals can be asked for one by one.
#[derive(Clone, Debug)]
pub struct Broadcast {
    begun: Time,
    from: EndpointId,
    /// Names its random stream.
    entity: u64,
    flood: Flood,
}

/// How much a sender has published, and what it has under way.
#[derive(Default)]
struct SenderState {
    broadcasts: u32,
    sends: Sends,
}

/// The network between a fixed set of endpoints. Those that join later are down until they do.
pub struct Network {
    streams: Streams,
    senders: IdVec<EndpointId, SenderState>,
    overlay: Overlay,
    medium: Medium,
    nat: Option<Nat>,
    /// What endpoints hold against each other.
    pub scores: PeerScores,
}

impl Network {
    /// A network of endpoints, all up; row `n` is `EndpointId(n)`.
    ///
    /// # Errors
    /// If a loss is no probability, or hosts cannot be hidden as asked.
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
        let medium = Medium {
            latency: LatencyModel::new(config.latency),
            attachments: endpoints.iter().map(|it| attachment(config.latency, it.at)).collect(),
            flows: FlowNetwork::new(&links),
            live: LiveEndpoints::all(endpoints.len()),
            conditions: Conditions::default(),
            loss: config.loss,
            packet_loss: config.packet_loss,
            hop_processing: config.hop_processing,
        };
        let senders = endpoints.iter().map(|_| SenderState::default()).collect();
        let overlay = Overlay::new(streams, endpoints.len());
        let hidden = |nat| Nat::new(nat, endpoints.iter().map(|it| (it.nat, it.duty)), streams);
        let nat = config.nat.map(hidden).transpose()?;
        Ok(Self { streams, senders, overlay, medium, nat, scores: PeerScores::default() })
    }

    /// Behaves otherwise from now on: with the losses, delays and times of another configuration. Links and what hides
    /// endpoints stay as they are. `places` are those of the endpoints, in their order.
    pub fn reconfigure(&mut self, config: NetworkConfig, places: impl Iterator<Item = Coordinates>) {
        let medium = &mut self.medium;
        medium.latency = LatencyModel::new(config.latency);
        medium.attachments = places.map(|at| attachment(config.latency, at)).collect();
        (medium.loss, medium.packet_loss) = (config.loss, config.packet_loss);
        medium.hop_processing = config.hop_processing;
    }

    /// Sends a message: when it arrives, or why it does not. It sees what flows leave of both links.
    ///
    /// `name` tells it from others that the same endpoint sends at the same time. What is drawn for a message follows
    /// from sender, time and name alone, so that no message moves another one.
    pub fn send(&mut self, now: Time, from: EndpointId, to: EndpointId, bytes: u64, name: u64) -> Delivery {
        let medium = &self.medium;
        if !medium.live.contains(from) {
            return Delivery::Lost(LossReason::SenderDown);
        }
        if from == to {
            return Delivery::At(now + LOOPBACK);
        }
        let entity = at_moment(now, u64::from(from.0), name);
        let cursor = &mut Cursor::default();
        let mut rng = self.streams.rng(SEND, entity, cursor);
        let mut lost = rng.chance(medium.loss);
        let straight = medium.leg(from, to, bytes, &mut rng);
        let mut delay = straight;
        if medium.conditions.draw() {
            let cursor = &mut Cursor::default();
            let mut rng = self.streams.rng(FAULT, entity, cursor);
            lost |= rng.chance(medium.conditions.loss(from, to));
            delay += medium.conditions.delay(from, to, &mut rng);
        }
        if !medium.live.contains(to) {
            return Delivery::Lost(LossReason::ReceiverDown);
        }
        let (ready, relay) = match self.passage(now, from, to, bytes) {
            Ok(Passage { ready, relay }) => (ready, relay),
            Err(reason) => return Delivery::Lost(reason),
        };
        if let Some(relay) = relay {
            let cursor = &mut Cursor::default();
            let mut rng = self.streams.rng(RELAYED, entity, cursor);
            let (medium, extra) = (&self.medium, delay.saturating_sub(straight));
            let legs = medium.leg(from, relay, bytes, &mut rng) + medium.leg(relay, to, bytes, &mut rng);
            delay = legs + extra;
        }
        let sends = &mut self.senders[from].sends;
        let at = ready.max(sends.begin(now)) + delay;
        sends.note(now, at);
        if lost { Delivery::Lost(LossReason::Loss) } else { Delivery::At(at) }
    }

    /// The way of a message between two that are up.
    fn passage(
        &mut self,
        now: Time,
        from: EndpointId,
        to: EndpointId,
        bytes: u64,
    ) -> Result<Passage, LossReason> {
        let medium = &self.medium;
        let Some(nat) = &mut self.nat else {
            let straight = Passage { ready: now, relay: None };
            return medium.conditions.connects(from, to).then_some(straight).ok_or(LossReason::Partition);
        };
        let passage = nat.pass(medium, now, from, to, bytes)?;
        if let Some(relay) = passage.relay {
            let longer = medium.shortest(from, relay) + medium.shortest(relay, to);
            nat.forwarded(bytes, longer.saturating_sub(medium.shortest(from, to)));
        }
        Ok(passage)
    }

    /// Gossips a message: `deliver` gets each receiver and when it arrives there first. See
    /// [`gossip`](super::gossip).
    ///
    /// A delivery is lost only if six copies are. Extra delay of a fault counts once a delivery. What is handed back
    /// beside the tally tells [when](Self::arrival) it arrives at others; none where hosts are hidden or the sender is
    /// down.
    pub fn broadcast(
        &mut self,
        now: Time,
        from: EndpointId,
        bytes: u64,
        receivers: Receivers<'_>,
        deliver: &mut impl FnMut(EndpointId, Time),
    ) -> (BroadcastTally, Option<Broadcast>) {
        let medium = &self.medium;
        let mut tally = BroadcastTally::default();
        if !medium.live.contains(from) {
            return (tally, None);
        }
        let sender = &mut self.senders[from];
        let entity = u64::from(from.0) << 32 | u64::from(sender.broadcasts);
        sender.broadcasts = sender.broadcasts.wrapping_add(1);
        if let Some(nat) = &self.nat {
            return (spread(nat, medium, (now, from, bytes, entity), receivers, deliver), None);
        }
        let mut rng = self.streams.owned(BROADCAST, entity);
        let flood = Flood::new(&self.medium, &self.overlay, from, bytes, &mut rng);
        let broadcast = Broadcast { begun: now, from, entity, flood };
        let (ids, passed_over) = match receivers {
            Receivers::AllLive => (medium.live.ids(), None),
            Receivers::AllLiveBut(deaf) => (medium.live.ids(), Some(deaf)),
            Receivers::Of(ids) => (ids, None),
        };
        let named = matches!(receivers, Receivers::Of(_));
        let is_deaf =
            |to| passed_over.is_some_and(|deaf| deaf.contains(to)) || named && !self.medium.live.contains(to);
        for &to in ids.iter().filter(|&&to| to != from && !is_deaf(to)) {
            match self.arrival(&broadcast, to) {
                Delivery::Lost(LossReason::Loss) => tally.lost += 1,
                Delivery::Lost(_) => tally.unreachable += 1,
                Delivery::At(at) => {
                    tally.delivered += 1;
                    deliver(to, at);
                }
            }
        }
        (tally, Some(broadcast))
    }

    /// Whether every message between two that are up arrives, and no condition is on.
    #[must_use]
    pub fn is_undisturbed(&self) -> bool {
        let conditions = &self.medium.conditions;
        self.nat.is_none()
            && conditions.is_whole()
            && !conditions.draw()
            && !may_lose_all_copies(self.medium.loss)
    }

    /// Whether every message between two that are up arrives, and nothing delays one but its way.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        let Medium { conditions, loss, packet_loss, .. } = &self.medium;
        let is_whole = self.nat.is_none() && conditions.is_whole() && !conditions.draw();
        is_whole && *loss == 0.0 && *packet_loss == 0.0
    }

    /// How long a message of `now` is on its way that goes by this name, where the network is
    /// [steady](Self::is_steady).
    #[must_use]
    pub fn delay(&self, now: Time, from: EndpointId, to: EndpointId, bytes: u64, name: u64) -> Span {
        let cursor = &mut Cursor::default();
        let mut rng = self.streams.rng(SEND, at_moment(now, u64::from(from.0), name), cursor);
        rng.chance(self.medium.loss);
        self.medium.leg(from, to, bytes, &mut rng)
    }

    /// When a broadcast arrives at an endpoint that is up, as long as nothing has changed about its link or conditions
    /// since it began. Each receiver's way is drawn by itself, so it does not matter who is asked for, or when.
    #[must_use]
    pub fn arrival(&self, broadcast: &Broadcast, to: EndpointId) -> Delivery {
        let (medium, Broadcast { begun, from, entity, flood }) = (&self.medium, broadcast);
        let mut cursor = Cursor(u64::from(to.0) * BLOCKS_EACH);
        let mut rng = self.streams.rng(RECEIVED, *entity, &mut cursor);
        let mut lost = lose_all_copies(medium.loss, &mut rng);
        let arrival = flood.arrival(medium, to, &mut rng);
        let mut extra = Span::ZERO;
        if medium.conditions.draw() {
            let mut cursor = Cursor(u64::from(to.0) * BLOCKS_EACH);
            let mut fault = self.streams.rng(FAULT, !entity, &mut cursor);
            lost |= lose_all_copies(medium.conditions.loss(*from, to), &mut fault);
            extra = medium.conditions.delay(*from, to, &mut fault);
        }
        match arrival {
            None => Delivery::Lost(LossReason::Partition),
            Some(_) if lost => Delivery::Lost(LossReason::Loss),
            Some(delay) => Delivery::At(*begun + delay + extra),
        }
    }

    /// Starts a transfer over the links of both; `from` none is the outside world, which no partition cuts
    /// off. Across a partition a transfer waits.
    ///
    /// # Errors
    /// If one of the two is down, or there is no way between them.
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
        let course = self.course(now, from, to, bytes)?;
        let Medium { flows, conditions, .. } = &mut self.medium;
        let id = flows.start_on(now, course, bytes);
        if flows.get(id).is_some_and(|flow| is_cut(flow, conditions)) {
            flows.pause(now, id);
        }
        Ok(id)
    }

    /// The course of a transfer: half a round trip on top of its links, and the time of dialling.
    fn course(
        &mut self,
        now: Time,
        from: Option<EndpointId>,
        to: EndpointId,
        bytes: u64,
    ) -> Result<Course, LossReason> {
        let Some(source) = from else { return Ok(Course { from, via: None, to, lag: Span::ZERO }) };
        let half_trip = |net: &Self, a, b| Span(net.shortest_round_trip(a, b).0 / 2);
        if self.nat.is_none() {
            return Ok(Course { from, via: None, to, lag: half_trip(self, source, to) });
        }
        let Passage { ready, relay: via } = self.passage(now, source, to, bytes)?;
        let way = match via {
            Some(via) => half_trip(self, source, via) + half_trip(self, via, to),
            None => half_trip(self, source, to),
        };
        Ok(Course { from, via, to, lag: ready.since(now) + way })
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
        if let Some(nat) = self.nat.as_mut().filter(|_| changed) {
            if up { nat.boot(now, endpoint) } else { nat.stop(now, endpoint) }
        }
        if changed && !up { self.medium.flows.cancel_all_of(now, endpoint) } else { Vec::new() }
    }

    /// Connects the endpoints that are up as they are at the start of a run, where something hides them.
    pub fn begin(&mut self, now: Time) {
        if let Some(nat) = &mut self.nat {
            nat.begin(&self.medium, &self.overlay, now);
        }
    }

    /// When [`wake`](Self::wake) has something to do next.
    #[must_use]
    pub fn next_wake(&self) -> Option<Time> {
        self.nat.as_ref().and_then(Nat::next_wake)
    }

    /// Lets hosts do what is due up to `now` to reach and be reached.
    pub fn wake(&mut self, now: Time) {
        if let Some(nat) = &mut self.nat {
            nat.wake(&self.medium, now);
        }
    }

    /// The lasting connections that hidden hosts have opened since the last time.
    pub fn take_opened(&mut self) -> Vec<(EndpointId, EndpointId)> {
        self.nat.as_mut().map(Nat::take_opened).unwrap_or_default()
    }

    /// What has happened between hidden hosts since the last time.
    pub fn take_occurrences(&mut self) -> Vec<Occurrence> {
        self.nat.as_mut().map(Nat::take_occurrences).unwrap_or_default()
    }

    /// Who would reach whom by dialling now; none where everyone reaches everyone.
    #[must_use]
    pub fn pairs(&self) -> Option<PairCounts> {
        self.nat.as_ref().map(|nat| nat.pairs(&self.medium))
    }

    /// The relays at which an endpoint has a place; none where nobody is hidden.
    #[must_use]
    pub fn relays_of(&self, of: EndpointId) -> Vec<EndpointId> {
        self.nat.iter().flat_map(|nat| nat.relays_of(&self.medium, of)).collect()
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

    /// Whether a message from one to the other would pass now but for chance.
    #[must_use]
    pub fn reaches(&self, now: Time, from: EndpointId, to: EndpointId) -> bool {
        let up = self.is_up(from) && self.is_up(to);
        match &self.nat {
            None => self.medium.reaches(from, to),
            Some(nat) => up && (from == to || nat.connects(&self.medium, now, from, to)),
        }
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

    /// On which side of a partition an endpoint is: 0 or 1; none for one on neither, or another condition.
    #[must_use]
    pub fn side_of(&self, condition: ConditionId, endpoint: EndpointId) -> Option<u8> {
        self.medium.conditions.side_of(condition, endpoint)
    }

    /// Stalls the transfers that a partition cuts and lets the others go on.
    fn stall_cut_transfers(&mut self, now: Time) {
        let Medium { flows, conditions, .. } = &mut self.medium;
        let cut = |flow: &Flow| is_cut(flow, conditions);
        for id in flows.select(cut) {
            flows.pause(now, id);
        }
        for id in flows.select(|flow| !cut(flow)) {
            flows.resume(now, id);
        }
    }

    /// The endpoints that one is connected to, mutual. Where all reach all they are up to 16, up or down, and a
    /// pure function of seed and number of endpoints; else those to which there is a lasting connection.
    #[must_use]
    pub fn neighbours(&self, of: EndpointId) -> Neighbours {
        self.nat.as_ref().map_or_else(|| self.overlay.neighbours(of), |nat| nat.neighbours(of))
    }

    /// Those of its neighbours that an endpoint reaches now, but for chance: who gets first what it gossips.
    #[must_use]
    pub fn contacts(&self, of: EndpointId) -> Neighbours {
        let mut contacts = self.neighbours(of);
        contacts.retain(|other| self.medium.reaches(of, *other));
        contacts
    }

    /// The hidden hosts; none where everyone reaches everyone.
    pub(super) const fn hidden(&self) -> Option<&Nat> {
        self.nat.as_ref()
    }

    #[cfg(test)]
    pub(super) const fn nat_mut(&mut self) -> Option<&mut Nat> {
        self.nat.as_mut()
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

/// Whether a partition keeps a transfer from its way.
fn is_cut(flow: &Flow, conditions: &Conditions) -> bool {
    let next = flow.via.unwrap_or(flow.to);
    flow.from.is_some_and(|from| !conditions.connects(from, next)) || !conditions.connects(next, flow.to)
}

/// A broadcast over the lasting connections of hidden hosts: when it begins, its publisher, length and number.
fn spread(
    nat: &Nat,
    medium: &Medium,
    (now, from, bytes, number): (Time, EndpointId, u64, u64),
    receivers: Receivers<'_>,
    deliver: &mut impl FnMut(EndpointId, Time),
) -> BroadcastTally {
    let (deaf, only) = match receivers {
        Receivers::AllLive => (None, None),
        Receivers::AllLiveBut(deaf) => (Some(deaf), None),
        Receivers::Of(ids) => (None, Some(ids)),
    };
    let spread = nat.spread(medium, from, bytes, number, deaf, only.is_none());
    let mut tally =
        BroadcastTally { unconnected: spread.unconnected, lost: spread.lost, ..Default::default() };
    for (to, after) in spread.arrivals {
        if only.is_none_or(|ids| ids.contains(&to)) {
            tally.delivered += 1;
            deliver(to, now + after);
        }
    }
    tally
}

/// Whether all copies of a gossiped message to one receiver are lost; no draw where that is out of the
/// question.
fn lose_all_copies(loss: f64, rng: &mut Rng<'_>) -> bool {
    may_lose_all_copies(loss) && rng.chance(all_copies(loss))
}

fn may_lose_all_copies(loss: f64) -> bool {
    all_copies(loss) >= SMALLEST_CHANCE
}

fn all_copies(loss: f64) -> f64 {
    (0..COPIES).map(|_| loss).product()
}

#[cfg(test)]
mod tests;

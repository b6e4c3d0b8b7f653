//! Exchanges between two ends over connections of their own: a caller connects, sends a request and gets an answer.
//!
//! Calls between endpoints go through the tunnel between their hosts: IP in QUIC, packets of at most 1420 bytes inside
//! (dms-orchestration section 7, "Subnets"). Calls from outside go over plain TCP to the public address of a host.
//! Nothing here changes the network: exchanges take no bandwidth from transfers, and open no circuits that messages
//! would find.

use super::bandwidth::BandwidthConfig;
use super::endpoint::EndpointId;
use super::geo::{Cities, CityId};
use super::latency::{Attachment, LatencyModel};
use super::medium::link_time;
use super::network::{LOOPBACK, LossReason, Network};
use super::{Links, NatClass};
use crate::kernel::{Rng, Span, Time};

/// Bytes of a frame on the wire.
const FRAME_BYTES: u64 = 1500;
/// Payload of a packet in a tunnel: its 1420 bytes less the headers of IP and TCP.
const TUNNEL_PAYLOAD_BYTES: u64 = 1420 - 40;
/// Payload of a plain packet.
const PLAIN_PAYLOAD_BYTES: u64 = FRAME_BYTES - 40;

/// Somebody outside of the set of endpoints.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Outsider {
    at: Attachment,
    links: Links,
}

/// Who calls.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Caller {
    /// An endpoint.
    Endpoint(EndpointId),
    /// Somebody outside, over plain TCP.
    Outside(Outsider),
}

/// Why no call gets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// Whatever is sent vanishes: the other is down or cut off.
    Silence,
    /// No way leads there: what stands before the host lets nothing in, or no relay has room.
    NoWay,
}

/// What an exchange needs to know of its ends beside their places.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Course {
    /// Who calls.
    pub caller: Caller,
    /// Over which relay.
    pub relay: Option<EndpointId>,
    /// Who is called.
    pub to: EndpointId,
}

impl Network {
    /// Somebody outside, in a city, with the links that `bandwidth` gives there.
    #[must_use]
    pub fn outsider(&self, city: CityId, bandwidth: BandwidthConfig) -> Outsider {
        let city = Cities::world().city(city);
        let at = match self.medium().latency {
            LatencyModel::Constant(_) => Attachment::default(),
            LatencyModel::Cities(_) => Attachment::at(city.at),
        };
        Outsider { at, links: bandwidth.links(city.region()) }
    }

    /// The relay, if any, that calls go through now.
    ///
    /// # Errors
    /// Why none gets through.
    pub fn way(&self, now: Time, caller: Caller, to: EndpointId) -> Result<Option<EndpointId>, Obstacle> {
        if !self.is_up(to) {
            return Err(Obstacle::Silence);
        }
        let from = match caller {
            // A port that is open on the host is not open on the translator before it.
            Caller::Outside(_) if self.class(to) != NatClass::Public => return Err(Obstacle::NoWay),
            Caller::Outside(_) => return Ok(None),
            Caller::Endpoint(from) if from == to => return Ok(None),
            Caller::Endpoint(from) => from,
        };
        let Some(nat) = self.hidden() else {
            return if self.medium().reaches(from, to) { Ok(None) } else { Err(Obstacle::Silence) };
        };
        nat.lasting_way(self.medium(), now, from, to).map_err(|reason| match reason {
            LossReason::Unreachable | LossReason::RelayFull | LossReason::TooManyConnections => {
                Obstacle::NoWay
            }
            _ => Obstacle::Silence,
        })
    }

    /// The probability that what is sent one way is lost as a whole.
    #[must_use]
    pub fn loss_on(&self, course: &Course) -> f64 {
        let medium = self.medium();
        let (from, to) = (course.near_end(), course.to);
        if course.is_loopback() {
            return 0.0;
        }
        1.0 - (1.0 - medium.loss) * (1.0 - medium.conditions.loss(from, to))
    }

    /// The round trip without jitter, links and faults.
    #[must_use]
    pub fn exchange_round_trip(&self, course: &Course) -> Span {
        let medium = self.medium();
        match (course.caller, course.relay) {
            (Caller::Outside(one), _) => {
                let to = medium.attachments[course.to];
                medium.latency.shortest(one.at, to) + medium.latency.shortest(to, one.at)
            }
            (Caller::Endpoint(from), None) if from == course.to => LOOPBACK.times(2),
            (Caller::Endpoint(from), None) => self.shortest_round_trip(from, course.to),
            (Caller::Endpoint(from), Some(relay)) => {
                self.shortest_round_trip(from, relay) + self.shortest_round_trip(relay, course.to)
            }
        }
    }

    /// A random time for connecting, `request` bytes there and `response` bytes back; what the other does in between
    /// comes on top. `idle` is the part, above 0, of the other's two links (down, up) that other calls leave.
    pub fn exchange_time(
        &self,
        course: &Course,
        (request, response): (u64, u64),
        idle: [f64; 2],
        rng: &mut Rng<'_>,
    ) -> Span {
        let connecting = self.exchange_round_trip(course);
        if course.is_loopback() {
            return connecting + LOOPBACK.times(2);
        }
        let (medium, to) = (self.medium(), course.to);
        let extra = medium.conditions.delay(course.near_end(), to, rng)
            + medium.conditions.delay(to, course.near_end(), rng);
        let (there, back) = (course.on_wire(request), course.on_wire(response));
        let theirs =
            stretched(medium.down_time(to, there), idle[0]) + stretched(medium.up_time(to, back), idle[1]);
        let way = match (course.caller, course.relay) {
            (Caller::Outside(one), _) => {
                let at = medium.attachments[to];
                let delays = medium.latency.sample(one.at, at, rng) + medium.latency.sample(at, one.at, rng);
                let links =
                    link_time(there, one.links.up_bps as f64) + link_time(back, one.links.down_bps as f64);
                delays + links + medium.resent(connecting, there, rng) + medium.resent(connecting, back, rng)
            }
            (Caller::Endpoint(from), None) => {
                let ways = medium.way(from, to, there, rng) + medium.way(to, from, back, rng);
                ways + medium.up_time(from, there) + medium.down_time(from, back)
            }
            (Caller::Endpoint(from), Some(relay)) => {
                let ours = medium.leg(from, relay, there, rng) + medium.leg(relay, from, back, rng);
                let ways = medium.way(relay, to, there, rng) + medium.way(to, relay, back, rng);
                let links = medium.up_time(relay, there) + medium.down_time(relay, back);
                let renewals =
                    self.hidden().map(|nat| nat.renewals(medium, (from, relay, to), there + back, rng));
                ours + ways + links + renewals.unwrap_or_default()
            }
        };
        connecting + way + theirs + extra
    }

    /// The bit rates of an endpoint's links (down, up) beside the transfers there.
    #[must_use]
    pub fn residual_bps(&self, of: EndpointId) -> [f64; 2] {
        [self.flows().residual_down_bps(of), self.flows().residual_up_bps(of)]
    }

    fn class(&self, of: EndpointId) -> NatClass {
        self.hidden().map_or(NatClass::Public, |nat| nat.class(of))
    }
}

impl Course {
    /// Bytes on the wire for a payload.
    #[must_use]
    pub const fn on_wire(&self, bytes: u64) -> u64 {
        let payload = match self.caller {
            Caller::Endpoint(_) => TUNNEL_PAYLOAD_BYTES,
            Caller::Outside(_) => PLAIN_PAYLOAD_BYTES,
        };
        let packets = if bytes == 0 { 1 } else { bytes.div_ceil(payload) };
        bytes + packets * (FRAME_BYTES - payload)
    }

    /// Faults name endpoints: of a call from outside they concern the one that is called.
    const fn near_end(&self) -> EndpointId {
        match self.caller {
            Caller::Endpoint(from) => from,
            Caller::Outside(_) => self.to,
        }
    }

    fn is_loopback(&self) -> bool {
        self.caller == Caller::Endpoint(self.to)
    }
}

/// A time on a link of which only a part is idle: who shares a link evenly with random others waits in inverse
/// proportion (M/G/1 with processor sharing).
fn stretched(span: Span, idle: f64) -> Span {
    Span((span.0 as f64 / idle) as u64)
}

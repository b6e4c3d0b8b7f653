//! What lies between the endpoints at a moment: their places and links, who is up, and the conditions that
//! are on.

use super::conditions::Conditions;
use super::endpoint::{EndpointId, LiveEndpoints};
use super::flows::FlowNetwork;
use super::latency::{Attachment, LatencyModel};
use crate::kernel::{Id, IdVec, Rng, Span};

/// Payload of a packet: an Ethernet frame less the headers of IP and TCP or QUIC.
const PACKET_BYTES: u64 = 1400;

/// The state that every way of sending shares.
pub struct Medium {
    pub(super) latency: LatencyModel,
    pub(super) attachments: IdVec<EndpointId, Attachment>,
    pub(super) flows: FlowNetwork,
    pub(super) live: LiveEndpoints,
    pub(super) conditions: Conditions,
    pub(super) loss: f64,
    pub(super) packet_loss: f64,
    pub(super) hop_processing: Span,
}

impl Medium {
    /// Whether both are up and no partition keeps them apart.
    #[inline]
    #[must_use]
    pub fn reaches(&self, from: EndpointId, to: EndpointId) -> bool {
        self.live.contains(from) && self.live.contains(to) && self.conditions.connects(from, to)
    }

    /// The delay of the way without jitter, links and conditions.
    #[inline]
    #[must_use]
    pub fn shortest(&self, from: EndpointId, to: EndpointId) -> Span {
        self.latency.shortest(self.attachments[from], self.attachments[to])
    }

    /// How long `bytes` take on the sender's up link, beside the flows there.
    #[inline]
    #[must_use]
    pub fn up_time(&self, from: EndpointId, bytes: u64) -> Span {
        link_time(bytes, self.flows.residual_up_bps(from))
    }

    /// How long `bytes` take on the receiver's down link, beside the flows there.
    #[inline]
    #[must_use]
    pub fn down_time(&self, to: EndpointId, bytes: u64) -> Span {
        link_time(bytes, self.flows.residual_down_bps(to))
    }

    /// A random delay of a whole leg: both links, the way with its jitter, and retransmissions.
    ///
    /// With `packet_loss`, every packet and every retransmission of one is lost with that probability, and
    /// each loss costs a round trip: the time after which a fast retransmission arrives.
    pub fn leg(&self, from: EndpointId, to: EndpointId, bytes: u64, rng: &mut Rng<'_>) -> Span {
        let links = self.up_time(from, bytes) + self.down_time(to, bytes);
        self.way(from, to, bytes, rng) + links
    }

    /// A [`leg`](Self::leg) without its links.
    #[inline]
    pub(super) fn way(&self, from: EndpointId, to: EndpointId, bytes: u64, rng: &mut Rng<'_>) -> Span {
        let way = self.latency.sample(self.attachments[from], self.attachments[to], rng);
        if self.packet_loss > 0.0 {
            return way + self.resent(self.shortest(from, to) + self.shortest(to, from), bytes, rng);
        }
        way
    }

    /// Draws what a [`way`](Self::way) does, where nobody asks how long it takes: no later draw is shifted.
    #[inline]
    pub(super) fn skip_way(&self, from: EndpointId, to: EndpointId, bytes: u64, rng: &mut Rng<'_>) {
        match self.packet_loss > 0.0 {
            true => drop(self.way(from, to, bytes, rng)),
            false => LatencyModel::skip(rng),
        }
    }

    /// What the loss of packets costs between two that are a round trip apart.
    pub(super) fn resent(&self, round_trip: Span, bytes: u64, rng: &mut Rng<'_>) -> Span {
        if self.packet_loss > 0.0 {
            return round_trip.times(lost_packets(bytes, self.packet_loss, rng));
        }
        Span::ZERO
    }

    /// How many endpoints there are, up or down.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.attachments.len()
    }

    /// Whether there are no endpoints.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.attachments.is_empty()
    }

    /// All endpoints.
    pub fn ids(&self) -> impl Iterator<Item = EndpointId> + use<> {
        (0..self.attachments.len()).map(EndpointId::from_index)
    }
}

/// The time of `bytes` over a link; a link without capacity takes for ever.
#[inline]
pub(super) fn link_time(bytes: u64, bps: f64) -> Span {
    Span((bytes as f64 * 8e9 / bps) as u64)
}

/// How many packets of a message are lost before all have arrived: by the gaps between losses, so that the
/// usual case of none costs one draw.
fn lost_packets(bytes: u64, packet_loss: f64, rng: &mut Rng<'_>) -> u64 {
    /// A connection that loses more than this is as good as dead; it also bounds the draws.
    const MOST: u64 = 1000;
    let log_kept = libm::log1p(-packet_loss);
    let mut arrived = 0.0;
    let mut lost = 0;
    let packets = bytes.div_ceil(PACKET_BYTES).max(1) as f64;
    while lost < MOST {
        // Packets that arrive before the next loss are geometric.
        arrived += libm::floor(libm::log(rng.open_unit_f64()) / log_kept);
        if arrived >= packets {
            break;
        }
        lost += 1;
    }
    lost
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Domain, Streams};

    /// Losses before `n` packets have arrived are negative binomial: mean n p / (1 - p), variance n p / (1 -
    /// p)^2.
    #[test]
    fn lost_packets_are_negative_binomial() {
        let mut rng = Streams::new(4).owned(Domain::new("net.medium.test"), 0);
        for (bytes, packets, p) in
            [(100, 1.0, 0.2), (1400, 1.0, 0.01), (14_001, 11.0, 0.05), (50_000, 36.0, 0.3)]
        {
            let draws = 50_000;
            let sum: u64 = (0..draws).map(|_| lost_packets(bytes, p, &mut rng)).sum();
            let mean = sum as f64 / f64::from(draws);
            let (expected, variance) = (packets * p / (1.0 - p), packets * p / (1.0 - p) / (1.0 - p));
            let sigma = (variance / f64::from(draws)).sqrt();
            assert!((mean - expected).abs() < 4.0 * sigma, "{bytes} {p}: {mean} against {expected}");
        }
        assert_eq!(lost_packets(1, 1.0, &mut rng), 1000);
    }
}

//! Verifying a link before a candidate is taken (dms-orchestration section 2.8): the provider that is asked measures
//! from itself to the other one, by messages.
//!
//! A short message and its answer give the round trip. For the bandwidth a long one follows: what it takes longer than
//! the short one is the time of its bytes on the slower of the two links, beside all that they carry just then. The
//! real DMS declares the behaviour and leaves it empty, so that nobody ever learns anything (W1).

use std::sync::Arc;

use super::Provider;
use crate::dms::actor::{Actor, Behaviour, BehaviourKind, EdgeConstraint, Envelope, Message, Padding};
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::identity::Handle;
use crate::dms::outbox::Owner;
use crate::dms::profile::Weakness;
use crate::kernel::{Span, Timestamp};

/// The lengths of a long probe's payload in bytes: long enough to take half a second on a link that just does, and
/// short of the longest message.
const SHORTEST_PROBE: u64 = 3 << 10;
const LONGEST_PROBE: u64 = 690 << 10;
/// A link that falls short of its limit by less than this part of it does: no measurement is exact.
const TOLERANCE: u128 = 100;

/// A link that is being measured.
#[derive(Clone, Debug)]
pub(super) struct EdgeTest {
    nonce: u64,
    target: Arc<Handle>,
    wanted: EdgeConstraint,
    sent: Timestamp,
    expire: Timestamp,
    /// Known once the short probe has been answered.
    round_trip: Option<Span>,
    owed: OwedReply,
}

impl EdgeTest {
    fn probe_bytes(&self) -> u64 {
        (self.wanted.bandwidth_bits_per_s / 16 * 3 / 4).clamp(SHORTEST_PROBE, LONGEST_PROBE)
    }

    /// Bits that a long probe has more than a short one: a payload travels in base64.
    fn probe_bits(&self) -> u128 {
        u128::from(self.probe_bytes().div_ceil(3) * 4 * 8)
    }
}

impl Provider {
    /// Whether a reply with this name is to a probe of this provider.
    pub(in crate::dms) fn awaits(&self, behaviour: &Behaviour) -> bool {
        behaviour.kind == BehaviourKind::ReplyTo
            && behaviour
                .reply_nonce()
                .is_some_and(|nonce| self.edge_tests.iter().any(|test| test.nonce == nonce))
    }

    pub(super) fn handle_edge(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        request: &Envelope,
        wanted: &EdgeConstraint,
    ) {
        if desk.security.profile.has(Weakness::SilentEdges) {
            return;
        }
        if wanted.source != root.handle.host {
            let refused = Message::Error("this peer is not the source of the edge".into());
            return desk.reply(root, request, refused);
        }
        let Some(owed) = OwedReply::to(request) else { return };
        let mut test = EdgeTest {
            nonce: 0,
            target: Arc::new(Handle::root(wanted.target.0)),
            wanted: *wanted,
            sent: desk.now,
            expire: request.expire,
            round_trip: None,
            owed,
        };
        probe(desk, root, &mut test, 0);
        self.edge_tests.push(test);
    }

    /// The other end has answered a probe.
    pub(in crate::dms) fn handle_probe_reply(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        envelope: &Envelope,
    ) {
        let Some(nonce) = envelope.behaviour.reply_nonce() else { return };
        let Some(place) = self.edge_tests.iter().position(|test| test.nonce == nonce) else { return };
        let mut test = self.edge_tests.swap_remove(place);
        let took = desk.now.since(test.sent);
        let limit = test.wanted.rtt_ms;
        let answer = match test.round_trip {
            None if limit > 0 && took > Span::millis(limit) => {
                let took_ms = took.0.div_ceil(1_000_000);
                Message::Error(format!("the round trip takes {took_ms} ms, more than {limit}").into())
            }
            None if test.wanted.bandwidth_bits_per_s > 0 => {
                test.round_trip = Some(took);
                let bytes = test.probe_bytes();
                probe(desk, root, &mut test, bytes);
                return self.edge_tests.push(test);
            }
            None => Message::Ok,
            Some(round_trip) => judge_bandwidth(&test, took, round_trip),
        };
        desk.reply_later(root, test.owed, answer);
    }

    /// The other end does not answer; by now nobody waits for a verdict any more.
    pub(super) fn forget_probe(&mut self, nonce: u64) {
        self.edge_tests.retain(|test| test.nonce != nonce);
    }
}

/// Sends so many bytes to the other end.
fn probe(desk: &mut Desk<'_, '_>, root: &mut Actor, test: &mut EdgeTest, bytes: u64) {
    test.sent = desk.now;
    let behaviour = Behaviour::fixed(BehaviourKind::EdgeProbe);
    let message =
        Message::EdgeProbe(Padding(u32::try_from(bytes).expect("a probe is at most a message long")));
    let timeout = test.expire.since(desk.now);
    test.nonce = desk.invoke(root, Owner::Provider, &test.target, behaviour, message, timeout);
}

/// Whether the bytes of a long probe were fast enough.
fn judge_bandwidth(test: &EdgeTest, took: Span, round_trip: Span) -> Message {
    let bits = test.probe_bits();
    let (limit, transfer) = (test.wanted.bandwidth_bits_per_s, Span(took.0.saturating_sub(round_trip.0)));
    if bits * 1_000_000_000 >= u128::from(limit) * u128::from(transfer.0) * (TOLERANCE - 1) / TOLERANCE {
        return Message::Ok;
    }
    let megabits = |bits_per_s: f64| format!("{:.1} Mbit/s", bits_per_s / 1e6);
    let (rate, limit) = (megabits(bits as f64 / transfer.as_secs_f64()), megabits(limit as f64));
    Message::Error(format!("the link carries {rate}, less than {limit}").into())
}

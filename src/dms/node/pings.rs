//! `/dms/node/peers/ping`: how long another peer takes to answer (dms-capabilities section 5). The real DMS uses the
//! ping of its transport, which needs no authority; here a hello takes its place, as everywhere where a host is tried.

use std::sync::Arc;

use crate::dms::actor::{Actor, Behaviour, BehaviourKind, Envelope, Message, Report};
use crate::dms::constants::PING_TIMEOUT;
use crate::dms::desk::{Desk, OwedReply};
use crate::dms::identity::Handle;
use crate::dms::outbox::Owner;
use crate::kernel::Timestamp;

/// A peer that is being pinged.
#[derive(Clone, Debug)]
struct Ping {
    nonce: u64,
    asked: Timestamp,
    /// Who wants to know.
    owed: Option<OwedReply>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Pings(Vec<Ping>);

impl Pings {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Pings a peer for whoever sent the request.
    pub(super) fn begin(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        request: &Envelope,
        peer: &Arc<Handle>,
    ) {
        let behaviour = Behaviour::fixed(BehaviourKind::PublicHello);
        let nonce = desk.invoke(root, Owner::Root, peer, behaviour, Message::Hello, PING_TIMEOUT);
        self.0.push(Ping { nonce, asked: desk.now, owed: OwedReply::to(request) });
    }

    pub(super) fn awaits(&self, nonce: u64) -> bool {
        self.0.iter().any(|ping| ping.nonce == nonce)
    }

    /// The peer has answered.
    pub(super) fn answered(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, nonce: u64) {
        let now = desk.now;
        self.end(desk, root, nonce, |ping| {
            let rtt_ms = now.since(ping.asked).0 / 1_000_000;
            Message::Report(Arc::new(Report::Ping { rtt_ms }))
        });
    }

    /// It has not, in time.
    pub(super) fn overdue(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, nonce: u64) {
        self.end(desk, root, nonce, |_| Message::Error(format!("no pong within {PING_TIMEOUT}").into()));
    }

    fn end(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        nonce: u64,
        answer: impl FnOnce(&Ping) -> Message,
    ) {
        let Some(place) = self.0.iter().position(|ping| ping.nonce == nonce) else { return };
        let ping = self.0.remove(place);
        let message = answer(&ping);
        if let Some(owed) = ping.owed {
            desk.reply_later(root, owed, message);
        }
    }
}

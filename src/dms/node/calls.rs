//! Calls that an operator made and whose answers are to come.

use crate::dms::actor::{Message, NodeReport, Report};
use crate::dms::desk::Desk;
use crate::dms::fact::Fact;
use crate::dms::profile::Weakness;
use crate::kernel::{Span, Timestamp};

/// A call under way.
#[derive(Clone, Copy, Debug)]
struct Call {
    operation: u32,
    nonce: u64,
    timeout: Span,
    /// When its time is over.
    until: Timestamp,
    /// Whether it went to everyone, so that many may answer.
    broadcast: bool,
    answered: bool,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls(Vec<Call>);

impl Calls {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn begin(
        &mut self,
        desk: &Desk<'_, '_>,
        operation: u32,
        nonce: u64,
        timeout: Span,
        broadcast: bool,
    ) {
        let until = desk.now + timeout;
        self.0.push(Call { operation, nonce, timeout, until, broadcast, answered: false });
    }

    pub(super) fn awaits(&self, nonce: u64) -> bool {
        self.0.iter().any(|call| call.nonce == nonce)
    }

    /// Until when answers to a broadcast call are collected.
    pub(super) fn collects_until(&self, nonce: u64) -> Option<Timestamp> {
        let call = self.0.iter().find(|call| call.nonce == nonce)?;
        call.broadcast.then_some(call.until)
    }

    /// An answer; those to a broadcast are collected until its time is over.
    pub(super) fn answer(&mut self, desk: &mut Desk<'_, '_>, nonce: u64, message: &Message) {
        let Some(place) = self.0.iter().position(|call| call.nonce == nonce) else { return };
        let call = &mut self.0[place];
        call.answered = true;
        let operation = call.operation;
        if !call.broadcast {
            self.0.remove(place);
        }
        if let Message::Report(report) = message
            && let Report::Node(all) = &**report
        {
            let own = desk.security.capabilities.did();
            let secrets = all.values().filter(|report| report.did != *own).map(NodeReport::secrets).sum();
            if secrets > 0 {
                desk.fact(Fact::SecretsSeen(secrets));
            }
        }
        desk.show(operation, message.clone());
    }

    /// The time of a call is over.
    pub(super) fn expire(&mut self, desk: &mut Desk<'_, '_>, nonce: u64) {
        let Some(place) = self.0.iter().position(|call| call.nonce == nonce) else { return };
        let call = self.0.remove(place);
        if call.answered {
            return;
        }
        let mut reason = format!("no answer within {}", call.timeout);
        let notices = !desk.security.profile.has(Weakness::UnnoticedSelfSigning);
        if notices && desk.security.capabilities.organizations(desk.now).is_empty() {
            reason.push_str(": this node belongs to no organization");
        }
        desk.fact(Fact::OperationUnanswered { operation: call.operation, reason: reason.into() });
    }
}

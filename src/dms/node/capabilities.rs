//! Anchoring and listing: what operators do to a node's capability context, here or by message (dms-capabilities
//! sections 2.6 to 2.8 and 7).

use std::sync::Arc;

use crate::dms::actor::{Actor, AnchorRequest, BehaviourKind, CapabilityReport, Envelope, Message, Slot};
use crate::dms::capability::{Anchors, Token, TokenList};
use crate::dms::desk::Desk;
use crate::dms::fact::Fact;
use crate::dms::profile::Weakness;

/// Anchors tokens. A revocation that was not known before is a fact.
///
/// Anchoring authority that was granted to somebody else succeeds in the real DMS and gives nothing, which nobody
/// notices (section 7): with C10 mended it is refused.
pub(super) fn anchor(desk: &mut Desk<'_, '_>, anchors: &Anchors<'_>) -> Result<(), Arc<str>> {
    let context = &desk.security.capabilities;
    let foreign = anchors.provide.iter().any(|token| token.subject() != context.did());
    if foreign && !desk.security.profile.has(Weakness::UnnoticedSelfSigning) {
        return Err("the token was granted to somebody else and gives this node no authority".into());
    }
    let fresh = unknown(desk, anchors.revoke);
    desk.security.capabilities.add_roots(anchors, desk.now).map_err(|error| error.to_string())?;
    for key in fresh {
        desk.fact(Fact::RevocationAnchored(key));
    }
    Ok(())
}

/// The fingerprints of the keys of those revocations that are not known yet.
pub(super) fn unknown(desk: &Desk<'_, '_>, revocations: &[Arc<Token>]) -> Vec<u128> {
    let known = desk.security.capabilities.revocations();
    let keys = revocations.iter().map(|token| token.revocation_key());
    keys.filter(|key| !known.contains_key(key)).map(|key| key.fingerprint()).collect()
}

/// Whether a request to anchor may come under this behaviour: the newer paths name the slot themselves.
fn fits(kind: BehaviourKind, slot: Slot) -> bool {
    match kind {
        BehaviourKind::AnchorProvide => slot == Slot::Provide,
        BehaviourKind::AnchorRequire => slot == Slot::Require,
        BehaviourKind::AnchorRevoke | BehaviourKind::RevokeBroadcast => slot == Slot::Revoke,
        _ => true,
    }
}

/// Handles a request to anchor and answers it with the real `{OK, Error}`.
pub(super) fn handle_anchor(
    desk: &mut Desk<'_, '_>,
    root: &mut Actor,
    request: &Envelope,
    content: &AnchorRequest,
) {
    let slot = content.slot;
    let mut anchors = Anchors::default();
    match slot {
        Slot::Provide => anchors.provide = &content.tokens,
        Slot::Require => anchors.require = &content.tokens,
        Slot::Revoke => anchors.revoke = &content.tokens,
    }
    let done = if fits(request.behaviour.kind, slot) {
        anchor(desk, &anchors)
    } else {
        Err(format!("{} tokens cannot be anchored by {}", slot.as_str(), request.behaviour.path).into())
    };
    let answer = match done {
        Ok(()) => Message::Ok,
        Err(reason) => {
            desk.fact(Fact::AnchorRefused { slot, reason: Arc::clone(&reason) });
            Message::Error(reason)
        }
    };
    desk.reply(root, request, answer);
}

/// What the node's context holds.
pub(super) fn list(desk: &Desk<'_, '_>) -> CapabilityReport {
    let context = &desk.security.capabilities;
    let listed = context.list_roots(desk.now);
    let tokens = |list: Vec<Arc<Token>>| -> TokenList { list.into_iter().collect() };
    CapabilityReport {
        roots: listed.roots,
        require: tokens(listed.require),
        provide: tokens(listed.provide),
        revoke: tokens(listed.revoke),
        organizations: context.organizations(desk.now),
    }
}

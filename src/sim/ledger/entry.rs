//! A fact in compact form: numbers of the run instead of keys and ids, so that it is the same in both signature
//! modes. The digest of a run is over these.

use std::hash::Hash;
use std::mem::Discriminant;

use crate::dms::contract::fact::ContractFact;
use crate::dms::fact::{Fact, MachineFact, Role};
use crate::dms::provider::BidRefusal;
use crate::kernel::{Digest, Time};
use crate::sim::event::PeerId;

/// The part of an allocation's full id that follows the ensemble's: `<node>.<allocation>`.
#[must_use]
pub(in crate::sim) fn key_of(allocation: &str) -> &str {
    allocation.split_once('_').map_or(allocation, |(_, key)| key)
}

/// Adds a fact to a digest, its ensemble or revocation replaced by a number of the run.
#[expect(clippy::too_many_lines, reason = "an arm for each kind, and no more")]
pub(super) fn absorb(digest: &mut Digest, time: Time, peer: PeerId, subject: Option<u32>, fact: &Fact) {
    begin(digest, (time, peer, subject), std::mem::discriminant(fact));
    match fact {
        Fact::MessageRejected { rejection, behaviour, ensemble: _, explanation } => {
            (rejection, behaviour, explanation).hash(digest);
        }
        // Fingerprints of revocations differ between the signature modes: the caller has put a number in their place.
        Fact::RevocationAnchored(_)
        | Fact::HelloAnswered
        | Fact::Offboarded
        | Fact::DeploymentAccepted(_)
        | Fact::DeploymentQueued(_)
        | Fact::BidMade(_)
        | Fact::BidAccepted(_) => {}
        Fact::SentWithoutAuthority { behaviour, ensemble: _ } => behaviour.hash(digest),
        Fact::DeploymentRefused(reason) => reason.hash(digest),
        Fact::DeploymentStatus { ensemble: _, status, reason } => {
            status.hash(digest);
            text(digest, reason.as_deref().unwrap_or(""));
        }
        Fact::RoundOpened { ensemble: _, nonce, nodes } => (nonce, nodes).hash(digest),
        Fact::BidRefused { ensemble: _, refusal } => refusal.hash(digest),
        Fact::StageFailed { ensemble: _, stage, reason } => refused(digest, stage, reason),
        Fact::Committed { allocation, generation, resources } => {
            held(digest, allocation, (generation, resources));
        }
        Fact::AllocationCreated { allocation, generation }
        | Fact::AllocationRestored { allocation, generation } => held(digest, allocation, generation),
        Fact::AddressGiven { allocation, generation, address } => {
            held(digest, allocation, (generation, address.octets()));
        }
        Fact::Named { allocation, generation, name: said }
        | Fact::NotTerminated { allocation, generation, reason: said } => {
            held(digest, allocation, generation);
            text(digest, said);
        }
        Fact::PortMapped { allocation, generation, public, private } => {
            held(digest, allocation, (generation, public, private));
        }
        Fact::AllocationState { allocation, generation, state, exit_code } => {
            held(digest, allocation, (generation, state, exit_code));
        }
        Fact::Container { allocation, generation, what } => held(digest, allocation, (generation, what)),
        Fact::Released { allocation, generation, lapsed } => held(digest, allocation, (generation, lapsed)),
        Fact::Suspected { allocation, generation, cause } => held(digest, allocation, (generation, cause)),
        // The allocation says whose result it is.
        Fact::ResultChecked { allocation, generation, provider: _, judgement } => {
            held(digest, allocation, (generation, judgement));
        }
        Fact::OperationAnswered { operation, answer: said }
        | Fact::OperationRefused { operation, reason: said }
        | Fact::OperationUnanswered { operation, reason: said } => {
            operation.hash(digest);
            text(digest, said);
        }
        Fact::AnchorRefused { slot, reason } => refused(digest, slot, reason),
        Fact::DeploymentRestored { ensemble: _, status } => status.hash(digest),
        Fact::DeploymentHandedOver { ensemble: _, term }
        | Fact::DeploymentSuperseded { ensemble: _, term } => term.hash(digest),
        Fact::Onboarded(resources) => resources.hash(digest),
        Fact::OnboardingRefused(reason) => text(digest, reason),
        Fact::Machine { ensemble: _, machine, what } => absorb_machine(digest, *machine, what),
        Fact::Contract { contract: _, what } => absorb_contract(digest, what),
        Fact::DeploymentReshaped { ensemble: _, allocations } => roles(digest, allocations),
        Fact::SubnetJoined { ensemble: _, address } => address.octets().hash(digest),
        Fact::SecretsSeen(secrets) => secrets.hash(digest),
        Fact::ResultDecided { ensemble: _, node, results, agreed, votes } => {
            text(digest, node);
            (results, agreed, votes).hash(digest);
        }
        // The provider has another key in each signature mode; who it is shows when it commits.
        Fact::NodeAwarded { ensemble: _, node, provider: _, paid_micro_per_h } => {
            text(digest, node);
            paid_micro_per_h.hash(digest);
        }
        Fact::RestartOrdered { allocation } => text(digest, key_of(allocation)),
        Fact::RedeploymentStarted { ensemble: _, node, generation } => {
            text(digest, node);
            generation.hash(digest);
        }
    }
}

/// When and who, about which subject, and which kind of fact.
#[inline]
fn begin(digest: &mut Digest, (time, peer, subject): (Time, PeerId, Option<u32>), kind: Discriminant<Fact>) {
    digest.write_u64(time.0);
    digest.write_u64(u64::from(peer.0) << 32 | u64::from(subject.unwrap_or(u32::MAX)));
    kind.hash(digest);
}

/// As [`absorb`] takes up that a request for bids was refused, of which `kind` is the kind: nearly all facts of a large
/// network are that, and are not even made.
#[inline]
pub(super) fn absorb_bid_refusal(
    digest: &mut Digest,
    whence: (Time, PeerId, Option<u32>),
    kind: Discriminant<Fact>,
    refusal: &BidRefusal,
) {
    begin(digest, whence, kind);
    refusal.hash(digest);
}

/// What was refused, and why.
fn refused(digest: &mut Digest, what: impl Hash, reason: &str) {
    what.hash(digest);
    text(digest, reason);
}

/// An allocation and what is said of it.
fn held(digest: &mut Digest, allocation: &str, what: impl Hash) {
    text(digest, key_of(allocation));
    what.hash(digest);
}

fn roles(digest: &mut Digest, roles: &[Role]) {
    for role in roles {
        text(digest, &role.allocation);
        text(digest, &role.service);
        (role.kind, role.is_wanted).hash(digest);
    }
}

fn absorb_machine(digest: &mut Digest, machine: u32, what: &MachineFact) {
    machine.hash(digest);
    std::mem::discriminant(what).hash(digest);
    if let MachineFact::Failed(reason) | MachineFact::Deleted(reason) = what {
        text(digest, reason);
    }
}

/// What is said about a contract, without DIDs and what is made of them.
fn absorb_contract(digest: &mut Digest, what: &ContractFact) {
    std::mem::discriminant(what).hash(digest);
    match what {
        ContractFact::Created | ContractFact::Signed => {}
        ContractFact::SignatureRefused(reason)
        | ContractFact::NotMoved(reason)
        | ContractFact::NotPaid(reason) => text(digest, reason),
        ContractFact::Is(state) => state.hash(digest),
        ContractFact::Used(kind) => kind.hash(digest),
        ContractFact::UsageLost { kind, reason } => {
            kind.hash(digest);
            digest.write_str(reason);
        }
        ContractFact::Invoiced { number, items, amount } => (number, items, amount).hash(digest),
        ContractFact::Owed { unique_id: _, amount, currency: _ } => amount.hash(digest),
        ContractFact::Paid { number, amount, is_fee: _ } => (number, amount).hash(digest),
    }
}

/// Reasons may quote ids, which differ between the signature modes: runs of 64 hexadecimal digits and DIDs of keys are
/// left out.
fn text(digest: &mut Digest, text: &str) {
    let mut rest = text;
    while let Some((start, end)) = find_id(rest) {
        digest.write_bytes(&rest.as_bytes()[..start]);
        rest = &rest[end..];
    }
    digest.write_str(rest);
}

/// Where the first id begins and ends. One pass, for every reason of a refusal is read so.
pub(in crate::sim) fn find_id(text: &str) -> Option<(usize, usize)> {
    const DID: &str = "did:key:";
    let mut digits = 0;
    for (place, byte) in text.bytes().enumerate() {
        digits = if byte.is_ascii_hexdigit() { digits + 1 } else { 0 };
        let end = place + 1;
        if digits == 64 {
            return Some((end - 64, end));
        }
        if byte == b':' && text.as_bytes()[..end].ends_with(DID.as_bytes()) {
            let key = &text[end..];
            let length = key.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(key.len());
            return Some((end - DID.len(), end + length));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_reasons_do_not_count() {
        let digest = |reason: &str| {
            let mut digest = Digest::new();
            text(&mut digest, reason);
            digest.finish()
        };
        let (one, other) = ("1".repeat(64), "ab".repeat(32));
        assert_eq!(digest(&format!("ensemble {one} gone")), digest(&format!("ensemble {other} gone")));
        assert_ne!(digest("ensemble gone"), digest("ensemble came"));
        assert_eq!(digest("not did:key:zAb1, but"), digest("not did:key:z9, but"));
        assert_ne!(digest("not did:key:zAb1, but"), digest("not did:key:zAb1 but"));
        assert_eq!(find_id(&format!("é did:key:z9 {one}")), Some((3, 13)));
        assert_eq!(find_id(&format!("{one}1 did:key:z9")), Some((0, 64)));
        assert_eq!(find_id(&one[1..]), None);
    }
}

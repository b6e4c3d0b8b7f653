//! Contracts: one is accepted when both parties have signed what was agreed and before its end, moves only by listed
//! steps, and nobody offers anything under one that does not hold between him and who asks (dms-capabilities sections
//! 6.3 to 6.6, C3, C6 and C7).

use std::collections::BTreeMap;

use super::billing::name_of;
use super::{Found, Invariant, Look};
use crate::dms::contract::fact::ContractFact;
use crate::dms::contract::message::ContractRef;
use crate::dms::contract::model::Contract;
use crate::dms::contract::signing;
use crate::dms::contract::state::State as S;
use crate::dms::fact::Fact;
use crate::dms::identity::{Did, EnsembleId};
use crate::kernel::{Span, Time};
use crate::sim::event::PeerId;

/// So long the answer about a contract may be on its way to whoever has asked.
const GRACE: Span = Span::mins(1);

/// What may follow a state of a contract; it begins as a draft.
const TRANSITIONS: &[(S, &[S])] = &[
    (S::Draft, &[S::Accepted, S::Terminated]),
    (S::Accepted, &[S::Terminated, S::Completed, S::Settled]),
    (S::Settled, &[S::Terminated, S::Completed, S::Settled]),
    (S::Terminated, &[S::Settled]),
    (S::Completed, &[S::Settled]),
];

/// See the module.
#[derive(Default)]
pub(super) struct Contracts {
    /// The state of each, and when it came to its end.
    states: BTreeMap<Did, (S, Option<Time>)>,
}

impl Invariant for Contracts {
    fn name(&self) -> &'static str {
        "contracts"
    }

    fn fact(&mut self, look: &Look<'_, '_>, peer: PeerId, fact: &Fact, found: &mut Found<'_>) {
        match fact {
            Fact::Contract { contract, what: ContractFact::Is(state) } => {
                self.moves(look, peer, (contract, *state), found);
            }
            Fact::BidMade(ensemble) => self.offers(look, peer, *ensemble, found),
            _ => {}
        }
    }
}

impl Contracts {
    fn moves(&mut self, look: &Look<'_, '_>, host: PeerId, (did, state): (&Did, S), found: &mut Found<'_>) {
        let mut hosted = look.world.hosts[host.0 as usize].peer.contracts().hosted();
        let Some(contract) = hosted.find(|contract| contract.contract_did == *did) else { return };
        let name = name_of(look, did);
        let (former, ended) = self.states.get(did).copied().unwrap_or((S::Draft, None));
        let listed = TRANSITIONS.iter().any(|(from, to)| *from == former && to.contains(&state));
        // What has ended stays so, also after its accounts are closed.
        if !listed || (ended.is_some() && state.is_end()) {
            found.wrong(look, host, format!("{name} went from {former} to {state}"));
        }
        let ended = ended.or_else(|| state.is_end().then_some(look.now));
        self.states.insert(did.clone(), (state, ended));
        if state == S::Accepted && !is_signed(look, host, contract) {
            found.wrong(look, host, format!("{name} is accepted without two signatures that hold"));
        }
        if state == S::Accepted && look.world.clock_of(host, look.now) > contract.end() {
            found.wrong(look, host, format!("{name} is accepted although its end has passed"));
        }
    }

    /// A provider makes a bid: do the contracts hold that the deployment names?
    fn offers(&self, look: &Look<'_, '_>, provider: PeerId, id: EnsembleId, found: &mut Found<'_>) {
        let number = look.world.ledger.number_of(id);
        let Some((by, deployment)) = number.and_then(|number| look.deployment(number)) else { return };
        for named in deployment.contracts() {
            if let Some(fault) = self.fault(look, named, (by, provider)) {
                found.wrong(look, provider, format!("makes a bid under {}, which {fault}", named.name));
            }
        }
    }

    /// Why a contract is nothing to rely on; nothing where its host knows none any more.
    fn fault(
        &self,
        look: &Look<'_, '_>,
        named: &ContractRef,
        (orchestrator, bidder): (PeerId, PeerId),
    ) -> Option<&'static str> {
        let host = look.node(&named.host)?;
        let hosted = || look.world.hosts[host.0 as usize].peer.contracts().hosted();
        let head = hosted().find(|contract| contract.contract_did == named.did)?;
        let (provider, requestor) = (&head.participants.provider, &head.participants.requestor);
        if look.node(requestor) != Some(orchestrator) {
            return Some("is not one of whoever asks");
        }
        let is_direct = look.node(provider) == Some(bidder);
        let is_tail = |tail: &&Contract| {
            tail.participants.requestor == *provider && look.node(&tail.participants.provider) == Some(bidder)
        };
        // Of several tails one that is in force counts.
        let tail = || hosted().find(|one| is_tail(one) && one.is_valid()).or_else(|| hosted().find(is_tail));
        let tail = if is_direct { None } else { tail() };
        if !is_direct && tail.is_none() {
            return Some("leads to somebody else");
        }
        let relied_on = std::iter::once(head).chain(tail);
        for contract in relied_on {
            if !is_signed(look, host, contract) {
                return Some("was never signed by both");
            }
            let ended = self.states.get(&contract.contract_did).and_then(|(_, ended)| *ended);
            if ended.is_some_and(|ended| look.now.since(ended) > GRACE) {
                return Some("has ended");
            }
        }
        None
    }
}

/// Whether both parties have signed what was agreed.
fn is_signed(look: &Look<'_, '_>, host: PeerId, contract: &Contract) -> bool {
    let mode = look.world.hosts[host.0 as usize].peer.capabilities().trust().mode();
    let parties = [&contract.participants.provider, &contract.participants.requestor];
    parties.iter().all(|party| {
        let mut own = contract.signatures.iter().filter(|signed| signed.did == **party);
        own.any(|signed| signing::check(contract, signed, mode).is_ok())
    })
}

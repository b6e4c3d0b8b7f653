//! `list_incoming`: which contracts there are (dms-capabilities section 6.4).
//!
//! Somebody else is shown the contracts that this node hosts or has a copy of and that the caller takes part in. The
//! node's own operator is shown all that are known here, and of each the host's version: every host that a copy names
//! is asked for its own, and where one does not answer the copy stands in.

use indexmap::{IndexMap, IndexSet};

use super::{Contracts, Purpose, Waiting, payload};
use crate::dms::actor::{Actor, BehaviourKind, Message};
use crate::dms::contract::message::ContractMessage;
use crate::dms::contract::model::{Contract, PartyRole};
use crate::dms::desk::Desk;
use crate::dms::identity::Did;

/// A list that waits for the answers of hosts.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    number: u64,
    waiting: Waiting,
    role: Option<PartyRole>,
    found: IndexMap<Did, Contract>,
    unanswered: usize,
}

/// All lists that wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Listings {
    open: Vec<Listing>,
    count: u64,
}

impl Listings {
    /// Whether nobody was ever listed.
    pub(super) const fn is_untouched(&self) -> bool {
        self.count == 0
    }
}

impl Contracts {
    /// The contracts that are known here and in which somebody takes part in this role.
    pub(super) fn list_for(&self, of: &Did, role: Option<PartyRole>) -> Vec<Contract> {
        let concerns = |contract: &&Contract| contract.participants.has(role, of);
        self.known().filter(concerns).cloned().collect()
    }

    /// The same for the node's own operator, who without a role sees all of them.
    pub(super) fn list_own(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        role: Option<PartyRole>,
        waiting: Waiting,
    ) {
        let own = root.handle.did.clone();
        let shown = |contract: &&Contract| role.is_none() || contract.participants.has(role, &own);
        let found: IndexMap<Did, Contract> = self
            .known()
            .filter(shown)
            .map(|contract| (contract.contract_did.clone(), contract.clone()))
            .collect();
        let mut hosts: IndexSet<Did> =
            self.known().map(|contract| contract.solution_enabler_did.clone()).collect();
        hosts.shift_remove(&own);
        // A host without a key cannot be asked.
        hosts.retain(|host| host.public_key().is_ok());
        let listings = &mut self.listings;
        listings.count += 1;
        let number = listings.count;
        listings.open.push(Listing { number, waiting, role, found, unanswered: hosts.len() });
        for host in hosts {
            let (kind, message) = (BehaviourKind::ContractListIncoming, ContractMessage::ListFor(role));
            let purpose = Purpose::Listing(number, host.clone());
            self.call_node(desk, root, &host, kind, message, purpose);
        }
        self.complete_listing(desk, root, number);
    }

    /// A host has answered, or did not.
    pub(super) fn listing_answered(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        number: u64,
        host: &Did,
        reply: &Message,
    ) {
        let Some(listing) = self.listings.open.iter_mut().find(|known| known.number == number) else {
            return;
        };
        listing.unanswered -= 1;
        if let Message::Contract(said) = reply
            && let ContractMessage::Contracts(theirs) = &**said
        {
            // A host is believed about what it hosts, and about nobody else.
            let believed = theirs.iter().filter(|contract| {
                contract.solution_enabler_did == *host
                    && contract.participants.has(listing.role, &root.handle.did)
            });
            for contract in believed {
                listing.found.insert(contract.contract_did.clone(), contract.clone());
            }
        }
        self.complete_listing(desk, root, number);
    }

    fn complete_listing(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, number: u64) {
        let complete = |known: &Listing| known.number == number && known.unanswered == 0;
        let Some(place) = self.listings.open.iter().position(complete) else { return };
        let Listing { waiting, found, .. } = self.listings.open.swap_remove(place);
        let answer = ContractMessage::Contracts(found.into_values().collect());
        self.answer(desk, root, waiting, payload(Ok(answer)));
    }

    /// What is hosted here, and the copies of what is not.
    fn known(&self) -> impl Iterator<Item = &Contract> {
        let foreign = self.copies.values().map(|copy| &copy.contract);
        self.hosted().chain(foreign.filter(|contract| !self.hosted.contains_key(&contract.contract_did)))
    }
}

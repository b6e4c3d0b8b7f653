//! What an operator can have the node do about contracts (dms-acceptance section 8).

use std::sync::Arc;

use super::model::{Contract, PartyRole};
use super::payments::Confirmation;
use crate::dms::actor::BehaviourKind;
use crate::dms::identity::Did;

/// One order.
#[derive(Clone, Debug)]
pub enum ContractOrder {
    /// `create`: have the solution enabler create this.
    Create(Box<Contract>),
    /// `approve_local`: agree to what a host has proposed.
    Approve(Did),
    /// Call a behaviour of a contract's actor that is about the contract alone: `state`, `validate`, `terminate`,
    /// `complete`, `settle`.
    Ask {
        /// The contract.
        contract: Did,
        /// Its host.
        host: Did,
        /// Which.
        behaviour: BehaviourKind,
    },
    /// Call a behaviour of a node that is about one contract: `usages/calculate`, `payment/status`,
    /// `payment/validation/request`, contract info.
    AskNode {
        /// The contract.
        contract: Did,
        /// The node.
        node: Did,
        /// Which.
        behaviour: BehaviourKind,
    },
    /// `list_incoming`, of the own node and of the hosts that it knows; in one role only where one is named.
    List(Option<PartyRole>),
    /// `transactions/list`, of the own node.
    ListTransactions,
    /// `transactions/confirm`: something that this node owes was paid.
    Confirm(Confirmation),
    /// `payment/quote/get`: in which amount of this currency can it be paid?
    Quote {
        /// The transaction.
        unique_id: Arc<str>,
        /// The currency.
        payment_currency: Arc<str>,
    },
    /// `payment/quote/validate` or `payment/quote/cancel`: does the quote for a transaction hold, or should it not?
    AboutQuote {
        /// The transaction.
        unique_id: Arc<str>,
        /// Which of the two.
        behaviour: BehaviourKind,
    },
}

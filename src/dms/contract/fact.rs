//! What an observer learns about contracts.

use std::sync::Arc;

use super::money::Money;
use super::state::State;
use super::usage::UsageKind;

/// Something about one contract.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ContractFact {
    /// Its host has made it.
    Created,
    /// Its host has a signature of it.
    Signed,
    /// Its host turned a signature down.
    SignatureRefused(Arc<str>),
    /// It is in this state now.
    Is(State),
    /// It was to move and did not.
    NotMoved(Arc<str>),
    /// Its actor was told of usage.
    Used(UsageKind),
    /// A usage event will never be told.
    UsageLost {
        /// What happened.
        kind: UsageKind,
        /// Why nobody learns of it.
        reason: &'static str,
    },
    /// Its validator has computed an invoice.
    Invoiced {
        /// Which of its invoices.
        number: u64,
        /// How many items.
        items: u32,
        /// Their sum.
        amount: Money,
    },
    /// Its requestor knows that it owes this.
    Owed {
        /// The transaction.
        unique_id: Arc<str>,
        /// How much.
        amount: Money,
        /// In what.
        currency: Arc<str>,
    },
    /// Its validator has found the transfer.
    Paid {
        /// Which of its invoices it was part of.
        number: u64,
        /// How much was owed.
        amount: Money,
        /// Whether it was an orchestration fee.
        is_fee: bool,
    },
    /// Its validator was told of a payment and did not find it.
    NotPaid(Arc<str>),
}

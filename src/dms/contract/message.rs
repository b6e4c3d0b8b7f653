//! What nodes and contract actors say to each other about contracts (dms-capabilities sections 5 and 6).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::billing::Invoice;
use super::chain::{ChainAnswer, ChainRequest};
use super::model::{Contract, ContractSignature, PartyRole};
use super::payments::{Confirmation, Transaction};
use super::quote::Quote;
use super::state::State;
use super::usage::UsageEvent;
use crate::dms::identity::Did;

/// A contract that a deployment names (`contracts` of an ensemble).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct ContractRef {
    /// Its name in the ensemble.
    pub name: Arc<str>,
    /// Its DID.
    pub did: Did,
    /// The node that hosts it.
    pub host: Did,
    /// Who provides under it; empty where nobody says.
    #[serde(skip_serializing_if = "Did::is_empty")]
    pub provider: Did,
    /// Who asks under it; empty where nobody says.
    #[serde(skip_serializing_if = "Did::is_empty")]
    pub requestor: Did,
}

/// A payload about contracts.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum ContractMessage {
    /// Create this contract.
    Create(Box<Contract>),
    /// It is created: its DID.
    Created(Did),
    /// A host proposes it to a party.
    Propose(Box<Contract>),
    /// The party's signature; and in another message: the host should take it.
    Sign(Box<ContractSignature>),
    /// Approve the local copy of it.
    Approve(Did),
    /// What the behaviour asks about this contract.
    About(Did),
    /// The contracts that concern the caller.
    Contracts(Vec<Contract>),
    /// Whether it is valid, or paid.
    Answer(bool),
    /// Its provider and its requestor.
    Parties(Did, Did),
    /// Does a chain lead to this provider?
    Chain(Box<ChainRequest>),
    /// It does.
    ChainHolds(Box<ChainAnswer>),
    /// Something happened under it.
    Event(Box<UsageEvent>),
    /// What was used, for the validator to price.
    Usage(Box<Contract>, Box<Invoice>),
    /// What `usages/calculate` found and sent to the validator.
    Calculated(Box<Invoice>),
    /// Something to be paid, or that was paid.
    Transaction(Box<Transaction>),
    /// All that is known to be paid or owed.
    Transactions(Vec<Transaction>),
    /// It was paid.
    Confirm(Box<Confirmation>),
    /// What is it worth in another currency?
    QuoteFor {
        /// The transaction.
        unique_id: Arc<str>,
        /// The currency.
        payment_currency: Arc<str>,
    },
    /// So much.
    Quote(Box<Quote>),
    /// What the behaviour asks about this quote.
    AboutQuote(Arc<str>),
    /// In which contracts does the caller take part, in this role or in any?
    ListFor(Option<PartyRole>),
}

impl ContractMessage {
    /// An answer in a few words, without ids.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Created(_) => "created".to_owned(),
            Self::Contracts(all) if all.len() == 1 => {
                let [contract] = &all[..] else { unreachable!("its length is one") };
                format!("{}, {} signatures", contract.current_state, contract.signatures.len())
            }
            Self::Contracts(all) => {
                let mut states: BTreeMap<State, u32> = BTreeMap::new();
                for contract in all {
                    *states.entry(contract.current_state).or_default() += 1;
                }
                let states: Vec<String> =
                    states.into_iter().map(|(state, count)| format!("{count} {state}")).collect();
                let colon = if states.is_empty() { "" } else { ": " };
                format!("{} contracts{colon}{}", all.len(), states.join(", "))
            }
            Self::Answer(answer) => answer.to_string(),
            Self::Calculated(invoice) => format!("invoice {}", invoice.number),
            Self::Transactions(all) => format!("{} transactions", all.len()),
            Self::Quote(quote) => format!("{} {}", quote.converted_amount, quote.payment_currency),
            _ => "ok".to_owned(),
        }
    }
}

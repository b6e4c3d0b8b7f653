//! Contracts of a run: who agrees with whom on what, and what the parties do about it by themselves.

use std::fmt;
use std::sync::Arc;

use crate::dms::contract::model::{
    ChainRole, Contract, Duration, Metadata, Participants, PaymentDetails, Quantities, TerminationOption,
};
use crate::dms::contract::money::Money;
use crate::dms::identity::Did;
use crate::kernel::{Span, Time, Timestamp};

/// A contract that somebody asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct ContractPlan {
    /// Its name in the scenario and in tables.
    pub name: String,
    /// When its requestor asks for it; from then on it holds.
    pub at: Time,
    /// Who asks and pays.
    pub requestor: String,
    /// Who provides and is paid.
    pub provider: String,
    /// Who hosts its actor.
    pub host: String,
    /// Who computes and checks payments.
    pub validator: String,
    /// How long it holds.
    pub lasts: Span,
    /// What the machines are to have; nothing checks deployments against it.
    pub resources: Quantities,
    /// What is paid. Addresses are made of the names of the parties.
    pub payment: PaymentDetails,
    /// Whether it may be terminated; none = it says nothing about it.
    pub terminable: Option<bool>,
    /// Its place in a chain.
    pub role: Option<ChainRole>,
    /// Whatever else was agreed.
    pub terms: String,
    /// Whether invoices are made without being asked for.
    pub automatic: bool,
    /// After how long the provider agrees; none = not by itself.
    pub approve_after: Option<Span>,
    /// After how long the requestor pays what it learns that it owes; none = not by itself.
    pub pay_after: Option<Span>,
    /// What a unit of the pricing currency is worth in that of the payment, for quotes of its validator.
    pub rate: Option<Money>,
}

impl ContractPlan {
    /// The contract as its requestor writes it. Its name stands at the beginning of its terms: the DID is its host's to
    /// make.
    #[must_use]
    pub fn draft(&self, dids: [Did; 4], start: Timestamp) -> Contract {
        let [requestor, provider, host, validator] = dids;
        let terms =
            if self.terms.is_empty() { self.name.clone() } else { format!("{}: {}", self.name, self.terms) };
        Contract {
            solution_enabler_did: host,
            resource_configuration: self.resources,
            payment_validator_did: validator,
            termination_option: self
                .terminable
                .map(|allowed| TerminationOption { allowed, notice_period: 0 }),
            duration: Duration { start_date: Some(start), end_date: Some(start + self.lasts) },
            participants: Participants { provider, requestor },
            payment_details: PaymentDetails {
                requestor_address: address(&self.requestor),
                provider_address: address(&self.provider),
                ..self.payment.clone()
            },
            terms: terms.into(),
            disable_billing: !self.automatic,
            metadata: Metadata { contract_chain_role: self.role },
            ..Contract::default()
        }
    }

    /// Whether a contract is this one.
    #[must_use]
    pub fn is(&self, contract: &Contract) -> bool {
        contract
            .terms
            .strip_prefix(self.name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }
}

/// Where somebody's money is.
fn address(name: &str) -> Arc<str> {
    format!("wallet-of-{name}").into()
}

/// What an operator does about a contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContractAction {
    /// Agree to it.
    Approve,
    /// End it early.
    Terminate,
    /// End it as agreed.
    Complete,
    /// Close its accounts.
    Settle,
    /// Ask its actor how it stands.
    State,
    /// Ask its actor whether it is valid.
    Validate,
    /// Have its host bill now.
    Calculate,
    /// Pay the oldest thing that is owed, by the quote if there is one.
    Pay,
    /// Claim to have paid it.
    ClaimPaid,
    /// Ask for a quote for it.
    Quote,
    /// Ask whether that quote holds.
    ValidateQuote,
    /// Give that quote up.
    CancelQuote,
    /// Ask its validator whether it is paid.
    PaymentStatus,
    /// Have it marked as paid.
    RequestValidation,
    /// Ask its host who its parties are.
    Info,
    /// Show the contracts that are known here, as their hosts have them.
    List,
    /// Show what is owed and was paid here.
    Transactions,
    /// Sign in the other party's name.
    Forge,
    /// Show the contracts under which this node provides.
    ListIncoming,
    /// Show the contracts under which it asks.
    ListOutgoing,
}

impl ContractAction {
    /// All of them, with their words in scenarios.
    pub const ALL: [(&'static str, Self); 20] = [
        ("approve", Self::Approve),
        ("terminate", Self::Terminate),
        ("complete", Self::Complete),
        ("settle", Self::Settle),
        ("state", Self::State),
        ("validate", Self::Validate),
        ("calculate", Self::Calculate),
        ("pay", Self::Pay),
        ("claim_paid", Self::ClaimPaid),
        ("quote", Self::Quote),
        ("validate_quote", Self::ValidateQuote),
        ("cancel_quote", Self::CancelQuote),
        ("payment_status", Self::PaymentStatus),
        ("request_validation", Self::RequestValidation),
        ("info", Self::Info),
        ("list", Self::List),
        ("transactions", Self::Transactions),
        ("forge", Self::Forge),
        ("list_incoming", Self::ListIncoming),
        ("list_outgoing", Self::ListOutgoing),
    ];

    /// The word in scenarios.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, action)| *action == self).map_or("", |(word, _)| word)
    }
}

impl fmt::Display for ContractAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! What a payment validator keeps: the transactions that invoices became, and whether they were paid
//! (dms-capabilities section 6.10).

use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use serde::Serialize;
use thiserror::Error;

use super::billing::Invoice;
use super::model::{Blockchain, Contract, InvalidContract};
use super::money::Money;
use super::pricing::{ORCHESTRATION_FEE, Pricing};
use super::quote::{Quote, QuoteError, Quotes, Rate};
use crate::dms::constants::ETHEREUM_LOOK_BACK_BLOCKS;
use crate::dms::identity::{Did, EnsembleId};
use crate::kernel::Timestamp;

/// One thing to be paid, as validator, requestor and provider keep it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Transaction {
    /// Its id, which is that of the invoice's item.
    pub unique_id: Arc<str>,
    /// The contract.
    pub contract_did: Did,
    /// Which of the contract's invoices it is part of.
    pub invoice: u64,
    /// The deployment that it is for, where each is billed by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<EnsembleId>,
    /// Who pays.
    pub requestor_did: Did,
    /// Who is paid.
    pub provider_did: Did,
    /// Who checks that it is.
    pub payment_validator_did: Did,
    /// Who hosts the contract.
    pub solution_enabler_did: Did,
    /// How much.
    pub amount: Money,
    /// In what.
    pub currency: Arc<str>,
    /// Where.
    pub blockchain: Blockchain,
    /// From which address.
    pub from_address: Arc<str>,
    /// To which address.
    pub to_address: Arc<str>,
    /// Whether it is paid.
    pub status: PaymentStatus,
    /// By which transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tx_hash: Option<Arc<str>>,
}

impl Transaction {
    /// Whether it is for the orchestration fee of an invoice, as its id says.
    #[must_use]
    pub fn is_fee(&self) -> bool {
        self.unique_id.ends_with(ORCHESTRATION_FEE)
    }

    /// Whether the very transfer of a confirmation has paid it.
    fn is_paid_by(&self, said: &Confirmation) -> bool {
        self.tx_hash.as_ref() == Some(&said.tx_hash)
    }
}

/// Whether something is paid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentStatus {
    /// Not yet, as far as the validator knows.
    Unpaid,
    /// The validator has found the transfer.
    Paid,
}

/// What a requestor says when it has paid.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Confirmation {
    /// Which transaction.
    pub unique_id: Arc<str>,
    /// The transfer.
    pub tx_hash: Arc<str>,
    /// Where it is.
    pub blockchain: Blockchain,
    /// The quote by which the amount was converted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote_id: Option<Arc<str>>,
}

/// A transfer of money as a chain shows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Transfer {
    /// Its hash.
    pub tx_hash: Arc<str>,
    /// On which chain.
    pub blockchain: Blockchain,
    /// From which address.
    pub from: Arc<str>,
    /// To which address.
    pub to: Arc<str>,
    /// How much.
    pub amount: Money,
    /// Blocks that the chain has made since.
    pub blocks_ago: u64,
}

/// Why a payment is not confirmed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PaymentError {
    /// No such transaction.
    #[error("transaction not found: {0}")]
    NotFound(Arc<str>),
    /// It is paid.
    #[error("transaction already paid: {0}")]
    AlreadyPaid(Arc<str>),
    /// Somebody confirms what another has to pay.
    #[error("only the requestor can confirm a payment")]
    NotTheRequestor,
    /// The chain has no such transfer, or too long ago.
    #[error("payment not verified: no transfer {0}")]
    NoTransfer(Arc<str>),
    /// It went elsewhere or came from elsewhere.
    #[error("payment not verified: the transfer is between other addresses")]
    OtherAddresses,
    /// It is not enough.
    #[error("payment not verified: {paid} was transferred and {expected} expected")]
    TooLittle {
        /// What was transferred.
        paid: Money,
        /// What was expected.
        expected: Money,
    },
    /// It has paid for something else.
    #[error("payment not verified: the transfer has paid for another transaction")]
    UsedBefore,
    /// The quote is none.
    #[error(transparent)]
    Quote(#[from] QuoteError),
}

/// The book of a payment validator.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ValidatorBook {
    transactions: IndexMap<Arc<str>, Transaction>,
    /// Transfers that have paid for something.
    used: IndexSet<(Blockchain, Arc<str>)>,
    quotes: Quotes,
}

impl ValidatorBook {
    /// Computes what an invoice asks for and keeps it unpaid. An invoice that comes again changes nothing and gives the
    /// same transactions.
    ///
    /// # Errors
    /// The contract's payment details make no sense.
    pub fn take(
        &mut self,
        contract: &Contract,
        invoice: &Invoice,
    ) -> Result<Vec<Transaction>, InvalidContract> {
        let details = &contract.payment_details;
        let items = Pricing::of(details)?.items(&invoice.id, &invoice.usage);
        let transaction = |item: super::pricing::Item| Transaction {
            unique_id: item.id,
            contract_did: contract.contract_did.clone(),
            invoice: invoice.number,
            deployment_id: item.deployment,
            requestor_did: contract.participants.requestor.clone(),
            provider_did: contract.participants.provider.clone(),
            payment_validator_did: contract.payment_validator_did.clone(),
            solution_enabler_did: contract.solution_enabler_did.clone(),
            amount: item.amount,
            currency: Arc::clone(&details.pricing_currency),
            blockchain: details.blockchain,
            from_address: Arc::clone(&details.requestor_address),
            to_address: Arc::clone(&details.provider_address),
            status: PaymentStatus::Unpaid,
            tx_hash: None,
        };
        let made = items.into_iter().map(transaction).map(|transaction| {
            let id = Arc::clone(&transaction.unique_id);
            self.transactions.entry(id).or_insert(transaction).clone()
        });
        Ok(made.collect())
    }

    /// The transaction of this id.
    #[must_use]
    pub fn transaction(&self, id: &str) -> Option<&Transaction> {
        self.transactions.get(id)
    }

    /// The transactions of a contract, in the order in which they came.
    pub fn of_contract<'a>(&'a self, contract: &'a Did) -> impl Iterator<Item = &'a Transaction> {
        self.transactions.values().filter(move |transaction| transaction.contract_did == *contract)
    }

    /// Whether a contract owes nothing that was invoiced, and has been invoiced at all.
    #[must_use]
    pub fn is_paid(&self, contract: &Did) -> bool {
        let mut all = self.of_contract(contract).peekable();
        all.peek().is_some() && all.all(|transaction| transaction.status == PaymentStatus::Paid)
    }

    /// What a quote for a transaction offers; a former one of the same transaction is void then.
    ///
    /// # Errors
    /// There is no such transaction, it is paid, or there is no rate.
    pub fn quote(
        &mut self,
        id: &str,
        payment_currency: &Arc<str>,
        rates: &[Rate],
        now: Timestamp,
    ) -> Result<Quote, PaymentError> {
        let transaction = self.transactions.get(id).ok_or_else(|| PaymentError::NotFound(id.into()))?;
        if transaction.status == PaymentStatus::Paid {
            return Err(PaymentError::AlreadyPaid(id.into()));
        }
        Ok(self.quotes.make(transaction, payment_currency, rates, now)?)
    }

    /// The quotes.
    pub const fn quotes(&mut self) -> &mut Quotes {
        &mut self.quotes
    }

    /// Whether `caller` may confirm this at all; the transfer is looked up only then. Whoever has not heard that it has
    /// paid may say so again.
    ///
    /// # Errors
    /// Why not.
    pub fn may_confirm(&self, caller: &Did, said: &Confirmation) -> Result<(), PaymentError> {
        let id = &said.unique_id;
        let found = self.transactions.get(id).ok_or_else(|| PaymentError::NotFound(Arc::clone(id)))?;
        if found.requestor_did != *caller {
            return Err(PaymentError::NotTheRequestor);
        }
        if found.status == PaymentStatus::Paid && !found.is_paid_by(said) {
            return Err(PaymentError::AlreadyPaid(Arc::clone(id)));
        }
        Ok(())
    }

    /// The transaction that this very transfer has paid before.
    #[must_use]
    pub fn paid_before(&self, said: &Confirmation) -> Option<&Transaction> {
        self.transactions.get(&said.unique_id).filter(|known| known.is_paid_by(said))
    }

    /// Compares what the requestor says with what the chain shows: the addresses must be those of the contract and the
    /// amount no less than expected. On Ethereum a transfer is found only so far back.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn confirm(
        &mut self,
        said: &Confirmation,
        found: Option<&Transfer>,
        now: Timestamp,
    ) -> Result<&Transaction, PaymentError> {
        let id = &said.unique_id;
        let transaction = self.transactions.get(id).ok_or_else(|| PaymentError::NotFound(Arc::clone(id)))?;
        if transaction.status == PaymentStatus::Paid {
            return Err(PaymentError::AlreadyPaid(Arc::clone(id)));
        }
        let expected = match &said.quote_id {
            Some(quote) => self.quotes.active(quote, now).map(|quote| quote.converted_amount)?,
            None => transaction.amount,
        };
        let in_reach = |transfer: &&Transfer| {
            transfer.blockchain != Blockchain::Ethereum || transfer.blocks_ago <= ETHEREUM_LOOK_BACK_BLOCKS
        };
        let transfer =
            found.filter(in_reach).ok_or_else(|| PaymentError::NoTransfer(Arc::clone(&said.tx_hash)))?;
        if transfer.from != transaction.from_address || transfer.to != transaction.to_address {
            return Err(PaymentError::OtherAddresses);
        }
        if transfer.amount < expected {
            return Err(PaymentError::TooLittle { paid: transfer.amount, expected });
        }
        if !self.used.insert((said.blockchain, Arc::clone(&said.tx_hash))) {
            return Err(PaymentError::UsedBefore);
        }
        if let Some(quote) = &said.quote_id {
            self.quotes.cancel(quote, now)?;
        }
        let transaction = self.transactions.get_mut(id).expect("found above");
        transaction.status = PaymentStatus::Paid;
        transaction.tx_hash = Some(Arc::clone(&said.tx_hash));
        Ok(transaction)
    }
}

//! Quotes: what an amount in the currency of a contract's prices is worth in the currency of its payment
//! (dms-capabilities section 6.10). One transaction has one active quote, which lives ten minutes and pays once.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Serialize;
use thiserror::Error;

use super::money::Money;
use super::payments::Transaction;
use crate::dms::constants::QUOTE_TTL;
use crate::kernel::Timestamp;

/// What one unit of a currency is worth in another, as the validator's operator has set it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Rate {
    /// The one.
    pub from: Arc<str>,
    /// The other.
    pub to: Arc<str>,
    /// Its worth.
    pub rate: Money,
}

/// An offer to take an amount of the payment currency for a transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Quote {
    /// Its id.
    pub id: Arc<str>,
    /// The transaction.
    pub unique_id: Arc<str>,
    /// What the transaction asks for.
    pub original_amount: Money,
    /// What is to be paid instead.
    pub converted_amount: Money,
    /// At which rate.
    pub exchange_rate: Money,
    /// From which currency.
    pub pricing_currency: Arc<str>,
    /// To which.
    pub payment_currency: Arc<str>,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Why there is no quote.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum QuoteError {
    /// Nobody knows what the one currency is worth in the other.
    #[error("no exchange rate from {0} to {1}")]
    NoRate(Arc<str>, Arc<str>),
    /// It never was, is void, was used, or was cancelled.
    #[error("quote not found: {0}")]
    NotFound(Arc<str>),
    /// It is too old.
    #[error("quote expired: {0}")]
    Expired(Arc<str>),
}

/// The active quotes of a validator, by transaction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quotes {
    active: IndexMap<Arc<str>, Quote>,
    made: u64,
}

impl Quotes {
    /// A new quote in place of the transaction's former one.
    ///
    /// # Errors
    /// There is no rate.
    pub fn make(
        &mut self,
        transaction: &Transaction,
        payment_currency: &Arc<str>,
        rates: &[Rate],
        now: Timestamp,
    ) -> Result<Quote, QuoteError> {
        let fits = |rate: &&Rate| rate.from == transaction.currency && rate.to == *payment_currency;
        let rate = rates.iter().find(fits).map(|rate| rate.rate).ok_or_else(|| {
            QuoteError::NoRate(Arc::clone(&transaction.currency), Arc::clone(payment_currency))
        })?;
        self.made += 1;
        let quote = Quote {
            id: format!("{}-quote-{}", transaction.unique_id, self.made).into(),
            unique_id: Arc::clone(&transaction.unique_id),
            original_amount: transaction.amount,
            converted_amount: Money::rounded(&(transaction.amount.exact() * rate.exact())),
            exchange_rate: rate,
            pricing_currency: Arc::clone(&transaction.currency),
            payment_currency: Arc::clone(payment_currency),
            expires_at: now + QUOTE_TTL,
        };
        self.active.insert(Arc::clone(&quote.unique_id), quote.clone());
        Ok(quote)
    }

    /// The quote of this id, if it still holds.
    ///
    /// # Errors
    /// Why it does not.
    pub fn active(&self, id: &str, now: Timestamp) -> Result<&Quote, QuoteError> {
        let quote = self.active.values().find(|quote| *quote.id == *id);
        let quote = quote.ok_or_else(|| QuoteError::NotFound(id.into()))?;
        if now > quote.expires_at { Err(QuoteError::Expired(id.into())) } else { Ok(quote) }
    }

    /// Makes a quote void.
    ///
    /// # Errors
    /// It is none.
    pub fn cancel(&mut self, id: &str, now: Timestamp) -> Result<(), QuoteError> {
        let transaction = Arc::clone(&self.active(id, now)?.unique_id);
        self.active.shift_remove(&transaction);
        Ok(())
    }
}

//! Invoices that become transactions, confirmations, quotes.

use std::sync::Arc;

use super::{START, contract, did};
use crate::dms::contract::billing::Invoice;
use crate::dms::contract::model::Blockchain;
use crate::dms::contract::money::Money;
use crate::dms::contract::payments::{Confirmation, PaymentError, PaymentStatus, Transfer, ValidatorBook};
use crate::dms::contract::pricing::Usage;
use crate::dms::contract::quote::{QuoteError, Rate};
use crate::dms::contract::usage::Window;
use crate::kernel::Span;

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn book() -> (ValidatorBook, Arc<str>) {
    let mut book = ValidatorBook::default();
    let invoice = Invoice {
        id: "c-1".into(),
        contract_did: did(10),
        number: 1,
        window: Window { from: START, to: START + Span::hours(1) },
        usage: Usage::Started(3),
        last: false,
    };
    let made = book.take(&contract(), &invoice).unwrap();
    assert_eq!(book.take(&contract(), &invoice).unwrap(), made, "the same invoice again");
    assert_eq!((made.len(), made[0].amount), (1, money("30")));
    (book, Arc::clone(&made[0].unique_id))
}

fn transfer(amount: &str) -> Transfer {
    Transfer {
        tx_hash: "0x1".into(),
        blockchain: Blockchain::Ethereum,
        from: "0xaa".into(),
        to: "0xbb".into(),
        amount: money(amount),
        blocks_ago: 5,
    }
}

fn said(id: &Arc<str>) -> Confirmation {
    let (unique_id, tx_hash) = (Arc::clone(id), "0x1".into());
    Confirmation { unique_id, tx_hash, blockchain: Blockchain::Ethereum, quote_id: None }
}

#[test]
fn only_a_transfer_that_is_really_there_pays() {
    let (mut book, id) = book();
    let said = said(&id);
    assert!(!book.is_paid(&did(10)));
    assert_eq!(book.may_confirm(&did(2), &said), Err(PaymentError::NotTheRequestor));
    assert_eq!(book.may_confirm(&did(1), &said), Ok(()));
    let elsewhere = Transfer { to: "0xcc".into(), ..transfer("30") };
    let old = Transfer { blocks_ago: 45_001, ..transfer("30") };
    for (found, words) in [
        (None, "payment not verified: no transfer 0x1"),
        (Some(old), "payment not verified: no transfer 0x1"),
        (Some(elsewhere), "payment not verified: the transfer is between other addresses"),
        (
            Some(transfer("29.99999999")),
            "payment not verified: 29.99999999 was transferred and 30.00000000 expected",
        ),
    ] {
        let refused = book.confirm(&said, found.as_ref(), START).unwrap_err();
        assert_eq!(refused.to_string(), words);
    }
    let old_on_cardano = Transfer { blocks_ago: 45_001, blockchain: Blockchain::Cardano, ..transfer("31") };
    let paid = book.confirm(&said, Some(&old_on_cardano), START).unwrap();
    assert_eq!((paid.status, paid.tx_hash.as_deref()), (PaymentStatus::Paid, Some("0x1")));
    assert!(book.is_paid(&did(10)));
    let again = book.confirm(&said, Some(&transfer("30")), START);
    assert_eq!(again, Err(PaymentError::AlreadyPaid(Arc::clone(&id))));
    // Whoever has not heard so may say it once more, and nothing else.
    assert_eq!(book.may_confirm(&did(1), &said), Ok(()));
    assert!(book.paid_before(&said).is_some_and(|paid| paid.status == PaymentStatus::Paid));
    let other = Confirmation { tx_hash: "0x2".into(), ..said };
    assert_eq!(book.may_confirm(&did(1), &other), Err(PaymentError::AlreadyPaid(id)));
    assert!(book.paid_before(&other).is_none());
}

#[test]
fn a_transfer_pays_once() {
    let (mut book, id) = book();
    book.confirm(&said(&id), Some(&transfer("30")), START).unwrap();
    let invoice = Invoice {
        id: "c-2".into(),
        contract_did: did(10),
        number: 2,
        window: Window { from: START, to: START + Span::hours(1) },
        usage: Usage::Started(1),
        last: true,
    };
    let id = Arc::clone(&book.take(&contract(), &invoice).unwrap()[0].unique_id);
    assert!(!book.is_paid(&did(10)), "something new is owed");
    assert_eq!(book.confirm(&said(&id), Some(&transfer("30")), START), Err(PaymentError::UsedBefore));
}

#[test]
fn a_quote_pays_once_and_in_time() {
    let (mut book, id) = book();
    let usdt: Arc<str> = "USDT".into();
    let rates = [Rate { from: "NTX".into(), to: Arc::clone(&usdt), rate: money("0.3333") }];
    let no_rate = book.quote(&id, &"ADA".into(), &rates, START).unwrap_err();
    assert_eq!(no_rate.to_string(), "no exchange rate from NTX to ADA");
    let first = book.quote(&id, &usdt, &rates, START).unwrap();
    assert_eq!(first.converted_amount, money("9.999"));
    let quote = book.quote(&id, &usdt, &rates, START).unwrap();
    assert_eq!(book.quotes().active(&first.id, START), Err(QuoteError::NotFound(first.id)));
    let late = START + Span::mins(10) + Span(1);
    assert!(book.quotes().active(&quote.id, START + Span::mins(10)).is_ok());
    assert_eq!(book.quotes().active(&quote.id, late), Err(QuoteError::Expired(Arc::clone(&quote.id))));
    let said = Confirmation { quote_id: Some(Arc::clone(&quote.id)), ..said(&id) };
    assert!(book.confirm(&said, Some(&transfer("9.998")), START).is_err());
    book.confirm(&said, Some(&transfer("9.999")), START).unwrap();
    assert_eq!(book.quotes().active(&quote.id, START), Err(QuoteError::NotFound(quote.id)));
}

#[test]
fn what_is_cancelled_is_void() {
    let (mut book, id) = book();
    let rates = [Rate { from: "NTX".into(), to: "ADA".into(), rate: money("2") }];
    let quote = book.quote(&id, &"ADA".into(), &rates, START).unwrap();
    book.quotes().cancel(&quote.id, START).unwrap();
    assert_eq!(book.quotes().cancel(&quote.id, START), Err(QuoteError::NotFound(quote.id)));
    let unknown = book.quote("nothing", &"ADA".into(), &rates, START);
    assert_eq!(unknown, Err(PaymentError::NotFound("nothing".into())));
}

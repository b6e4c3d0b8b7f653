//! What tokens cost, with modelled signatures and chains whose verification is remembered: `cargo bench`.
//!
//! A member of an organization calls another one: the token that authorises the call has three links (organization,
//! operator, invocation), the one that the sender signs for itself has one.

use std::cell::RefCell;

use divan::{Bencher, black_box};
use dmsim::dms::capability::TokenList;
use dmsim::sim::capabilities::yardstick::Members;

fn main() {
    divan::main();
}

/// The sender's part: making and signing the tokens of a call, without and with one for its reply.
#[divan::bench(args = [false, true])]
fn provide(bencher: Bencher<'_, '_>, replies: bool) {
    let mut members = Members::new();
    let mut tokens = TokenList::new();
    bencher.bench_local(move || members.provide(black_box(replies), &mut tokens));
}

/// The receiver's part, of a call that it has not seen before: the invocation's own link is verified, the chain above
/// it was before.
#[divan::bench(args = [false, true])]
fn authorise(bencher: Bencher<'_, '_>, replies: bool) {
    let members = RefCell::new(Members::new());
    let fresh = || {
        let mut tokens = TokenList::new();
        members.borrow_mut().provide(replies, &mut tokens);
        tokens
    };
    bencher.with_inputs(fresh).bench_local_refs(|tokens| members.borrow_mut().authorise(black_box(tokens)));
}

/// Both.
#[divan::bench(args = [false, true])]
fn call(bencher: Bencher<'_, '_>, replies: bool) {
    let mut members = Members::new();
    let mut tokens = TokenList::new();
    bencher.bench_local(move || {
        members.provide(black_box(replies), &mut tokens);
        members.authorise(&tokens);
    });
}

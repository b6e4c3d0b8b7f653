//! Capability operations without peers and network: a script of grants, anchors, calls and revocations, run step by
//! step over the contexts of `dms`, with the account of every decision.
//!
//! [`Script`] is what a file resolves to, [`run`] gives a [`Report`]. Time passes only where a step says so. Keys
//! grow from names and nonces are counted, so a script gives the same report every time. [`yardstick`]
//! is what the cost of capabilities is measured on.

mod bench;
mod messages;
mod report;
mod script;
pub mod yardstick;

pub use report::{Report, StepReport};
pub use script::{
    Broadcasting, Calling, Document, Expected, Expire, Held, Kind, Operation, Party, Requiring, Say, Script,
    Slot, Step, Who,
};

/// Runs a script to its end. A step that is refused does not end it.
#[must_use]
pub fn run(script: &Script) -> Report {
    bench::Bench::new(script).run()
}

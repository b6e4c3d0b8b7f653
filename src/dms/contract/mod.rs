//! Contracts: who agreed on what, what was used under it, and what is to be paid (dms-capabilities section 6).
//!
//! - [`model`] what a contract says, [`state`] where it stands, [`signing`] who has signed it, [`chain`] how two of
//!   them connect an orchestrator with a provider through an organization;
//! - [`usage`] what its actor is told, [`cycle`] and [`billing`] when it is billed and for which time, [`pricing`] and
//!   [`money`] what that costs;
//! - [`payments`] what is to be paid and whether it was, [`quote`] in which currency;
//! - [`roles`] what a node does with all this as host, party, payment validator and compute provider; [`message`] what
//!   they say to each other, [`order`] what an operator can ask for, [`fact`] what an observer learns.
//!
//! The rooms beside `roles` know neither messages nor time: they can be read, and are tested, alone.

pub mod billing;
pub mod chain;
pub mod cycle;
pub mod fact;
pub mod message;
pub mod model;
pub mod money;
pub mod order;
pub mod payments;
pub mod pricing;
pub mod quote;
pub mod roles;
pub mod signing;
pub mod state;
pub mod usage;

pub use roles::{Contracts, ContractsConfig};

#[cfg(test)]
mod tests;

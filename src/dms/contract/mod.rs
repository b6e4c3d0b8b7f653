//! Contracts: who agreed on what, what was used under it, and what is to be paid (dms-capabilities section 6).
//!
//! - [`model`] what a contract says, [`state`] where it stands, [`signing`] who has signed it, [`chain`] how two of them
//!   connect an orchestrator with a provider through an organization;
//! - [`usage`] what its actor is told, [`cycle`] and [`billing`] when it is billed and for which time, [`pricing`] and
//!   [`money`] what that costs;
//! - [`payments`] what is to be paid and whether it was, [`quote`] in which currency.

pub mod billing;
pub mod chain;
pub mod cycle;
pub mod model;
pub mod money;
pub mod payments;
pub mod pricing;
pub mod quote;
pub mod signing;
pub mod state;
pub mod usage;

#[cfg(test)]
mod tests;

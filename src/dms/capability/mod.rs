//! Capabilities: what a token says, when it is valid, and who may do what (spec: DMS capabilities, section
//! 2).
//!
//! Read [`path`] (which capability implies which), [`token`] (one link of a chain), [`predicates`] (the
//! questions a token answers), [`verify`] (the algorithm over a chain), then [`context`] (the five stores of
//! a peer), [`delegation`] (making tokens) and [`authorisation`] (accepting them). [`explain`] gives the full
//! account of any of these decisions. [`setup`] builds the standard organization set-up; [`security`] holds what
//! the security context of an actor adds. This room knows neither messages nor behaviours; it reads no clock and
//! draws no random numbers: `now` and nonces are arguments.

pub mod authorisation;
pub mod context;
pub mod delegation;
pub mod explain;
mod json;
pub mod path;
pub mod persistence;
pub mod predicates;
pub mod refusal;
pub mod rules;
pub mod security;
pub mod setup;
#[doc(hidden)]
pub mod slow;
pub mod store;
#[cfg(test)]
mod tests;
pub mod token;
pub mod verify;

pub use authorisation::{Authorised, Consumption, Reach, Requirement, Route};
pub use context::{Anchors, CapabilityContext, ListedRoots, Removals};
pub use delegation::{Broadcast, Delegation, Invocation, NonceSource, SelfSign};
pub(in crate::dms) use json::decimal_len;
pub use path::Capability;
pub use predicates::{ChildLink, SideChainFault};
pub use refusal::{Refusal, Verdict, Why};
pub use rules::Rules;
pub use security::NonceCounter;
pub use setup::{Form, Joined, Membership, OrganizationKeys, exchange, join, leave, own_node};
pub use store::{AnchorStore, RevocationKey, RevocationSet};
pub use token::{Action, CapabilityList, Claims, Nonce, Token, TokenList, TopicList};
pub use verify::{CapabilityError, LinkError, Rule};

//! Names that go on leading to a machine whose public address changes (dynamic DNS).
//!
//! The acceptance features of DMS ask for "a deployment with a Dynamic DNS Node" and say no more; the protocol here is
//! our own, after RFC 2136 (updates), RFC 2308 (negative answers) and RFC 1123 (names), with the identities of DMS in
//! place of shared secrets.
//!
//! - `name`: names of hosts;
//! - `update`: what the owner of a name signs;
//! - [`zone`]: what the server of a zone keeps, whom it believes, and what it answers;
//! - [`updater`]: how a machine keeps its own record right;
//! - [`resolver`]: what somebody who asks remembers, and for how long.

mod name;
pub mod resolver;
mod update;
pub mod updater;
pub mod zone;

pub use name::{Name, NameError};
pub use resolver::Resolver;
pub use update::{Purpose, SignedUpdate, Update};
pub use updater::Updater;
pub use zone::{Answer, Lease, Refusal, Zone, ZoneConfig};

/// Addresses and moments that tests share.
#[cfg(test)]
mod examples {
    use std::net::Ipv4Addr;

    use crate::kernel::{Span, Timestamp};

    pub(super) const HERE: Ipv4Addr = Ipv4Addr::new(11, 0, 0, 1);
    pub(super) const THERE: Ipv4Addr = Ipv4Addr::new(11, 0, 0, 2);

    pub(super) fn at(second: u64) -> Timestamp {
        Timestamp(Span::secs(1_000_000 + second).0)
    }
}

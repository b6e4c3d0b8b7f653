//! The private network of an ensemble: addresses, routes, names and port maps (dms-orchestration section 2.11).
//!
//! Every ensemble has one /24 of its own. The orchestrator draws it and gives each allocation an address of it; each
//! provider keeps, for the ensembles that it hosts, which peer each address is behind, which names its allocations
//! have learnt, and which public ports lead to them. A name is followed through exactly these tables: it is found
//! only by whom it was told, and only where a route leads.
//!
//! - `range`: the addresses of one ensemble;
//! - `table`: what one provider keeps of its ensembles' networks, and the look-up of a name.

mod range;
mod table;

use std::net::Ipv4Addr;

use serde::Serialize;

pub use range::{AddressRange, RangeError};
pub use table::{Endpoint, LookupError, Subnets};

use crate::dms::identity::{EnsembleId, PeerId};
use crate::dms::resources::PortError;

/// Which peer an address of a subnet is behind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Route {
    /// The address of an allocation.
    pub address: Ipv4Addr,
    /// The peer that hosts it.
    pub peer: PeerId,
}

/// Why a provider did not do something to a subnet. The first text is DMS's own (dms-orchestration section 2.11); the
/// others are in its manner.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SubnetError {
    /// A former one was not destroyed.
    #[error("subnet with ID {0} already exists")]
    AlreadyExists(EnsembleId),
    /// It was not created here, or has been destroyed.
    #[error("subnet with ID {0} does not exist")]
    Missing(EnsembleId),
    /// The address is outside of the subnet, or its gateway's, or that for broadcasts.
    #[error("address {address} is not one for an allocation of {range}")]
    NotInRange {
        /// The address.
        address: Ipv4Addr,
        /// The subnet's.
        range: AddressRange,
    },
    /// The routing table says that the address is somewhere else, or says nothing of it.
    #[error("address {0} has no route to this peer")]
    NotRoutedHere(Ipv4Addr),
    /// An interface of this machine has the address, for this ensemble or for another that drew the same range.
    #[error("address {0} is already in use on this machine")]
    AddressInUse(Ipv4Addr),
    /// The allocation has another address already.
    #[error("the allocation has the address {0} already")]
    HasAddress(Ipv4Addr),
    /// The allocation was never given an address.
    #[error("the allocation has no address in the subnet")]
    NoAddress,
    /// The port leads to the allocation already.
    #[error("port {0} is already mapped")]
    AlreadyMapped(u16),
    /// The port is not the allocation's to use.
    #[error(transparent)]
    Port(#[from] PortError),
}

//! Storage: volumes that allocations mount, and the servers that have shared ones (dms-capabilities section 8).
//!
//! - [`server`]: a node that serves volumes of a gluster cluster: who may create, start, delete and mount them;
//! - [`mounts`]: what a provider has mounted for an allocation, from where to where, and why that may fail.
//!
//! Nothing is read or written here: the provider orders mounts as actions, and whoever carries them out reports.
//! What is on a volume is never deleted with an allocation.

pub mod mounts;
pub mod server;
#[cfg(test)]
mod tests;

pub use mounts::{Mount, MountError, MountOrder, mounts_of};
pub use server::{Served, VolumeError, VolumeReport, VolumeRequest, VolumeServer};

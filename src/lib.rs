//! dmsim: a deterministic discrete-event simulator of DMS networks.
pub mod dms;
pub mod kernel;
pub mod net;
pub mod observe;
#[cfg(feature = "cli")]
pub mod report;
pub mod scenario;
pub mod sim;
pub mod workload;

//! dmsim: a deterministic discrete-event simulator of DMS networks.
//!
//! DMS (Device Management Service) lets the machines of a decentralised network offer resources and run each
//! other's deployments. dmsim runs that scheduling and capability logic for thousands of virtual peers, message by
//! message, against a scripted scenario, and puts out what happened as tables, plots and a report.
//!
//! Rooms from the bottom: [`kernel`] (time, queue, randomness); [`dms`] (the logic of one peer, without I/O),
//! [`net`] (who can reach whom, when), [`workload`] (what peers are like and what users ask), [`observe`] (what is
//! recorded); [`sim`] (peers over the network, driven by the kernel); [`scenario`] (text to a run); [`reproduce`]
//! (what is said of DMS, shown again); `report` and `cli` on top.

#[cfg(feature = "cli")]
pub mod accept;
#[cfg(feature = "cli")]
pub mod cli;
pub mod dms;
pub mod experiment;
#[cfg(feature = "cli")]
pub mod explore;
pub mod kernel;
pub mod net;
pub mod observe;
pub mod placement;
#[cfg(feature = "cli")]
pub mod report;
pub mod reproduce;
pub mod scenario;
pub mod sim;
pub mod workload;

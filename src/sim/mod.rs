//! The world: peers over the network, driven by the kernel.
pub mod event;
pub mod executor;
pub mod setup;

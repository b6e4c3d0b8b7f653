//! What machines offer and allocations need.
//!
//! Amounts are integers in fixed units; the room refuses to know where they were written down or who asks.
mod amounts;

pub use amounts::{Amount, Cpu, Dimension, Gpu, Resources, Shortage};

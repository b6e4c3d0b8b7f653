//! What machines offer and allocations need.
//!
//! Amounts are integers in fixed units; the room refuses to know where they were written down or who asks.
mod amounts;
mod pool;
mod ports;

pub use amounts::{Amount, Cpu, Dimension, Gpu, Resources, Shortage};
pub use pool::{Holding, Pool, PoolError};
pub use ports::{PortError, Ports};

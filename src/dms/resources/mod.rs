//! What machines offer and allocations need.
//!
//! Amounts are integers in fixed units; the room refuses to know where they were written down or who asks.
mod amounts;
mod comparison;
mod pool;
mod ports;

pub use amounts::{Amount, Cpu, Dimension, Gpu, MissingCard, Resources, Shortage};
pub use comparison::Comparison;
pub use pool::{Holding, Pool, PoolError};
pub use ports::{PortError, Ports};

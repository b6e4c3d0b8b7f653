//! What machines offer and allocations need.
//!
//! Amounts are integers in fixed units; the room refuses to know where they were written down or who asks.
mod amounts;
mod cards;
mod comparison;
mod pool;
mod ports;

pub use amounts::{Amount, Cpu, Dimension, Resources, Shortage};
pub use cards::{Gpu, MissingCard};
pub use comparison::Comparison;
pub use pool::{Holding, Imbalance, Pool, PoolError, Underflow};
pub use ports::{PortError, Ports};

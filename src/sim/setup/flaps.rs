//! Conditions that come and go by themselves.

use crate::kernel::sample::Distribution;

/// How a condition of the network comes and goes within the time of its fault; it begins with being there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Flaps {
    /// How long it is there each time.
    pub on: Distribution,
    /// How long it is gone each time.
    pub off: Distribution,
}

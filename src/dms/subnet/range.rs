//! The addresses of one ensemble: a /24 inside 10.0.0.0/8 (dms-orchestration section 2.11).

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The last byte of the gateway's address.
const GATEWAY: u8 = 1;
/// The last byte of the address for broadcasts.
const BROADCAST: u8 = 255;

/// A text that is no range of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a range is a /24 inside 10.0.0.0/8, as in 10.7.200.0/24")]
pub struct RangeError;

/// A /24 inside 10.0.0.0/8: `.1` is the gateway, `.255` is for broadcasts, and the 253 between are for allocations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AddressRange {
    middle: [u8; 2],
}

impl AddressRange {
    /// How many allocations have room.
    pub const CAPACITY: usize = (BROADCAST - GATEWAY - 1) as usize;

    /// The range `10.a.b.0/24`.
    #[must_use]
    pub const fn new(middle: [u8; 2]) -> Self {
        Self { middle }
    }

    const fn address(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, self.middle[0], self.middle[1], last)
    }

    /// The addresses for allocations, lowest first: the order in which they are given.
    pub fn for_allocations(self) -> impl Iterator<Item = Ipv4Addr> {
        (GATEWAY + 1..BROADCAST).map(move |last| self.address(last))
    }

    /// Whether an address is one of those for allocations.
    #[must_use]
    pub fn is_for_allocation(self, address: Ipv4Addr) -> bool {
        let last = address.octets()[3];
        self.address(last) == address && (GATEWAY + 1..BROADCAST).contains(&last)
    }
}

impl FromStr for AddressRange {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let network: Ipv4Addr =
            text.strip_suffix("/24").and_then(|network| network.parse().ok()).ok_or(RangeError)?;
        match network.octets() {
            [10, a, b, 0] => Ok(Self::new([a, b])),
            _ => Err(RangeError),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/24", self.address(0))
    }
}

impl Serialize for AddressRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_and_broadcast_are_nobody_s() {
        let range = AddressRange::new([7, 200]);
        assert_eq!(range.to_string(), "10.7.200.0/24");
        assert_eq!("10.7.200.0/24".parse(), Ok(range));
        for other in ["10.7.200.0", "10.7.200.1/24", "192.168.0.0/24", "10.7.200.0/16", "10.7.0/24", ""] {
            assert_eq!(other.parse::<AddressRange>(), Err(RangeError), "{other}");
        }
        let all: Vec<Ipv4Addr> = range.for_allocations().collect();
        assert_eq!(all.len(), AddressRange::CAPACITY);
        assert_eq!(all.first(), Some(&Ipv4Addr::new(10, 7, 200, 2)));
        assert_eq!(all.last(), Some(&Ipv4Addr::new(10, 7, 200, 254)));
        assert!(all.iter().all(|address| range.is_for_allocation(*address)));
        for other in [[10, 7, 200, 0], [10, 7, 200, 1], [10, 7, 200, 255], [10, 7, 201, 2], [11, 7, 200, 2]] {
            assert!(!range.is_for_allocation(other.into()), "{other:?}");
        }
    }
}

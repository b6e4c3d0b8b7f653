//! Public ports of a provider (dms-orchestration section 5.5, as intended: a failure frees nothing of others).

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::dms::constants::PUBLIC_PORT_RANGE;

/// Why a port was not given.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum PortError {
    /// Outside of what the provider hands out.
    #[error("port {0} is outside allowed range")]
    OutOfRange(u16),
    /// Somebody has it.
    #[error("port {0} is already reserved")]
    Taken(u16),
    /// Fewer free ones than asked for.
    #[error("not enough free dynamic ports")]
    Exhausted,
}

/// The ports given out, each with the allocation that holds it.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    reserved: BTreeMap<u16, Arc<str>>,
}

impl Ports {
    /// Whether these could be reserved now.
    ///
    /// # Errors
    /// The first port that could not.
    pub fn check(&self, fixed: &[u16], dynamic: u32) -> Result<(), PortError> {
        let range = PUBLIC_PORT_RANGE.0..PUBLIC_PORT_RANGE.1;
        for &port in fixed {
            if !range.contains(&u32::from(port)) {
                return Err(PortError::OutOfRange(port));
            }
            if self.reserved.contains_key(&port) {
                return Err(PortError::Taken(port));
            }
        }
        let free = (range.end - range.start) as usize - self.reserved.len() - fixed.len();
        if (dynamic as usize) > free { Err(PortError::Exhausted) } else { Ok(()) }
    }

    /// Reserves all of `fixed` and `dynamic` more, or none.
    ///
    /// # Errors
    /// As [`Ports::check`].
    pub fn reserve(&mut self, owner: &Arc<str>, fixed: &[u16], dynamic: u32) -> Result<(), PortError> {
        self.check(fixed, dynamic)?;
        for &port in fixed {
            self.reserved.insert(port, Arc::clone(owner));
        }
        let mut wanted = dynamic;
        for port in PUBLIC_PORT_RANGE.0..PUBLIC_PORT_RANGE.1 {
            if wanted == 0 {
                break;
            }
            let port = u16::try_from(port).expect("the range ends at 65536");
            if let std::collections::btree_map::Entry::Vacant(e) = self.reserved.entry(port) {
                e.insert(Arc::clone(owner));
                wanted -= 1;
            }
        }
        Ok(())
    }

    /// Gives back every port of an allocation.
    pub fn release(&mut self, owner: &str) {
        self.reserved.retain(|_, holder| &**holder != owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_reservation_leaves_the_ports_of_others_alone() {
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let mut ports = Ports::default();
        ports.reserve(&a, &[20_000], 2).expect("all are free");
        assert_eq!(ports.reserve(&b, &[20_001, 20_000], 0), Err(PortError::Taken(20_000)));
        assert_eq!(ports.check(&[20_001], 0), Ok(()), "nothing of the refused request stayed");
        assert_eq!(ports.check(&[20_000], 0), Err(PortError::Taken(20_000)));
        assert_eq!(ports.check(&[80], 0), Err(PortError::OutOfRange(80)));
        ports.release("a");
        assert_eq!(ports.check(&[20_000], 49_151), Ok(()));
        assert_eq!(ports.check(&[], 49_153), Err(PortError::Exhausted));
    }
}

//! Public ports of a provider (dms-orchestration section 5.5).
//!
//! [`Ports::reserve`] does it as intended: all or none, and a failure frees nothing of others.
//! [`Ports::reserve_as_read`] does it as the real DMS (W15).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
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
    /// Nobody has it, so nobody can use it.
    #[error("port {0} is not reserved")]
    NotReserved(u16),
}

/// A port that was given out.
#[derive(Clone, Debug)]
struct Reservation {
    /// Full id of the allocation that holds it.
    owner: Arc<str>,
    /// Whether any port would have done.
    dynamic: bool,
    /// Whether the record of its owner was overwritten, so that nobody gives it back (W15).
    forgotten: bool,
}

/// The ports given out.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    reserved: BTreeMap<u16, Reservation>,
}

impl Ports {
    /// Of which none was given out.
    pub const ALL_FREE: &Self = &Self { reserved: BTreeMap::new() };

    /// Whether none is reserved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reserved.is_empty()
    }

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
        let free = ((range.end - range.start) as usize).saturating_sub(self.reserved.len() + fixed.len());
        if (dynamic as usize) > free { Err(PortError::Exhausted) } else { Ok(()) }
    }

    /// Reserves all of `fixed` and `dynamic` more, or none.
    ///
    /// # Errors
    /// As [`Ports::check`].
    pub fn reserve(&mut self, owner: &Arc<str>, fixed: &[u16], dynamic: u32) -> Result<(), PortError> {
        self.check(fixed, dynamic)?;
        self.take_fixed(owner, fixed, false);
        self.take_dynamic(owner, dynamic);
        Ok(())
    }

    /// Reserves as the real DMS does (W15). When one of `fixed` cannot be had, all of them are freed, also those that
    /// another allocation holds. Dynamic ports overwrite the record of the fixed ones, which nothing frees any more.
    /// And as ports travel in a map by their public number, all dynamic ones of an allocation are one.
    ///
    /// # Errors
    /// As [`Ports::check`].
    pub fn reserve_as_read(
        &mut self,
        owner: &Arc<str>,
        fixed: &[u16],
        dynamic: u32,
    ) -> Result<(), PortError> {
        let dynamic = dynamic.min(1);
        if let Err(refused) = self.check(fixed, dynamic) {
            self.reserved.retain(|port, _| !fixed.contains(port));
            return Err(refused);
        }
        self.take_fixed(owner, fixed, dynamic > 0);
        self.take_dynamic(owner, dynamic);
        Ok(())
    }

    fn take_fixed(&mut self, owner: &Arc<str>, fixed: &[u16], forgotten: bool) {
        for &port in fixed {
            self.reserved.insert(port, Reservation { owner: Arc::clone(owner), dynamic: false, forgotten });
        }
    }

    fn take_dynamic(&mut self, owner: &Arc<str>, mut wanted: u32) {
        for port in PUBLIC_PORT_RANGE.0..PUBLIC_PORT_RANGE.1 {
            if wanted == 0 {
                break;
            }
            let port = u16::try_from(port).expect("the range ends at 65536");
            if let Entry::Vacant(entry) = self.reserved.entry(port) {
                entry.insert(Reservation { owner: Arc::clone(owner), dynamic: true, forgotten: false });
                wanted -= 1;
            }
        }
    }

    /// Gives back every port of an allocation that is known to be its own.
    pub fn release(&mut self, owner: &str) {
        self.reserved.retain(|_, reservation| reservation.forgotten || &*reservation.owner != owner);
    }

    /// Whether a port is reserved for this allocation.
    ///
    /// # Errors
    /// [`PortError::NotReserved`], or [`PortError::Taken`] when another allocation has it.
    pub fn check_owner(&self, port: u16, owner: &str) -> Result<(), PortError> {
        match self.reserved.get(&port) {
            None => Err(PortError::NotReserved(port)),
            Some(reservation) if &*reservation.owner != owner => Err(PortError::Taken(port)),
            Some(_) => Ok(()),
        }
    }

    /// All ports that an allocation holds, lowest first.
    pub fn of(&self, owner: &str) -> impl Iterator<Item = u16> {
        let own = self.reserved.iter().filter(move |(_, reservation)| &*reservation.owner == owner);
        own.map(|(port, _)| *port)
    }

    /// The ports that an allocation got because any would do, lowest first.
    pub fn dynamic_of(&self, owner: &str) -> impl Iterator<Item = u16> {
        let own = move |reservation: &Reservation| reservation.dynamic && &*reservation.owner == owner;
        self.reserved.iter().filter(move |(_, reservation)| own(reservation)).map(|(port, _)| *port)
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
        assert_eq!(
            ports.dynamic_of("a").collect::<Vec<_>>(),
            [16_384, 16_385],
            "a fixed port is not dynamic"
        );
        assert_eq!(ports.check_owner(20_000, "a"), Ok(()));
        assert_eq!(ports.check_owner(20_000, "b"), Err(PortError::Taken(20_000)));
        assert_eq!(ports.check_owner(20_001, "b"), Err(PortError::NotReserved(20_001)));
        ports.release("a");
        assert_eq!(ports.check(&[20_000], 49_151), Ok(()));
        assert_eq!(ports.check(&[], 49_153), Err(PortError::Exhausted));
    }

    #[test]
    fn as_read_a_refused_reservation_frees_what_it_asked_for() {
        let (a, b): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let mut ports = Ports::default();
        ports.reserve_as_read(&a, &[20_000, 20_001], 0).expect("all are free");
        assert_eq!(ports.reserve_as_read(&b, &[20_002, 20_000], 0), Err(PortError::Taken(20_000)));
        assert_eq!(ports.check_owner(20_000, "a"), Err(PortError::NotReserved(20_000)), "a has lost it");
        assert_eq!(ports.check_owner(20_001, "a"), Ok(()), "nobody asked for this one");
        ports.reserve_as_read(&b, &[20_002, 20_000], 0).expect("the second time it is free");
    }

    #[test]
    fn as_read_fixed_ports_beside_a_dynamic_one_leak_and_dynamic_ones_collapse() {
        let a: Arc<str> = "a".into();
        for (as_read, dynamic, after) in [(true, 1, Err(PortError::Taken(20_000))), (false, 2, Ok(()))] {
            let mut ports = Ports::default();
            let reserve = if as_read { Ports::reserve_as_read } else { Ports::reserve };
            reserve(&mut ports, &a, &[20_000], 2).expect("all are free");
            assert_eq!(ports.dynamic_of("a").count(), dynamic);
            assert_eq!(ports.check_owner(20_000, "a"), Ok(()), "it can be mapped");
            ports.release("a");
            assert_eq!(ports.dynamic_of("a").count(), 0);
            assert_eq!(ports.check(&[20_000], 0), after);
        }
    }
}

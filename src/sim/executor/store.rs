//! What executors have fetched and kept on the disk of their machine.
//!
//! docker, containerd and firecracker each have a store of their own: what one has fetched the others fetch again.
//! Together they have the room that the disk has left. What nobody needs makes room for what is wanted, the least
//! recently used first; layers that images share are not told apart.

use crate::dms::ensemble::Executor as Kind;

/// Something in a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stored {
    kind: Kind,
    image: u16,
    bytes: u64,
    /// When it was used last: counts uses.
    used: u64,
    /// Whether it is here; else it is being fetched.
    here: bool,
}

/// Whether something is in a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Presence {
    Here,
    Coming,
    Absent,
}

/// What does not fit is more than the disk has room for, whatever were removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NoRoom;

/// The stores of a machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    stored: Vec<Stored>,
    uses: u64,
}

impl Store {
    /// Whether nothing was ever wanted of it.
    pub(super) const fn is_untouched(&self) -> bool {
        self.uses == 0 && self.stored.is_empty()
    }

    /// Bytes on the disk, those on their way included.
    pub(super) fn bytes(&self) -> u64 {
        self.stored.iter().map(|one| one.bytes).sum()
    }

    /// Whether something is here; then it is in use.
    pub(super) fn find(&mut self, kind: Kind, image: u16) -> Presence {
        self.uses += 1;
        let Some(one) = self.stored.iter_mut().find(|one| one.kind == kind && one.image == image) else {
            return Presence::Absent;
        };
        one.used = self.uses;
        if one.here { Presence::Here } else { Presence::Coming }
    }

    /// Whether something is here.
    pub(super) fn has(&self, kind: Kind, image: u16) -> bool {
        self.stored.iter().any(|one| one.kind == kind && one.image == image && one.here)
    }

    /// Whether it is here for one of them.
    pub(super) fn has_any(&self, image: u16) -> bool {
        self.stored.iter().any(|one| one.image == image && one.here)
    }

    /// Makes room for something that is going to be fetched, in so many bytes for everything. How many others went.
    pub(super) fn reserve(
        &mut self,
        kind: Kind,
        image: u16,
        bytes: u64,
        room: u64,
        needed: impl Fn(Kind, u16) -> bool,
    ) -> Result<u32, NoRoom> {
        let kept = |one: &&Stored| !one.here || needed(one.kind, one.image);
        let least = self.stored.iter().filter(kept).map(|one| one.bytes).sum::<u64>();
        if least.saturating_add(bytes) > room {
            return Err(NoRoom);
        }
        let mut evicted = 0;
        while self.bytes() + bytes > room {
            let old = self.stored.iter().enumerate().filter(|(_, one)| !kept(one));
            let (place, _) = old.min_by_key(|(_, one)| one.used).expect("what must stay fits beside it");
            self.stored.swap_remove(place);
            evicted += 1;
        }
        self.uses += 1;
        self.stored.push(Stored { kind, image, bytes, used: self.uses, here: false });
        Ok(evicted)
    }

    /// Something has been fetched, or could not be.
    pub(super) fn fetched(&mut self, kind: Kind, image: u16, here: bool) {
        let is_it = |one: &Stored| one.kind == kind && one.image == image && !one.here;
        match self.stored.iter().position(is_it) {
            Some(place) if here => self.stored[place].here = true,
            Some(place) => drop(self.stored.swap_remove(place)),
            None => {}
        }
    }

    /// Whatever was on its way does not come.
    pub(super) fn call_off(&mut self) {
        self.stored.retain(|one| one.here);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetch(store: &mut Store, kind: Kind, image: u16, needed: &[u16]) -> Result<u32, NoRoom> {
        let went = store.reserve(kind, image, 40, 100, |_, image| needed.contains(&image));
        store.fetched(kind, image, true);
        went
    }

    #[test]
    fn what_was_used_least_recently_makes_room() {
        let mut store = Store::default();
        assert_eq!(fetch(&mut store, Kind::Docker, 1, &[]), Ok(0));
        assert_eq!(fetch(&mut store, Kind::Docker, 2, &[]), Ok(0));
        assert_eq!(store.find(Kind::Docker, 1), Presence::Here);
        assert_eq!(fetch(&mut store, Kind::Docker, 3, &[]), Ok(1));
        let found = [1, 2, 3].map(|image| store.find(Kind::Docker, image));
        assert_eq!(found, [Presence::Here, Presence::Absent, Presence::Here]);
        assert_eq!(store.bytes(), 80);
    }

    #[test]
    fn what_is_needed_stays_and_what_is_coming_too() {
        let mut store = Store::default();
        fetch(&mut store, Kind::Docker, 1, &[]).expect("there is room");
        assert_eq!(store.reserve(Kind::Docker, 2, 40, 100, |_, _| false), Ok(0));
        assert_eq!(store.find(Kind::Docker, 2), Presence::Coming);
        assert_eq!(fetch(&mut store, Kind::Docker, 3, &[1]), Err(NoRoom));
        store.call_off();
        assert_eq!(store.find(Kind::Docker, 2), Presence::Absent);
        assert_eq!(fetch(&mut store, Kind::Docker, 3, &[1]), Ok(0));
    }

    #[test]
    fn each_executor_has_a_store_of_its_own() {
        let mut store = Store::default();
        fetch(&mut store, Kind::Docker, 1, &[]).expect("there is room");
        assert_eq!(store.find(Kind::Containerd, 1), Presence::Absent);
        fetch(&mut store, Kind::Containerd, 1, &[]).expect("there is room");
        assert_eq!(store.find(Kind::Containerd, 1), Presence::Here);
        assert_eq!(store.bytes(), 80);
    }

    #[test]
    fn what_could_not_be_fetched_leaves_nothing() {
        let mut store = Store::default();
        assert_eq!(store.reserve(Kind::Docker, 1, 40, 100, |_, _| false), Ok(0));
        store.fetched(Kind::Docker, 1, false);
        assert_eq!((store.bytes(), store.find(Kind::Docker, 1)), (0, Presence::Absent));
    }
}

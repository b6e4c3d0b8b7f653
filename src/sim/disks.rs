//! The disks of simulated machines: directories with what programs have written there, and what is mounted where.
//!
//! A disk outlives its machine's crashes. What a program writes is one file, called after its allocation; a byte is
//! there when its write is complete, and one that was interrupted leaves nothing.

use std::sync::Arc;

use indexmap::IndexMap;

use super::event::PeerId;
use super::setup::StorageConfig;
use crate::dms::outbox::RunId;
use crate::dms::storage::MountOrder;
use crate::kernel::{Span, Time};

/// What a program has written into a directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct File {
    pub(super) bytes: u64,
    /// How much of its work a checkpoint holds.
    pub(super) progress: Span,
}

/// A disk does not hold that much more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct DiskFull;

/// Where the data of an allocation is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// On whose disk.
    pub(super) peer: PeerId,
    pub(super) directory: Arc<str>,
    /// Where the program sees it.
    pub(super) destination: Arc<str>,
}

/// What is mounted for an allocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mounted {
    /// Its full id.
    pub(super) allocation: Arc<str>,
    /// What its file is called.
    pub(super) writer: Arc<str>,
    /// The first of its volumes that can be written; its data is there.
    pub(super) place: Option<Place>,
}

/// A program that has something to do with data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Program {
    pub(super) run: RunId,
    /// How much work it has to do; none for one that goes on for ever.
    pub(super) work: Option<Span>,
    /// How much of it was done before this run.
    pub(super) base: Span,
    /// Since when it works; none while its data is fetched.
    pub(super) since: Option<Time>,
    /// How much will be done according to the checkpoint that is being written.
    pub(super) writing: Span,
    /// Whether its results have been delivered.
    pub(super) delivered: bool,
}

/// A machine's disk with what is mounted on that machine.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    capacity: u64,
    rate_bps: u64,
    used: u64,
    /// What executors have fetched takes so many bytes.
    pub(super) images: u64,
    directories: IndexMap<Arc<str>, IndexMap<Arc<str>, File>>,
    /// Those of shared volumes.
    bricks: Vec<Arc<str>>,
    /// Mounts that are under way.
    pub(super) pending: Vec<(RunId, Arc<MountOrder>)>,
    /// By the slot of the allocation.
    pub(super) mounted: IndexMap<u32, Mounted>,
    pub(super) programs: Vec<Program>,
}

impl Disk {
    /// A disk of so many bytes.
    pub(super) fn new(config: &StorageConfig, capacity: u64) -> Self {
        let named = config.directories.iter().map(|path| (Arc::from(path.as_str()), IndexMap::new()));
        Self {
            capacity,
            rate_bps: config.rate_bps,
            used: 0,
            images: 0,
            directories: named.collect(),
            bricks: Vec::new(),
            pending: Vec::new(),
            mounted: IndexMap::new(),
            programs: Vec::new(),
        }
    }

    /// Whether nothing was ever written on it, or mounted from it.
    pub(super) fn is_untouched(&self) -> bool {
        let written = self.used + self.images > 0 || self.directories.values().any(|files| !files.is_empty());
        !written && self.pending.is_empty() && self.mounted.is_empty() && self.programs.is_empty()
    }

    /// How long so many bytes take to be read or written.
    pub(super) fn takes(&self, bytes: u64) -> Span {
        Span::from_secs_f64(bytes as f64 * 8.0 / self.rate_bps as f64)
    }

    pub(super) fn has(&self, directory: &str) -> bool {
        self.directories.contains_key(directory)
    }

    /// A directory of that name; made if it is not there.
    pub(super) fn make(&mut self, directory: &Arc<str>) {
        self.directories.entry(Arc::clone(directory)).or_default();
    }

    /// The directory of a shared volume; made if it is not there.
    pub(super) fn make_brick(&mut self, directory: &Arc<str>) {
        self.make(directory);
        if !self.bricks.contains(directory) {
            self.bricks.push(Arc::clone(directory));
        }
    }

    /// The directories of shared volumes, those that were made first before the others.
    pub(super) fn bricks(&self) -> &[Arc<str>] {
        &self.bricks
    }

    /// Removes a directory with all that is in it.
    pub(super) fn remove(&mut self, directory: &str) {
        self.bricks.retain(|brick| **brick != *directory);
        let files = self.directories.shift_remove(directory).unwrap_or_default();
        self.used -= files.values().map(|file| file.bytes).sum::<u64>();
    }

    /// All files of a directory; none where there is no such directory.
    pub(super) fn files(&self, directory: &str) -> Option<&IndexMap<Arc<str>, File>> {
        self.directories.get(directory)
    }

    pub(super) fn file(&self, directory: &str, name: &str) -> Option<File> {
        self.directories.get(directory)?.get(name).copied()
    }

    /// What is left beside the data of programs, for all that executors fetch.
    pub(super) const fn room_for_images(&self) -> u64 {
        self.capacity - self.used
    }

    /// Whether so many bytes more fit.
    pub(super) fn check(&self, bytes: u64) -> Result<(), DiskFull> {
        if bytes > self.room_for_images().saturating_sub(self.images) { Err(DiskFull) } else { Ok(()) }
    }

    /// A write is complete: the file has these bytes more, or is replaced by a checkpoint of them.
    pub(super) fn write(
        &mut self,
        directory: &str,
        name: &Arc<str>,
        bytes: u64,
        checkpoint: Option<Span>,
    ) -> Result<(), DiskFull> {
        self.check(bytes)?;
        let Some(files) = self.directories.get_mut(directory) else { return Ok(()) };
        let file = files.entry(Arc::clone(name)).or_default();
        self.used += bytes;
        match checkpoint {
            // The new one takes the place of the old one when it is whole.
            Some(progress) => {
                self.used -= file.bytes;
                *file = File { bytes, progress };
            }
            None => file.bytes += bytes,
        }
        Ok(())
    }

    pub(super) fn program(&mut self, run: RunId) -> Option<&mut Program> {
        self.programs.iter_mut().find(|program| program.run == run)
    }

    /// The machine has stopped: the data stays, nothing is mounted.
    pub(super) fn crash(&mut self) {
        self.pending.clear();
        self.mounted.clear();
        self.programs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_holds_what_fits_and_a_checkpoint_needs_room_beside_the_last_one() {
        let config = StorageConfig { directories: vec!["/srv".to_owned()], rate_bps: 800 };
        let mut disk = Disk::new(&config, 250);
        let name: Arc<str> = "db".into();
        assert_eq!(disk.takes(100), Span::secs(1));
        assert_eq!(disk.write("/srv", &name, 100, None), Ok(()));
        assert_eq!(disk.write("/srv", &name, 100, None), Ok(()));
        assert_eq!(disk.file("/srv", "db"), Some(File { bytes: 200, progress: Span::ZERO }));
        assert_eq!(disk.write("/srv", &name, 100, None), Err(DiskFull));
        disk.remove("/srv");
        assert_eq!(disk.file("/srv", "db"), None);
        disk.make(&"ckpt".into());
        for minute in 1..10 {
            assert_eq!(disk.write("ckpt", &name, 120, Some(Span::mins(minute))), Ok(()));
        }
        assert_eq!(disk.file("ckpt", "db"), Some(File { bytes: 120, progress: Span::mins(9) }));
        assert_eq!(disk.write("ckpt", &name, 140, Some(Span::hours(1))), Err(DiskFull));
        assert_eq!(disk.file("ckpt", "db").map(|file| file.bytes), Some(120));
    }
}

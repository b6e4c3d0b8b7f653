//! Looking at disks: what volumes really hold, and what programs found there when they started.

use std::sync::Arc;

use super::World;
use crate::dms::identity::EnsembleId;
use crate::kernel::Span;

/// A file that a program has written to a volume.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// What it is called: after its allocation, with the deployment before it where it is a checkpoint.
    pub file: Arc<str>,
    /// How long it is.
    pub bytes: u64,
    /// How much of its work a checkpoint holds.
    pub progress: Span,
}

/// What a program found on its volume when it started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Began {
    /// So many bytes of its own.
    pub bytes: u64,
    /// So much of its work in a checkpoint.
    pub progress: Span,
}

impl World<'_> {
    /// What a volume holds, file by file: the shared volume of this name on a peer that serves volumes, the local one
    /// of this name or path on any other. None where there is no such volume.
    ///
    /// # Panics
    /// If there is no such peer.
    #[must_use]
    pub fn volume_of(&self, peer: &str, volume: &str) -> Option<Vec<Stored>> {
        let host = self.hosts[self.peer(peer).0 as usize].built()?;
        let served = host.peer.volumes().volume(volume);
        let directory = served.map_or(volume, |served| &served.brick);
        // A shared volume has its directory from when it is mounted first.
        let Some(files) = host.disk.files(directory) else { return served.map(|_| Vec::new()) };
        let all = files.iter().map(|(name, file)| Stored {
            file: Arc::clone(name),
            bytes: file.bytes,
            progress: file.progress,
        });
        let mut all: Vec<Stored> = all.collect();
        all.sort_by(|a, b| a.file.cmp(&b.file));
        Some(all)
    }

    /// What the program of an allocation found on its volume when it started last. None where it never started, or has
    /// no volume that it writes to.
    #[must_use]
    pub fn began_with(&self, id: EnsembleId, allocation: &str) -> Option<Began> {
        let number = self.ledger.number_of(id)?;
        let full = self.ledger.latest(number, allocation)?;
        self.ledger.began_with(&full).map(|(bytes, progress)| Began { bytes, progress })
    }
}

//! What became of data: written, found again, lost.

use std::sync::Arc;

use super::Ledger;
use super::tables::Metrics;
use crate::kernel::{OrderedMap, Span};

/// What an allocation has on its volume, as far as it knows.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    /// Bytes.
    bytes: u64,
    /// How much of its work was done when it ended last.
    progress: Span,
    /// What it found when its program started last: bytes, and how much of its work it went on from.
    began: Option<(u64, Span)>,
}

/// The accounts of all volumes.
#[derive(Clone, Debug, Default)]
pub(super) struct Storage {
    kept: OrderedMap<Arc<str>, Kept>,
    mounted: u64,
    not_mounted: u64,
    not_written: u64,
    written: u64,
    recovered: u64,
    lost: u64,
    bucket_bytes: u64,
    repeated_max: Span,
}

impl Storage {
    /// How much of its work an allocation with checkpoints had done when it was last looked at.
    pub(super) fn progress_of(&self, allocation: &str) -> Option<Span> {
        self.kept.get(allocation).map(|kept| kept.progress)
    }
}

impl Ledger {
    /// The volumes of an allocation were mounted or not.
    pub(in crate::sim) const fn mounted(&mut self, mounted: bool) {
        match mounted {
            true => self.storage.mounted += 1,
            false => self.storage.not_mounted += 1,
        }
    }

    /// A program has started and finds so many bytes of its own. What it had written and is not there is lost.
    pub(in crate::sim) fn found_data(&mut self, allocation: &Arc<str>, bytes: u64) {
        let storage = &mut self.storage;
        let kept = storage.kept.entry(Arc::clone(allocation)).or_default();
        storage.recovered += bytes;
        storage.lost += kept.bytes.saturating_sub(bytes);
        kept.bytes = bytes;
        kept.began = Some((bytes, Span::ZERO));
    }

    /// What an allocation found on its volume when its program started last: bytes, and how much of its work it went on
    /// from. None where it never started, or has no volume.
    pub(in crate::sim) fn began_with(&self, allocation: &str) -> Option<(u64, Span)> {
        self.storage.kept.get(allocation)?.began
    }

    /// A write is complete.
    pub(in crate::sim) fn wrote(&mut self, allocation: &Arc<str>, bytes: u64, replaces: bool) {
        self.storage.written += bytes;
        let kept = self.storage.kept.entry(Arc::clone(allocation)).or_default();
        kept.bytes = if replaces { bytes } else { kept.bytes + bytes };
    }

    /// A program could not write.
    pub(in crate::sim) const fn not_written(&mut self) {
        self.storage.not_written += 1;
    }

    /// A program with checkpoints has ended, with so much of its work done.
    pub(in crate::sim) fn had_done(&mut self, allocation: &Arc<str>, progress: Span) {
        self.storage.kept.entry(Arc::clone(allocation)).or_default().progress = progress;
    }

    /// It goes on from there.
    pub(in crate::sim) fn resumed(&mut self, allocation: &Arc<str>, from: Span) {
        let kept = self.storage.kept.entry(Arc::clone(allocation)).or_default();
        self.storage.repeated_max = self.storage.repeated_max.max(kept.progress.saturating_sub(from));
        kept.progress = from;
        if let Some((_, progress)) = &mut kept.began {
            *progress = from;
        }
    }

    /// So much was fetched from a bucket or delivered to one.
    pub(in crate::sim) const fn bucket_bytes(&mut self, bytes: u64) {
        self.storage.bucket_bytes += bytes;
    }

    pub(super) fn storage_metrics(&self, m: &mut Metrics) {
        let storage = &self.storage;
        m.add("volumes.mounted", storage.mounted as f64);
        m.add("volumes.not_mounted", storage.not_mounted as f64);
        m.add("storage.written", storage.written as f64);
        m.add("storage.recovered", storage.recovered as f64);
        m.add("storage.lost", storage.lost as f64);
        m.add("storage.not_written", storage.not_written as f64);
        m.add("storage.repeated_work.max", storage.repeated_max.as_secs_f64());
        m.add("buckets.bytes", storage.bucket_bytes as f64);
    }
}

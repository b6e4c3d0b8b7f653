//! What peers' disks are like, and what programs have to do with data.

use crate::kernel::Span;

/// The disks of a group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StorageConfig {
    /// Directories that the machines have, by absolute path; local volumes may be mounted from these.
    pub directories: Vec<String>,
    /// How fast a disk is read and written, in bits a second.
    pub rate_bps: u64,
}

impl StorageConfig {
    /// 200 MB a second: between a hard disk and a SATA SSD.
    pub const RATE_BPS: u64 = 1_600_000_000;
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { directories: Vec::new(), rate_bps: Self::RATE_BPS }
    }
}

/// What the program of an image has to do with data.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DataUse {
    /// What it writes to the first of its volumes that can be written.
    pub writes: Option<Writes>,
    /// Whether each write is a checkpoint that takes the place of the last one, and from which it goes on.
    pub resumes: bool,
    /// Whether it stands still while a checkpoint is written.
    pub pauses: bool,
    /// What it fetches before it works.
    pub input: Option<Bucket>,
    /// What it delivers before it ends.
    pub output: Option<Bucket>,
}

impl DataUse {
    /// Whether it has nothing to do with data.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.writes.is_none() && self.input.is_none() && self.output.is_none()
    }
}

/// What is written again and again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Writes {
    /// So many bytes.
    pub bytes: u64,
    /// From the start, and from the end of one write, to the beginning of the next.
    pub every: Span,
}

/// Data in a bucket, as S3 has them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bucket {
    /// The peer that keeps it.
    pub at: String,
    /// How much is moved.
    pub bytes: u64,
}

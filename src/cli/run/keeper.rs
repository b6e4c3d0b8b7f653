//! The moments of a run while it goes on: those that were saved before are met, and all are saved.

use crate::kernel::{Time, path_text};
use crate::observe::{FolderError, SavedFile, SavedMoment};
use crate::sim::Mark;

/// Why a run does not go on.
pub(super) enum Trouble {
    /// It is not the run that was saved.
    Differs {
        at: Time,
        found: SavedMoment,
        saved: SavedMoment,
        /// How many moments before agree.
        agree: usize,
    },
    /// A moment cannot be saved.
    Unwritten(FolderError),
}

/// Meets and saves moments.
pub(super) struct Keeper<'a> {
    file: Option<SavedFile>,
    saved: &'a [SavedMoment],
    met: usize,
    pub(super) trouble: Option<Trouble>,
}

impl<'a> Keeper<'a> {
    pub(super) const fn new(file: Option<SavedFile>, saved: &'a [SavedMoment]) -> Self {
        Self { file, saved, met: 0, trouble: None }
    }

    /// Takes a moment: whether the run may go on.
    pub(super) fn take(&mut self, mark: Mark) -> bool {
        let digest = format!("{:032x}", mark.digest);
        let found = SavedMoment { at_ns: mark.at.0, events: mark.events, digest };
        if let Some(saved) = self.saved.get(self.met) {
            if *saved != found {
                let (saved, agree) = (saved.clone(), self.met);
                self.trouble = Some(Trouble::Differs { at: mark.at, found, saved, agree });
                return false;
            }
            self.met += 1;
        }
        let written = self.file.as_mut().map_or(Ok(()), |file| file.save(&found));
        self.trouble = written.err().map(Trouble::Unwritten);
        self.trouble.is_none()
    }

    /// How many saved moments were met.
    pub(super) const fn met(&self) -> usize {
        self.met
    }
}

impl Trouble {
    /// Says it, for a run that this version of the program has begun.
    pub(super) fn say(&self, saved_by: &str, folder: &std::path::Path) {
        match self {
            Self::Unwritten(error) => eprintln!("error: {error}"),
            Self::Differs { at, found, saved, agree } => {
                let program = env!("CARGO_PKG_VERSION");
                eprintln!(
                    "error: at {} the run is not the one that was saved for {}: {} events with digest {}, and {} \
                     events with digest {} were saved",
                    at.since(Time::ZERO),
                    path_text(folder),
                    found.events,
                    found.digest,
                    saved.events,
                    saved.digest
                );
                eprintln!(
                    "  = note: {agree} moments before agree; dmsim {saved_by} has saved them, and this is {program}"
                );
                eprintln!(
                    "  = help: resume it with the program that began it, or run its `scenario.resolved.yaml` anew"
                );
            }
        }
    }
}

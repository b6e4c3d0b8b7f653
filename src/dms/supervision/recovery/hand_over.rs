//! Handing over to a standby orchestrator.

use super::{About, Strategy};
use crate::kernel::Span;

/// Another orchestrator keeps a copy of the deployment with its key, and goes on with it when its orchestrator has been
/// silent for so long (see [`crate::dms::deputy`]). What is done about failures beside that is for the strategies after
/// it in the list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct HandOver {
    /// For how long the orchestrator may be silent.
    pub after: Span,
}

impl HandOver {
    /// What a scenario has that says no more: as long as an allocation may be silent in DMS.
    pub const DEFAULT: Self = Self { after: Span::secs(90) };
}

impl Strategy for HandOver {
    fn about(&self) -> &'static About {
        &About {
            name: "hand_over",
            line: "a standby orchestrator goes on with the deployments of one that is silent",
            source: "Alsberg and Day, ICSE 1976 (primary and backup); Gray and Cheriton, SOSP 1989 (terms)",
        }
    }

    fn handed_over_after(&self) -> Option<Span> {
        Some(self.after)
    }
}

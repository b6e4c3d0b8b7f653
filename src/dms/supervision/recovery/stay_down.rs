//! Nothing is recovered.

use super::{About, NodePolicy, Restarts, Strategy};

/// What fails stays down: what DMS does by default, and what every other strategy is measured against.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StayDown;

impl Strategy for StayDown {
    fn about(&self) -> &'static About {
        &About {
            name: "stay_down",
            line: "nothing is recovered (DMS's own default)",
            source: "dms-orchestration section 4.2",
        }
    }

    fn on_failure(&self) -> Option<Restarts> {
        Some(Restarts::Nothing)
    }

    fn on_loss(&self) -> Option<NodePolicy> {
        Some(NodePolicy::StayDown)
    }
}

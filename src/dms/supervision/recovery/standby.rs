//! Standbys.

use super::{About, NodePolicy, Spare, Strategy};

/// Every node has so many standbys on other peers, placed and in the subnet but not started; one of them takes the
/// node's part at once when its peer is lost, and another one is placed. An ensemble that declares `redundancy` keeps
/// its own number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Standby {
    /// How many for each node.
    pub count: u32,
}

impl Strategy for Standby {
    fn about(&self) -> &'static About {
        &About {
            name: "standby",
            line: "a standby on another peer takes over a lost node at once",
            source: "dms-orchestration section 2.9; Gray, Tandem TR 85.7, 1985",
        }
    }

    fn on_loss(&self) -> Option<NodePolicy> {
        Some(NodePolicy::Redeploy)
    }

    fn spares(&self) -> (Spare, u32) {
        (Spare::Standby, self.count)
    }
}

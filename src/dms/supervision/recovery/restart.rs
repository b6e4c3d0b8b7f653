//! Restart in place.

use super::{About, NodePolicy, Restarts, Strategy};

/// An allocation that fails restarts where it is; a node whose peer is lost is tried again on the same peer, and waits
/// until that is back. What is on the peer's disk is found again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Restart;

impl Strategy for Restart {
    fn about(&self) -> &'static About {
        &About {
            name: "restart",
            line: "restart in place; a lost node is tried again on the same peer",
            source: "Gray, Why do computers stop and what can be done about it?, Tandem TR 85.7, 1985",
        }
    }

    fn on_failure(&self) -> Option<Restarts> {
        Some(Restarts::One)
    }

    fn on_loss(&self) -> Option<NodePolicy> {
        Some(NodePolicy::Restart)
    }
}

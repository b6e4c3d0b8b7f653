//! Placing a lost node on another peer.

use super::{About, NodePolicy, Restarts, Strategy};

/// An allocation that fails restarts where it is; a node whose peer is lost begins anew on another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Redeploy;

impl Strategy for Redeploy {
    fn about(&self) -> &'static About {
        &About {
            name: "redeploy",
            line: "restart in place; a lost node is placed on another peer",
            source: "Burns et al., Borg, Omega, and Kubernetes, ACM Queue 14(1), 2016",
        }
    }

    fn on_failure(&self) -> Option<Restarts> {
        Some(Restarts::One)
    }

    fn on_loss(&self) -> Option<NodePolicy> {
        Some(NodePolicy::Redeploy)
    }
}

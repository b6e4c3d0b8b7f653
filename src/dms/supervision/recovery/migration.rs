//! Moving away before it is too late.

use super::{About, NodePolicy, Spare, Strategy};

/// As soon as the peer of a node is suspected, a spare is prepared on another one: it takes over at once when the
/// suspicion is confirmed, and is given back when it was wrong. It needs a detector that suspects before it is sure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Migration;

impl Strategy for Migration {
    fn about(&self) -> &'static About {
        &About {
            name: "migration",
            line: "a spare is prepared as soon as a peer is suspected, and takes over when it is lost",
            source: "Nagarajan et al., Proactive fault tolerance for HPC with Xen virtualization, ICS 2007",
        }
    }

    fn on_loss(&self) -> Option<NodePolicy> {
        Some(NodePolicy::Redeploy)
    }

    fn spares(&self) -> (Spare, u32) {
        (Spare::Precaution, 1)
    }
}

//! `one_for_all`.

use super::{About, Restarts, Strategy};

/// When an allocation fails, all of its node restart: for allocations that cannot go on without each other's state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OneForAll;

impl Strategy for OneForAll {
    fn about(&self) -> &'static About {
        &About {
            name: "one_for_all",
            line: "all allocations of a node restart when one fails",
            source: "Armstrong, Making reliable distributed systems in the presence of software errors, KTH 2003, 5.3",
        }
    }

    fn on_failure(&self) -> Option<Restarts> {
        Some(Restarts::All)
    }
}

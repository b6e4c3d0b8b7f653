//! `one_for_one`.

use super::{About, Restarts, Strategy};

/// An allocation that fails restarts, and no other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OneForOne;

impl Strategy for OneForOne {
    fn about(&self) -> &'static About {
        &About {
            name: "one_for_one",
            line: "an allocation that fails restarts alone",
            source: "Armstrong, Making reliable distributed systems in the presence of software errors, KTH 2003, 5.3",
        }
    }

    fn on_failure(&self) -> Option<Restarts> {
        Some(Restarts::One)
    }
}

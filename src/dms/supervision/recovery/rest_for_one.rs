//! `rest_for_one`.

use super::{About, Restarts, Strategy};

/// When an allocation fails, it restarts with those that are declared after it in its node: for chains in which each
/// depends on those before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RestForOne;

impl Strategy for RestForOne {
    fn about(&self) -> &'static About {
        &About {
            name: "rest_for_one",
            line: "an allocation that fails restarts with those declared after it",
            source: "Armstrong, Making reliable distributed systems in the presence of software errors, KTH 2003, 5.3",
        }
    }

    fn on_failure(&self) -> Option<Restarts> {
        Some(Restarts::Rest)
    }
}

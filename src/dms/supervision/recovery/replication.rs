//! The same task on several peers.

use super::{About, Copies, Strategy};

/// A node of tasks alone runs as several copies on different peers. With a majority of 1 the first result wins and
/// the other copies are called off; with more, as many equal results are waited for, and further copies are made
/// while there are too few.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Replication(pub Copies);

impl Strategy for Replication {
    fn about(&self) -> &'static About {
        &About {
            name: "replication",
            line: "tasks run as copies on several peers; the first result wins, or so many equal ones",
            source: "Anderson, BOINC, GRID 2004; Sarmenta, Sabotage-tolerance mechanisms, FGCS 18(4), 2002",
        }
    }

    fn copies(&self) -> Option<Copies> {
        Some(self.0)
    }
}

//! Which machine gets a job: policies, what they judge by, and a scheduler that sees all machines.
//!
//! A [`Policy`] gives every machine that a job fits on a [`Score`]; the highest wins, and the lowest rank among equals.
//! It is the same code wherever it is used: [`Cluster`] asks it about all machines at once, as a central scheduler; in
//! bidding each provider asks it about itself, and the orchestrator compares what comes back.
//!
//! This room knows no peers and no messages. Cores are counted in thousandths, memory and disk in bytes, and of
//! graphics cards in thousandths of a card (milli), whatever a card's memory is.

mod ask;
pub mod cluster;
mod fragmentation;
mod machine;
pub mod policy;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Serialize, Serializer};

pub use self::ask::{Ask, Tag};
pub use self::cluster::Cluster;
pub use self::fragmentation::{Mix, Typical};
pub use self::machine::{Amounts, Card, CardKind, Cards, Circumstances, Machine, WHOLE_CARD_MILLI};
pub use self::policy::{LISTED, Listed, Parameters, Scale, listed};
use crate::kernel::Rng;

/// How good a machine is for a job; higher is better. Whole numbers up to 2^53 are exact.
pub type Score = f64;

/// How a policy comes to a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choosing {
    /// Takes the best score; among equals the lowest rank.
    Best,
    /// Takes the lowest rank: all that fit are as good.
    First,
    /// Draws any that fits, each with the same probability.
    Any,
    /// Draws so many of those that fit, and takes the best score among them.
    BestOfDrawn(u32),
}

/// The score of a machine that a job fits on, so that it compares with others: what is not a number is worse than
/// every number.
pub fn judged(policy: &dyn Policy, ask: &Ask, machine: &Machine) -> Score {
    let score = policy.score(ask, machine);
    if score.is_nan() { Score::MIN } else { score.max(Score::MIN) }
}

/// What a machine is paid for a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payment {
    /// The price that it wants.
    OwnPrice,
    /// The lowest price that another one wants; its own where there is no other.
    SecondPrice,
}

/// A way to choose the machine for a job.
///
/// A score may depend on the job and on the machine and on nothing else, and must be the same for the same two: indices
/// keep scores until a machine changes.
pub trait Policy: fmt::Debug + Send + Sync {
    /// What scenarios call it.
    fn name(&self) -> &str;

    /// What else tells it from others of its name, in words.
    fn parameters(&self) -> String {
        String::new()
    }

    /// How good it is to put a job that fits onto a machine.
    fn score(&self, ask: &Ask, machine: &Machine) -> Score;

    /// How it comes to a machine.
    fn choosing(&self) -> Choosing {
        Choosing::Best
    }

    /// What the machine is paid.
    fn payment(&self) -> Payment {
        Payment::OwnPrice
    }

    /// Which cards of a machine that it fits on a job gets, by their places. `random` is for policies that draw them.
    fn cards(&self, ask: &Ask, machine: &Machine, random: &mut Rng<'_>) -> Cards {
        let _ = random;
        machine.tightest_cards(ask).expect("the job fits on the machine")
    }
}

/// A policy that many share. Two are equal if they are called the same, parameters included.
#[derive(Clone)]
pub struct Placement(Arc<dyn Policy>);

impl Placement {
    /// A policy of one's own.
    #[must_use]
    pub fn new(policy: impl Policy + 'static) -> Self {
        Self(Arc::new(policy))
    }

    /// Its name, and its parameters where it has some.
    #[must_use]
    pub fn label(&self) -> String {
        match self.0.parameters() {
            parameters if parameters.is_empty() => self.0.name().to_owned(),
            parameters => format!("{}({parameters})", self.0.name()),
        }
    }
}

impl Default for Placement {
    /// What DMS does.
    fn default() -> Self {
        Self::new(policy::Uniform)
    }
}

impl PartialEq for Placement {
    fn eq(&self, other: &Self) -> bool {
        self.label() == other.label()
    }
}

impl Eq for Placement {}

impl Hash for Placement {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.label().hash(state);
    }
}

impl Serialize for Placement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.label())
    }
}

impl std::ops::Deref for Placement {
    type Target = dyn Policy;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

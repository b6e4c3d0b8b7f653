//! What faults do to the network: loss, delay and partitions, switched on and off one by one.

use thiserror::Error;

use super::endpoint::{EndpointId, EndpointSet};
use crate::kernel::sample::DistributionError;
use crate::kernel::{Distribution, Rng, Span};

/// A condition that is on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConditionId(u32);

/// Whom a condition concerns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Group {
    /// Everyone.
    All,
    /// Messages from or to any of these endpoints.
    Of(EndpointSet),
    /// Messages from any of these: a gray failure, for what is sent to them arrives.
    From(EndpointSet),
    /// Messages to any of these.
    To(EndpointSet),
}

impl Group {
    #[inline]
    fn touches(&self, from: EndpointId, to: EndpointId) -> bool {
        match self {
            Self::All => true,
            Self::Of(set) => set.contains(from) || set.contains(to),
            Self::From(set) => set.contains(from),
            Self::To(set) => set.contains(to),
        }
    }
}

/// A disturbance of the network.
#[derive(Clone, PartialEq, Debug)]
pub enum Condition {
    /// Messages are lost with this probability on top of all other loss.
    Loss {
        /// Whose messages.
        group: Group,
        /// The probability, 0 to 1.
        loss: f64,
    },
    /// Messages travel longer by a random span.
    Delay {
        /// Whose messages.
        group: Group,
        /// How much longer, drawn for each message.
        delay: Distribution,
    },
    /// No message passes between the two sides. Endpoints of neither reach both.
    Partition {
        /// One side.
        a: EndpointSet,
        /// The other side.
        b: EndpointSet,
    },
}

/// Why a condition makes no sense.
#[derive(Clone, PartialEq, Debug, Error)]
pub enum ConditionError {
    /// A probability below 0 or above 1.
    #[error("a loss of {loss} is no probability: it must be between 0 and 1")]
    Loss {
        /// What was given.
        loss: f64,
    },
    /// A delay that is no distribution.
    #[error("the extra delay makes no sense: {0}")]
    Delay(#[from] DistributionError),
    /// An endpoint on both sides of a partition.
    #[error("endpoint {endpoint} is on both sides of the partition")]
    BothSides {
        /// The first of them.
        endpoint: EndpointId,
    },
}

/// The conditions that are on, by kind, in the order they were switched on.
#[derive(Default)]
pub(super) struct Conditions {
    losses: Vec<(ConditionId, Group, f64)>,
    delays: Vec<(ConditionId, Group, Distribution)>,
    partitions: Vec<(ConditionId, EndpointSet, EndpointSet)>,
    next: u32,
}

impl Conditions {
    pub(super) fn apply(&mut self, condition: Condition) -> Result<ConditionId, ConditionError> {
        let id = ConditionId(self.next);
        match condition {
            Condition::Loss { loss, .. } if !(0.0..=1.0).contains(&loss) => {
                return Err(ConditionError::Loss { loss });
            }
            Condition::Loss { group, loss } => self.losses.push((id, group, loss)),
            Condition::Delay { group, delay } => {
                delay.check()?;
                self.delays.push((id, group, delay));
            }
            Condition::Partition { a, b } => {
                if let Some(endpoint) = a.common(&b) {
                    return Err(ConditionError::BothSides { endpoint });
                }
                self.partitions.push((id, a, b));
            }
        }
        self.next += 1;
        Ok(id)
    }

    /// Switches a condition off; whether it was on.
    pub(super) fn lift(&mut self, id: ConditionId) -> bool {
        let before = self.losses.len() + self.delays.len() + self.partitions.len();
        self.losses.retain(|(other, ..)| *other != id);
        self.delays.retain(|(other, ..)| *other != id);
        self.partitions.retain(|(other, ..)| *other != id);
        before != self.losses.len() + self.delays.len() + self.partitions.len()
    }

    /// Whether no partition keeps the two apart. One look at each active partition.
    #[inline]
    pub(super) fn connects(&self, from: EndpointId, to: EndpointId) -> bool {
        self.partitions
            .iter()
            .all(|(_, a, b)| !(a.contains(from) && b.contains(to) || b.contains(from) && a.contains(to)))
    }

    /// On which side of a partition an endpoint is: 0 or 1; none for one on neither, or another condition.
    pub(super) fn side_of(&self, id: ConditionId, endpoint: EndpointId) -> Option<u8> {
        let (_, a, b) = self.partitions.iter().find(|(one, ..)| *one == id)?;
        let sides = [a, b].into_iter().zip(0..);
        sides.into_iter().find(|(side, _)| side.contains(endpoint)).map(|(_, number)| number)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Whether messages must draw for extra loss or delay.
    #[inline]
    pub(super) fn draw(&self) -> bool {
        !(self.losses.is_empty() && self.delays.is_empty())
    }

    /// The probability that none of the extra losses spares a message.
    pub(super) fn loss(&self, from: EndpointId, to: EndpointId) -> f64 {
        let touching = self.losses.iter().filter(|(_, group, _)| group.touches(from, to));
        1.0 - touching.map(|(_, _, loss)| 1.0 - loss).product::<f64>()
    }

    /// The extra delay of a message.
    pub(super) fn delay(&self, from: EndpointId, to: EndpointId, rng: &mut Rng<'_>) -> Span {
        let touching = self.delays.iter().filter(|(_, group, _)| group.touches(from, to));
        touching.map(|(_, _, delay)| delay.sample(rng)).fold(Span::ZERO, |sum, span| sum + span)
    }
}

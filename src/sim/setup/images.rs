//! What is fetched and run: container images, root file systems and kernels of virtual machines.

use std::sync::Arc;

use super::{DataUse, Prints, Writes};
use crate::kernel::{Rng, Span, sample::Distribution};

/// An image and how what runs from it behaves.
#[derive(Clone, PartialEq, Debug)]
pub struct Image {
    /// Its reference, or its path; a reference without tag and digest stands for all of them.
    pub name: String,
    /// Bytes to fetch, and on the disk.
    pub size_bytes: u64,
    /// From being there to running; of a kernel, the boot up to user space.
    pub start: Distribution,
    /// What it does then.
    pub behaviour: ImageBehaviour,
    /// How many attempts to terminate a container of it come to nothing, killing it included.
    pub survives: u32,
    /// How it ends when it is told to; none = at once.
    pub stop: Option<Stop>,
    /// What it uses of its machine.
    pub uses: Uses,
    /// Probability that fetching it fails, 0..=1.
    pub pull_fails: f64,
    /// What it has to do with data.
    pub data: DataUse,
}

impl Image {
    /// An image that behaves well: it keeps to what it is given, and ends when it is told to.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        size_bytes: u64,
        start: Distribution,
        behaviour: ImageBehaviour,
    ) -> Self {
        Self {
            name: name.into(),
            size_bytes,
            start,
            behaviour,
            survives: 0,
            stop: None,
            uses: Uses::default(),
            pull_fails: 0.0,
            data: DataUse::default(),
        }
    }
}

/// What a started image does.
#[derive(Clone, PartialEq, Debug)]
pub enum ImageBehaviour {
    /// Runs for a time and ends.
    Task {
        /// How long, with all the cores that it wants.
        run: Distribution,
        /// The exit code.
        exit_code: i32,
        /// When it is held up; none = never.
        stalls: Option<Stalls>,
        /// What it prints.
        prints: Prints,
    },
    /// Runs until it is stopped, or fails by itself.
    Service {
        /// Time to a failure of its own; none = never.
        fails_after: Option<Distribution>,
        /// What its health endpoint answers.
        health: Arc<str>,
        /// How long it takes to answer; none = no time.
        answers_after: Option<Distribution>,
        /// What it prints.
        prints: Prints,
    },
    /// Nothing by itself: a kernel or an initial ram disk, from which virtual machines boot.
    Kernel,
}

impl ImageBehaviour {
    /// What it prints, if it runs at all.
    #[must_use]
    pub const fn prints(&self) -> Option<&Prints> {
        match self {
            Self::Task { prints, .. } | Self::Service { prints, .. } => Some(prints),
            Self::Kernel => None,
        }
    }
}

/// When a program is held up at its work, again and again, to go on afterwards where it was.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stalls {
    /// How long it is at work until then.
    pub after: Distribution,
    /// How long it is held up.
    pub lasts: Distribution,
}

impl Stalls {
    /// A run is held up so often at most.
    pub const MOST: u32 = 1_000_000;

    /// How long so much work is held up in all.
    pub fn during(&self, work: Span, rng: &mut Rng<'_>) -> Span {
        let (mut left, mut lost) = (work, Span::ZERO);
        for _ in 0..Self::MOST {
            let after = self.after.sample(rng);
            if after >= left {
                break;
            }
            left = left.saturating_sub(after);
            lost += self.lasts.sample(rng);
        }
        lost
    }
}

/// How a program ends that is told to end (SIGTERM).
#[derive(Clone, PartialEq, Debug)]
pub struct Stop {
    /// After so long; none = it ignores that, and is killed after the grace period.
    pub after: Option<Distribution>,
    /// With this exit code, unless it is killed; 143 of one that does nothing about it.
    pub exit_code: i32,
}

/// What a program uses of its machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Uses {
    /// Thousandths of cores that it keeps busy where it may; none = all that it is given.
    pub cores_milli: Option<u64>,
    /// Memory; none = all that it is given.
    pub ram: Option<Growth>,
    /// What it writes into its own file system, volumes apart; none = nothing.
    pub disk: Option<Growth>,
}

/// An amount that may grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Growth {
    /// Bytes from the start.
    pub bytes: u64,
    /// More of them, again and again.
    pub grows: Option<Writes>,
}

impl Growth {
    /// How much it is after so long.
    #[must_use]
    pub fn after(&self, ran: Span) -> u64 {
        let grown = self.grows.map_or(0, |step| step.bytes.saturating_mul(ran.0 / step.every.0));
        self.bytes.saturating_add(grown)
    }

    /// After how long it is more than `limit`; none = never.
    #[must_use]
    pub fn exceeds(&self, limit: u64) -> Option<Span> {
        if self.bytes > limit {
            return Some(Span::ZERO);
        }
        let step = self.grows.filter(|step| step.bytes > 0)?;
        let steps = (limit - self.bytes) / step.bytes + 1;
        step.every.0.checked_mul(steps).map(Span)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_does_not_grow_is_too_much_at_once_or_never() {
        let fixed = Growth { bytes: 100, grows: None };
        assert_eq!((fixed.exceeds(99), fixed.exceeds(100)), (Some(Span::ZERO), None));
        assert_eq!(fixed.after(Span::hours(9)), 100);
    }

    proptest! {
        #[test]
        fn it_exceeds_a_limit_when_it_is_first_above_it(
            bytes in 0_u64..1000, step in 1_u64..500, every in 1_u64..100, limit in 0_u64..5000
        ) {
            let growth = Growth { bytes, grows: Some(Writes { bytes: step, every: Span(every) }) };
            let when = growth.exceeds(limit).expect("what grows exceeds everything");
            prop_assert!(growth.after(when) > limit);
            prop_assert!(when == Span::ZERO || growth.after(Span(when.0 - 1)) <= limit);
        }
    }
}

//! Draws for configurations.

use std::fmt::Display;

use crate::kernel::{Domain, Rng, Streams};

/// What configurations are drawn from: a stream for each part of one, so that drawing more in one shifts no other.
const PARTS: Domain = Domain::new("explore.draw");

/// A stream of draws.
pub(super) struct Dice(Rng<'static>);

impl Dice {
    /// Those of a part of the configuration of a seed.
    pub(super) fn of(seed: u64, part: u64) -> Self {
        Self(Streams::new(seed).owned(PARTS, part))
    }

    /// Whether something happens that does so often, in percent.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.0.below(100) < percent
    }

    /// A number of a range, its end excluded.
    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        self.0.range(from..to)
    }

    /// A number of a range whose size is drawn first, so that small ones come as often as large ones.
    pub(super) fn scaled(&mut self, from: u64, to: u64) -> u64 {
        let (low, high) = (libm::log(from as f64), libm::log(to as f64));
        libm::round(libm::exp(low + (high - low) * self.0.unit_f64())) as u64
    }

    /// One of several.
    pub(super) fn one<'t, T: ?Sized>(&mut self, items: &[&'t T]) -> &'t T {
        self.any::<&'t T>(items)
    }

    /// One of several that are not borrowed.
    pub(super) fn any<'t, T>(&mut self, items: &'t [T]) -> &'t T {
        &items[self.0.below(items.len() as u64) as usize]
    }

    /// Some of several: each as often as not, and one at least.
    pub(super) fn some<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut all: Vec<T> = items.iter().filter(|_| self.0.below(2) == 0).cloned().collect();
        if all.is_empty() {
            all.push(self.any(items).clone());
        }
        all
    }
}

/// `[a, b]`.
pub(super) fn listed(items: impl IntoIterator<Item = impl Display>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("[{}]", items.join(", "))
}

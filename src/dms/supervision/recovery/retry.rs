//! Trying a failed task again.

use super::{About, Strategy};
use crate::kernel::Span;

/// A task that ends with an error is placed anew after a pause that doubles each time, as often as is allowed. Without
/// it an error is the task's result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Retry {
    /// Tries after the first.
    pub attempts: u32,
    /// The pause before the first of them.
    pub first: Span,
    /// The longest pause.
    pub longest: Span,
}

impl Retry {
    /// What a scenario has that says no more.
    pub const DEFAULT: Self = Self { attempts: 5, first: Span::secs(10), longest: Span::mins(5) };
}

impl Strategy for Retry {
    fn about(&self) -> &'static About {
        &About {
            name: "retry",
            line: "a task that ends with an error is tried again after a pause that doubles",
            source: "Metcalfe and Boggs, Ethernet, CACM 19(7), 1976 (the back-off); Thain et al., Condor, 2005",
        }
    }

    fn on_error(&self, tries: u32) -> Option<Span> {
        let pause = self.first.0.saturating_mul(1 << tries.min(32));
        (tries < self.attempts).then(|| Span(pause).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let retry = Retry { attempts: 4, first: Span::secs(10), longest: Span::secs(60) };
        let pauses: Vec<Option<Span>> = (0..5).map(|tries| retry.on_error(tries)).collect();
        let seconds = |s| Some(Span::secs(s));
        assert_eq!(pauses, [seconds(10), seconds(20), seconds(40), seconds(60), None]);
    }
}

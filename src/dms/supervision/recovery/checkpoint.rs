//! Going on from what was saved.

use std::sync::Arc;

use super::{About, Strategy};
use crate::dms::ensemble::{AllocationConfig, AllocationKind, EnsembleConfig, ExecutionConfig};
use crate::kernel::Span;

/// The environment variable by which a task is told its interval, in seconds.
const VARIABLE: &str = "DMS_CHECKPOINT_INTERVAL_S";

/// Tasks that can save their state to a volume are told how often to: the next run, here or elsewhere, goes on from the
/// last state that was saved. What is not on a shared volume is found again on the same peer only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Checkpoint(pub Interval);

impl Strategy for Checkpoint {
    fn about(&self) -> &'static About {
        &About {
            name: "checkpoint",
            line: "tasks save their state to a volume at a fixed, Young's, Daly's or the optimal interval",
            source: "Young, CACM 17(9), 1974; Daly, FGCS 22(3), 2006; Bouguerra et al., JPDC, 2011",
        }
    }

    fn checkpoint_interval(&self) -> Option<Span> {
        Some(self.0.length())
    }
}

/// How long a task works between the end of a checkpoint and the beginning of the next one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Interval {
    /// So long.
    Fixed(Span),
    /// Young's first order: the square root of twice the cost times the mean time between failures.
    Young(Losses),
    /// Daly's higher order.
    Daly(Losses),
    /// The exact optimum for exponential failures.
    Optimal(Losses),
}

/// What an interval is weighed by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Losses {
    /// Mean time between the failures of a peer.
    pub mean_time_between_failures: Span,
    /// How long work stands still for a checkpoint.
    pub cost: Span,
}

impl Interval {
    /// Its length.
    #[must_use]
    pub fn length(self) -> Span {
        match self {
            Self::Fixed(span) => span,
            Self::Young(losses) => Span::from_secs_f64(losses.young_s()),
            Self::Daly(losses) => Span::from_secs_f64(losses.daly_s()),
            Self::Optimal(losses) => Span::from_secs_f64(losses.optimal_s()),
        }
    }
}

impl Losses {
    fn seconds(self) -> (f64, f64) {
        (self.mean_time_between_failures.as_secs_f64(), self.cost.as_secs_f64())
    }

    /// `sqrt(2 C M)` (Young 1974), in seconds.
    #[must_use]
    pub fn young_s(self) -> f64 {
        let (mean, cost) = self.seconds();
        libm::sqrt(2.0 * cost * mean)
    }

    /// `sqrt(2 C M) (1 + sqrt(C / 2M) / 3 + (C / 2M) / 9) - C` for `C < 2 M`, else `M` (Daly 2006, equation 37), in
    /// seconds.
    #[must_use]
    pub fn daly_s(self) -> f64 {
        let (mean, cost) = self.seconds();
        let ratio = cost / (2.0 * mean);
        if ratio >= 1.0 {
            return mean;
        }
        self.young_s() * (1.0 + libm::sqrt(ratio) / 3.0 + ratio / 9.0) - cost
    }

    /// `M (1 + W(-exp(-C/M - 1)))` with the main branch of Lambert's W (Bouguerra et al. 2011), in seconds.
    #[must_use]
    pub fn optimal_s(self) -> f64 {
        let (mean, cost) = self.seconds();
        // With x = w / M the optimum solves (1 - x) exp(x) = exp(-C / M). Newton's steps from above go straight there.
        let goal = libm::exp(-cost / mean);
        let mut x: f64 = 1.0;
        for _ in 0..64 {
            let power = libm::exp(x);
            let step = ((1.0 - x) * power - goal) / (-x * power);
            x -= step;
            if step.abs() < 1e-15 {
                break;
            }
        }
        mean * x
    }
}

/// Tells every task of an ensemble that runs in a container how long to work between two checkpoints.
#[must_use]
pub(super) fn tell_interval(config: &Arc<EnsembleConfig>, interval: Span) -> Arc<EnsembleConfig> {
    let mut told = (**config).clone();
    for allocation in told.allocations.values_mut().filter(|one| one.kind == AllocationKind::Task) {
        if let ExecutionConfig::Docker(container) | ExecutionConfig::Containerd(container) =
            &mut allocation.execution
        {
            container.environment.retain(|set| !set.starts_with(VARIABLE));
            container.environment.push(format!("{VARIABLE}={}", interval.as_secs_f64()).into());
        }
    }
    Arc::new(told)
}

/// The interval that a task was told.
#[must_use]
pub fn told_interval(config: &AllocationConfig) -> Option<Span> {
    let set = config.execution.container()?.environment.iter().find_map(|set| set.strip_prefix(VARIABLE))?;
    set.strip_prefix('=')?.parse().ok().map(Span::from_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_the_published_ones() {
        let losses = Losses { mean_time_between_failures: Span::secs(86_400), cost: Span::secs(300) };
        assert!((losses.young_s() - 7200.0).abs() < 1e-9);
        assert!((losses.daly_s() - 7_001.388_889).abs() < 1e-5);
        assert!((losses.optimal_s() - 7_001.403_801).abs() < 1e-3);
    }

    #[test]
    fn a_checkpoint_that_costs_more_than_the_work_between_failures_is_made_once_a_failure() {
        let losses = Losses { mean_time_between_failures: Span::secs(60), cost: Span::secs(300) };
        assert!((losses.daly_s() - 60.0).abs() < 1e-9);
        assert!(losses.optimal_s() < 60.0);
    }
}

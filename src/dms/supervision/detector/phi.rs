//! The phi accrual detector.

use serde::Serialize;

use super::{About, FailureDetector, Heartbeats};
use crate::dms::constants::LIVENESS_REPORT_INTERVAL;
use crate::kernel::sample::normal_quantile;
use crate::kernel::{Span, Timestamp};

/// A normal distribution is fitted to the times between the last heartbeats. Phi is minus the decimal logarithm of the
/// probability that a heartbeat comes even later than now: a phi of 8 is wrong once in a hundred million times, if the
/// times are what they were.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct PhiAccrual {
    /// How often an allocation is to report.
    pub period: Span,
    /// Of which phi on an allocation is suspected, in thousandths.
    pub suspicion_milli: u32,
    /// Of which phi on it is lost, in thousandths.
    pub threshold_milli: u32,
    /// The standard deviation at the least: heartbeats that have been very regular must not make it nervous.
    pub least_deviation: Span,
    /// How many of the last times count.
    pub window: u32,
}

impl PhiAccrual {
    /// What a scenario has that says no more.
    pub const DEFAULT: Self = Self {
        period: LIVENESS_REPORT_INTERVAL,
        suspicion_milli: 1000,
        threshold_milli: 8000,
        least_deviation: Span::secs(5),
        window: 100,
    };

    /// When phi reaches a value.
    fn reaches(&self, heard: &Heartbeats, phi_milli: u32) -> Timestamp {
        // Before it knows better, it expects what was asked for.
        let (mean, deviation) = moments(&heard.gaps).unwrap_or((self.period.as_secs_f64(), 0.0));
        let deviation = deviation.max(self.least_deviation.as_secs_f64());
        let later = libm::pow(10.0, -f64::from(phi_milli) / 1000.0);
        // The quantile of the upper tail, by symmetry, keeps its digits where `1 - later` would lose them.
        let wait_s = mean - deviation * normal_quantile(later);
        heard.last + Span::from_secs_f64(wait_s.max(0.0))
    }
}

/// Mean and standard deviation of so many times, in seconds; none of fewer than two.
fn moments(gaps: &[Span]) -> Option<(f64, f64)> {
    if gaps.len() < 2 {
        return None;
    }
    let count = gaps.len() as f64;
    let mean = gaps.iter().map(|gap| gap.as_secs_f64()).sum::<f64>() / count;
    let squares = gaps.iter().map(|gap| (gap.as_secs_f64() - mean) * (gap.as_secs_f64() - mean));
    Some((mean, libm::sqrt(squares.sum::<f64>() / (count - 1.0))))
}

impl FailureDetector for PhiAccrual {
    fn about(&self) -> &'static About {
        &About {
            name: "phi",
            line: "phi accrual: silence is weighed by how regular heartbeats have been",
            source: "Hayashibara et al., The phi accrual failure detector, SRDS 2004",
        }
    }

    fn period(&self) -> Span {
        self.period
    }

    fn window(&self) -> usize {
        self.window as usize
    }

    fn suspects_at(&self, heard: &Heartbeats) -> Option<Timestamp> {
        Some(self.reaches(heard, self.suspicion_milli))
    }

    fn convicts_at(&self, heard: &Heartbeats) -> Option<Timestamp> {
        Some(self.reaches(heard, self.threshold_milli))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHI: PhiAccrual = PhiAccrual {
        period: Span::secs(1),
        suspicion_milli: 301,
        threshold_milli: 3000,
        least_deviation: Span::millis(100),
        window: 100,
    };

    #[test]
    fn silence_is_borne_as_long_as_heartbeats_have_been_irregular() {
        let heard = |gaps: &[u64]| Heartbeats {
            gaps: gaps.iter().map(|gap| Span::millis(*gap)).collect(),
            ..Heartbeats::since(Timestamp(0))
        };
        let convicts =
            |gaps: &[u64]| PHI.convicts_at(&heard(gaps)).unwrap().since(Timestamp(0)).as_secs_f64();
        // The 99.9 % quantile of the normal distribution is 3.0902 deviations from its mean.
        assert!((convicts(&[1000; 20]) - 1.30902).abs() < 1e-4);
        let irregular: Vec<u64> = (0..20).map(|n| if n % 2 == 0 { 500 } else { 1500 }).collect();
        let deviation = (20.0_f64 / 19.0).sqrt() * 0.5;
        assert!((convicts(&irregular) - (1.0 + 3.0902 * deviation)).abs() < 1e-3);
    }

    #[test]
    fn half_of_all_heartbeats_are_later_than_the_mean() {
        let heard = Heartbeats { gaps: vec![Span::secs(1); 10], ..Heartbeats::since(Timestamp(0)) };
        let suspects = PHI.suspects_at(&heard).unwrap().since(Timestamp(0)).as_secs_f64();
        assert!((suspects - 1.0).abs() < 1e-3, "phi of log10(2) is reached at {suspects} s");
    }

    #[test]
    fn it_expects_what_was_asked_for_until_it_knows_better() {
        let fresh = Heartbeats::since(Timestamp(0));
        assert_eq!(PHI.suspects_at(&fresh).map(|at| at.since(Timestamp(0)) > Span::millis(990)), Some(true));
    }
}

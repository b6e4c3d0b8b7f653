//! When there are enough replications: as soon as the interval of a mean is narrow beside the mean (Law, "Simulation
//! modeling and analysis", 2015, section 9.4.1).
//!
//! Whoever stops as soon as he likes what he sees stops too soon too often, when a small sample happens to lie close
//! together. So a sequence has a least length, is looked at only now and then, and must be narrower than was asked by
//! the factor that makes up for the mean being an estimate itself.

use super::{Estimate, mean, measured};

/// A rule by which replications end.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stopping {
    /// Half of the interval may be this part of the mean.
    pub relative: f64,
    /// How sure intervals are.
    pub confidence: f64,
    /// So many replications at least.
    pub at_least: u32,
    /// And so many at most, whatever the interval is.
    pub at_most: u32,
}

impl Stopping {
    /// Fewer replications than these say too little about how much they vary.
    pub const LEAST: u32 = 10;

    /// Whether these are enough.
    #[must_use]
    pub fn is_over(&self, values: &[f64]) -> bool {
        let Estimate { value, half_width } = mean(values, self.confidence);
        let count = measured(values).len() as u32;
        let narrow = half_width <= value.abs() * self.relative / (1.0 + self.relative);
        count >= self.at_most || count >= self.at_least.max(Self::LEAST) && narrow
    }

    /// How many replications there are to be when they are looked at for the next time, of which there are so many
    /// now: a tenth more, and never more than there may be.
    #[must_use]
    pub fn next(&self, count: u32) -> u32 {
        let least = self.at_least.max(Self::LEAST);
        let more = if count < least { least } else { count + (count / 10).max(1) };
        more.min(self.at_most)
    }
}

#[cfg(test)]
mod tests {
    use super::super::draws::{Draws, covered};
    use super::*;

    const RULE: Stopping = Stopping { relative: 0.1, confidence: 0.95, at_least: 10, at_most: 5000 };

    /// As a study makes its replications.
    fn stopped(rule: Stopping, mut one: impl FnMut() -> f64) -> Vec<f64> {
        let mut values = Vec::new();
        while !rule.is_over(&values) {
            let next = rule.next(values.len() as u32) as usize;
            values.extend((values.len()..next).map(|_| one()));
        }
        values
    }

    #[test]
    fn intervals_of_what_was_stopped_hold_as_often_as_they_say() {
        let mut draws = Draws::of(10);
        let mut of = |mut one: Box<dyn FnMut(&mut Draws) -> f64>, truth: f64| {
            covered(1500, || mean(&stopped(RULE, || one(&mut draws)), 0.95).into(), truth)
        };
        // A spread of half of the mean takes some hundred replications, one of the mean four hundred.
        let normal = of(Box::new(|draws| 2.0 + draws.normal()), 2.0);
        assert!((0.93..0.97).contains(&normal), "{normal}");
        let exponential = of(Box::new(Draws::exponential), 1.0);
        assert!((0.93..0.97).contains(&exponential), "{exponential}");
    }

    #[test]
    fn it_stops_when_it_should() {
        assert!(!RULE.is_over(&[]));
        assert!(!RULE.is_over(&[5.0; 9]), "too few to say so");
        assert!(RULE.is_over(&[5.0; 10]));
        let none = [f64::NAN; 20];
        assert!(!RULE.is_over(&none), "nothing was measured");
        assert!(Stopping { at_most: 3, ..RULE }.is_over(&[1.0, 2.0, 30.0]));
        assert_eq!([0, 10, 55, 4999].map(|count| RULE.next(count)), [10, 11, 60, 5000]);
        let exact = stopped(RULE, || 7.0);
        assert_eq!(exact.len(), 10);
    }
}

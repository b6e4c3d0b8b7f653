//! A service with so many workers and so much room to wait: the queue M/M/c/K, whose state at a random arrival is known
//! for any load, also for one that it cannot bear.

use crate::kernel::sample::gamma;
use crate::kernel::{Rng, Span};

/// States of a queue with their probabilities.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    workers: u32,
    /// The mean time of a worker with a request, in seconds.
    service_s: f64,
    /// The probability of so many requests being there, or fewer.
    cumulated: Vec<f64>,
}

impl Queue {
    /// A queue where `offered` requests come in the mean time that a worker is busy with one.
    pub(super) fn new(offered: f64, (workers, room): (u32, u32), service_s: f64) -> Self {
        let states = workers as usize + room as usize;
        let mut weights = vec![1.0];
        for state in 1..=states {
            let busy = (state as f64).min(f64::from(workers));
            let next: f64 = weights[state - 1] * offered / busy;
            weights.push(next);
            // Only their ratios count; the rare ones may vanish.
            if next > 1e200 {
                weights.iter_mut().for_each(|weight| *weight /= next);
            }
        }
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let cumulate = |weight: f64| {
            sum += weight / total;
            sum
        };
        Self { workers, service_s, cumulated: weights.into_iter().map(cumulate).collect() }
    }

    /// How long an arriving request waits for a worker; none if there is no room.
    pub(super) fn wait(&self, rng: &mut Rng<'_>) -> Option<Span> {
        let point = rng.unit_f64();
        let there = self.cumulated.partition_point(|sum| *sum <= point);
        if there + 1 >= self.cumulated.len() {
            return None;
        }
        let Some(ahead) = there.checked_sub(self.workers as usize) else { return Some(Span::ZERO) };
        // As many departures as are ahead and one more, each after an exponential gap.
        Some(Span::from_secs_f64(gamma(rng, (ahead + 1) as f64, self.service_s / f64::from(self.workers))))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::kernel::sample::exponential;
    use crate::kernel::{Domain, Streams};

    const TEST: Domain = Domain::new("sim.traffic.queue.test");

    /// The plain way: every request of a long day. The part turned away, and the mean wait of the others.
    fn day_of(offered: f64, workers: usize, room: usize, rng: &mut Rng<'_>) -> (f64, f64) {
        let (mut now, mut free) = (0.0, vec![0.0_f64; workers]);
        let mut waiting: VecDeque<f64> = VecDeque::new();
        let (mut refused, mut waits, total) = (0, 0.0, 400_000);
        for _ in 0..total {
            now += exponential(rng, 1.0 / offered);
            while waiting.front().is_some_and(|begins| *begins <= now) {
                waiting.pop_front();
            }
            let next = (0..workers).min_by(|a, b| free[*a].total_cmp(&free[*b])).unwrap();
            let begins = free[next].max(now);
            if begins > now && waiting.len() >= room {
                refused += 1;
                continue;
            }
            if begins > now {
                waiting.push_back(begins);
            }
            waits += begins - now;
            free[next] = begins + exponential(rng, 1.0);
        }
        (f64::from(refused) / f64::from(total), waits / f64::from(total - refused))
    }

    #[test]
    fn waits_are_those_of_every_single_request() {
        for (offered, workers, room) in [(0.5, 1, 100), (2.7, 3, 20), (6.0, 4, 10), (1.5, 1, 0)] {
            let mut rng = Streams::new(8).owned(TEST, u64::from(workers));
            let (refused, wait) = day_of(offered, workers as usize, room as usize, &mut rng);
            let queue = Queue::new(offered, (workers, room), 1.0);
            let draws: Vec<Option<Span>> = (0..200_000).map(|_| queue.wait(&mut rng)).collect();
            let served: Vec<f64> = draws.iter().flatten().map(|span| span.as_secs_f64()).collect();
            let turned_away = 1.0 - served.len() as f64 / draws.len() as f64;
            let mean = served.iter().sum::<f64>() / served.len() as f64;
            assert!((turned_away - refused).abs() < 0.006, "{offered}: {turned_away} against {refused}");
            assert!((mean - wait).abs() < 0.03 * wait.max(0.4), "{offered}: {mean} against {wait}");
        }
    }

    #[test]
    fn an_absurd_load_is_a_full_queue() {
        let queue = Queue::new(1e9, (2, 300), 1.0);
        let mut rng = Streams::new(9).owned(TEST, 0);
        assert!((0..1000).all(|_| queue.wait(&mut rng).is_none()));
    }
}

//! What must become of the same arrivals and times by the rules of a system, without any machinery: with these the
//! deployments of a run are compared one by one, and their means are known from far more draws than a run can have.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Servers that take whatever came first: the recursion of Kiefer and Wolfowitz (Trans. AMS 78, 1955), of which
/// Lindley's (1952) is the case of one.
pub(super) struct Servers {
    /// When each is free, as a heap of which every place has four below it, the first to be free at the top.
    free: Vec<f64>,
}

impl Servers {
    pub(super) fn new(count: usize) -> Self {
        Self { free: vec![0.0; count.max(1)] }
    }

    /// What comes now, after all that have come so far, and takes so long: when it begins.
    pub(super) fn serve(&mut self, now: f64, takes: f64) -> f64 {
        let begins = f64::max(now, self.free[0]);
        let (end, last) = (begins + takes, self.free.len());
        let mut place = 0;
        loop {
            let below = 4 * place + 1;
            let least = (below..(below + 4).min(last))
                .reduce(|best, other| if self.free[other] < self.free[best] { other } else { best });
            match least {
                Some(least) if self.free[least] < end => {
                    self.free[place] = self.free[least];
                    place = least;
                }
                _ => break,
            }
        }
        self.free[place] = end;
        begins
    }
}

/// A number of units of which each that comes takes some for a while, or is turned away where too few are left.
pub(super) struct Units {
    capacity: u32,
    taken: u32,
    now: f64,
    /// Ends with what they give back. Times are not negative, so their bits are in the order of their values.
    ends: BinaryHeap<Reverse<(u64, u32)>>,
    /// For how long so many were taken.
    pub(super) spans: Vec<f64>,
}

impl Units {
    /// So many, of which nothing is taken at the time 0.
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            capacity,
            taken: 0,
            now: 0.0,
            ends: BinaryHeap::new(),
            spans: vec![0.0; capacity as usize + 1],
        }
    }

    /// Goes on to a time.
    pub(super) fn pass(&mut self, until: f64) {
        while let Some(&Reverse((end, units))) = self.ends.peek() {
            let end = f64::from_bits(end);
            if end > until {
                break;
            }
            self.ends.pop();
            self.stay(end);
            self.taken -= units;
        }
        self.stay(until);
    }

    fn stay(&mut self, until: f64) {
        self.spans[self.taken as usize] += until - self.now;
        self.now = until;
    }

    /// Something comes now that wants so many, for a time that is asked for where it gets them: whether it does.
    pub(super) fn take(&mut self, units: u32, takes: impl FnOnce() -> f64) -> bool {
        let fits = self.taken + units <= self.capacity;
        if fits {
            self.taken += units;
            self.ends.push(Reverse(((self.now + takes()).to_bits(), units)));
        }
        fits
    }

    /// Forgets for how long so many were taken.
    pub(super) fn forget(&mut self) {
        self.spans.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_server_that_is_free_takes_the_first_that_waits() {
        let mut servers = Servers::new(2);
        let jobs = [(0.0, 5.0), (0.5, 1.0), (1.0, 3.0), (1.2, 1.0), (9.0, 1.0)];
        let begins: Vec<f64> = jobs.iter().map(|(at, takes)| servers.serve(*at, *takes)).collect();
        assert_eq!(begins, [0.0, 0.5, 1.5, 4.5, 9.0]);
    }

    /// Against a list that is sorted each time.
    #[test]
    fn many_servers_are_kept_in_order() {
        let (mut servers, mut plain) = (Servers::new(37), vec![0.0; 37]);
        let mut now = 0.0;
        for number in 0..5000_u32 {
            now += f64::from(number.wrapping_mul(2_654_435_761) >> 24) / 256.0 * 0.05;
            let takes = f64::from(number.wrapping_mul(40_503) & 0xfff) / 4096.0 * 2.0;
            plain.sort_by(f64::total_cmp);
            let begins = f64::max(now, plain[0]);
            plain[0] = begins + takes;
            assert_eq!(servers.serve(now, takes), begins, "{number}");
        }
    }

    #[test]
    fn what_does_not_fit_is_turned_away() {
        let mut units = Units::new(4);
        assert!(units.take(3, || 2.0));
        units.pass(1.0);
        assert!(!units.take(2, || unreachable!("it does not get in")));
        assert!(units.take(1, || 0.5));
        units.pass(2.5);
        assert!(units.take(4, || 1.0));
        units.pass(3.0);
        assert_eq!(units.spans, [0.5, 0.0, 0.0, 1.5, 1.0]);
    }
}

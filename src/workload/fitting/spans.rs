//! From sessions of hosts to up and down times, and what of them was cut off by the observation.

/// A time that a host was up, in seconds of any clock.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Session {
    /// Which host, by its number.
    pub host: u32,
    /// When it came.
    pub start_s: f64,
    /// When it went; not before it came.
    pub end_s: f64,
}

/// When hosts were looked at, in seconds of the same clock. An end that is not known cuts nothing off.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Window {
    /// From when on.
    pub start_s: Option<f64>,
    /// Until when.
    pub end_s: Option<f64>,
}

/// Spans of time in seconds, each above zero and both lists sorted.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Spans {
    ended: Vec<f64>,
    censored: Vec<f64>,
}

/// What was seen of the up and down times of hosts.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Observations {
    /// Lengths of sessions.
    pub up: Spans,
    /// Lengths of what lies between two sessions of a host.
    pub down: Spans,
    /// Sessions that begin when another of the host ends: both are one.
    pub joined: usize,
    /// Sessions that end when they begin, shorter than the clock of the trace can tell: no up times.
    pub momentary: usize,
    /// Up and down times that had begun when the observation did, or began when it was over.
    pub left_out: usize,
}

impl Spans {
    /// Spans that ended, and spans of which all that is known is that they are longer.
    #[must_use]
    pub fn new(mut ended: Vec<f64>, mut censored: Vec<f64>) -> Self {
        ended.sort_by(f64::total_cmp);
        censored.sort_by(f64::total_cmp);
        Self { ended, censored }
    }

    /// Those that ended, sorted.
    #[must_use]
    pub fn ended(&self) -> &[f64] {
        &self.ended
    }

    /// Those that went on when the observation ended, sorted.
    #[must_use]
    pub fn censored(&self) -> &[f64] {
        &self.censored
    }

    /// The longest of all; zero without any.
    #[must_use]
    pub fn longest_s(&self) -> f64 {
        let last = |spans: &[f64]| spans.last().copied().unwrap_or(0.0);
        last(&self.ended).max(last(&self.censored))
    }

    /// The share of spans that have ended by then, at each span that ended: one less the estimate of Kaplan and Meier
    /// ("Nonparametric estimation from incomplete observations", 1958). Without censored spans that is their
    /// cumulative distribution.
    #[must_use]
    pub fn cumulative(&self) -> Vec<(f64, f64)> {
        let (mut survival, mut seen) = (1.0, 0);
        let mut steps = Vec::new();
        for alike in self.ended.chunk_by(|a, b| a.total_cmp(b).is_eq()) {
            let span_s = alike[0];
            // One that is censored at the very moment was still seen at it.
            let gone = self.censored.partition_point(|censored| *censored < span_s);
            let at_risk = self.ended.len() - seen + self.censored.len() - gone;
            seen += alike.len();
            survival *= (at_risk - alike.len()) as f64 / at_risk as f64;
            steps.push((span_s, 1.0 - survival));
        }
        steps
    }
}

impl Observations {
    /// What a window shows of sessions, which are sorted by host and then by start, and of which no two of a host
    /// overlap.
    ///
    /// A span that begins in the window and ends in it has ended; one that is cut off by the end of the window is
    /// censored, as is the time after the last session of a host. One whose beginning is not in the window is left
    /// out: how long it had lasted is not known.
    #[must_use]
    pub fn of(sessions: &[Session], window: Window) -> Self {
        let mut sorted = Sorter { window, ..Sorter::default() };
        for of_host in sessions.chunk_by(|a, b| a.host == b.host) {
            let mut host: Vec<(f64, f64)> = Vec::with_capacity(of_host.len());
            for Session { start_s, end_s, .. } in of_host {
                match host.last_mut() {
                    Some(last) if last.1 >= *start_s => {
                        last.1 = last.1.max(*end_s);
                        sorted.joined += 1;
                    }
                    _ => host.push((*start_s, *end_s)),
                }
            }
            for (number, (start_s, end_s)) in host.iter().enumerate() {
                sorted.add(true, *start_s, Some(*end_s));
                sorted.add(false, *end_s, host.get(number + 1).map(|next| next.0));
            }
        }
        let [[down, down_censored], [up, up_censored]] = sorted.spans;
        Self {
            up: Spans::new(up, up_censored),
            down: Spans::new(down, down_censored),
            joined: sorted.joined,
            momentary: sorted.momentary,
            left_out: sorted.left_out,
        }
    }
}

/// Puts spans where they belong.
#[derive(Default)]
struct Sorter {
    window: Window,
    /// Down and up times, ended and censored.
    spans: [[Vec<f64>; 2]; 2],
    joined: usize,
    momentary: usize,
    left_out: usize,
}

impl Sorter {
    /// A span from one moment to another; to none when it was never seen to end.
    fn add(&mut self, up: bool, from_s: f64, to_s: Option<f64>) {
        let Window { start_s, end_s } = self.window;
        let begun_before = start_s.is_some_and(|start_s| from_s <= start_s);
        if begun_before || end_s.is_some_and(|end_s| from_s >= end_s) {
            self.left_out += usize::from(to_s.is_some());
            return;
        }
        let (censored, to_s) = match (to_s, end_s) {
            (Some(to_s), Some(end_s)) if to_s >= end_s => (true, end_s),
            (Some(to_s), _) => (false, to_s),
            (None, Some(end_s)) => (true, end_s),
            (None, None) => return,
        };
        if to_s <= from_s {
            self.momentary += 1;
            return;
        }
        self.spans[usize::from(up)][usize::from(censored)].push(to_s - from_s);
    }
}

//! Standing among gossip peers (dms-orchestration section 7): who passes on what is invalid is soon heard no more.
//!
//! Every endpoint keeps a score of each peer that it is connected to. What the application thinks of the peer counts a
//! little; each invalid message that the peer passed on counts by the square of their number, and fades within an hour.
//! Only blame is stored, so a network of honest endpoints stores nothing. (Time in the mesh would add at most 1.)

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use super::endpoint::EndpointId;
use crate::kernel::{Span, Time};

/// Below this a peer gets no gossip: it hears only what its connections publish themselves.
pub const GOSSIP_THRESHOLD: f64 = -500.0;
/// Below this not even that.
pub const PUBLISH_THRESHOLD: f64 = -1000.0;
/// Below this nothing is taken from it any more.
pub const GRAYLIST_THRESHOLD: f64 = -2500.0;
/// Weight of the square of the number of invalid messages.
const INVALID_WEIGHT: f64 = -1000.0;
/// A count of one has faded to `FADED` after this; less counts as nothing.
const FADES_WITHIN: Span = Span::hours(1);
const FADED: f64 = 0.01;

/// What one endpoint holds against another.
#[derive(Clone, Copy, Debug)]
struct Blame {
    observer: EndpointId,
    invalid: f64,
    since: Time,
}

impl Blame {
    fn invalid_at(&self, now: Time) -> f64 {
        let faded = libm::pow(FADED, now.since(self.since).as_secs_f64() / FADES_WITHIN.as_secs_f64());
        let left = self.invalid * faded;
        if left < FADED { 0.0 } else { left }
    }
}

/// The scores of all endpoints, as far as anybody is blamed for anything.
#[derive(Clone, Debug, Default)]
pub struct PeerScores {
    by_subject: IndexMap<EndpointId, SmallVec<[Blame; 4]>, FxBuildHasher>,
}

impl PeerScores {
    /// `observer` got an invalid message from `subject`.
    pub fn blame(&mut self, now: Time, observer: EndpointId, subject: EndpointId) {
        let blames = self.by_subject.entry(subject).or_default();
        match blames.iter_mut().find(|blame| blame.observer == observer) {
            Some(blame) => *blame = Blame { observer, invalid: blame.invalid_at(now) + 1.0, since: now },
            None => blames.push(Blame { observer, invalid: 1.0, since: now }),
        }
    }

    /// The score that `observer` gives `subject`, whom its application gives `application`.
    #[must_use]
    pub fn score(&self, now: Time, observer: EndpointId, subject: EndpointId, application: f64) -> f64 {
        let blames = self.by_subject.get(&subject).map_or(&[][..], SmallVec::as_slice);
        let blame = blames.iter().find(|blame| blame.observer == observer);
        let invalid = blame.map_or(0.0, |blame| blame.invalid_at(now));
        application + INVALID_WEIGHT * invalid * invalid
    }

    /// Whether anybody ever blamed `subject`.
    #[must_use]
    pub fn is_blamed(&self, subject: EndpointId) -> bool {
        !self.by_subject.is_empty() && self.by_subject.contains_key(&subject)
    }

    /// Everyone who was ever blamed, in the order of the first offence.
    pub fn blamed(&self) -> impl Iterator<Item = EndpointId> {
        self.by_subject.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBSERVER: EndpointId = EndpointId(1);
    const SUBJECT: EndpointId = EndpointId(2);

    fn at(second: u64) -> Time {
        Time::ZERO + Span::secs(second)
    }

    #[test]
    fn the_second_invalid_message_graylists_and_an_hour_later_it_is_forgotten() {
        let mut scores = PeerScores::default();
        assert!(!scores.is_blamed(SUBJECT));
        assert!(scores.score(at(0), OBSERVER, SUBJECT, 5.0) > 0.0);
        scores.blame(at(0), OBSERVER, SUBJECT);
        let once = scores.score(at(0), OBSERVER, SUBJECT, 5.0);
        assert!(once < GOSSIP_THRESHOLD && once > PUBLISH_THRESHOLD, "{once}");
        scores.blame(at(1), OBSERVER, SUBJECT);
        assert!(scores.score(at(1), OBSERVER, SUBJECT, 5.0) < GRAYLIST_THRESHOLD);
        assert!(scores.score(at(1), EndpointId(7), SUBJECT, 5.0) > 0.0, "others judge for themselves");
        let later = scores.score(at(900), OBSERVER, SUBJECT, 5.0);
        assert!(later > GRAYLIST_THRESHOLD && later < 0.0, "{later}");
        assert!(scores.score(at(5000), OBSERVER, SUBJECT, 5.0) > 0.0);
        assert!(scores.is_blamed(SUBJECT));
    }
}

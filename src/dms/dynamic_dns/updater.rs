//! The part of the machine that moves: it keeps its own record right.
//!
//! It knows its address and says it at once when that changes; it says it again, after longer and longer pauses, until
//! the server has taken it; and it renews the lease at half of its life.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::name::Name;
use super::update::{Purpose, SignedUpdate, Update};
use super::zone::{Lease, Refusal};
use crate::dms::identity::{Did, SecretKey};
use crate::kernel::{Span, Timestamp};

/// From a first update without an answer to the next.
pub const FIRST_PAUSE: Span = Span::secs(2);
/// The longest pause, also after a refusal that no repetition mends.
pub const LONGEST_PAUSE: Span = Span::secs(64);
/// For how long the server may take an update: not after the second one that follows it.
pub const LIFE: Span = Span::mins(1);

/// What a machine keeps of its own name.
#[derive(Clone, Debug)]
pub struct Updater {
    secret: SecretKey,
    name: Arc<str>,
    address: Ipv4Addr,
    /// Of the last update that was said.
    sequence: u64,
    purpose: Purpose,
    pause: Span,
    due: Timestamp,
}

impl Updater {
    /// A machine that claims a name from `now` on.
    #[must_use]
    pub fn new(secret: SecretKey, name: &Name, address: Ipv4Addr, now: Timestamp) -> Self {
        let name = name.as_str().into();
        Self { secret, name, address, sequence: 0, purpose: Purpose::Claim, pause: FIRST_PAUSE, due: now }
    }

    /// When it has something to say next.
    #[must_use]
    pub const fn due(&self) -> Timestamp {
        self.due
    }

    /// The machine looks at its address; true when it is another one, which is said at once.
    pub fn observe(&mut self, now: Timestamp, address: Ipv4Addr) -> bool {
        let moved = address != self.address;
        if moved {
            self.address = address;
            self.say_soon(now);
        }
        moved
    }

    /// The process was started anew: it says where it is, and takes no former answer for granted.
    pub fn restart(&mut self, now: Timestamp) {
        self.say_soon(now);
    }

    fn say_soon(&mut self, now: Timestamp) {
        self.pause = FIRST_PAUSE;
        self.due = now;
    }

    /// What is to be said now, if anything is due; without an answer it is said again.
    pub fn say(&mut self, now: Timestamp) -> Option<SignedUpdate> {
        if now < self.due {
            return None;
        }
        // Sequences go on after a restart that has forgotten them, for clocks do.
        self.sequence = (self.sequence + 1).max(now.0);
        self.due = now + self.pause;
        self.pause = self.pause.times(2).min(LONGEST_PAUSE);
        let update = Update {
            purpose: self.purpose,
            name: Arc::clone(&self.name),
            address: self.address,
            owner: Did::from(self.secret.public()),
            sequence: self.sequence,
            expire: now + LIFE,
        };
        Some(update.sign(&self.secret))
    }

    /// The server has answered the update of this sequence. What it says of an earlier one is passed over: the last
    /// one will be answered, or said again.
    pub fn hear(&mut self, now: Timestamp, sequence: u64, answer: &Result<Lease, Refusal>) {
        if sequence != self.sequence {
            return;
        }
        self.pause = FIRST_PAUSE;
        match answer {
            Ok(Lease(lease)) => {
                self.purpose = Purpose::Renew;
                self.due = now + Span(lease.0 / 2);
            }
            Err(Refusal::Lapsed) => {
                self.purpose = Purpose::Claim;
                self.due = now;
            }
            Err(Refusal::Stale(last)) => {
                self.sequence = self.sequence.max(*last);
                self.due = now;
            }
            Err(Refusal::Expired) => self.due = now + FIRST_PAUSE,
            // The name may become free, and its form is not to be mended from here.
            Err(_) => {
                self.purpose = Purpose::Claim;
                self.due = now + LONGEST_PAUSE;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::dynamic_dns::examples::{HERE, THERE, at};
    use crate::dms::identity::SignatureMode;

    fn updater() -> Updater {
        let secret = SecretKey::ed25519([1; 32], SignatureMode::Modelled);
        Updater::new(secret, &Name::parse("laptop.dyn.example").unwrap(), HERE, at(0))
    }

    fn said(updater: &mut Updater, second: u64) -> Update {
        updater.say(at(second)).expect("something is due").update
    }

    #[test]
    fn it_says_it_again_after_longer_and_longer_pauses() {
        let mut updater = updater();
        let mut moments = Vec::new();
        for second in 0..300 {
            moments.extend(updater.say(at(second)).map(|_| second));
        }
        assert_eq!(moments, [0, 2, 6, 14, 30, 62, 126, 190, 254]);
        // A move is said at once, and the pauses begin anew.
        assert!(updater.observe(at(300), THERE) && !updater.observe(at(300), THERE));
        assert_eq!(said(&mut updater, 300).address, THERE);
        assert_eq!(updater.due(), at(302));
    }

    #[test]
    fn it_renews_at_half_of_the_lease_and_claims_what_has_lapsed() {
        let mut updater = updater();
        let first = said(&mut updater, 0);
        assert_eq!(first.purpose, Purpose::Claim);
        updater.hear(at(1), first.sequence, &Ok(Lease(Span::secs(600))));
        assert_eq!(updater.due(), at(301));
        let second = said(&mut updater, 301);
        assert_eq!((second.purpose, second.sequence > first.sequence), (Purpose::Renew, true));
        updater.hear(at(302), second.sequence, &Err(Refusal::Lapsed));
        assert_eq!(said(&mut updater, 302).purpose, Purpose::Claim);
    }

    #[test]
    fn an_answer_to_something_earlier_changes_nothing() {
        let mut updater = updater();
        let first = said(&mut updater, 0);
        updater.observe(at(1), THERE);
        let second = said(&mut updater, 1);
        updater.hear(at(2), first.sequence, &Ok(Lease(Span::secs(600))));
        assert_eq!(updater.due(), at(3));
        updater.hear(at(2), second.sequence, &Ok(Lease(Span::secs(600))));
        assert_eq!(updater.due(), at(302));
    }

    #[test]
    fn a_foreign_name_is_tried_again_and_a_stale_sequence_passed() {
        let mut updater = updater();
        let first = said(&mut updater, 0);
        updater.hear(at(0), first.sequence, &Err(Refusal::Taken(Did::Empty)));
        assert_eq!(updater.due(), at(64));
        let second = said(&mut updater, 64);
        updater.hear(at(65), second.sequence, &Err(Refusal::Stale(u64::MAX - 5)));
        assert_eq!(said(&mut updater, 65).sequence, u64::MAX - 4);
    }
}

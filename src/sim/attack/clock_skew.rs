//! A member whose clock is wrong: what it sends has expired when it goes out, or lives longer than it should. The clock
//! is its node's; the tool reads the same.

use super::Attack;
use super::kit::{Identity, Kit};

pub(super) struct WrongClock {
    me: Identity,
}

impl WrongClock {
    pub(super) const fn new(me: Identity) -> Self {
        Self { me }
    }
}

impl Attack for WrongClock {
    fn strike(&mut self, kit: &mut Kit<'_>) {
        let envelope = self.me.seal(kit);
        kit.shoot(envelope);
    }
}

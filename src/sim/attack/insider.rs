//! A member that acts as members do, and goes on when its membership has been revoked.

use super::Attack;
use super::kit::{Identity, Kit};

pub(super) struct Insider {
    me: Identity,
}

impl Insider {
    pub(super) const fn new(me: Identity) -> Self {
        Self { me }
    }
}

impl Attack for Insider {
    fn strike(&mut self, kit: &mut Kit<'_>) {
        let envelope = self.me.seal(kit);
        kit.shoot(envelope);
    }
}

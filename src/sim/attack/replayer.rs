//! Sends again what others have sent: broadcasts that it has heard, to everybody; direct messages that it has received,
//! to somebody else. It does so from its own transport.

use std::collections::VecDeque;

use super::Attack;
use super::kit::Kit;
use crate::dms::actor::Envelope;

/// How many messages it remembers.
const MEMORY: usize = 64;

#[derive(Default)]
pub(super) struct Replayer {
    heard: VecDeque<Envelope>,
}

impl Attack for Replayer {
    fn strike(&mut self, kit: &mut Kit<'_>) {
        self.heard.retain(|envelope| !envelope.is_expired(kit.now));
        if !self.heard.is_empty() {
            let place = kit.random.index(self.heard.len());
            kit.replay(self.heard[place].clone());
        }
    }

    fn overhear(&mut self, envelope: &Envelope) {
        if self.heard.len() == MEMORY {
            self.heard.pop_front();
        }
        self.heard.push_back(envelope.clone());
    }
}

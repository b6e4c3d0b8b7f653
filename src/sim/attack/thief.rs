//! Uses tokens that it has seen on the messages of others: as they are, or as the parent of one of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::smallvec;

use super::Attack;
use super::kit::{Identity, Kit};
use crate::dms::actor::{Envelope, topics};
use crate::dms::capability::{Action, Claims, Token, TokenList};
use crate::dms::identity::Did;

/// How many tokens it keeps.
const LOOT: usize = 32;

pub(super) struct TokenThief {
    me: Identity,
    loot: VecDeque<Arc<Token>>,
}

impl TokenThief {
    pub(super) const fn new(me: Identity) -> Self {
        Self { me, loot: VecDeque::new() }
    }
}

impl Attack for TokenThief {
    fn strike(&mut self, kit: &mut Kit<'_>) {
        if self.loot.is_empty() {
            return;
        }
        let stolen = self.loot[kit.random.index(self.loot.len())].clone();
        let call = kit.call();
        let as_it_is = kit.random.below(2) == 0;
        let tokens = if as_it_is {
            std::iter::once(stolen).collect()
        } else {
            // The delegation that the victim used lives longer and allows more than its last link.
            let parent = stolen.chain().cloned().unwrap_or(stolen);
            let claims = Claims {
                action: if kit.broadcast { Action::Broadcast } else { Action::Invoke },
                issuer: self.me.did().clone(),
                subject: self.me.did().clone(),
                audience: Did::Empty,
                topics: if kit.broadcast { smallvec![topics::DEPLOYMENT.clone()] } else { smallvec![] },
                capabilities: smallvec![call.behaviour.path.clone()],
                nonce: kit.token_nonce(),
                expire: call.expire,
                depth: 0,
            };
            TokenList::from(Token::sign(claims, Some(parent), &self.me.secret))
        };
        let envelope = self.me.sign(kit, call, tokens);
        kit.shoot(envelope);
    }

    fn overhear(&mut self, envelope: &Envelope) {
        for token in &envelope.tokens {
            if self.loot.len() == LOOT {
                self.loot.pop_front();
            }
            self.loot.push_back(token.clone());
        }
    }
}

//! Makes things up: tokens that their issuer never signed, signatures of others, and the DID of another above a valid
//! membership of its own (C2).

use std::sync::Arc;

use smallvec::smallvec;

use super::Attack;
use super::kit::{Identity, Kit};
use crate::dms::actor::{Envelope, topics};
use crate::dms::capability::{Action, Claims, Token, TokenList};
use crate::dms::identity::{Did, Handle, Signature};
use crate::sim::setup::Forgery;

pub(super) struct Forger {
    me: Identity,
    forges: Vec<Forgery>,
}

impl Forger {
    pub(super) const fn new(me: Identity, forges: Vec<Forgery>) -> Self {
        Self { me, forges }
    }

    /// A call with a token of its own below one that names the victim as its issuer, whom any receiver that is the
    /// victim itself would trust. Only the victim's signature is missing.
    fn made_up_tokens(&mut self, kit: &mut Kit<'_>) -> Envelope {
        let call = kit.call();
        let victim = if kit.broadcast { &kit.bystander } else { &kit.target };
        let victim = victim.did.clone();
        let (parent_nonce, leaf_nonce) = (kit.token_nonce(), kit.token_nonce());
        let claims = |action, issuer, nonce| Claims {
            action,
            issuer,
            subject: self.me.did().clone(),
            audience: Did::Empty,
            topics: if kit.broadcast { smallvec![topics::DEPLOYMENT.clone()] } else { smallvec![] },
            capabilities: smallvec![call.behaviour.path.clone()],
            nonce,
            expire: call.expire,
            depth: 0,
        };
        let parent = Token::sign(claims(Action::Delegate, victim, parent_nonce), None, &self.me.secret);
        let action = if kit.broadcast { Action::Broadcast } else { Action::Invoke };
        let leaf = claims(action, self.me.did().clone(), leaf_nonce);
        let tokens = TokenList::from(Token::sign(leaf, Some(Arc::new(parent)), &self.me.secret));
        self.me.sign(kit, call, tokens)
    }

    /// An honest message of its own under a signature that nobody made, or under the name of another.
    fn made_up_signature(&mut self, kit: &mut Kit<'_>) -> Envelope {
        let honest = self.me.seal(kit);
        if kit.random.below(2) == 0 {
            let signature = Signature::from(kit.random.bytes::<64>());
            honest.altered(|envelope| envelope.signature = signature)
        } else {
            honest.altered(|envelope| envelope.from = Arc::clone(&kit.bystander))
        }
    }

    /// A message in all respects its own, but for the DID that it claims to speak for.
    fn another_name(&mut self, kit: &mut Kit<'_>) -> Envelope {
        let own = Arc::clone(&self.me.actor.handle);
        self.me.actor.handle = Arc::new(Handle { did: kit.bystander.did.clone(), ..(*own).clone() });
        let envelope = self.me.seal(kit);
        self.me.actor.handle = own;
        envelope
    }
}

impl Attack for Forger {
    fn strike(&mut self, kit: &mut Kit<'_>) {
        let forgery = self.forges[kit.random.index(self.forges.len())];
        let envelope = match forgery {
            Forgery::Tokens => self.made_up_tokens(kit),
            Forgery::Signatures => self.made_up_signature(kit),
            Forgery::Dids => self.another_name(kit),
        };
        kit.shoot(envelope);
    }
}

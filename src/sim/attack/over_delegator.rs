//! A member that was given little (greetings only, not to be passed on further, for a while) and passes on more: to an
//! accomplice below the last link that its token allows, for more than it allows, for longer than it lives.

use std::sync::Arc;

use smallvec::smallvec;

use super::Attack;
use super::kit::{Identity, Kit};
use crate::dms::actor::{BehaviourKind, topics};
use crate::dms::capability::{
    Action, Capability, CapabilityContext, Claims, Delegation, SelfSign, Token, TokenList,
};
use crate::dms::identity::Did;
use crate::kernel::{Rng, Span, Timestamp};

static PUBLIC: Capability = Capability::fixed("/public");
/// What its token is good for beyond the message that it is used with.
const REMAINING: Span = Span::secs(1);

pub(super) struct OverDelegator {
    me: Identity,
    /// Its user, who gives it what it has.
    user: CapabilityContext,
    accomplice: Identity,
}

impl OverDelegator {
    pub(super) fn new(me: Identity, user: CapabilityContext, counter: Timestamp, rng: &mut Rng<'_>) -> Self {
        let accomplice = Identity::made_up(me.secret.mode(), counter, rng);
        Self { me, user, accomplice }
    }

    /// What it was given: organization to user to this node, which may greet but delegate no further, until `expire`.
    /// Empty when its own membership has expired.
    fn given(&self, kit: &mut Kit<'_>, expire: Timestamp) -> TokenList {
        let delegation = Delegation {
            subject: self.me.did(),
            audience: &Did::Empty,
            topics: &[],
            expire,
            depth: 1,
            capabilities: std::slice::from_ref(&PUBLIC),
        };
        let mut given = TokenList::new();
        let now = kit.now;
        let mut nonces = || kit.token_nonce();
        match self.user.delegate(&delegation, SelfSign::No, now, &mut nonces, &mut given) {
            Ok(()) => given,
            Err(_) => TokenList::new(),
        }
    }
}

impl Attack for OverDelegator {
    fn strike(&mut self, kit: &mut Kit<'_>) {
        let way = kit.random.below(3);
        let call = match way {
            _ if kit.broadcast => kit.call(),
            // Deeper and longer, for what its token does allow; wider, for what it does not.
            0 | 1 => kit.call_of(BehaviourKind::PublicHello),
            _ => kit.call_of(BehaviourKind::Commit),
        };
        let lives = if way == 1 { kit.now + REMAINING } else { call.expire };
        let Some(parent) = self.given(kit, lives).into_iter().next() else { return };
        let claims = |kit: &mut Kit<'_>, action, issuer: &Did, subject: &Did| Claims {
            action,
            issuer: issuer.clone(),
            subject: subject.clone(),
            audience: Did::Empty,
            topics: if kit.broadcast { smallvec![topics::DEPLOYMENT.clone()] } else { smallvec![] },
            capabilities: smallvec![call.behaviour.path.clone()],
            nonce: kit.token_nonce(),
            expire: call.expire,
            depth: 0,
        };
        let action = if kit.broadcast { Action::Broadcast } else { Action::Invoke };
        if way == 0 {
            let (me, other) = (self.me.did(), self.accomplice.did());
            let passed_on =
                Token::sign(claims(kit, Action::Delegate, me, other), Some(parent), &self.me.secret);
            let last = claims(kit, action, other, other);
            let last = Token::sign(last, Some(Arc::new(passed_on)), &self.accomplice.secret);
            let envelope = self.accomplice.sign(kit, call, TokenList::from(last));
            kit.shoot_as(&self.accomplice, envelope);
        } else {
            let last = claims(kit, action, self.me.did(), self.me.did());
            let last = Token::sign(last, Some(parent), &self.me.secret);
            let envelope = self.me.sign(kit, call, TokenList::from(last));
            kit.shoot(envelope);
        }
    }
}

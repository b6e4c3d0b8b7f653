//! Contexts and tokens for tests. Every vector runs under both signature modes and both sets of rules.

use std::sync::Arc;

use crate::dms::capability::*;
use crate::dms::identity::{Did, PublicKey, SecretKey, Signature, SignatureMode};
use crate::kernel::{Span, Timestamp};

pub(super) struct Lab {
    pub(super) mode: SignatureMode,
    pub(super) rules: Rules,
    pub(super) now: Timestamp,
    nonces: u64,
}

pub(super) const ANY: Did = Did::Empty;

pub(super) fn caps(texts: &[&'static str]) -> Vec<Capability> {
    texts.iter().copied().map(Capability::fixed).collect()
}

pub(super) fn in_every_mode(test: impl Fn(&mut Lab)) {
    for mode in [SignatureMode::Real, SignatureMode::Modelled] {
        for rules in [Rules::AS_IS, Rules::INTENDED] {
            test(&mut Lab { mode, rules, now: Timestamp(1_735_689_600_000_000_000), nonces: 0 });
        }
    }
}

/// What a test token says: delegate, no audience, no topics, no depth unless changed.
#[derive(Clone)]
pub(super) struct Say {
    pub(super) action: Action,
    pub(super) subject: Did,
    pub(super) audience: Did,
    pub(super) topics: Vec<Capability>,
    pub(super) expire: Timestamp,
    pub(super) depth: u64,
    pub(super) capabilities: Vec<Capability>,
}

impl Say {
    pub(super) fn as_delegation(&self) -> Delegation<'_> {
        Delegation {
            subject: &self.subject,
            audience: &self.audience,
            topics: &self.topics,
            expire: self.expire,
            depth: self.depth,
            capabilities: &self.capabilities,
        }
    }
}

impl Lab {
    pub(super) fn new(mode: SignatureMode, rules: Rules) -> Self {
        Self { mode, rules, now: Timestamp(1_735_689_600_000_000_000), nonces: 0 }
    }
    pub(super) fn key(&self, name: &str) -> SecretKey {
        let mut seed = [0; 32];
        seed[..name.len()].copy_from_slice(name.as_bytes());
        SecretKey::ed25519(seed, self.mode)
    }
    pub(super) fn context(&self, name: &'static str) -> CapabilityContext {
        CapabilityContext::new(name, self.key(name), self.rules)
    }
    /// A context of a did:prism, signing with the key of this name.
    pub(super) fn prism(&self, did: &str, key: &str) -> CapabilityContext {
        CapabilityContext::for_did("prism", Did::from_text(did), self.key(key), self.rules)
    }
    pub(super) fn nonce(&mut self) -> Nonce {
        self.nonces += 1;
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.nonces.to_le_bytes());
        nonce
    }
    pub(super) fn secs(&self, n: u64) -> Timestamp {
        self.now + Span::secs(n)
    }
    /// Says: delegate to `subject` for 120 s.
    pub(super) fn say(&self, subject: &Did, texts: &[&'static str]) -> Say {
        Say {
            action: Action::Delegate,
            subject: subject.clone(),
            audience: ANY,
            topics: vec![],
            expire: self.secs(120),
            depth: 0,
            capabilities: caps(texts),
        }
    }
    pub(super) fn grant(&mut self, by: &CapabilityContext, say: &Say) -> Token {
        by.grant(say.action, &say.as_delegation(), self.nonce())
    }
    pub(super) fn anchor_provide(
        &self,
        context: &mut CapabilityContext,
        token: &Token,
    ) -> Result<(), CapabilityError> {
        let provide = &[Arc::new(token.clone())];
        context.add_roots(&Anchors { provide, ..Anchors::default() }, self.now)
    }
    pub(super) fn anchor_require(
        &self,
        context: &mut CapabilityContext,
        token: &Token,
    ) -> Result<(), CapabilityError> {
        let require = &[Arc::new(token.clone())];
        context.add_roots(&Anchors { require, ..Anchors::default() }, self.now)
    }
    pub(super) fn anchor_revoke(
        &self,
        context: &mut CapabilityContext,
        token: &Token,
    ) -> Result<(), CapabilityError> {
        let revoke = &[Arc::new(token.clone())];
        context.add_roots(&Anchors { revoke, ..Anchors::default() }, self.now)
    }
    /// `name∈root[texts]` of the spec.
    pub(super) fn rooted(
        &mut self,
        name: &'static str,
        root: &CapabilityContext,
        texts: &[&'static str],
    ) -> CapabilityContext {
        let mut context = self.context(name);
        let token = Arc::new(self.grant(root, &self.say(context.did(), texts)));
        let anchors = Anchors {
            roots: std::slice::from_ref(root.did()),
            provide: std::slice::from_ref(&token),
            ..Anchors::default()
        };
        context.add_roots(&anchors, self.now).unwrap();
        context
    }
    /// Provides for a message from the actor `key from` to `key to`.
    pub(super) fn provide(
        &mut self,
        by: &CapabilityContext,
        target: &CapabilityContext,
        (from, to): (&SecretKey, &SecretKey),
        lifetime_s: u64,
        invoke: &[&'static str],
        delegate: &[&'static str],
    ) -> Result<TokenList, CapabilityError> {
        let (invoke, delegate) = (caps(invoke), caps(delegate));
        let (expire, now) = (self.secs(lifetime_s), self.now);
        let invocation = Invocation {
            target: target.did(),
            sender: from.public(),
            receiver: to.public(),
            expire,
            invoke: &invoke,
            delegate: &delegate,
        };
        let mut out = TokenList::new();
        by.provide(&invocation, now, &mut || self.nonce(), &mut out)?;
        Ok(out)
    }
    pub(super) fn delegate(
        &mut self,
        by: &CapabilityContext,
        say: &Say,
        self_sign: SelfSign,
    ) -> Result<TokenList, CapabilityError> {
        let mut out = TokenList::new();
        let now = self.now;
        let (delegation, nonces) = (say.as_delegation(), &mut || self.nonce());
        match say.action {
            Action::Delegate => by.delegate(&delegation, self_sign, now, nonces, &mut out)?,
            Action::Invoke => by.delegate_invocation(&ANY, &delegation, self_sign, now, nonces, &mut out)?,
            _ => by.delegate_broadcast(&delegation, self_sign, now, nonces, &mut out)?,
        }
        Ok(out)
    }
    /// Requires `text` on `by` for a message from `key from` to `key to`.
    pub(super) fn require(
        &self,
        by: &CapabilityContext,
        (from, to): (&SecretKey, &SecretKey),
        text: &'static str,
    ) -> Result<Authorised, Refusal> {
        let reach = Reach::Actor(to.public());
        by.require(&asked(by, from.public(), reach, &caps(&[text])), self.now)
    }
}

/// What `by` requires of a message from `subject`.
pub(super) fn asked<'a>(
    by: &'a CapabilityContext,
    subject: PublicKey,
    reach: Reach<'a>,
    capabilities: &'a [Capability],
) -> Requirement<'a> {
    Requirement { anchor: by.did(), subject, reach, capabilities }
}

/// The list with every signature of every link replaced.
pub(super) fn with_garbage_signatures(tokens: &TokenList) -> TokenList {
    fn spoil(token: &Token) -> Token {
        let chain = token.chain().map(|parent| Arc::new(spoil(parent)));
        Token::assemble(token.claims().clone(), chain, Some(Signature::from([0x5a; 64])))
    }
    tokens.iter().map(|token| spoil(token)).collect()
}

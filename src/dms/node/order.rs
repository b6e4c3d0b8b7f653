//! What an operator can have the node do at its command line (dms-capabilities sections 2.6, 2.8 and 5).

use std::sync::Arc;

use crate::dms::actor::{Behaviour, Message, Slot};
use crate::dms::capability::{Anchors, Removals, Token};
use crate::dms::identity::{Did, Handle};
use crate::kernel::Span;

/// One order; how it ends is one fact or several, with the number that came with it.
#[derive(Clone, Debug)]
pub enum Order {
    /// Call a behaviour of another node, or of the own one by a message to itself.
    Call {
        /// Whose.
        to: Arc<Handle>,
        /// Which.
        behaviour: Behaviour,
        /// The payload.
        message: Message,
        /// How long to wait for the answer.
        timeout: Span,
    },
    /// Publish on the topic of a behaviour and count the answers.
    Publish {
        /// Which; one that has a topic.
        behaviour: Behaviour,
        /// The payload.
        message: Message,
        /// How long to wait for answers.
        timeout: Span,
    },
    /// Anchor tokens in the node's own context.
    Anchor(Box<TokenSet>),
    /// Anchor a revocation here and, if asked, publish it for a time in which answers are counted.
    Revoke {
        /// The `revoke` token.
        revocation: Arc<Token>,
        /// Under which behaviour to publish it, and how long to wait for answers; none = it is not published.
        broadcast: Option<(Behaviour, Span)>,
    },
    /// Drop anchored tokens from the node's own context.
    Remove(Box<TokenSet>),
    /// Show the node's own context.
    ListCapabilities,
}

/// DIDs to trust, and tokens by the slot that they are for.
#[derive(Clone, Debug, Default)]
pub struct TokenSet {
    /// DIDs to trust absolutely.
    pub roots: Vec<Did>,
    /// Side chains.
    pub require: Vec<Arc<Token>>,
    /// Authority.
    pub provide: Vec<Arc<Token>>,
    /// Revocations.
    pub revoke: Vec<Arc<Token>>,
}

impl TokenSet {
    /// A set of one.
    #[must_use]
    pub fn of(slot: Slot, token: Arc<Token>) -> Self {
        let mut set = Self::default();
        match slot {
            Slot::Provide => set.provide.push(token),
            Slot::Require => set.require.push(token),
            Slot::Revoke => set.revoke.push(token),
        }
        set
    }

    pub(super) fn anchors(&self) -> Anchors<'_> {
        Anchors { roots: &self.roots, require: &self.require, provide: &self.provide, revoke: &self.revoke }
    }

    pub(super) fn removals(&self) -> Removals<'_> {
        Removals { require: &self.require, provide: &self.provide, ..Removals::default() }
    }
}

impl From<Anchors<'_>> for TokenSet {
    fn from(anchors: Anchors<'_>) -> Self {
        Self {
            roots: anchors.roots.to_vec(),
            require: anchors.require.to_vec(),
            provide: anchors.provide.to_vec(),
            revoke: anchors.revoke.to_vec(),
        }
    }
}

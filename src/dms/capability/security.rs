//! What the security context of an actor adds to its capability context, short of messages (spec section
//! 3.2).

use std::sync::Arc;

use super::context::{Anchors, CapabilityContext};
use super::delegation::Delegation;
use super::path::Capability;
use super::token::{Action, Nonce, Token};
use super::verify::{CapabilityError, LinkError, Rule};
use crate::dms::identity::Did;
use crate::kernel::{Span, Timestamp};

/// The message nonces of one actor: they start at the wall clock and go up by one. Receivers do not check
/// them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NonceCounter(u64);

impl NonceCounter {
    /// A counter for an actor that is created at `now`.
    #[must_use]
    pub const fn starting_at(now: Timestamp) -> Self {
        Self(now.0)
    }
    /// The next nonce; the first is one above the start.
    pub const fn next_nonce(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        self.0
    }
    /// The last nonce; the start before the first.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.0
    }
    /// Goes on after this nonce.
    pub const fn resume_after(&mut self, nonce: u64) {
        self.0 = nonce;
    }
    /// Counts messages that were sent without it.
    pub const fn pass_over(&mut self, messages: u64) {
        self.0 = self.0.wrapping_add(messages);
    }
}

impl CapabilityContext {
    /// When the first of the anchored tokens expires that let one of the `subjects` do something with one of the
    /// `audiences`, or with any; what has expired before `now` does not count.
    #[must_use]
    pub fn first_expiry(&self, subjects: &[&Did], audiences: &[&Did], now: Timestamp) -> Option<Timestamp> {
        let anchored = self.require.tokens().iter().chain(self.provide.tokens());
        let theirs = anchored.filter(|token| {
            let audience = token.audience();
            (audience.is_empty() || audiences.contains(&audience)) && subjects.contains(&token.subject())
        });
        let links = theirs.flat_map(|token| token.links());
        links.map(Token::expire).filter(|expire| *expire >= now).min()
    }

    /// Signs a delegation of depth 1 for `subject` on `audience` and anchors it in *require*: how nodes
    /// authorise orchestrators, supervisors and contract parties while they run. Granting the same again
    /// replaces the older grant (by subsumption), and expired ones go, so the store does not grow without
    /// bound. `duration_ns` is signed because DMS's is.
    ///
    /// # Errors
    /// [`CapabilityError::VerifyToken`] with "capability expired" when `duration_ns` is not positive.
    pub fn grant_for(
        &mut self,
        subject: &Did,
        audience: &Did,
        capabilities: &[Capability],
        duration_ns: i64,
        now: Timestamp,
        nonce: Nonce,
    ) -> Result<Arc<Token>, CapabilityError> {
        let duration = u64::try_from(duration_ns).ok().filter(|nanoseconds| *nanoseconds > 0);
        let Some(duration) = duration else {
            return Err(CapabilityError::VerifyToken(LinkError { link: 0, rule: Rule::Expired }));
        };
        let grant = Delegation {
            subject,
            audience,
            topics: &[],
            expire: now + Span(duration),
            depth: 1,
            capabilities,
        };
        let token = Arc::new(self.grant(Action::Delegate, &grant, nonce));
        self.add_roots(&Anchors { require: std::slice::from_ref(&token), ..Anchors::default() }, now)?;
        Ok(token)
    }
}

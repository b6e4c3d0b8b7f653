//! The saved form of a capability context (`cap/<name>.cap`, spec section 2.6): consumed tokens are never
//! saved, expired tokens are dropped on loading; revocations only when they have expired by any clock.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::context::CapabilityContext;
use super::store::RevocationSet;
use super::token::{Token, TokenList};
use super::verify::CapabilityError;
use crate::dms::identity::Did;
use crate::kernel::Timestamp;

#[derive(Serialize, Deserialize)]
struct Saved {
    did: Did,
    roots: Vec<Did>,
    require: TokenList,
    provide: TokenList,
    revoke: TokenList,
}

impl CapabilityContext {
    /// The saved form, as JSON.
    #[must_use]
    pub fn to_saved(&self) -> String {
        let list = |tokens: &[Arc<Token>]| tokens.iter().map(|token| Token::clone(token)).collect();
        let saved = Saved {
            did: self.did.clone(),
            roots: self.roots.clone(),
            require: list(self.require.tokens()),
            provide: list(self.provide.tokens()),
            revoke: self.revoked.iter().map(|token| Token::clone(token)).collect(),
        };
        serde_json::to_string(&saved).expect("texts, numbers and lists always serialise")
    }

    /// Fills an empty context from the saved form of the same DID, without what expired before `now` (revocations:
    /// [`RevocationSet::MARGIN`] before). Nothing is verified: the file is the peer's own.
    ///
    /// # Errors
    /// [`CapabilityError::BadContext`] when the text cannot be read or belongs to another DID.
    pub fn with_saved(mut self, saved: &str, now: Timestamp) -> Result<Self, CapabilityError> {
        let saved: Saved = serde_json::from_str(saved).map_err(|_| CapabilityError::BadContext)?;
        if saved.did != self.did {
            return Err(CapabilityError::BadContext);
        }
        self.roots = saved.roots;
        let alive = |list: TokenList| list.into_iter().filter(move |token| !token.expires_before(now));
        self.require = alive(saved.require).collect();
        self.provide = alive(saved.provide).collect();
        let revoked = Arc::make_mut(&mut self.revoked);
        saved.revoke.into_iter().for_each(|token| revoked.insert(token));
        revoked.gc(RevocationSet::certain(now));
        Ok(self)
    }
}

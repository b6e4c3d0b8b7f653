//! The standard trust set-up and membership in organizations (spec sections 2.7 and 7).

use std::sync::Arc;

use super::context::{Anchors, CapabilityContext, Removals};
use super::delegation::{Delegation, NonceSource, SelfSign};
use super::path::Capability;
use super::rules::Rules;
use super::token::{Action, Token, TokenList};
use super::verify::CapabilityError;
use crate::dms::identity::{Did, SecretKey};
use crate::kernel::Timestamp;

/// The capabilities of an ordinary member.
pub static MEMBER_CAPABILITIES: [Capability; 3] =
    [Capability::fixed("/dms/deployment"), Capability::fixed("/broadcast"), Capability::fixed("/public")];
/// What members of organizations with contracts need besides.
pub static TOKENOMICS: Capability = Capability::fixed("/dms/tokenomics");
/// The topics of an ordinary member.
pub static MEMBER_TOPICS: [Capability; 1] = [Capability::fixed("/nunet")];

/// An organization: a key with a capability context and nothing more. It has no list of members and no
/// server.
#[derive(Clone, Debug)]
pub struct OrganizationKeys {
    context: CapabilityContext,
}

/// What a membership consists of.
#[derive(Clone, Copy, Debug)]
pub struct Membership<'a> {
    /// What members may do to each other.
    pub capabilities: &'a [Capability],
    /// The topics on which they may broadcast.
    pub topics: &'a [Capability],
    /// When the membership ends.
    pub expire: Timestamp,
}

impl Membership<'static> {
    /// The usual bundle until `expire`.
    #[must_use]
    pub const fn usual(expire: Timestamp) -> Self {
        Self { capabilities: &MEMBER_CAPABILITIES, topics: &MEMBER_TOPICS, expire }
    }
}

/// The three tokens of a join, for revoking them later.
#[derive(Clone, Debug)]
pub struct Joined {
    /// organization → user, under *provide* in the user's context.
    pub org_to_user: Arc<Token>,
    /// user → organization, under *require* in the node's context.
    pub user_to_org: Arc<Token>,
    /// user → node, chained on the first, under *provide* in the node's context.
    pub user_to_dms: Arc<Token>,
}

/// How far a membership goes. Half of one is possible and asymmetric (spec section 7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Form {
    /// The node can act towards other members, and they on it.
    Full,
    /// The node can act towards other members; it does not accept them.
    ProvideOnly,
    /// The node accepts other members; it holds nothing to show to them.
    RequireOnly,
}

impl Form {
    /// Every form with its word.
    pub const ALL: [(&'static str, Self); 3] =
        [("full", Self::Full), ("provide_only", Self::ProvideOnly), ("require_only", Self::RequireOnly)];

    /// The word in a scenario.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::ProvideOnly => "provide_only",
            Self::RequireOnly => "require_only",
        }
    }
}

impl Joined {
    /// What the node anchors.
    #[must_use]
    pub const fn anchors(&self, form: Form) -> Anchors<'_> {
        let require: &[Arc<Token>] = match form {
            Form::ProvideOnly => &[],
            _ => std::slice::from_ref(&self.user_to_org),
        };
        let provide: &[Arc<Token>] = match form {
            Form::RequireOnly => &[],
            _ => std::slice::from_ref(&self.user_to_dms),
        };
        Anchors { roots: &[], require, provide, revoke: &[] }
    }
}

impl OrganizationKeys {
    /// An organization with this name and key.
    #[must_use]
    pub fn new(name: String, secret: SecretKey, rules: Rules) -> Self {
        Self { context: CapabilityContext::new(name, secret, rules) }
    }
    /// The organization with this context.
    #[must_use]
    pub const fn of(context: CapabilityContext) -> Self {
        Self { context }
    }
    /// The organization's DID: the root of trust of its members.
    #[must_use]
    pub const fn did(&self) -> &Did {
        self.context.did()
    }
    /// The organization's context, to revoke or grant by hand.
    #[must_use]
    pub const fn context(&self) -> &CapabilityContext {
        &self.context
    }
    /// Grants membership to a user; the user anchors the token under *provide*.
    #[must_use]
    pub fn admit(&self, user: &Did, membership: &Membership<'_>, nonces: &mut NonceSource<'_>) -> Token {
        self.context.grant(Action::Delegate, &membership.granted_to(user), nonces())
    }
}

impl<'a> Membership<'a> {
    /// The delegation of the membership to `subject`.
    #[must_use]
    pub const fn granted_to(&self, subject: &'a Did) -> Delegation<'a> {
        Delegation {
            subject,
            audience: &Did::Empty,
            topics: self.topics,
            expire: self.expire,
            depth: 0,
            capabilities: self.capabilities,
        }
    }
}

/// Makes the user's DID a root of the node's context: the user has full control of the node.
///
/// # Errors
/// None in practice: roots are not verified.
pub fn own_node(
    user: &CapabilityContext,
    dms: &mut CapabilityContext,
    now: Timestamp,
) -> Result<(), CapabilityError> {
    let roots = std::slice::from_ref(user.did());
    dms.add_roots(&Anchors { roots, ..Anchors::default() }, now)
}

/// Exchanges the tokens of a membership between an organization, a user and the user's node (spec section 7): the
/// organization admits the user, who anchors that under *provide*, accepts the organization in turn, and passes the
/// membership on to the node. What the node then anchors is [`Joined::anchors`].
///
/// # Errors
/// [`CapabilityError::VerifyToken`] when the membership has expired; [`CapabilityError::NotAuthorized`] when
/// the user cannot delegate it.
pub fn exchange(
    organization: &OrganizationKeys,
    user: &mut CapabilityContext,
    dms: &Did,
    membership: &Membership<'_>,
    now: Timestamp,
    nonces: &mut NonceSource<'_>,
) -> Result<Joined, CapabilityError> {
    let org_to_user = Arc::new(organization.admit(user.did(), membership, nonces));
    user.add_roots(&Anchors { provide: std::slice::from_ref(&org_to_user), ..Anchors::default() }, now)?;
    let user_to_org = user.grant(Action::Delegate, &membership.granted_to(organization.did()), nonces());
    let user_to_org = Arc::new(user_to_org);
    let mut delegated = TokenList::new();
    user.delegate(&membership.granted_to(dms), SelfSign::No, now, nonces, &mut delegated)?;
    // The user may belong to several organizations that give the same; only this one's chain is wanted here.
    let of_this_organization = |token: &Arc<Token>| token.is_anchored_at(organization.did());
    let user_to_dms =
        delegated.into_iter().find(of_this_organization).ok_or(CapabilityError::NotAuthorized)?;
    Ok(Joined { org_to_user, user_to_org, user_to_dms })
}

/// Makes the node `dms` of `user` a full member of an organization, with the user as its root.
///
/// # Errors
/// As [`exchange`].
pub fn join(
    organization: &OrganizationKeys,
    user: &mut CapabilityContext,
    dms: &mut CapabilityContext,
    membership: &Membership<'_>,
    now: Timestamp,
    nonces: &mut NonceSource<'_>,
) -> Result<Joined, CapabilityError> {
    own_node(user, dms, now)?;
    let joined = exchange(organization, user, &dms.did().clone(), membership, now, nonces)?;
    dms.add_roots(&joined.anchors(Form::Full), now)?;
    Ok(joined)
}

/// Ends the membership of the node `dms` of `user` from their side: drops the authority that comes from the
/// organization, and the user's acceptance of it. Returns how many tokens went. The tokens themselves stay valid
/// until they expire or are revoked.
pub fn leave(organization: &Did, user: &mut CapabilityContext, dms: &mut CapabilityContext) -> usize {
    let mut dropped = 0;
    for context in [user, dms] {
        let own = |tokens: &[Arc<Token>], wanted: &dyn Fn(&Token) -> bool| -> Vec<Arc<Token>> {
            tokens.iter().filter(|token| wanted(token)).cloned().collect()
        };
        let require = own(context.require_anchors().tokens(), &|token| token.subject() == organization);
        let provide = own(context.provide_anchors().tokens(), &|token| token.is_anchored_at(organization));
        dropped += require.len() + provide.len();
        context.remove_roots(&Removals { require: &require, provide: &provide, ..Removals::default() });
    }
    dropped
}

//! What happens at people's desks and not on the network: the keys of organizations and of operators, and the tokens
//! that they make for each other (dms-capabilities sections 2.7 and 7).

use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::event::PeerId;
use super::population::Organizations;
use super::setup::{OperationKind, Organization, Proof, Withdrawn};
use crate::dms::capability::{
    Action, CapabilityContext, CapabilityError, Claims, Delegation, Form, Joined, Membership, Nonce,
    OrganizationKeys, Removals, Rules, SelfSign, Token, TokenList, exchange,
};
use crate::dms::identity::{Did, Handle};
use crate::dms::node::TokenSet;
use crate::dms::profile::Profile;
use crate::kernel::{Rng, Span, Timestamp};

/// The operator of a peer.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) context: CapabilityContext,
    pub(super) memberships: Vec<Held>,
}

/// A membership that an operator holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) organization: usize,
    pub(super) tokens: Joined,
    pub(super) form: Form,
}

/// Why an operator is found.
const LET_IN: &str = "whoever takes part in an operation was let in before";

/// Everybody's desk.
#[derive(Clone, Debug, Default)]
pub(super) struct Office {
    /// With their keys.
    pub(super) organizations: Organizations,
    /// The operators that have done something, or to whom something was done.
    users: FxHashMap<PeerId, User>,
    /// Tokens that have a name, with the peer whose operator made them.
    granted: IndexMap<String, (PeerId, Arc<Token>)>,
}

impl Office {
    /// Nobody's desk yet, but those of organizations.
    pub(super) fn of(organizations: &Organizations) -> Self {
        Self { organizations: Arc::clone(organizations), ..Self::default() }
    }

    /// The place of the organization of this name.
    pub(super) fn organization(&self, name: &str) -> usize {
        Self::place_of(&self.organizations, name)
    }

    /// The place of the organization of this name among all.
    pub(super) fn place_of(organizations: &[(Organization, OrganizationKeys)], name: &str) -> usize {
        let found = organizations.iter().position(|(organization, _)| organization.name == name);
        found.expect("the setup names its organizations")
    }

    /// Keeps the operator of a peer, unless it is here; `raise` makes it as it was at the start.
    pub(super) fn admit_user(&mut self, peer: PeerId, raise: impl FnOnce() -> User) {
        self.users.entry(peer).or_insert_with(raise);
    }

    fn user(&self, peer: PeerId) -> &User {
        self.users.get(&peer).expect(LET_IN)
    }

    fn user_mut(&mut self, peer: PeerId) -> &mut User {
        self.users.get_mut(&peer).expect(LET_IN)
    }

    /// The operator of a peer uses another version of DMS from now on.
    pub(super) fn upgrade(&mut self, peer: PeerId, profile: Profile) {
        if let Some(user) = self.users.get_mut(&peer) {
            user.context.set_rules(Rules::of(profile));
        }
    }

    /// The name of the organization with this DID.
    pub(super) fn name_of(&self, did: &Did) -> Option<&str> {
        let found = self.organizations.iter().find(|(_, keys)| keys.did() == did);
        found.map(|(organization, _)| organization.name.as_str())
    }

    /// Makes the user and the node with this DID members of an organization, for as long as it says or `lasts` does.
    ///
    /// # Errors
    /// Why no membership came about, in words.
    pub(super) fn admit(
        organizations: &[(Organization, OrganizationKeys)],
        organization: usize,
        user: &mut CapabilityContext,
        dms: &Did,
        lasts: Option<Span>,
        now: Timestamp,
        random: &mut Rng<'_>,
    ) -> Result<Joined, String> {
        let (description, keys) = &organizations[organization];
        let membership = membership(description, lasts, now);
        exchange(keys, user, dms, &membership, now, &mut || random.bytes())
            .map_err(|error| format!("joining {}: {error}", description.name))
    }

    /// What the node of `peer` anchors to join an organization.
    ///
    /// # Errors
    /// Why the operator has nothing to anchor.
    pub(super) fn join(
        &mut self,
        peer: (PeerId, &Handle),
        kind: &OperationKind,
        other: Option<PeerId>,
        now: Timestamp,
        random: &mut Rng<'_>,
    ) -> Result<TokenSet, String> {
        let OperationKind::Join { organization, form, lasts, proof } = kind else {
            unreachable!("only called to join")
        };
        let (peer, node) = peer;
        let place = self.organization(organization);
        let description = &self.organizations[place].0;
        let user = self.users.get_mut(&peer).expect(LET_IN);
        if *proof == Proof::Granted {
            let joined =
                Self::admit(&self.organizations, place, &mut user.context, &node.did, *lasts, now, random)?;
            let set = joined.anchors(*form).into();
            user.memberships.push(Held { organization: place, tokens: joined, form: *form });
            return Ok(set);
        }
        // Without the organization's consent there is only what the operator can make alone.
        let membership = membership(description, *lasts, now);
        let did = self.organizations[place].1.did();
        let accepted =
            Arc::new(user.context.grant(Action::Delegate, &membership.granted_to(did), random.bytes()));
        let shown = match other {
            Some(other) => {
                let of_it = |held: &&Held| held.organization == place;
                let held = self.user(other).memberships.iter().find(of_it);
                held.ok_or("that peer is no member itself")?.tokens.user_to_dms.clone()
            }
            None => Arc::new(forged(did, &node.did, &membership, &user.context, random.bytes())),
        };
        let require = if *form == Form::ProvideOnly { Vec::new() } else { vec![accepted] };
        let provide = if *form == Form::RequireOnly { Vec::new() } else { vec![shown] };
        Ok(TokenSet { require, provide, ..TokenSet::default() })
    }

    /// What the node of `peer` drops to leave an organization.
    ///
    /// # Errors
    /// That it is no member.
    pub(super) fn leave(&mut self, peer: PeerId, organization: &str) -> Result<TokenSet, String> {
        let place = self.organization(organization);
        let user = self.user_mut(peer);
        let (left, kept): (Vec<Held>, Vec<Held>) =
            user.memberships.drain(..).partition(|held| held.organization == place);
        user.memberships = kept;
        if left.is_empty() {
            return Err(format!("it is no member of {organization}"));
        }
        let mut set = TokenSet::default();
        for held in left {
            let provide = std::slice::from_ref(&held.tokens.org_to_user);
            user.context.remove_roots(&Removals { provide, ..Removals::default() });
            let anchors = held.tokens.anchors(held.form);
            set.require.extend_from_slice(anchors.require);
            set.provide.extend_from_slice(anchors.provide);
        }
        Ok(set)
    }

    /// The operator of `peer` grants something to a node.
    pub(super) fn grant(
        &mut self,
        peer: PeerId,
        name: Option<&String>,
        grant: &Delegation<'_>,
        random: &mut Rng<'_>,
    ) -> Arc<Token> {
        let token = Arc::new(self.user(peer).context.grant(Action::Delegate, grant, random.bytes()));
        self.keep(peer, name, &token);
        token
    }

    /// The node of a peer passes on, below the token of the name `parent` that it holds.
    ///
    /// # Errors
    /// That it holds no such token, or that this does not allow it.
    pub(super) fn pass_on(
        &mut self,
        (peer, node): (PeerId, &CapabilityContext),
        (name, parent): (Option<&String>, &str),
        grant: &Delegation<'_>,
        now: Timestamp,
        random: &mut Rng<'_>,
    ) -> Result<Arc<Token>, String> {
        let above = self.token(parent)?.revocation_key();
        let mut links = TokenList::default();
        node.delegate(grant, SelfSign::No, now, &mut || random.bytes(), &mut links)
            .map_err(|error| error.to_string())?;
        // The node may hold several tokens that give the same.
        let is_below =
            |token: &Arc<Token>| token.links().nth(1).is_some_and(|one| one.revocation_key() == above);
        let found = links.into_iter().find(is_below);
        let token = found.ok_or_else(|| CapabilityError::NotAuthorized.to_string())?;
        self.keep(peer, name, &token);
        Ok(token)
    }

    fn keep(&mut self, peer: PeerId, name: Option<&String>, token: &Arc<Token>) {
        if let Some(name) = name {
            self.granted.insert(name.clone(), (peer, Arc::clone(token)));
        }
    }

    /// The token of this name.
    ///
    /// # Errors
    /// That nobody has made it yet.
    pub(super) fn token(&self, name: &str) -> Result<&Arc<Token>, String> {
        let found = self.granted.get(name).map(|(_, token)| token);
        found.ok_or_else(|| format!("the token {name} has not been granted yet"))
    }

    /// The revocation of something. A membership is withdrawn by its organization; a token only by the operator who
    /// granted it.
    ///
    /// # Errors
    /// Why it cannot be withdrawn.
    pub(super) fn revoke(
        &self,
        by: PeerId,
        what: &Withdrawn,
        member: Option<PeerId>,
    ) -> Result<Arc<Token>, String> {
        let (signer, token) = match what {
            Withdrawn::Token(name) => (&self.user(by).context, self.token(name)?),
            Withdrawn::Membership { member: name, organization } => {
                let place = self.organization(organization);
                let of_it = |held: &&Held| held.organization == place;
                let held = member
                    .and_then(|peer| self.user(peer).memberships.iter().find(of_it))
                    .ok_or_else(|| format!("{name} is no member of {organization}"))?;
                (self.organizations[place].1.context(), &held.tokens.org_to_user)
            }
        };
        signer.revoke(token).map(Arc::new).map_err(|error| error.to_string())
    }
}

fn membership(organization: &Organization, lasts: Option<Span>, now: Timestamp) -> Membership<'_> {
    Membership {
        capabilities: &organization.capabilities,
        topics: &organization.topics,
        expire: now + lasts.unwrap_or(organization.expire),
    }
}

/// A token in the name of an organization, signed by somebody else.
fn forged(
    organization: &Did,
    subject: &Did,
    membership: &Membership<'_>,
    forger: &CapabilityContext,
    nonce: Nonce,
) -> Token {
    let claims = Claims {
        action: Action::Delegate,
        issuer: organization.clone(),
        subject: subject.clone(),
        audience: Did::Empty,
        topics: membership.topics.iter().cloned().collect(),
        capabilities: SmallVec::from_iter(membership.capabilities.iter().cloned()),
        nonce,
        expire: membership.expire,
        depth: 0,
    };
    Token::sign(claims, None, forger.secret())
}

//! The parties of a script with their contexts, and how each operation is carried out.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::report::{Report, StepReport};
use super::script::{Document, Expire, Held, Kind, Operation, Party, Say, Script, Slot, Step, Who};
use crate::dms::capability::explain::{ParentAccount, Words};
use crate::dms::capability::{
    Action, Anchors, Capability, CapabilityContext, CapabilityError, Consumption, Delegation, Membership,
    Nonce, OrganizationKeys, Removals, RevocationKey, Route, SelfSign, Token, TokenList, join, leave,
};
use crate::dms::identity::{Did, DidDocument, DocumentTable, SecretKey, SignatureMode};
use crate::kernel::Timestamp;

/// A party in action.
pub(super) struct Member {
    name: String,
    pub(super) secret: SecretKey,
    pub(super) context: CapabilityContext,
    /// What its consumptions refused since tokens were last discarded, for explanations.
    pub(super) refused: Consumption,
    saved: Option<String>,
}

/// What came of an operation.
pub(super) struct Done {
    pub(super) ok: bool,
    pub(super) outcome: String,
    pub(super) route: Option<Route>,
    pub(super) explanation: Vec<String>,
    pub(super) tokens: Vec<Arc<Token>>,
}

impl Done {
    pub(super) fn fine(outcome: impl Into<String>) -> Self {
        Self { ok: true, outcome: outcome.into(), route: None, explanation: Vec::new(), tokens: Vec::new() }
    }
    pub(super) fn refused(error: &dyn std::error::Error) -> Self {
        Self { ok: false, ..Self::fine(error.to_string()) }
    }
    pub(super) fn explained(self, explanation: Vec<String>) -> Self {
        Self { explanation, ..self }
    }
    fn made(tokens: Vec<Arc<Token>>) -> Self {
        Self { tokens, ..Self::fine(String::new()) }
    }
}

/// `1 token`, `2 tokens`.
pub(super) fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// Everything that a script changes.
pub(super) struct Bench<'s> {
    script: &'s Script,
    pub(super) now: Timestamp,
    pub(super) members: Vec<Member>,
    slots: Vec<Vec<Arc<Token>>>,
    documents: DocumentTable,
    nonces: u64,
}

impl<'s> Bench<'s> {
    pub(super) fn new(script: &'s Script) -> Self {
        let member = |party: &Party| {
            let secret = grow(party, script.signatures);
            let context = empty(party, &secret, script);
            let (name, refused) = (party.name.clone(), Consumption::default());
            Member { name, secret, context, refused, saved: None }
        };
        let members = script.parties.iter().map(member).collect();
        let slots = vec![Vec::new(); script.slots];
        let documents = DocumentTable::default();
        let mut bench = Self { script, now: script.start, members, slots, documents, nonces: 0 };
        for document in &script.documents {
            bench.publish(document);
        }
        for (number, party) in
            script.parties.iter().enumerate().filter(|(_, party)| party.kind == Kind::Context)
        {
            let roots: Vec<Did> = party.roots.iter().map(|root| bench.did(root)).collect();
            let anchors = Anchors { roots: &roots, ..Anchors::default() };
            let added = bench.members[number].context.add_roots(&anchors, script.start);
            debug_assert!(added.is_ok(), "roots are not verified");
        }
        bench
    }

    pub(super) fn run(mut self) -> Report {
        let steps: Vec<StepReport> = self.script.steps.iter().map(|step| self.step(step)).collect();
        let count =
            |wanted: fn(bool) -> bool| steps.iter().filter(|step| step.held.is_some_and(wanted)).count();
        let (expectations, failed) = (count(|_| true), count(|held| !held));
        let (name, signatures) = (self.script.name.clone(), self.script.signatures);
        Report { name, signatures, expectations, failed, steps }
    }

    fn step(&mut self, step: &Step) -> StepReport {
        let done = self.carry_out(&step.operation);
        if let Some(Slot(place)) = step.result {
            if matches!(step.operation, Operation::Join { .. }) {
                for (offset, token) in done.tokens.iter().enumerate() {
                    self.slots[place + offset] = vec![token.clone()];
                }
            } else {
                self.slots[place].clone_from(&done.tokens);
            }
        }
        let mut report = StepReport {
            line: step.line,
            at_ns: self.now.since(self.script.start).0,
            operation: step.operation.word(),
            who: self.who(&step.operation),
            name: step.name.clone(),
            ok: done.ok,
            outcome: done.outcome,
            route: done.route,
            explanation: done.explanation,
            tokens: done.tokens,
            expected: step.expect.clone(),
            held: None,
        };
        report.judge();
        report
    }

    fn carry_out(&mut self, operation: &Operation) -> Done {
        match operation {
            Operation::Grant(say) => self.grant(say),
            Operation::Delegate { say, self_sign } => self.delegate(say, None, *self_sign),
            Operation::DelegateInvocation { say, target, self_sign } => {
                let target = self.did(target);
                self.delegate(say, Some(&target), *self_sign)
            }
            Operation::DelegateBroadcast { say, self_sign } => self.delegate(say, None, *self_sign),
            Operation::Provide(calling) => self.provide(calling),
            Operation::ProvideBroadcast(broadcasting) => self.provide_broadcast(broadcasting),
            Operation::Anchor(held) => self.anchor(held),
            Operation::Remove(held) => self.remove(held),
            Operation::Consume { by, from, tokens } => self.consume(*by, from, tokens),
            Operation::Require(requiring) => self.require(requiring),
            Operation::Discard { by, tokens } => self.discard(*by, tokens),
            Operation::Revoke { by, tokens } => self.revoke(*by, tokens),
            Operation::Forge { by, tokens } => self.forge(*by, tokens),
            Operation::ListRoots(of) => self.list_roots(*of),
            Operation::Gc(of) => self.gc(*of),
            Operation::Save(of) => self.save(*of),
            Operation::Load { of, from } => self.load(*of, *from),
            Operation::Publish(document) => {
                self.publish(document);
                Done::fine("published")
            }
            Operation::Create(of) => Done::fine(self.members[*of].context.did().to_string()),
            Operation::Join { organization, user, node, capabilities, topics, expire } => {
                let membership = Membership { capabilities, topics, expire: self.now + *expire };
                self.join(*organization, *user, *node, &membership)
            }
            Operation::Leave { organization, user, node } => self.leave(*organization, *user, *node),
            Operation::Advance(span) => {
                self.now = self.now + *span;
                Done::fine(self.moment(self.now))
            }
            Operation::At(since) => {
                self.now = self.script.start + *since;
                Done::fine(self.moment(self.now))
            }
        }
    }

    /// The DID of somebody.
    pub(super) fn did(&self, who: &Who) -> Did {
        match who {
            Who::Party(number) => self.members[*number].context.did().clone(),
            Who::Did(did) => did.clone(),
        }
    }

    /// A name for a DID.
    pub(super) fn name(&self, did: &Did) -> String {
        let context = self.members.iter().find(|member| member.context.did() == did);
        if let Some(member) = context {
            return member.name.clone();
        }
        let key = self.members.iter().find(|member| Did::Key(member.secret.public()) == *did);
        key.map_or_else(|| did.to_string(), |member| format!("the key of {}", member.name))
    }

    fn moment(&self, at: Timestamp) -> String {
        format!("start + {}", at.since(self.script.start))
    }

    /// Accounts in the words of this script.
    pub(super) fn told(&self, tell: impl Fn(&Words<'_>) -> Vec<String>) -> Vec<String> {
        tell(&Words { did: &|did| self.name(did), time: &|at| self.moment(at) })
    }

    pub(super) fn tokens(&self, slots: &[Slot]) -> Vec<Arc<Token>> {
        slots.iter().flat_map(|Slot(place)| self.slots[*place].iter().cloned()).collect()
    }

    fn publish(&mut self, document: &Document) {
        let did = &document.did;
        let published = match document.authentication {
            Some(party) => DidDocument::with_key(did, &self.members[party].secret.public()),
            None => DidDocument { id: did.to_string(), methods: Vec::new(), authentication: Vec::new() },
        };
        self.documents.publish(published);
        let table = Arc::new(self.documents.clone());
        for member in &mut self.members {
            member.context.trust_mut().set_resolver(table.clone());
        }
    }

    /// Runs something that needs nonces.
    pub(super) fn counting<T>(&mut self, make: impl FnOnce(&mut Self, &mut dyn FnMut() -> Nonce) -> T) -> T {
        let mut count = self.nonces;
        let mut nonces = || {
            count += 1;
            let mut nonce = [0; 12];
            nonce[4..].copy_from_slice(&count.to_be_bytes());
            nonce
        };
        let made = make(self, &mut nonces);
        self.nonces = count;
        made
    }

    /// What is to be said, with the DIDs that it names.
    fn said(&self, say: &Say) -> (Did, Did, Timestamp) {
        let expire = match say.expire {
            Expire::After(span) => self.now + span,
            Expire::Inherit => Timestamp::ZERO,
        };
        let audience = say.audience.as_ref().map_or(Did::Empty, |who| self.did(who));
        (self.did(&say.to), audience, expire)
    }

    fn grant(&mut self, say: &Say) -> Done {
        let (subject, audience, expire) = self.said(say);
        let token = self.counting(|bench, nonces| {
            let grant = delegation(say, &subject, &audience, expire);
            bench.members[say.by].context.grant(say.action, &grant, nonces())
        });
        let line = self.told(|words| vec![words.claims(token.claims())]).concat();
        Done { tokens: vec![Arc::new(token)], ..Done::fine(line) }
    }

    fn delegate(&mut self, say: &Say, target: Option<&Did>, self_sign: SelfSign) -> Done {
        let (subject, audience, expire) = self.said(say);
        let delegation = delegation(say, &subject, &audience, expire);
        let now = self.now;
        let parents = self.members[say.by].context.explain_delegation(say.action, target, &delegation, now);
        let mut out = TokenList::new();
        let result = self.counting(|bench, nonces| {
            let context = &bench.members[say.by].context;
            match (say.action, target) {
                (Action::Invoke, Some(target)) => {
                    context.delegate_invocation(target, &delegation, self_sign, now, nonces, &mut out)
                }
                (Action::Broadcast, _) => {
                    context.delegate_broadcast(&delegation, self_sign, now, nonces, &mut out)
                }
                _ => context.delegate(&delegation, self_sign, now, nonces, &mut out),
            }
        });
        self.delegated(result, out, &parents)
    }

    /// What came of anything that makes links.
    pub(super) fn delegated(
        &self,
        result: Result<(), CapabilityError>,
        out: TokenList,
        parents: &[ParentAccount],
    ) -> Done {
        let tokens: Vec<Arc<Token>> = out.into_iter().collect();
        let done = match result {
            Err(error) => Done::refused(&error),
            Ok(()) => {
                let chained = tokens.iter().filter(|token| token.chain().is_some()).count();
                let own = tokens.len() - chained;
                let line =
                    format!("{} ({chained} chained, {own} self-signed)", counted(tokens.len(), "token"));
                Done { outcome: line, ..Done::made(tokens) }
            }
        };
        let explanation = self.told(|words| {
            let made = done.tokens.iter().map(|token| format!("made: {}", words.claims(token.claims())));
            words.delegation(parents).into_iter().chain(made).collect()
        });
        done.explained(explanation)
    }

    fn anchor(&mut self, held: &Held) -> Done {
        let roots: Vec<Did> = held.roots.iter().map(|root| self.did(root)).collect();
        let (require, provide) = (self.tokens(&held.require), self.tokens(&held.provide));
        let revoke = self.tokens(&held.revoke);
        let anchors = Anchors { roots: &roots, require: &require, provide: &provide, revoke: &revoke };
        let now = self.now;
        let account = self.members[held.on].context.explain_anchoring(&anchors, now);
        let result = self.members[held.on].context.add_roots(&anchors, now);
        let mut explanation: Vec<String> =
            roots.iter().map(|root| format!("root {}", self.name(root))).collect();
        explanation.extend(self.told(|words| words.anchoring(&account)));
        match result {
            Err(error) => Done::refused(&error).explained(explanation),
            Ok(()) => {
                let context = &self.members[held.on].context;
                let line = format!(
                    "now {}, {} require, {} provide, {}; dropped {}",
                    counted(context.roots().len(), "root"),
                    context.require_anchors().len(),
                    context.provide_anchors().len(),
                    counted(context.revocations().len(), "revocation"),
                    account.dropped.len()
                );
                Done::fine(line).explained(explanation)
            }
        }
    }

    fn remove(&mut self, held: &Held) -> Done {
        let roots: Vec<Did> = held.roots.iter().map(|root| self.did(root)).collect();
        let (require, provide) = (self.tokens(&held.require), self.tokens(&held.provide));
        let revoke: Vec<RevocationKey> =
            self.tokens(&held.revoke).iter().map(|token| token.revocation_key()).collect();
        let context = &mut self.members[held.on].context;
        let size = |context: &CapabilityContext| {
            let tokens = context.require_anchors().len() + context.provide_anchors().len();
            context.roots().len() + tokens + context.revocations().len()
        };
        let before = size(context);
        context.remove_roots(&Removals {
            roots: &roots,
            require: &require,
            provide: &provide,
            revoke: &revoke,
        });
        Done::fine(format!("removed {}", before - size(context)))
    }

    fn revoke(&mut self, by: usize, slots: &[Slot]) -> Done {
        let tokens = self.tokens(slots);
        let made: Result<Vec<Arc<Token>>, _> =
            tokens.iter().map(|token| self.members[by].context.revoke(token).map(Arc::new)).collect();
        match made {
            Err(error) => {
                let issuers = tokens.iter().map(|token| format!("issued by {}", self.name(token.issuer())));
                Done::refused(&error).explained(issuers.collect())
            }
            Ok(made) => {
                let explanation =
                    self.told(|words| made.iter().map(|one| words.claims(one.claims())).collect());
                let line = counted(made.len(), "revocation");
                Done { outcome: line, ..Done::made(made) }.explained(explanation)
            }
        }
    }

    fn forge(&mut self, by: usize, slots: &[Slot]) -> Done {
        let secret = self.members[by].secret.clone();
        let forge = |token: &Arc<Token>| {
            Arc::new(Token::sign(token.claims().clone(), token.chain().cloned(), &secret))
        };
        let tokens: Vec<Arc<Token>> = self.tokens(slots).iter().map(forge).collect();
        let line = format!("{} signed with another key", counted(tokens.len(), "token"));
        Done { outcome: line, ..Done::made(tokens) }
    }

    fn list_roots(&self, of: usize) -> Done {
        let context = &self.members[of].context;
        let listed = context.list_roots(self.now);
        let mut lines: Vec<String> =
            listed.roots.iter().map(|did| format!("root {}", self.name(did))).collect();
        lines.extend(self.told(|words| {
            let slots =
                [("require", &listed.require), ("provide", &listed.provide), ("revoke", &listed.revoke)];
            let line = |slot, token: &Arc<Token>| format!("{slot} {}", words.claims(token.claims()));
            slots.iter().flat_map(|(slot, list)| list.iter().map(move |token| line(slot, token))).collect()
        }));
        let organizations = context.organizations(self.now);
        if !organizations.is_empty() {
            let names: Vec<String> = organizations.iter().map(|did| self.name(did)).collect();
            lines.push(format!("belongs to {}", names.join(", ")));
        }
        let line = format!(
            "{}, {} require, {} provide, {}",
            counted(listed.roots.len(), "root"),
            listed.require.len(),
            listed.provide.len(),
            counted(listed.revoke.len(), "revocation")
        );
        Done::fine(line).explained(lines)
    }

    fn gc(&mut self, of: usize) -> Done {
        let context = &mut self.members[of].context;
        let size = |context: &CapabilityContext| {
            let anchored = context.require_anchors().len() + context.provide_anchors().len();
            anchored + context.consumed().len() + context.revocations().len()
        };
        let before = size(context);
        context.gc(self.now);
        Done::fine(format!("dropped {}", counted(before - size(context), "token")))
    }

    fn save(&mut self, of: usize) -> Done {
        let saved = self.members[of].context.to_saved();
        let line = format!("{} bytes", saved.len());
        self.members[of].saved = Some(saved);
        Done::fine(line)
    }

    fn load(&mut self, of: usize, from: usize) -> Done {
        let saved = self.members[from].saved.clone().unwrap_or_default();
        let mut fresh = empty(&self.script.parties[of], &self.members[of].secret, self.script);
        fresh.trust_mut().set_resolver(Arc::new(self.documents.clone()));
        match fresh.with_saved(&saved, self.now) {
            Err(error) => Done::refused(&error),
            Ok(context) => {
                let member = &mut self.members[of];
                (member.context, member.refused) = (context, Consumption::default());
                Done {
                    outcome: format!("restarted with {}", self.list_roots(of).outcome),
                    ..self.list_roots(of)
                }
            }
        }
    }

    fn join(&mut self, organization: usize, user: usize, node: usize, membership: &Membership<'_>) -> Done {
        let keys = OrganizationKeys::of(self.members[organization].context.clone());
        let (mut user_context, mut dms) =
            (self.members[user].context.clone(), self.members[node].context.clone());
        let now = self.now;
        let result =
            self.counting(|_, nonces| join(&keys, &mut user_context, &mut dms, membership, now, nonces));
        (self.members[user].context, self.members[node].context) = (user_context, dms);
        match result {
            Err(error) => Done::refused(&error),
            Ok(joined) => {
                let tokens = vec![joined.org_to_user, joined.user_to_org, joined.user_to_dms];
                let places = ["provide of the user", "require of the node", "provide of the node"];
                let explanation = self.told(|words| {
                    let line = |(token, place): (&Arc<Token>, _)| {
                        format!("{place}: {}", words.claims(token.claims()))
                    };
                    tokens.iter().zip(places).map(line).collect()
                });
                Done { outcome: "member".to_owned(), ..Done::made(tokens) }.explained(explanation)
            }
        }
    }

    fn leave(&mut self, organization: usize, user: usize, node: usize) -> Done {
        let did = self.members[organization].context.did().clone();
        let mut user_context = self.members[user].context.clone();
        let dropped = leave(&did, &mut user_context, &mut self.members[node].context);
        self.members[user].context = user_context;
        Done::fine(format!("dropped {}", counted(dropped, "token")))
    }

    /// Who does it to whom.
    fn who(&self, operation: &Operation) -> String {
        let name = |number: &usize| self.members[*number].name.clone();
        let called = |who: &Who| self.name(&self.did(who));
        match operation {
            Operation::Grant(say)
            | Operation::Delegate { say, .. }
            | Operation::DelegateInvocation { say, .. }
            | Operation::DelegateBroadcast { say, .. } => format!("{} -> {}", name(&say.by), called(&say.to)),
            Operation::Provide(calling) => format!("{} -> {}", name(&calling.by), called(&calling.target)),
            Operation::ProvideBroadcast(one) => format!("{} on {}", name(&one.by), one.topic),
            Operation::Anchor(held) | Operation::Remove(held) => format!("on {}", name(&held.on)),
            Operation::Consume { by, from, .. } => format!("by {} from {}", name(by), called(from)),
            Operation::Require(one) => {
                let wanted: Vec<&str> = one.capabilities.iter().map(Capability::as_str).collect();
                format!("by {} of {}: {}", name(&one.by), name(&one.sender), wanted.join(" or "))
            }
            Operation::Discard { by, .. } | Operation::Revoke { by, .. } | Operation::Forge { by, .. } => {
                format!("by {}", name(by))
            }
            Operation::ListRoots(of) | Operation::Gc(of) | Operation::Save(of) | Operation::Create(of) => {
                name(of)
            }
            Operation::Load { of, from } if of == from => name(of),
            Operation::Load { of, from } => format!("{} from what {} saved", name(of), name(from)),
            Operation::Publish(document) => self.name(&document.did),
            Operation::Join { organization, user, node, .. }
            | Operation::Leave { organization, user, node } => {
                format!("{} of {} with {}", name(organization), name(user), name(node))
            }
            Operation::Advance(span) | Operation::At(span) => span.to_string(),
        }
    }
}

/// A delegation that says this.
fn delegation<'a>(say: &'a Say, subject: &'a Did, audience: &'a Did, expire: Timestamp) -> Delegation<'a> {
    let (topics, capabilities) = (&say.topics, &say.capabilities);
    Delegation { subject, audience, topics, expire, depth: say.depth, capabilities }
}

/// The key that grows from a party's name.
fn grow(party: &Party, mode: SignatureMode) -> SecretKey {
    let mut text = format!("dmsim cap: {}", party.name);
    loop {
        let seed: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        match SecretKey::from_seed(party.key, seed, mode) {
            Ok(secret) => return secret,
            // One seed in 2^127 is no secp256k1 key; the next one is.
            Err(_) => text.push('+'),
        }
    }
}

fn empty(party: &Party, secret: &SecretKey, script: &Script) -> CapabilityContext {
    let did = party.did.clone().unwrap_or(Did::Key(secret.public()));
    CapabilityContext::for_did(party.name.clone(), did, secret.clone(), script.rules)
}

//! Random scenes: a receiver with anchors and revocations, tokens of a sender, and a question about them.

use std::sync::Arc;

use super::lab::{Lab, Say, asked, caps};
use crate::dms::capability::slow::Question;
use crate::dms::capability::*;
use crate::dms::identity::{
    Did, DidDocument, DocumentTable, KeyKind, PublicKey, SecretKey, Signature, SignatureMode,
};
use crate::kernel::Timestamp;

pub(super) const NAMES: [&str; 6] = ["org", "user", "sender", "receiver", "boss", "stranger"];
const USER: usize = 1;
const SENDER: usize = 2;
const RECEIVER: usize = 3;
const BOSS: usize = 4;
const CAPABILITIES: [&str; 5] = ["/a", "/a/b", "/", "", "/c"];

/// Random choices in the order in which they are needed. Zero is always the harmless choice, and what is
/// missing is zero, so that shrinking leads to ordinary cases.
pub(super) struct Genes<'a>(pub(super) std::slice::Iter<'a, u8>);

impl Genes<'_> {
    pub(super) fn pick(&mut self, bound: usize) -> usize {
        self.0.next().map_or(0, |gene| usize::from(*gene) % bound)
    }
    /// True once in `n`.
    pub(super) fn rarely(&mut self, n: usize) -> bool {
        self.pick(n) == n - 1
    }
}

pub(super) struct World {
    pub(super) lab: Lab,
    pub(super) parties: Vec<CapabilityContext>,
    topic: bool,
}

impl World {
    pub(super) fn new(mode: SignatureMode, rules: Rules, topic: bool) -> Self {
        let lab = Lab::new(mode, rules);
        let parties: [CapabilityContext; 6] = NAMES.map(|name| lab.context(name));
        Self { lab, parties: parties.into(), topic }
    }

    pub(super) fn did(&self, party: usize) -> Did {
        self.parties[party].did().clone()
    }

    /// Gives some parties another kind of key or a did:prism, whose document the receiver may find or not.
    fn mix_identities(&mut self, genes: &mut Genes<'_>) -> DocumentTable {
        let (mode, rules) = (self.lab.mode, self.lab.rules);
        if genes.rarely(4) {
            let key = SecretKey::from_seed(KeyKind::Secp256k1, [1; 32], mode).unwrap();
            self.parties[USER] = CapabilityContext::new("user", key, rules);
        }
        let mut table = DocumentTable::default();
        let document = genes.pick(6);
        if document >= 3 {
            self.parties[BOSS] = self.lab.prism("did:prism:boss", "boss");
            let (did, key) = (self.parties[BOSS].did(), self.parties[BOSS].secret().public());
            match document {
                3 => {}
                4 => table.publish(DidDocument::with_key(did, &self.parties[USER].secret().public())),
                _ => table.publish(DidDocument::with_key(did, &key)),
            }
        }
        table
    }

    pub(super) fn say(&self, genes: &mut Genes<'_>, subject: &Did, action: Action) -> Say {
        let mut say = self.lab.say(subject, &["/a"]);
        say.action = action;
        if self.topic || genes.rarely(12) {
            say.topics = caps(&[["t", "t/u", ""][if genes.rarely(4) { genes.pick(3) } else { 0 }]]);
        }
        if genes.rarely(6) {
            say.capabilities = caps(&[CAPABILITIES[genes.pick(5)], CAPABILITIES[genes.pick(5)]]);
        } else if genes.rarely(20) {
            say.capabilities = vec![];
        }
        if genes.rarely(6) {
            say.expire = self.lab.secs([60, 30, 119][genes.pick(3)]);
        }
        if genes.rarely(5) {
            say.depth = genes.pick(4) as u64;
        }
        if genes.rarely(8) {
            say.audience = self.did(genes.pick(NAMES.len()));
        }
        say
    }

    /// A chain that starts at any party and ends at the sender, with occasional faults in every respect.
    fn chain(&mut self, genes: &mut Genes<'_>) -> Token {
        let mut issuer = [0, 0, RECEIVER, 4, 5, SENDER][genes.pick(6)];
        let links = 1 + genes.pick(4);
        let mut token: Option<Token> = None;
        for place in 0..links {
            let last = place + 1 == links;
            let subject = if last {
                SENDER
            } else if genes.rarely(10) {
                5
            } else {
                [1, 4, 0][genes.pick(3)]
            };
            let action = match (last, genes.rarely(15)) {
                (true, false) if self.topic => Action::Broadcast,
                (true, false) => Action::Invoke,
                (false, true) => [Action::Invoke, Action::Broadcast, Action::Revoke][genes.pick(3)],
                _ => Action::Delegate,
            };
            let mut say = self.say(genes, &self.did(subject), action);
            if let Some(parent) = token.as_ref().filter(|_| !genes.rarely(10)) {
                say.expire = say.expire.min(parent.expire());
            }
            let signer = if genes.rarely(15) { 5 } else { issuer };
            let mut claims = self.lab.grant(&self.parties[issuer], &say).claims().clone();
            claims.issuer = self.did(issuer);
            let signed = Token::sign(claims, token.map(Arc::new), self.parties[signer].secret());
            let garbage = genes.rarely(20).then_some([None, Some(Signature::from([9; 64]))]);
            token =
                Some(garbage.map_or(signed.clone(), |garbage| signed.with_signature(garbage[genes.pick(2)])));
            issuer = if genes.rarely(15) { 5 } else { subject };
        }
        token.expect("at least one link")
    }
}

/// Everything that a decision depends on.
pub(super) struct Scene {
    pub(super) receiver: CapabilityContext,
    /// The revocation that the receiver is to anchor, if any; it may be one that does not verify.
    pub(super) revocation: Option<Token>,
    pub(super) tokens: TokenList,
    pub(super) origin: Did,
    pub(super) topic: Option<Capability>,
    pub(super) wanted: Vec<Capability>,
    sender: PublicKey,
    pub(super) start: Timestamp,
    pub(super) now: Timestamp,
}

impl Scene {
    pub(super) fn new(mode: SignatureMode, rules: Rules, genes: &[u8]) -> Self {
        let genes = &mut Genes(genes.iter());
        let mut world = World::new(mode, rules, genes.rarely(3));
        let table = world.mix_identities(genes);
        let tokens: TokenList = (0..1 + genes.pick(3)).map(|_| world.chain(genes)).collect();
        let mut receiver = world.parties[RECEIVER].clone();
        receiver.trust_mut().set_resolver(Arc::new(table));
        let start = world.lab.now;
        if genes.pick(3) == 1 {
            let roots = [world.did([0, 1, 4][genes.pick(3)])];
            receiver.add_roots(&Anchors { roots: &roots, ..Anchors::default() }, start).unwrap();
        }
        for _ in 0..genes.pick(3) {
            let subject = world.did([0, 1, 4, SENDER][genes.pick(4)]);
            let say = world.say(genes, &subject, Action::Delegate);
            let issuer = world.parties[[RECEIVER, 1][genes.pick(2)]].clone();
            let token = world.lab.grant(&issuer, &say);
            world.lab.anchor_require(&mut receiver, &token).unwrap();
        }
        let revocation = genes.rarely(4).then(|| {
            let all: Vec<&Token> = tokens.iter().flat_map(|token| token.links()).collect();
            let revoked = all[genes.pick(all.len())];
            let issuer = world.parties.iter().find(|party| party.did() == revoked.issuer()).unwrap();
            issuer.revoke(revoked).unwrap()
        });
        let now = [start, start, world.lab.secs(30), world.lab.secs(60), world.lab.secs(121)][genes.pick(5)];
        let now = Timestamp(now.0 + genes.pick(2) as u64);
        let wanted = caps(&[["/a", "/a/b", "/c"][genes.pick(3)], "/a/x"][..1 + genes.pick(2)]);
        Self {
            receiver,
            revocation,
            tokens,
            origin: world.did(SENDER),
            topic: world.topic.then(|| Capability::fixed("t")),
            wanted,
            sender: world.parties[SENDER].secret().public(),
            start,
            now,
        }
    }

    /// For the slow authoriser.
    pub(super) fn question(&self) -> Question<'_> {
        Question {
            subject: &self.origin,
            audience: self.receiver.did(),
            topic: self.topic.as_ref(),
            capabilities: &self.wanted,
            now: self.now,
        }
    }

    pub(super) fn ask(&self, by: &CapabilityContext) -> Result<Authorised, Refusal> {
        by.require(&self.requirement(by), self.now)
    }

    /// What is asked.
    pub(super) fn requirement<'a>(&'a self, by: &'a CapabilityContext) -> Requirement<'a> {
        let reach = self.topic.as_ref().map_or_else(|| Reach::Actor(by.secret().public()), Reach::Topic);
        asked(by, self.sender, reach, &self.wanted)
    }
}

//! Random chains, anchors, clocks and revocations: the authoriser against the slow one, modelled signatures
//! against real ones, and verification with its memo against the plain algorithm.

use std::sync::Arc;

use proptest::prelude::*;

use super::lab::{ANY, Lab, Say, caps};
use crate::dms::capability::slow::{Question, authorises};
use crate::dms::capability::*;
use crate::dms::identity::{Did, Signature, SignatureMode};
use crate::kernel::Timestamp;

const NAMES: [&str; 6] = ["org", "user", "sender", "receiver", "boss", "stranger"];
const SENDER: usize = 2;
const RECEIVER: usize = 3;
const CAPABILITIES: [&str; 5] = ["/a", "/a/b", "/", "", "/c"];

/// Random choices in the order in which they are needed. Zero is always the harmless choice, and what is
/// missing is zero, so that shrinking leads to ordinary cases.
struct Genes<'a>(std::slice::Iter<'a, u8>);

impl Genes<'_> {
    fn pick(&mut self, bound: usize) -> usize {
        self.0.next().map_or(0, |gene| usize::from(*gene) % bound)
    }
    /// True once in `n`.
    fn rarely(&mut self, n: usize) -> bool {
        self.pick(n) == n - 1
    }
}

struct World {
    lab: Lab,
    parties: Vec<CapabilityContext>,
    topic: bool,
}

impl World {
    fn did(&self, party: usize) -> Did {
        self.parties[party].did().clone()
    }

    fn say(&self, genes: &mut Genes<'_>, subject: &Did, action: Action) -> Say {
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
            let garbage = genes.rarely(20).then_some([None, Some(Signature([9; 64]))]);
            token =
                Some(garbage.map_or(signed.clone(), |garbage| signed.with_signature(garbage[genes.pick(2)])));
            issuer = if genes.rarely(15) { 5 } else { subject };
        }
        token.expect("at least one link")
    }
}

/// What happened, in terms that do not depend on the signature mode.
#[derive(PartialEq, Debug)]
struct Outcome {
    verdicts: Vec<Verdict>,
    result: Result<Authorised, String>,
}

fn play(mode: SignatureMode, rules: Rules, genes: &[u8]) -> Outcome {
    let genes = &mut Genes(genes.iter());
    let lab = Lab::new(mode, rules);
    let parties = NAMES.map(|name| lab.context(name)).into();
    let mut world = World { lab, parties, topic: genes.rarely(3) };
    let tokens: TokenList = (0..1 + genes.pick(3)).map(|_| world.chain(genes)).collect();

    let mut receiver = world.parties[RECEIVER].clone();
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
    if genes.rarely(4) {
        let all: Vec<&Token> = tokens.iter().flat_map(Token::links).collect();
        let revoked = all[genes.pick(all.len())];
        let issuer = world.parties.iter().find(|party| party.did() == revoked.issuer()).unwrap();
        world.lab.anchor_revoke(&mut receiver, &issuer.revoke(revoked).unwrap()).unwrap();
    }
    let now: Timestamp =
        [start, start, world.lab.secs(30), world.lab.secs(60), world.lab.secs(121)][genes.pick(5)];
    let now = Timestamp(now.0 + genes.pick(2) as u64);

    for token in &tokens {
        let plain = verify::verify_chain(token, receiver.trust(), now, receiver.revocations(), rules);
        for _ in 0..2 {
            let quick = verify::verify(token, receiver.trust(), now, receiver.revocations(), rules);
            assert_eq!(quick, plain, "the memo changed the decision");
        }
    }
    let wanted = caps(&[["/a", "/a/b", "/c"][genes.pick(3)], "/a/x"][..1 + genes.pick(2)]);
    let topic = Capability::fixed("t");
    let (sender, origin) = (world.parties[SENDER].secret().public(), world.did(SENDER));
    let (own, key) = (receiver.did().clone(), receiver.secret().public());
    let question = Question {
        origin: &origin,
        subject: &origin,
        audience: &own,
        topic: world.topic.then_some(&topic),
        capabilities: &wanted,
        now,
    };
    let expected = authorises(&receiver, &tokens, &question);
    let mut by_blob = receiver.clone();
    let consumption = receiver.consume(&origin, &tokens, now).unwrap();
    assert_eq!(by_blob.consume_blob(&origin, &tokens.to_json(), now).unwrap(), consumption);
    let ask = |context: &CapabilityContext| {
        if world.topic {
            context.require_broadcast(&own, sender, &topic, &wanted, now)
        } else {
            context.require(&own, sender, key, &wanted, now)
        }
    };
    let result = ask(&receiver).map_err(|refusal| refusal.with_consumption(&consumption).explain());
    assert_eq!(result.is_ok(), expected, "the slow authoriser decides otherwise: {result:?}\n{tokens:#?}");
    assert_eq!(ask(&by_blob).is_ok(), expected);
    receiver.discard(&tokens);
    assert!(receiver.consumed().is_empty());
    Outcome { verdicts: consumption.refused.to_vec(), result }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_authoriser_agrees_with_the_slow_one(genes in proptest::collection::vec(any::<u8>(), 0..120)) {
        for rules in [Rules::AS_IS, Rules::INTENDED] {
            play(SignatureMode::Modelled, rules, &genes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn modelled_signatures_decide_as_real_ones(genes in proptest::collection::vec(any::<u8>(), 0..120)) {
        let modelled = play(SignatureMode::Modelled, Rules::INTENDED, &genes);
        prop_assert_eq!(play(SignatureMode::Real, Rules::INTENDED, &genes), modelled);
    }
}

#[test]
fn the_random_cases_reach_every_outcome() {
    let mut outcomes = std::collections::BTreeMap::<String, u32>::new();
    let mut state = 1u64;
    for _ in 0..4000 {
        let genes: Vec<u8> = (0..120)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        let key = match play(SignatureMode::Modelled, Rules::INTENDED, &genes).result {
            Ok(Authorised { route, .. }) => format!("{route:?}"),
            Err(reason) => reason.split(" (link").next().unwrap_or_default().to_owned(),
        };
        *outcomes.entry(key).or_default() += 1;
    }
    for wanted in [
        "Own",
        "Root",
        "SideChain",
        "no token: issuer not trusted",
        "no token: capability expired",
        "no token: max token depth exceeded",
        "no token: token has been revoked",
        "no token: chain does not allow delegation",
        "no token: issuer is not the chain's subject",
        "no token: capabilities not allowed by the chain",
        "no token: capability outlives its parent",
        "no token: signature verification failed",
    ] {
        assert!(outcomes.get(wanted).is_some_and(|count| *count >= 5), "{wanted}: {outcomes:#?}");
    }
}

#[test]
fn granting_again_does_not_grow_the_store() {
    let mut lab = Lab::new(SignatureMode::Modelled, Rules::INTENDED);
    let mut host = lab.context("host");
    let subjects: Vec<Did> = NAMES.map(|name| lab.context(name).did().clone()).into();
    for round in 0..50 {
        lab.now.0 += 1_000_000_000;
        for subject in &subjects {
            let nonce = lab.nonce();
            host.grant_for(subject, &ANY, &caps(&["/x"]), 10_000_000_000, lab.now, nonce).unwrap();
        }
        assert_eq!(host.require_anchors().len(), subjects.len(), "round {round}");
    }
}

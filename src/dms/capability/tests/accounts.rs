//! Accounts of anchoring and delegating against what happens, and their words.

use std::sync::Arc;

use proptest::prelude::*;

use super::lab::{ANY, Lab, Say, caps};
use super::scene::{Genes, NAMES, World};
use crate::dms::capability::explain::{Fate, ParentFault, Slot, Words};
use crate::dms::capability::*;
use crate::dms::identity::{Did, Signature, SignatureMode};

fn tokens(world: &mut World, genes: &mut Genes<'_>) -> Vec<Token> {
    let one = |world: &mut World, genes: &mut Genes<'_>| {
        let issuer = world.parties[[0, 4, 5][genes.pick(3)]].clone();
        let subject = world.did(if genes.rarely(4) { 5 } else { 1 });
        let action = if genes.rarely(10) { Action::Invoke } else { Action::Delegate };
        let say = world.say(genes, &subject, action);
        let token = world.lab.grant(&issuer, &say);
        if genes.rarely(20) { token.with_signature(Some(Signature::from([1; 64]))) } else { token }
    };
    (0..genes.pick(4)).map(|_| one(world, genes)).collect()
}

fn anchored_as_told(world: &mut World, genes: &mut Genes<'_>) -> CapabilityContext {
    let mut user = world.parties[1].clone();
    for _ in 0..2 {
        let (require, mut provide) = (tokens(world, genes), tokens(world, genes));
        let consumed: TokenList = provide.iter().cloned().collect();
        if genes.rarely(3) {
            user.consume(&ANY, &consumed, world.lab.now).unwrap();
        }
        let revoke: Vec<Token> = match (genes.pick(4), user.provide_anchors().tokens().first()) {
            (1, Some(held)) => {
                let issuer = world.parties.iter().find(|party| party.did() == held.issuer()).unwrap();
                vec![issuer.revoke(held).unwrap()]
            }
            (2, _) => provide.pop().into_iter().collect(),
            _ => Vec::new(),
        };
        let [require, provide, revoke] =
            [require, provide, revoke].map(|tokens| tokens.into_iter().map(Arc::new).collect::<Vec<_>>());
        let anchors = Anchors { roots: &[], require: &require, provide: &provide, revoke: &revoke };
        let account = user.explain_anchoring(&anchors, world.lab.now);
        let mut lengths = [user.require_anchors().len(), user.provide_anchors().len(), user.consumed().len()];
        assert_eq!(user.add_roots(&anchors, world.lab.now), account.result);
        let index = |slot| [Slot::Require, Slot::Provide, Slot::Consumed].iter().position(|one| *one == slot);
        for one in &account.tokens {
            if let (Fate::Kept(displaced), Some(at)) = (&one.fate, index(one.slot)) {
                lengths[at] = lengths[at] + 1 - displaced.len();
            }
        }
        for (slot, links) in &account.dropped {
            assert!(links.iter().any(|link| link.broken.is_some()), "a reason");
            lengths[index(*slot).unwrap()] -= 1;
        }
        let after = [user.require_anchors().len(), user.provide_anchors().len(), user.consumed().len()];
        assert_eq!(after, lengths, "{account:#?}");
    }
    user
}

fn delegated_as_told(user: &CapabilityContext, world: &World, genes: &mut Genes<'_>) {
    let action = [Action::Delegate, Action::Invoke, Action::Broadcast][genes.pick(3)];
    let say: Say = world.say(genes, &world.did(2), action);
    let mut delegation = say.as_delegation();
    if genes.rarely(4) {
        delegation.expire = crate::kernel::Timestamp::ZERO;
    }
    let (target, now) = (world.did([0, 4][genes.pick(2)]), world.lab.secs([0, 45, 100][genes.pick(3)]));
    let mut out = TokenList::new();
    let mut nonces = || [0; 12];
    let (no, nonces) = (SelfSign::No, &mut nonces);
    let result = match action {
        Action::Delegate => user.delegate(&delegation, no, now, nonces, &mut out),
        Action::Invoke => user.delegate_invocation(&target, &delegation, no, now, nonces, &mut out),
        _ => user.delegate_broadcast(&delegation, no, now, nonces, &mut out),
    };
    let reply_to = (action == Action::Invoke).then_some(&target);
    let parents = user.explain_delegation(action, reply_to, &delegation, now);
    let made: Vec<&Token> =
        parents.iter().filter(|parent| parent.fault.is_none()).map(|parent| &parent.token).collect();
    let chained: Vec<&Token> = out.iter().filter_map(|token| token.chain().map(|chain| &**chain)).collect();
    assert_eq!(made, chained, "{parents:#?}");
    assert_eq!(result.is_ok(), !made.is_empty() || delegation.capabilities.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn accounts_say_what_happens(genes in proptest::collection::vec(any::<u8>(), 0..160)) {
        for rules in [Rules::AS_IS, Rules::INTENDED] {
            let genes = &mut Genes(genes.iter());
            let mut world = World::new(SignatureMode::Modelled, rules, genes.rarely(3));
            let user = anchored_as_told(&mut world, genes);
            delegated_as_told(&user, &world, genes);
        }
    }
}

/// Names and seconds from the start of a lab.
fn told(lab: &Lab, tell: impl Fn(&Words<'_>) -> Vec<String>) -> String {
    let name = |did: &Did| {
        let known = NAMES.iter().find(|name| lab.context(name).did() == did);
        known.map_or_else(|| did.to_string(), |name| (*name).to_owned())
    };
    tell(&Words { did: &name, time: &|at| format!("{}", at.since(lab.now)) }).join("\n")
}

#[test]
fn the_words_of_a_refusal_and_of_a_dead_end() {
    let mut lab = Lab::new(SignatureMode::Modelled, Rules::INTENDED);
    let (org, mut user, mut receiver) = (lab.context("org"), lab.context("user"), lab.context("receiver"));
    let sender = lab.context("sender");
    let mut say = lab.say(user.did(), &["/a"]);
    (say.depth, say.topics) = (1, caps(&["t"]));
    let token = lab.grant(&org, &say);
    lab.anchor_provide(&mut user, &token).unwrap();
    let side_chain = lab.grant(&receiver, &lab.say(org.did(), &["/b"]));
    lab.anchor_require(&mut receiver, &side_chain).unwrap();
    let mut call = lab.say(sender.did(), &["/a/x"]);
    call.action = Action::Invoke;
    let tokens = lab.delegate(&user, &call, SelfSign::No).unwrap();
    let account = receiver.explain_consume(sender.did(), &tokens, lab.now).unwrap();
    insta::assert_snapshot!(told(&lab, |words| words.explanation(&account)), @r"
    token 0 refused: capability not covered by side chain
      link 0: invoke user -> sender: /a/x, until 2m
      link 1: delegate org -> user: /a, topics t, depth 1, until 2m
      require token 0 (receiver -> org) does not accept it: capability not covered by side chain
    ");
    let further = lab.say(sender.did(), &["/a"]);
    let parents = user.explain_delegation(Action::Delegate, None, &further.as_delegation(), lab.now);
    assert_eq!(parents[0].fault, Some(ParentFault::Depth));
    insta::assert_snapshot!(told(&lab, |words| words.delegation(&parents)), @r"
    provide token is passed over: its depth leaves no room below it
      link 0: delegate org -> user: /a, topics t, depth 1, until 2m
    ");
}

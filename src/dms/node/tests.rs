//! Nodes that talk to each other without a network: messages are handed over until there are none.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Order, TokenSet};
use crate::dms::actor::{
    AnchorRequest, Behaviour, BehaviourKind, Envelope, Limits, Message, NodeReport, Rejection, Report, Slot,
};
use crate::dms::atlas::BlankAtlas;
use crate::dms::capability::{
    Capability, CapabilityContext, Form, Membership, OrganizationKeys, Rules, Token, exchange, own_node,
};
use crate::dms::constants::REVOCATION_EXCHANGE_TIMEOUT;
use crate::dms::fact::Fact;
use crate::dms::identity::{Did, Handle, SecretKey, SignatureMode};
use crate::dms::observability::{ApmConfig, ElasticConfig, Level, ObserverConfig};
use crate::dms::orchestrator::Strategy;
use crate::dms::outbox::{Command, Effects, Input, Outbox, Timer};
use crate::dms::profile::{Profile, Weakness};
use crate::dms::provider::Machine;
use crate::dms::supervision::Recovery;
use crate::dms::system::BareSystem;
use crate::dms::{Peer, PeerConfig};
use crate::kernel::{Domain, Span, Streams, Timestamp};

const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);
const CAPABILITIES: [Capability; 2] = [Capability::fixed("/public"), Capability::fixed("/dms/cap")];

/// Members of one organization.
struct Lab {
    organization: OrganizationKeys,
    peers: Vec<Peer>,
    draws: u64,
    facts: Vec<(usize, Fact)>,
    timers: Vec<(usize, Timer)>,
    /// How many messages were handed over.
    delivered: usize,
}

fn key(seed: u8) -> SecretKey {
    SecretKey::ed25519([seed; 32], SignatureMode::Modelled)
}

impl Lab {
    fn new(profiles: &[Profile]) -> Self {
        let organization = OrganizationKeys::new("nunet".into(), key(250), Rules::INTENDED);
        let peers = profiles.iter().zip(1..).map(|(&profile, seed)| {
            let mut user = CapabilityContext::new(CapabilityContext::USER, key(seed + 100), Rules::INTENDED);
            let mut capabilities =
                CapabilityContext::new(CapabilityContext::NODE, key(seed), Rules::INTENDED);
            own_node(&user, &mut capabilities, NOW).unwrap();
            let expire = NOW + Span::hours(1);
            let membership = Membership { capabilities: &CAPABILITIES, topics: &[], expire };
            let dms = capabilities.did().clone();
            let mut nonces = || [seed; 12];
            let joined = exchange(&organization, &mut user, &dms, &membership, NOW, &mut nonces).unwrap();
            capabilities.add_roots(&joined.anchors(Form::Full), NOW).unwrap();
            let strategy = Strategy::default();
            let machine = Machine::default();
            Peer::new(
                PeerConfig {
                    secret: key(seed),
                    capabilities,
                    profile,
                    machine,
                    strategy,
                    atlas: &BlankAtlas,
                },
                NOW,
            )
        });
        let peers = peers.collect();
        Self { organization, peers, draws: 0, facts: Vec::new(), timers: Vec::new(), delivered: 0 }
    }

    fn root(&self, peer: usize) -> Arc<Handle> {
        Arc::clone(self.peers[peer].handle_of_root())
    }

    /// One input; what the peer sends is returned.
    fn feed(&mut self, peer: usize, input: Input<'_>) -> Vec<Envelope> {
        let mut effects = Effects::default();
        self.draws += 1;
        let streams = Streams::new(1);
        let random = streams.owned(Domain::new("test.node"), self.draws);
        self.peers[peer].handle(
            NOW,
            input,
            &mut Outbox { effects: &mut effects, random, system: &BareSystem },
        );
        self.facts.extend(effects.facts.into_iter().map(|fact| (peer, fact)));
        self.timers.extend(effects.timers.into_iter().map(|(_, timer)| (peer, timer)));
        effects.sends
    }

    fn hand_over(&mut self, envelope: &Envelope) -> Vec<Envelope> {
        let host = envelope.to.as_ref().expect("nothing is broadcast here").host;
        let to = self.peers.iter().position(|peer| peer.handle_of_root().host == host).unwrap();
        self.delivered += 1;
        let bytes = envelope.json_len();
        assert!(
            self.feed(to, Input::Arrival { envelope, bytes, transport: Some(&envelope.from.host) })
                .is_empty()
        );
        self.feed(to, Input::Dispatch(envelope))
    }

    fn settle(&mut self, sends: Vec<Envelope>) {
        let mut queue = VecDeque::from(sends);
        while let Some(envelope) = queue.pop_front() {
            queue.extend(self.hand_over(&envelope));
        }
    }

    fn order(&mut self, peer: usize, order: Order) {
        let command = Command::Operate { operation: 7, order: Box::new(order) };
        let sends = self.feed(peer, Input::Command(command));
        self.settle(sends);
    }

    /// A token of the organization for nobody in particular, and its revocation.
    fn revocation(&self, number: u8) -> Token {
        let subject = Did::Key(key(200).public());
        let membership =
            Membership { capabilities: &CAPABILITIES, topics: &[], expire: NOW + Span::hours(1) };
        let token = self.organization.admit(&subject, &membership, &mut || [number; 12]);
        self.organization.context().revoke(&token).unwrap()
    }

    fn revoke(&mut self, peer: usize, number: u8) {
        let revocation = Arc::new(self.revocation(number));
        self.order(peer, Order::Revoke { revocation, broadcast: None });
    }

    /// What a node answers when its operator asks it for its status.
    fn status(&mut self, peer: usize) -> NodeReport {
        let (to, timeout) = (self.root(peer), Span::secs(5));
        let behaviour = Behaviour::fixed(BehaviourKind::NodeStatus);
        let order = Order::Call { to, behaviour, message: Message::Query, timeout };
        let command = Command::Operate { operation: 7, order: Box::new(order) };
        let question = self.feed(peer, Input::Command(command)).pop().expect("the question is sent");
        let answer = self.hand_over(&question).pop().expect("the node answers its operator");
        let Message::Report(report) = &answer.message else { panic!("{:?}", answer.message) };
        let Report::Node(all) = &**report else { panic!("{report:?}") };
        assert_eq!(all.len(), 1);
        all[&self.root(peer).host].clone()
    }

    fn known(&self, peer: usize) -> usize {
        self.peers[peer].capabilities().revocations().len()
    }

    fn last_of(&self, peer: usize) -> &Fact {
        &self.facts.iter().rev().find(|(of, _)| *of == peer).unwrap().1
    }
}

#[test]
fn two_peers_bring_their_revocations_together() {
    let mut lab = Lab::new(&[Profile::INTENDED; 2]);
    lab.revoke(0, 1);
    lab.revoke(0, 2);
    lab.revoke(1, 3);
    let sends = lab.feed(0, Input::Reconnected(lab.root(1)));
    lab.settle(sends);
    assert_eq!((lab.known(0), lab.known(1)), (3, 3));
    // Equal sets take a question and an answer.
    let before = lab.delivered;
    let sends = lab.feed(1, Input::Reconnected(lab.root(0)));
    lab.settle(sends);
    assert_eq!(lab.delivered - before, 2);
}

#[test]
fn a_node_that_is_put_away_goes_on_where_it_was() {
    let mut lab = Lab::new(&[Profile::INTENDED; 2]);
    lab.revoke(0, 1);
    let question = lab.feed(0, Input::Reconnected(lab.root(1))).pop().expect("it asks");
    assert!(lab.peers[0].essence(NOW).is_none(), "it waits for an answer");
    lab.settle(vec![question.clone()]);
    assert_eq!(lab.known(1), 1);
    let essence = lab.peers[1].essence(NOW).expect("it has answered, and that was all");
    let nonce = lab.peers[1].last_nonce();

    let mut anew = Lab::new(&[Profile::INTENDED; 2]);
    anew.peers[1].recall(&essence);
    assert_eq!((anew.known(1), anew.peers[1].last_nonce()), (1, nonce));
    // What it has answered it does not answer again.
    assert!(anew.hand_over(&question).is_empty());
    let Fact::MessageRejected { rejection: Rejection::Replayed, .. } = anew.last_of(1) else {
        panic!("{:?}", anew.facts)
    };
    // Long after the message has expired nobody has to remember it.
    let later = question.expire + Span::mins(10) + Span(1);
    assert!(lab.peers[1].essence(later).expect("as before").handled.is_empty());
}

#[test]
fn who_knows_of_none_or_has_the_weakness_asks_nobody() {
    let mut lab = Lab::new(&[Profile::INTENDED, Profile::INTENDED.with(Weakness::NoRevocationCatchUp)]);
    assert!(lab.feed(0, Input::Reconnected(lab.root(1))).is_empty());
    lab.revoke(1, 1);
    assert!(lab.feed(1, Input::Reconnected(lab.root(0))).is_empty());
    // Asked by another, it does not even know the behaviour; after three attempts the other gives up.
    lab.revoke(0, 2);
    let sends = lab.feed(0, Input::Reconnected(lab.root(1)));
    lab.settle(sends);
    let mut attempts = 1;
    while let Some((peer, timer)) = lab.timers.pop() {
        let sends = lab.feed(peer, Input::Timer(timer));
        attempts += sends.len();
        lab.settle(sends);
    }
    assert_eq!((attempts, lab.known(0), lab.known(1)), (3, 1, 1));
}

#[test]
fn what_is_learnt_while_a_comparison_is_under_way_is_told_as_well() {
    let mut lab = Lab::new(&[Profile::INTENDED; 2]);
    lab.revoke(0, 1);
    lab.revoke(1, 1);
    let question = lab.feed(0, Input::Reconnected(lab.root(1)));
    lab.revoke(0, 2);
    lab.settle(question);
    assert_eq!((lab.known(0), lab.known(1)), (2, 2));
}

#[test]
fn who_missed_a_broadcast_is_told_without_a_new_connection() {
    let mut lab = Lab::new(&[Profile::INTENDED; 2]);
    lab.feed(0, Input::Connected(lab.root(1)));
    let (peer, hello) = lab.timers.pop().expect("a hello is due");
    let sends = lab.feed(peer, Input::Timer(hello));
    lab.settle(sends);
    lab.timers.clear();
    // Both know each other, and neither knows of a revocation: nothing is compared.
    lab.revoke(0, 1);
    assert_eq!((lab.known(0), lab.known(1)), (1, 0));
    assert_eq!(lab.timers, [(0, Timer::CompareRevocations)]);
    let (peer, comparison) = lab.timers.pop().expect("a comparison is due");
    let sends = lab.feed(peer, Input::Timer(comparison));
    lab.settle(sends);
    assert_eq!((lab.known(0), lab.known(1)), (1, 1));
    // Whoever was told compares as well, and with that all have agreed: nobody goes on.
    let (mut turns, before) = (0, lab.delivered);
    while let Some(at) = lab.timers.iter().position(|(_, timer)| *timer == Timer::CompareRevocations) {
        let (peer, comparison) = lab.timers.remove(at);
        let sends = lab.feed(peer, Input::Timer(comparison));
        lab.settle(sends);
        turns += 1;
    }
    assert!((1..6).contains(&turns) && lab.delivered <= before + 4, "{turns} turns");
}

#[test]
fn a_false_revocation_is_not_taken_up() {
    let mut lab = Lab::new(&[Profile::INTENDED; 2]);
    let forged = lab.revocation(1).with_signature(None);
    let message = Message::Revocations(Box::new(forged.into()));
    let behaviour = Behaviour::fixed(BehaviourKind::PublicRevocations);
    let timeout = REVOCATION_EXCHANGE_TIMEOUT;
    lab.order(0, Order::Call { to: lab.root(1), behaviour, message, timeout });
    assert_eq!(lab.known(1), 0);
}

#[test]
fn tokens_go_only_where_their_behaviour_says() {
    let mut lab = Lab::new(&[Profile::INTENDED; 2]);
    let before = lab.peers[1].capabilities().stored(NOW);
    let membership = Membership { capabilities: &CAPABILITIES, topics: &[], expire: NOW + Span::hours(1) };
    let token = lab.organization.admit(&lab.root(1).did, &membership, &mut || [9; 12]);
    let message =
        || Message::Anchor(Box::new(AnchorRequest { slot: Slot::Provide, tokens: token.clone().into() }));
    let call = |lab: &Lab, kind| Order::Call {
        to: lab.root(1),
        behaviour: Behaviour::fixed(kind),
        message: message(),
        timeout: Span::secs(30),
    };
    let wrong = call(&lab, BehaviourKind::AnchorRequire);
    lab.order(0, wrong);
    let Fact::OperationRefused { operation: 7, reason } = lab.last_of(0) else { panic!("{:?}", lab.facts) };
    assert_eq!(&**reason, "provide tokens cannot be anchored by /dms/cap/require/anchor");
    // A public behaviour anchors nothing, whatever comes with it.
    let public = call(&lab, BehaviourKind::PublicStatus);
    lab.order(0, public);
    assert_eq!(lab.peers[1].capabilities().stored(NOW), before);
    let right = call(&lab, BehaviourKind::Anchor);
    lab.order(0, right);
    assert!(matches!(lab.last_of(0), Fact::OperationAnswered { operation: 7, .. }));
    assert_eq!(lab.peers[1].capabilities().stored(NOW).0, before.0 + 1);
    let set = Box::new(TokenSet::of(Slot::Provide, Arc::new(token.clone())));
    lab.order(1, Order::Remove(set));
    assert_eq!(lab.peers[1].capabilities().stored(NOW), before);
}

#[test]
fn a_status_tells_all_that_a_node_is_configured_with() {
    let mut lab = Lab::new(&[Profile::INTENDED, Profile::INTENDED.with(Weakness::ToldSecrets)]);
    let bare = lab.status(0);
    assert_eq!((&*bare.hostname, bare.onboarded, bare.errors.len()), ("localhost", false, 0));
    assert_eq!(bare.network.p2p.id, lab.root(0).host);
    assert_eq!((&bare.config.limits, &bare.config.logger), (&Limits::default(), &None));
    assert_eq!(bare.config.strategy.recovery, Recovery::default());
    let observed = ObserverConfig {
        level: Level::Warn,
        console: true,
        file: None,
        elastic: Some(ElasticConfig { url: "https://logs".into(), api_key: "secret".into() }),
        flush_interval: Span::millis(2500),
        events: false,
        apm: ApmConfig { url: "https://apm".into(), ..ApmConfig::default() },
        metrics: true,
        skipped: Vec::new(),
        no_op: false,
    };
    for (peer, told) in [(0, None), (1, Some("secret"))] {
        lab.peers[peer].observe(observed.clone());
        let report = lab.status(peer);
        let logger = report.config.logger.as_ref().expect("it is configured");
        assert_eq!((logger.level.as_deref(), logger.flush_interval_ms), (Some("WARN"), Some(2500)));
        assert_eq!((logger.elastic_url.as_deref(), logger.elastic), (Some("https://logs"), Some(true)));
        assert_eq!((logger.apm_url.as_deref(), logger.has_api_key), (Some("https://apm"), true));
        assert_eq!((logger.api_key.as_deref(), report.secrets()), (told, u32::from(told.is_some())));
        assert!(logger.fixed.as_ref().is_some_and(|fixed| fixed.console && fixed.metrics && !fixed.events));
    }
}

//! What a peer thinks of another after they have met, and what it clears away when it starts again.

use super::*;
use crate::dms::atlas::BlankAtlas;
use crate::dms::capability::{Membership, OrganizationKeys, Rules, join};
use crate::dms::constants::{SCORE_CONNECTED, SCORE_GREETED};
use crate::dms::deputy::{DeploymentCopy, DeputyConfig, DeputyMessage};
use crate::dms::ensemble::{
    AllocationConfig, AllocationKind, EnsembleConfig, Executor, Location, LocationConstraints, NodeConfig,
};
use crate::dms::identity::SignatureMode;
use crate::dms::outbox::{Effects, Remains};
use crate::dms::resources::Resources;
use crate::dms::supervision::recovery::HandOver;
use crate::dms::supervision::{Measure, Recovery};
use crate::dms::system::BareSystem;
use crate::kernel::Span;
use crate::kernel::{Domain, Streams};

const NOW: Timestamp = Timestamp(1_735_689_600_000_000_000);

fn peer(seed: u8, organization: Option<&OrganizationKeys>) -> Peer {
    let key = |seed: u8| SecretKey::ed25519([seed; 32], SignatureMode::Modelled);
    let mut capabilities = CapabilityContext::new(CapabilityContext::NODE, key(seed), Rules::INTENDED);
    if let Some(organization) = organization {
        let mut user = CapabilityContext::new(CapabilityContext::USER, key(seed + 100), Rules::INTENDED);
        let membership = Membership::usual(NOW + Span::hours(1));
        let mut nonces = || [seed; 12];
        join(organization, &mut user, &mut capabilities, &membership, NOW, &mut nonces)
            .expect("a fresh join");
    }
    let machine = Machine {
        total: Resources::default(),
        onboarded: None,
        location: Location::default(),
        executors: Arc::default(),
        tariff: None,
        places: None,
        quotas: Default::default(),
    };
    let strategy = Strategy::default();
    let profile = Profile::INTENDED;
    Peer::new(
        PeerConfig { secret: key(seed), capabilities, profile, machine, strategy, atlas: &BlankAtlas },
        NOW,
    )
}

/// Lets something happen to a peer: what it sends, and the timers that it sets.
fn happens(peer: &mut Peer, input: Input<'_>) -> Effects {
    let mut effects = Effects::default();
    let random = Streams::new(1).owned(Domain::new("test.peer"), 0);
    peer.handle(NOW, input, &mut Outbox { effects: &mut effects, random, system: &BareSystem });
    effects
}

/// `from` greets `to`, who answers; nothing is lost.
fn greets(from: &mut Peer, to: &mut Peer) {
    let connected = happens(from, Input::Connected(Arc::clone(to.handle_of_root())));
    let mut sent = happens(from, Input::Timer(connected.timers[0].1)).sends;
    let mut towards = true;
    while let Some(envelope) = sent.pop() {
        let receiver = if towards { &mut *to } else { &mut *from };
        towards = !towards;
        let transport = Some(&envelope.from.host);
        let arrival = happens(receiver, Input::Arrival { envelope: &envelope, bytes: 100, transport });
        assert!(arrival.admitted.is_some());
        sent.extend(happens(receiver, Input::Dispatch(&envelope)).sends);
    }
}

#[test]
fn who_greets_and_answers_is_worth_most() {
    let secret = SecretKey::ed25519([200; 32], SignatureMode::Modelled);
    let organization = OrganizationKeys::new("nunet".into(), secret, Rules::INTENDED);
    let (mut alice, mut bob) = (peer(1, Some(&organization)), peer(2, Some(&organization)));
    let (alice_host, bob_host) = (alice.handle_of_root().host, bob.handle_of_root().host);
    let score = |of: &Peer, other: &PeerId| of.application_score(other);
    assert!(score(&alice, &bob_host).total_cmp(&0.0).is_eq(), "they have not met");
    happens(&mut bob, Input::Connected(Arc::clone(alice.handle_of_root())));
    assert!(score(&bob, &alice_host).total_cmp(&SCORE_CONNECTED).is_eq());
    greets(&mut alice, &mut bob);
    assert!(score(&alice, &bob_host).total_cmp(&SCORE_CONNECTED).is_eq(), "one way is not both");
    greets(&mut bob, &mut alice);
    assert!(score(&alice, &bob_host).total_cmp(&SCORE_GREETED).is_eq());
    assert!(score(&bob, &alice_host).total_cmp(&SCORE_GREETED).is_eq());
}

#[test]
fn a_stranger_gets_no_answer_and_is_worth_a_connection() {
    let secret = SecretKey::ed25519([200; 32], SignatureMode::Modelled);
    let organization = OrganizationKeys::new("nunet".into(), secret, Rules::INTENDED);
    let (mut member, mut stranger) = (peer(1, Some(&organization)), peer(2, None));
    let host = stranger.handle_of_root().host;
    greets(&mut member, &mut stranger);
    greets(&mut stranger, &mut member);
    assert!(member.application_score(&host).total_cmp(&SCORE_CONNECTED).is_eq());
}

#[test]
fn data_of_deleted_volumes_is_removed_when_the_process_starts_again() {
    let mut vault = peer(1, None);
    let mut server = VolumeServer::new("certificate".into());
    let client_pem = "-----BEGIN CERTIFICATE-----ZG1zaW0=-----END CERTIFICATE-----".into();
    let wanted = VolumeRequest::Create { name: "kept".into(), client_pem };
    server.carry_out(&wanted, &vault.handle_of_root().did, 1).expect("the name is free");
    let kept = Arc::clone(&server.volume("kept").expect("it was made").brick);
    vault.serve_volumes(server);
    vault.stop();
    let bricks = vec![kept, "brick-of-another".into()];
    let started = happens(&mut vault, Input::Started(Remains { bricks, ..Remains::default() }));
    let removed =
        |action: &Action| matches!(action, Action::RemoveBrick(brick) if **brick == *"brick-of-another");
    assert!(started.actions.len() == 1 && removed(&started.actions[0]), "{:?}", started.actions);
}

/// The copies of deployments among what was sent, each with the nonce of its answer.
fn copies(effects: &Effects) -> Vec<(u64, DeploymentCopy)> {
    let copy = |envelope: &Envelope| match &envelope.message {
        Message::Deputy(said) => match &**said {
            DeputyMessage::Copy(copy) => Some((envelope.reply_to.as_ref()?.reply_nonce()?, copy.clone())),
            _ => None,
        },
        _ => None,
    };
    effects.sends.iter().filter_map(copy).collect()
}

/// Lets the deputy of a peer answer to a copy that somebody else has the deployment by now, and the next beat come: how
/// much is sent then.
fn superseded(principal: &mut Peer, deputy: &Handle, (nonce, copy): &(u64, DeploymentCopy)) -> usize {
    let mandate = copy.record.handed_over(deputy, NOW).mandate.expect("it is another's in the next term");
    let answer = Message::Deputy(Box::new(DeputyMessage::Superseded(mandate)));
    let mut effects = Effects::default();
    let random = Streams::new(2).owned(Domain::new("test.peer"), 0);
    let mut out = Outbox { effects: &mut effects, random, system: &BareSystem };
    let mut desk = Desk { now: NOW, security: &mut principal.security, out: &mut out };
    let (deputies, deployments) = (&mut principal.deputies, &mut principal.deployments);
    deputies.resolve(&mut desk, &mut principal.root, deployments, *nonce, Some((&deputy.host, &answer)));
    happens(principal, Input::Timer(Timer::Beat)).sends.len()
}

#[test]
fn who_is_superseded_tells_also_what_has_become_of_a_deployment_since_the_copy_that_is_answered() {
    let mut principal = peer(1, None);
    let deputy = Arc::clone(peer(2, None).handle_of_root());
    let config = DeputyConfig { deputy: Some(Arc::clone(&deputy)), principals: Vec::new() };
    principal.configure_deputies(config);
    let task = AllocationConfig::bare("a", AllocationKind::Task, Executor::Null, Resources::default());
    let node = NodeConfig {
        allocations: vec!["a".into()],
        ports: Vec::new(),
        location: LocationConstraints::default(),
        peer: None,
        redundancy: 0,
        failure_recovery: None,
    };
    let ensemble = EnsembleConfig {
        allocations: [("a".into(), task)].into_iter().collect(),
        nodes: [("n0".into(), node)].into_iter().collect(),
        ..EnsembleConfig::default()
    };
    let ensemble = Arc::new(ensemble);
    let new = Box::new(NewDeployment { ensemble, pins: Vec::new(), contracts: Arc::from([]) });
    let recovery = Some(Recovery::of(&[Measure::HandOver(HandOver::DEFAULT)]));
    let wishes = Wishes { recovery, ..Wishes::default() };
    let deploy = Command::Deploy { new, expire: NOW + Span::hours(1), wishes };
    let first = copies(&happens(&mut principal, Input::Command(deploy)));
    let id = principal.deployments()[0].id();
    let last = copies(&happens(&mut principal, Input::Command(Command::Shutdown(id))));
    assert_eq!((first.len(), last.len()), (1, 1));
    assert_eq!(superseded(&mut principal, &deputy, &first[0]), 1, "the last copy may be lost");
    assert_eq!(superseded(&mut principal, &deputy, &last[0]), 0, "the deputy has all");
}

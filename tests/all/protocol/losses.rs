//! Any message may be lost: the deployment comes to run all the same, and nothing is left behind when it ends.

use std::sync::Arc;

use dmsim::dms::actor::{DeploymentRequest, UpdateDeployment};
use dmsim::dms::fact::{DeploymentStatus, Fact};
use dmsim::dms::identity::SignatureMode;
use dmsim::dms::profile::Profile;
use dmsim::kernel::Span;

use super::lab::{Description, Lab};
use super::{ensembles, script};

/// Longer than every retry and every lease, and than a lost start twice.
const LONG: Span = Span::mins(16);

/// Deploys on as many providers, loses the messages with these numbers, and lets it run.
fn deploy_and_run(file: &str, providers: usize, lost: &[u64]) -> Lab {
    let peer = |name: String, cores| {
        let organization = "nunet".to_owned();
        Description { name, cores, organization, plan: None, gateway: None }
    };
    let mut peers = vec![peer("alice".to_owned(), None)];
    peers.extend((1..=providers).map(|number| peer(format!("p{number}"), Some(8))));
    let mut lab = Lab::new(&peers, Profile::INTENDED, None, None, SignatureMode::Modelled);
    lab.lost.extend(lost);
    let ensemble = script::ensemble(&ensembles(), file).unwrap();
    lab.deploy(0, "it", ensemble, Span::mins(15));
    lab.advance(LONG);
    lab
}

fn statuses(lab: &Lab) -> Vec<DeploymentStatus> {
    let status = |fact: &Fact| match fact {
        Fact::DeploymentStatus { status, .. } => Some(*status),
        _ => None,
    };
    lab.facts().iter().filter_map(|(_, _, fact)| status(fact)).collect()
}

/// What must hold whatever was lost before the end of the deployment.
fn check(mut lab: Lab, what: &str) {
    let running: usize = lab.hosts.iter().map(|host| host.peer.provider().allocations().count()).sum();
    let wanted = lab.hosts[0].peer.deployments()[0].status() == DeploymentStatus::Running;
    assert!(wanted, "{what}: it does not run: {:?}", statuses(&lab));
    assert!(running > 0, "{what}: nothing runs");
    let mut ids: Vec<_> = lab.hosts.iter().flat_map(|host| host.peer.provider().allocations()).collect();
    ids.sort_unstable_by(|a, b| a.0.cmp(b.0));
    let twice = ids.windows(2).find(|pair| pair[0].0 == pair[1].0);
    assert!(twice.is_none(), "{what}: an allocation lives twice: {twice:?}");
    lab.shutdown("it");
    lab.advance(LONG);
    assert_eq!(statuses(&lab).last(), Some(&DeploymentStatus::Completed), "{what}");
    for host in &lab.hosts {
        let pool = host.peer.provider().pool();
        assert_eq!(pool.free(), *pool.onboarded(), "{what}: {} still holds something", host.name);
        assert_eq!(host.peer.provider().allocations().count(), 0, "{what}: {} runs something", host.name);
    }
}

/// Messages until everything runs.
fn messages(file: &str, providers: usize) -> u64 {
    let peers = deploy_and_run(file, providers, &[]);
    let until = peers.facts().iter().position(|(_, _, fact)| {
        matches!(fact, Fact::DeploymentStatus { status: DeploymentStatus::Running, .. })
    });
    assert!(until.is_some(), "without losses it runs");
    // Heartbeats and health checks of two minutes are among those that may be lost as well.
    peers.sent.min(120)
}

#[test]
fn any_single_message_may_be_lost() {
    for (file, providers) in [("web.yaml", 2), ("web.yaml", 1), ("shop.yaml", 3), ("pinned.yaml", 1)] {
        for number in 0..messages(file, providers) {
            let lab = deploy_and_run(file, providers, &[number]);
            check(lab, &format!("{file} on {providers} without message {number}"));
        }
    }
}

#[test]
fn any_two_messages_may_be_lost() {
    for (file, providers) in [("web.yaml", 1), ("pinned.yaml", 1)] {
        let count = messages(file, providers).min(30);
        for first in 0..count {
            for second in first + 1..count + 6 {
                let lab = deploy_and_run(file, providers, &[first, second]);
                check(lab, &format!("{file} on {providers} without messages {first} and {second}"));
            }
        }
    }
}

/// Deploys, updates it to another ensemble, and loses the messages with these numbers, counted from the update.
fn update((file, new): (&str, &str), providers: usize, lost: &[u64]) -> (Lab, u64) {
    let mut lab = deploy_and_run(file, providers, &[]);
    let before = lab.sent;
    lab.lost.extend(lost.iter().map(|number| before + number));
    let ensemble = script::ensemble(&ensembles(), new).unwrap();
    let (id, pins) = (lab.hosts[0].peer.deployments()[0].id(), lab.pins(&ensemble));
    let order = UpdateDeployment { id, ensemble: Arc::new(ensemble), pins };
    lab.ask(0, 0, DeploymentRequest::Update(order), Span::mins(5));
    lab.advance(LONG);
    (lab, before)
}

/// What the last update says that it consists of, and what runs.
fn shape(lab: &Lab) -> [Vec<String>; 2] {
    let roles = |fact: &Fact| match fact {
        Fact::DeploymentReshaped { allocations, .. } => Some(allocations.clone()),
        _ => None,
    };
    let last = lab.facts().iter().rev().find_map(|(_, _, fact)| roles(fact)).expect("it was updated");
    let wanted = last.iter().filter(|role| role.is_wanted).map(|role| role.allocation.to_string());
    let here = lab.hosts.iter().flat_map(|host| host.peer.provider().allocations());
    let runs = here.map(|(id, ..)| id.split_once('_').expect("an id of an ensemble").1.to_owned());
    let [mut wanted, mut runs] = [wanted.collect::<Vec<_>>(), runs.collect()];
    wanted.sort_unstable();
    runs.sort_unstable();
    [wanted, runs]
}

#[test]
fn any_message_of_an_update_may_be_lost() {
    for (change, providers) in [
        (("web.yaml", "web-and-search.yaml"), 3),
        (("shop.yaml", "shop-without-api.yaml"), 3),
        (("shop-without-api.yaml", "shop.yaml"), 3),
        (("pinned.yaml", "pinned-elsewhere.yaml"), 2),
    ] {
        let (lab, before) = update(change, providers, &[]);
        // Heartbeats and health checks of a minute are among those that may be lost as well.
        for number in 0..(lab.sent - before).min(60) {
            let (lab, _) = update(change, providers, &[number]);
            let what = format!("{change:?} on {providers} without message {number}");
            let answer =
                |fact: &Fact| matches!(fact, Fact::OperationAnswered { .. } | Fact::OperationRefused { .. });
            let answers = lab.facts().iter().filter(|(_, _, fact)| answer(fact)).count();
            assert_eq!(answers, 1, "{what}: it is answered once");
            let [wanted, runs] = shape(&lab);
            assert_eq!(wanted, runs, "{what}");
            check(lab, &what);
        }
    }
}

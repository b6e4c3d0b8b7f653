//! Any message may be lost: the deployment comes to run all the same, and nothing is left behind when it ends.

use dmsim::dms::fact::{DeploymentStatus, Fact};
use dmsim::dms::identity::SignatureMode;
use dmsim::dms::profile::Profile;
use dmsim::kernel::Span;

use super::lab::{Description, Lab};
use super::{ensembles, script};

/// Longer than every retry and every lease, and than a lost start twice.
const LONG: Span = Span::mins(16);

/// Deploys on as many providers, loses the messages with these numbers, lets it run and shuts it down.
fn deploy_and_end(file: &str, providers: usize, lost: &[u64]) -> Lab {
    let peer = |name: String, cores| {
        let organization = "nunet".to_owned();
        Description { name, cores, organization, plan: None, gateway: None }
    };
    let mut peers = vec![peer("alice".to_owned(), None)];
    peers.extend((1..=providers).map(|number| peer(format!("p{number}"), Some(8))));
    let mut lab = Lab::new(&peers, Profile::INTENDED, SignatureMode::Modelled);
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
    let peers = deploy_and_end(file, providers, &[]);
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
            let lab = deploy_and_end(file, providers, &[number]);
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
                let lab = deploy_and_end(file, providers, &[first, second]);
                check(lab, &format!("{file} on {providers} without messages {first} and {second}"));
            }
        }
    }
}

//! What a peer decided about a message, in full: the run is repeated up to that moment, which determinism allows, and
//! the decision is derived anew beside the one that is made (dms-capabilities sections 2.4 and 2.6).

use rustc_hash::FxHashMap;

use super::event::{Event, PeerId};
use super::world::World;
use crate::dms::actor::{Account, Envelope};
use crate::dms::capability::explain::{Explanation, Words};
use crate::dms::identity::{Did, Inbox};
use crate::kernel::{Time, Timestamp};
use crate::net::READ_TIMEOUT;

/// A decision about one message.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What was asked, by whom.
    pub message: String,
    /// The decision in a few words.
    pub outcome: String,
    /// Whether the message was let through.
    pub authorised: bool,
    /// Every token, every link, every rule that decided.
    pub account: Vec<String>,
}

/// What the peer called `peer` decides, in a run before its first event, about the messages sent at `at`. Empty when
/// its worker gets to none of them, as when a message is dropped on arrival.
///
/// # Errors
/// That the run has no such peer.
pub fn decisions(
    world: World<'_>,
    at: Time,
    peer: &str,
    go_on: &mut dyn FnMut(Time, u64) -> bool,
) -> Result<Vec<Decision>, String> {
    let mut world = world.step_by_step();
    let peer = world.population.find(peer).ok_or_else(|| format!("the run has no peer `{peer}`"))?;
    if at > Time::ZERO && world.advance(Time(at.0 - 1), go_on).is_some() {
        return Ok(Vec::new());
    }
    Ok(world.witness(at, peer))
}

impl World<'_> {
    /// Gives the account of the messages that were sent at `sent` and that `peer` gets to.
    fn witness(&mut self, sent: Time, peer: PeerId) -> Vec<Decision> {
        let mut decisions = Vec::new();
        while let Some((now, event)) = self.take_next(sent + READ_TIMEOUT) {
            if let Event::Dispatch { peer: receiver, life, envelope } = event
                && receiver == peer
                && self.hosts[peer.0 as usize].life == life
                && self.parcels.get(envelope).is_some_and(|parcel| parcel.sent == sent)
            {
                decisions.push(self.decision(now, peer, envelope));
            }
            self.step(now, event);
        }
        decisions
    }

    fn decision(&self, now: Time, peer: PeerId, parcel: u32) -> Decision {
        let envelope = &self.parcels.get(parcel).expect("an admitted message is kept").envelope;
        let names = self.names(envelope);
        let clock = self.clock_of(peer, now);
        let message = format!("{} from {}", envelope.behaviour.path, names[&envelope.from.id.did()]);
        let Some(account) = self.hosts[peer.0 as usize].peer.account_of(envelope, clock) else {
            let outcome = "no actor here has this behaviour".to_owned();
            return Decision { message, outcome, authorised: false, account: Vec::new() };
        };
        let outcome = match account.decision {
            Ok(()) => "authorised".to_owned(),
            Err(rejection) => rejection.to_string(),
        };
        let epoch = self.clock_of(peer, Time::ZERO);
        let did = |did: &Did| names.get(did).cloned().unwrap_or_else(|| did.to_string());
        let time = |at: Timestamp| format!("{:.3} s", (i128::from(at.0) - i128::from(epoch.0)) as f64 / 1e9);
        let lines = lines(&account, &Words { did: &did, time: &time });
        Decision { message, outcome, authorised: account.decision.is_ok(), account: lines }
    }

    /// Names for the DIDs that a message may carry: nodes, their operators, organizations, and the two actors.
    fn names(&self, envelope: &Envelope) -> FxHashMap<Did, String> {
        let mut names = FxHashMap::default();
        for (host, member) in self.hosts.iter().zip(self.population.members().iter()) {
            for operator in host.peer.capabilities().roots() {
                names.insert(operator.clone(), format!("the operator of {}", member.name));
            }
            names.insert(host.peer.handle_of_root().did.clone(), member.name.to_string());
        }
        for (organization, keys) in &*self.office.organizations {
            names.insert(keys.did().clone(), format!("the organization {}", organization.name));
        }
        for actor in std::iter::once(&envelope.from).chain(&envelope.to) {
            let host = names.get(&Did::Key(actor.host.0)).cloned().unwrap_or_else(|| actor.host.to_string());
            let what = match &actor.inbox {
                Inbox::Root => continue,
                Inbox::Ensemble(_) => "a deployment",
                Inbox::Allocation(_) => "an allocation",
                Inbox::Other(_) => "an actor",
            };
            names.insert(actor.id.did(), format!("{what} of {host}"));
        }
        names.entry(envelope.from.id.did()).or_insert_with(|| "an unknown key".to_owned());
        names
    }
}

fn lines(account: &Account, words: &Words<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut section = |title: &str, explanation: &Explanation| {
        let told = words.explanation(explanation);
        if told.is_empty() {
            lines.push(format!("{title}: none"));
        } else {
            lines.push(format!("{title}:"));
            lines.extend(told.into_iter().map(|line| format!("  {line}")));
        }
    };
    section("tokens that came with the message", &account.consumed);
    section("tokens of its sender, as this call requires them", &account.required);
    lines
}

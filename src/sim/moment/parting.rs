//! Where two runs part: both are taken event by event, side by side, up to the first that is not the same.

use serde::Serialize;

use super::steps::{Change, StepTaken, Stepping, Told, changes};
use super::{EventSeen, World};
use crate::kernel::Time;

/// What became of comparing two runs.
#[derive(Clone, PartialEq, Debug)]
pub enum Parting {
    /// They are the same to their ends: so many events, with this digest.
    Never {
        /// Events of each.
        events: u64,
        /// The digest of each.
        digest: String,
    },
    /// They part.
    At(Box<Parted>),
    /// Somebody did not want to wait for it.
    Interrupted,
}

/// The first event that two runs do not have in common.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Parted {
    /// The last event that both have in common, with its number and time; none where they part at once.
    pub last_common: Option<Common>,
    /// Whether they differ before anything happens: in who is there and up.
    pub at_start: bool,
    /// The event after that in each run, with its facts; none where that run is over.
    pub sides: [Option<StepTaken>; 2],
    /// What of the peers and deployments that these are about differs afterwards.
    pub differences: Vec<Change>,
}

/// An event that two runs have in common.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Common {
    /// Its number.
    pub number: u64,
    /// When.
    #[serde(rename = "at_s", serialize_with = "super::events::seconds")]
    pub at: Time,
    /// What.
    pub event: EventSeen,
}

/// Takes two worlds side by side to where they part. `go_on` is asked now and then, with the time and the events so
/// far.
pub fn part(first: World<'_>, second: World<'_>, go_on: &mut dyn FnMut(Time, u64) -> bool) -> Parting {
    let at_start = first.digest() != second.digest();
    let (mut first, mut second) = (Stepping::new(first), Stepping::new(second));
    let mut last_common = None;
    loop {
        let sides = [first.step(false), second.step(false)];
        let [Some(one), Some(other)] = &sides else {
            if let ([None, None], false) = (&sides, at_start) {
                let world = first.world();
                return Parting::Never { events: world.events, digest: format!("{:032x}", world.digest()) };
            }
            return parted(last_common, at_start, sides, [first.world(), second.world()]);
        };
        // The digest tells facts apart that are told by and by; the rest tells what happens without any.
        let is_common = one.digest == other.digest && one.at == other.at && one.event == other.event;
        if !is_common || at_start {
            return parted(last_common, at_start, sides, [first.world(), second.world()]);
        }
        if one.number.is_multiple_of(8192) && !go_on(one.at, one.number) {
            return Parting::Interrupted;
        }
        let [Some(one), _] = sides else { continue };
        last_common = Some(Common { number: one.number, at: one.at, event: one.event });
    }
}

fn parted(
    last_common: Option<Common>,
    at_start: bool,
    sides: [Option<StepTaken>; 2],
    worlds: [&World<'_>; 2],
) -> Parting {
    let [before, after] = worlds.map(World::state_lines);
    let steps: Vec<&StepTaken> = sides.iter().flatten().collect();
    let told = || steps.iter().flat_map(|step| &step.facts);
    let peers = steps.iter().filter_map(|step| step.event.peer.as_deref());
    let peers: Vec<String> =
        peers.chain(told().filter_map(|one| one.peer.as_deref())).map(peer_prefix).collect();
    let deployments = steps.iter().filter_map(|step| step.event.deployment.map(u64::from));
    let deployments: Vec<String> = deployments
        .chain(told().filter_map(deployment_of))
        .map(|number| format!("deployment {number} "))
        .collect();
    let concerned =
        |change: &Change| peers.iter().chain(&deployments).any(|one| change.what.starts_with(one));
    let mut differences = changes(&before, &after);
    differences.retain(concerned);
    Parting::At(Box::new(Parted { last_common, at_start, sides, differences }))
}

fn peer_prefix(name: &str) -> String {
    format!("peer {name}:")
}

fn deployment_of(told: &Told) -> Option<u64> {
    told.labels.get("deployment")?.as_u64()
}

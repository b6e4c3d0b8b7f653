//! The tracks of a timeline: which there are, what they are called, and in which order the viewer shows them.

use std::collections::BTreeMap;

use super::messages::{CounterDescriptor, ProcessDescriptor, TrackDescriptor};
use crate::observe::record::Preface;

/// The process of what concerns no single peer. Peers come after it.
const NETWORK: u64 = 1;
const FIRST_PEER: u64 = 2;
/// Tracks below those of processes have numbers from here on.
const FIRST_CHILD: u64 = 1 << 33;
/// `ChildTracksOrdering`: as their ranks say.
const EXPLICIT: i32 = 3;

/// What a track shows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Lane {
    /// How many peers are up.
    PeersUp,
    /// How many deployments are alive.
    Deployments,
    /// A fault, by its number in the scenario, and its kind.
    Fault(u32, &'static str),
    /// When a peer was down.
    Down(u32),
    /// A deployment at its orchestrator, by that peer and its number, with phases and rounds.
    Deployment(u32, u32),
    /// The recovery of a node of it.
    Recovery(u32, u32, String),
    /// An allocation on a peer: the deployment, `node.allocation`, and the generation.
    Run(u32, u32, String, u32),
    /// The messages of a peer.
    Messages(u32),
    /// The facts of a peer.
    Facts(u32),
}

impl Lane {
    const fn peer(&self) -> Option<u32> {
        match self {
            Self::PeersUp | Self::Deployments | Self::Fault(..) => None,
            Self::Down(peer)
            | Self::Deployment(peer, _)
            | Self::Recovery(peer, ..)
            | Self::Run(peer, ..)
            | Self::Messages(peer)
            | Self::Facts(peer) => Some(*peer),
        }
    }

    /// Those of a lower rank are shown above; those of one rank as they were made.
    const fn rank(&self) -> i32 {
        match self {
            Self::PeersUp | Self::Down(_) => 0,
            Self::Deployments | Self::Deployment(..) => 1,
            Self::Fault(..) | Self::Recovery(..) => 2,
            Self::Run(..) => 3,
            Self::Messages(_) => 4,
            Self::Facts(_) => 5,
        }
    }

    fn title(&self) -> String {
        match self {
            Self::PeersUp => "peers up".to_owned(),
            Self::Deployments => "deployments alive".to_owned(),
            Self::Fault(number, kind) => format!("fault {number}: {kind}"),
            Self::Down(_) => "down".to_owned(),
            Self::Deployment(_, number) => format!("deployment {number}"),
            Self::Recovery(_, number, node) => format!("deployment {number}: recovery of {node}"),
            Self::Run(_, number, name, _) => format!("deployment {number}: {name}"),
            Self::Messages(_) => "messages".to_owned(),
            Self::Facts(_) => "facts".to_owned(),
        }
    }
}

/// The tracks that were described.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    has_network: bool,
    /// Whether a peer has its process, by its number.
    peers: Vec<bool>,
    lanes: BTreeMap<Lane, u64>,
    children: u64,
}

impl Tracks {
    /// The number of a lane's track, and the descriptions that must come before it is used.
    pub(super) fn find(&mut self, preface: &Preface, lane: &Lane) -> (u64, Vec<TrackDescriptor>) {
        if let Some(number) = self.lanes.get(lane) {
            return (*number, Vec::new());
        }
        let mut new = Vec::new();
        let parent = match lane.peer() {
            None => {
                if !std::mem::replace(&mut self.has_network, true) {
                    new.push(process(NETWORK, "network"));
                }
                NETWORK
            }
            Some(peer) => {
                self.peers.resize(preface.peers.len(), false);
                let number = FIRST_PEER + u64::from(peer);
                if !std::mem::replace(&mut self.peers[peer as usize], true) {
                    new.push(process(number, preface.peer(peer)));
                }
                number
            }
        };
        let number = FIRST_CHILD + self.children;
        self.children += 1;
        let unit = match lane {
            Lane::PeersUp => Some("peers"),
            Lane::Deployments => Some("deployments"),
            _ => None,
        };
        new.push(TrackDescriptor {
            number: Some(number),
            parent: Some(parent),
            name: Some(lane.title()),
            rank: Some(lane.rank()),
            counter: unit.map(|unit| CounterDescriptor { unit: Some(unit.to_owned()) }),
            ..TrackDescriptor::default()
        });
        self.lanes.insert(lane.clone(), number);
        (number, new)
    }

    /// Nothing more comes on this track: another that is called the same is another.
    pub(super) fn forget(&mut self, lane: &Lane) {
        self.lanes.remove(lane);
    }
}

fn process(number: u64, name: &str) -> TrackDescriptor {
    TrackDescriptor {
        number: Some(number),
        name: Some(name.to_owned()),
        process: Some(ProcessDescriptor { number: Some(number as i32), name: Some(name.to_owned()) }),
        ordering: Some(EXPLICIT),
        ..TrackDescriptor::default()
    }
}

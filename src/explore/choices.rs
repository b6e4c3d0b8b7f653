//! What a configuration has: a swarm of switches, each of which is on or off for a run. A run that has everything
//! reaches less than many that have some of it each (swarm testing: Groce and others, ISSTA 2012).

use std::fmt;

use super::dice::Dice;

/// Makes the type of choices from the table of them.
macro_rules! choices {
    ($($name:ident = $word:literal, $what:literal;)*) => {
        /// Something that a configuration has or has not.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Choice {
            $(#[doc = $what] $name,)*
        }

        impl Choice {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it is, in a sentence.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$name => $what,)* }
            }
        }
    };
}

choices! {
    Services = "services", "Services beside tasks.";
    Nodes = "nodes", "Ensembles of several nodes.";
    Dependencies = "dependencies", "Allocations that depend on others.";
    Checks = "checks", "Health checks, and services that fail them.";
    Failures = "failures", "Programs that fail by themselves.";
    Recoveries = "recoveries", "Ensembles that say what is to be done about failures.";
    Supervisors = "supervisors", "Trees of supervisors.";
    Standbys = "standbys", "Nodes with standbys.";
    Edges = "edges", "Limits on links between nodes.";
    Places = "places", "Nodes that may be in some places only.";
    Pins = "pins", "Nodes that are pinned to a peer, and peers that are excluded.";
    Cards = "cards", "Graphics cards.";
    Executors = "executors", "Executors other than docker, and processors of several kinds.";
    Ports = "ports", "Public ports, fixed and drawn.";
    Volumes = "volumes", "Shared volumes and those who serve them.";
    Output = "output", "Tasks that print more than fits into a message.";
    Stubborn = "stubborn", "Programs that do not end when they are told to.";
    Tight = "tight", "More is asked for than there is room for.";
    Hopeless = "hopeless", "Deployments that nobody can host.";
    Shutdowns = "shutdowns", "Users who shut down, at any time.";
    Updates = "updates", "Updates of what runs.";
    Questions = "questions", "Operators who ask for lists, states, manifests and logs.";
    Pruning = "pruning", "Operators who have forgotten what has ended.";
    Machines = "machines", "Machines whose offer changes.";
    Organizations = "organizations", "Several organizations, and who joins and leaves them.";
    Grants = "grants", "Tokens that are passed on, anchored and removed.";
    Expiry = "expiry", "Memberships that expire.";
    Revocations = "revocations", "Tokens and memberships that are revoked.";
    Forgers = "forgers", "Attackers from outside.";
    Insiders = "insiders", "Attackers who are members.";
    Contracts = "contracts", "Contracts, and what is billed under them.";
    Subnets = "subnets", "Ensembles whose orchestrator joins their subnet, and who asks services for something.";
    Crashes = "crashes", "Machines that stop.";
    Restarts = "restarts", "Processes that stop.";
    Losses = "losses", "Messages that are lost.";
    Delays = "delays", "Messages that are late.";
    Partitions = "partitions", "Peers that do not reach each other.";
    Flaps = "flaps", "Conditions of the network that come and go.";
    Stalls = "stalls", "Machines that are frozen or slow.";
    Troubles = "troubles", "Executors that break down, fetches that fail, disks that are full.";
    Clocks = "clocks", "Clocks that are wrong.";
    Triggers = "triggers", "Faults at the very moment in which a deployment comes into a state.";
    Queues = "queues", "Deployments and allocations that wait for each other.";
    Strategies = "strategies", "Strategies of recovery and detectors beyond those of DMS.";
    HandOver = "hand_over", "Deployments that are handed over.";
    Scores = "scores", "Bids that can be compared.";
    Gateways = "gateways", "Machines that are made when they are wanted.";
    Nat = "nat", "Hosts that are hidden from each other.";
    Mistakes = "mistakes", "Users and operators who ask for what cannot be.";
}

/// What one configuration has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Choices(u64);

const _: () = assert!(Choice::ALL.len() <= 64, "a choice is a bit");

impl Choices {
    /// Draws each choice, as often as `percent` says.
    #[must_use]
    pub fn draw(seed: u64, percent: &dyn Fn(Choice) -> u64) -> Self {
        let mut dice = Dice::of(seed, 0);
        // How much of it all differs as well.
        let scale = dice.between(20, 181);
        let mut chosen = Self::default();
        for &choice in Choice::ALL {
            if dice.percent((percent(choice) * scale / 100).min(100)) {
                chosen.0 |= 1 << choice as u8;
            }
        }
        chosen
    }

    /// Whether it is among them.
    #[must_use]
    pub const fn has(self, choice: Choice) -> bool {
        self.0 >> choice as u8 & 1 == 1
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Choice> {
        Choice::ALL.iter().copied().filter(move |choice| self.has(*choice))
    }
}

impl FromIterator<Choice> for Choices {
    fn from_iter<T: IntoIterator<Item = Choice>>(choices: T) -> Self {
        Self(choices.into_iter().fold(0, |bits, choice| bits | 1 << choice as u8))
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Choice::word).collect();
        f.write_str(&words.join(","))
    }
}

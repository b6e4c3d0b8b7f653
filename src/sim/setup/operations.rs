//! Organizations, and what operators do beside deployments: memberships, grants, revocations, calls.

use std::fmt;
use std::net::Ipv4Addr;

use super::contracts::ContractAction;
use super::{Control, Which};
use crate::dms::actor::{Behaviour, LoggerChange, Offer, Slot};
use crate::dms::capability::setup::{MEMBER_CAPABILITIES, MEMBER_TOPICS};
use crate::dms::capability::{Capability, Form};
use crate::dms::constants::DEFAULT_MESSAGE_TIMEOUT;
use crate::dms::storage::VolumeRequest;
use crate::dms::subnet::AddressRange;
use crate::kernel::{Span, Time};

/// An organization: a key, and what it grants to its members.
#[derive(Clone, PartialEq, Debug)]
pub struct Organization {
    /// Its name in the run.
    pub name: String,
    /// What members may do to each other.
    pub capabilities: Vec<Capability>,
    /// The topics on which they may broadcast.
    pub topics: Vec<Capability>,
    /// How long a membership lasts from when it begins.
    pub expire: Span,
}

impl Organization {
    /// The public network, to which peers belong that say nothing else.
    pub const PUBLIC: &'static str = "nunet";
    /// Memberships last a year, as in DMS's own acceptance suite (dms-acceptance section 1.2).
    pub const EXPIRE: Span = Span::hours(365 * 24);

    /// An organization with the usual bundle of capabilities and topics (dms-capabilities section 7).
    #[must_use]
    pub fn usual(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            capabilities: MEMBER_CAPABILITIES.to_vec(),
            topics: MEMBER_TOPICS.to_vec(),
            expire: Self::EXPIRE,
        }
    }
}

/// Something that an operator does at a time.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    /// When.
    pub at: Time,
    /// The peer whose operator it is.
    pub by: String,
    /// What.
    pub kind: OperationKind,
    /// How it must end; none = nobody minds.
    pub expected: Option<Expected>,
}

/// How an operation must end, so that a run can be judged by it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expected {
    /// With an answer that contains this.
    Answer(String),
    /// With a refusal that contains this.
    Refusal(String),
}

/// What goes along with a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payload {
    /// What is offered of a machine.
    Offer(Offer),
    /// How the node is to log.
    Logger(Box<LoggerChange>),
    /// Which volume to create, start or delete.
    Volume(VolumeRequest),
    /// Which subnet, and what of it.
    Subnet(SubnetOrder),
}

/// What is done to a subnet by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SubnetOrder {
    /// Creates it.
    Create {
        /// Its name, or that of a deployment, which means the deployment's.
        name: String,
        /// Its addresses.
        range: AddressRange,
    },
    /// Destroys the one of this name.
    Destroy(String),
    /// Gives the node an address in it.
    Join {
        /// Its name.
        name: String,
        /// The address.
        address: Ipv4Addr,
    },
}

/// A login to an allocation with a key.
#[derive(Clone, PartialEq, Debug)]
pub struct Ssh {
    /// Of which deployment.
    pub of: Which,
    /// Which allocation, by its name in the ensemble.
    pub allocation: String,
    /// The key, by the file that a manifest names.
    pub key: String,
    /// From where.
    pub from: SshFrom,
}

/// From where somebody logs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SshFrom {
    /// From the operator's own node, by the name in the subnet.
    Node,
    /// From another allocation of the deployment, by the name in the subnet.
    Allocation(String),
    /// From where the operator is, to the public port.
    Outside,
}

/// What an operator can do.
#[derive(Clone, PartialEq, Debug)]
pub enum OperationKind {
    /// Call a behaviour of a peer.
    Invoke {
        /// Whose.
        to: String,
        /// Which.
        behaviour: Behaviour,
        /// The peer that it is about, where the behaviour is about one.
        peer: Option<String>,
        /// What goes along, where the behaviour needs something.
        payload: Option<Payload>,
        /// How long to wait.
        timeout: Span,
    },
    /// Publish on the topic of a behaviour.
    Broadcast {
        /// Which.
        behaviour: Behaviour,
        /// How long to wait for answers.
        timeout: Span,
    },
    /// Join an organization.
    Join {
        /// Which.
        organization: String,
        /// How far.
        form: Form,
        /// For how long; none = as long as the organization says.
        lasts: Option<Span>,
        /// What the node shows for it.
        proof: Proof,
    },
    /// Leave an organization: drop its anchors.
    Leave {
        /// Which.
        organization: String,
    },
    /// The operator lets the node of `to` act here, or passes on to it what the own node may do elsewhere.
    Grant {
        /// How other operations call the token.
        name: Option<String>,
        /// The token that the operator's own node holds and passes on; none = one of the operator's own making.
        from: Option<String>,
        /// Whose node.
        to: String,
        /// What it may do.
        capabilities: Vec<Capability>,
        /// On which topics it may broadcast.
        topics: Vec<Capability>,
        /// For how long.
        lasts: Span,
        /// How often it may be passed on; 0 = without limit.
        depth: u64,
        /// Whether the receiving operator anchors it under *provide* at once.
        anchored: bool,
    },
    /// Send a token to a node to be anchored there.
    Anchor {
        /// Whose node.
        at: String,
        /// Where.
        slot: Slot,
        /// The name of the token.
        token: String,
        /// Under which behaviour: the one of the slot, or the older single one.
        behaviour: Behaviour,
    },
    /// Have the own node trust another one absolutely: anchor its DID as a root.
    Trust {
        /// Whose node.
        of: String,
    },
    /// Drop a token from the own node's anchors.
    RemoveAnchor {
        /// From where.
        slot: Slot,
        /// The name of the token.
        token: String,
    },
    /// Withdraw a token: anchor its revocation here and, if asked, publish it.
    Revoke {
        /// Which.
        what: Withdrawn,
        /// Under which behaviour to publish it; none = it is not published.
        broadcast: Option<Behaviour>,
        /// Whether the node that publishes it anchors it as well.
        here: bool,
    },
    /// Ask what a node trusts and holds.
    ListCapabilities {
        /// Whose node; the own one is asked without a message.
        of: String,
    },
    /// Do something with deployments.
    Deployment(Box<Control>),
    /// Log in to an allocation.
    Ssh(Box<Ssh>),
    /// Do something about a contract.
    Contract {
        /// Its name in the setup.
        name: String,
        /// What.
        action: ContractAction,
    },
}

/// What a node shows when it joins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// What the organization granted to it.
    Granted,
    /// What it granted to this peer.
    Of(String),
    /// A token in the organization's name that it never signed.
    Forged,
}

/// What is withdrawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Withdrawn {
    /// What an organization granted to the user of a peer.
    Membership {
        /// The peer.
        member: String,
        /// The organization.
        organization: String,
    },
    /// A token by its name.
    Token(String),
}

impl Operation {
    /// How long to wait for an answer when nothing is written: the life of a message that names none.
    pub const TIMEOUT: Span = DEFAULT_MESSAGE_TIMEOUT;
}

/// In a few words, as it stands in `refusals.csv`.
impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoke { to, behaviour, .. } => write!(f, "{} of {to}", behaviour.path),
            Self::Broadcast { behaviour, .. } => write!(f, "broadcast of {}", behaviour.path),
            Self::Join { organization, proof, .. } => match proof {
                Proof::Granted => write!(f, "joining {organization}"),
                Proof::Of(peer) => write!(f, "joining {organization} with the token of {peer}"),
                Proof::Forged => write!(f, "joining {organization} with a forged token"),
            },
            Self::Leave { organization } => write!(f, "leaving {organization}"),
            Self::Grant { to, .. } => write!(f, "grant to {to}"),
            Self::Anchor { at, slot, .. } => write!(f, "anchoring under {} at {at}", slot.as_str()),
            Self::Trust { of } => write!(f, "trusting {of}"),
            Self::RemoveAnchor { slot, .. } => write!(f, "removing an anchor under {}", slot.as_str()),
            Self::Revoke { what: Withdrawn::Membership { member, organization }, .. } => {
                write!(f, "revoking the membership of {member} in {organization}")
            }
            Self::Revoke { what: Withdrawn::Token(name), .. } => write!(f, "revoking {name}"),
            Self::ListCapabilities { of } => write!(f, "listing the capabilities of {of}"),
            Self::Deployment(control) => match &control.to {
                Some(to) => write!(f, "{} at {to}", control.kind),
                None => write!(f, "{}", control.kind),
            },
            Self::Ssh(order) => {
                write!(f, "ssh to {} of {} with {}", order.allocation, order.of, order.key)?;
                match &order.from {
                    SshFrom::Node => Ok(()),
                    SshFrom::Outside => f.write_str(" from outside"),
                    SshFrom::Allocation(from) => write!(f, " from {from}"),
                }
            }
            Self::Contract { name, action } => write!(f, "{action} of {name}"),
        }
    }
}

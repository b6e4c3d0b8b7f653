//! What a script says, resolved: names are numbers, spans are counted.

use crate::dms::capability::{Action, Capability, Route, Rules, SelfSign};
use crate::dms::identity::{Did, KeyKind, SignatureMode};
use crate::kernel::{Span, Timestamp};

/// A script.
#[derive(Clone, Debug)]
pub struct Script {
    /// Its name.
    pub name: String,
    /// Which weaknesses are present.
    pub rules: Rules,
    /// Real or modelled; the decisions are the same.
    pub signatures: SignatureMode,
    /// What every clock reads at the beginning.
    pub start: Timestamp,
    /// Everybody, by number.
    pub parties: Vec<Party>,
    /// DID documents that can be resolved from the beginning.
    pub documents: Vec<Document>,
    /// How many lists of tokens the steps name.
    pub slots: usize,
    /// What happens.
    pub steps: Vec<Step>,
}

/// Whether a party has a capability context or is only the key of an actor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A key.
    Key,
    /// A key with a context.
    Context,
}

/// Somebody with a key.
#[derive(Clone, Debug)]
pub struct Party {
    /// The name, from which the key grows.
    pub name: String,
    /// Key or context.
    pub kind: Kind,
    /// The kind of key, one that DMS generates.
    pub key: KeyKind,
    /// The DID of the context where it is not the did:key.
    pub did: Option<Did>,
    /// Whom the context trusts absolutely from the beginning.
    pub roots: Vec<Who>,
}

/// A DID.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// That of the party with this number.
    Party(usize),
    /// This one.
    Did(Did),
}

/// A DID document to be published.
#[derive(Clone, Debug)]
pub struct Document {
    /// Of whom.
    pub did: Did,
    /// The party whose key it names for authentication; none for a document without keys.
    pub authentication: Option<usize>,
}

/// One of the named lists of tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot(pub usize);

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its line in the file.
    pub line: u32,
    /// What is done.
    pub operation: Operation,
    /// Where the tokens go that it makes; a join takes three places in a row.
    pub result: Option<Slot>,
    /// The name of the result, for the report.
    pub name: Option<String>,
    /// What must come out; all of it.
    pub expect: Vec<Expected>,
}

/// What must come out of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expected {
    /// No refusal.
    Ok,
    /// Authority by this route.
    Route(Route),
    /// The outcome contains these words.
    Says(String),
}

/// When a token is to expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expire {
    /// So long after the step.
    After(Span),
    /// With its parent.
    Inherit,
}

/// What a token is to say.
#[derive(Clone, Debug)]
pub struct Say {
    /// The issuer's number.
    pub by: usize,
    /// What it allows.
    pub action: Action,
    /// Who receives or acts.
    pub to: Who,
    /// On whom; none = any.
    pub audience: Option<Who>,
    /// Topics of broadcasts.
    pub topics: Vec<Capability>,
    /// What may be done.
    pub capabilities: Vec<Capability>,
    /// How long.
    pub expire: Expire,
    /// Links below; 0 = unlimited.
    pub depth: u64,
}

/// A message for which tokens are provided.
#[derive(Clone, Debug)]
pub struct Calling {
    /// The sending context.
    pub by: usize,
    /// The receiving DID.
    pub target: Who,
    /// The party whose key the sending actor has.
    pub sender: usize,
    /// The party whose key the receiving actor has.
    pub receiver: usize,
    /// How long the message lives.
    pub expire: Span,
    /// What is to be invoked.
    pub invoke: Vec<Capability>,
    /// What the receiver may invoke in its reply.
    pub delegate: Vec<Capability>,
}

/// A broadcast for which tokens are provided.
#[derive(Clone, Debug)]
pub struct Broadcasting {
    /// The sending context.
    pub by: usize,
    /// The party whose key the sending actor has.
    pub sender: usize,
    /// The topic.
    pub topic: Capability,
    /// How long the message lives.
    pub expire: Span,
    /// What is to be invoked.
    pub capabilities: Vec<Capability>,
}

/// Authority that is required.
#[derive(Clone, Debug)]
pub struct Requiring {
    /// The receiving context.
    pub by: usize,
    /// The party whose key the sending actor has.
    pub sender: usize,
    /// The party whose key the receiving actor has; not used for broadcasts.
    pub receiver: usize,
    /// The topic of a broadcast.
    pub topic: Option<Capability>,
    /// Any of these.
    pub capabilities: Vec<Capability>,
}

/// What is to be anchored or removed.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// The context.
    pub on: usize,
    /// Roots.
    pub roots: Vec<Who>,
    /// Side chains.
    pub require: Vec<Slot>,
    /// Authority.
    pub provide: Vec<Slot>,
    /// Revocations.
    pub revoke: Vec<Slot>,
}

/// What a step does (dms-capabilities sections 2.6, 2.7 and 7). Numbers are those of parties.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are those of the operation")]
pub enum Operation {
    /// A token without a parent.
    Grant(Say),
    /// Links below *provide* tokens.
    Delegate { say: Say, self_sign: SelfSign },
    /// Invocations; `target` is the DID of the receiver, whose consumed tokens count too.
    DelegateInvocation { say: Say, target: Who, self_sign: SelfSign },
    /// Broadcasts.
    DelegateBroadcast { say: Say, self_sign: SelfSign },
    /// The tokens of a message.
    Provide(Calling),
    /// The tokens of a broadcast.
    ProvideBroadcast(Broadcasting),
    /// Takes up roots and tokens.
    Anchor(Held),
    /// Drops roots and tokens.
    Remove(Held),
    /// Takes up the tokens of a message from somebody.
    Consume { by: usize, from: Who, tokens: Vec<Slot> },
    /// Asks for authority.
    Require(Requiring),
    /// Forgets the tokens of a message.
    Discard { by: usize, tokens: Vec<Slot> },
    /// Makes the revocations of tokens.
    Revoke { by: usize, tokens: Vec<Slot> },
    /// Signs the tokens anew with a key that is not their issuer's.
    Forge { by: usize, tokens: Vec<Slot> },
    /// Shows what a context holds.
    ListRoots(usize),
    /// Drops what has expired.
    Gc(usize),
    /// Keeps a context as DMS keeps it on disk.
    Save(usize),
    /// Restarts a context from what `from` saved last.
    Load { of: usize, from: usize },
    /// Publishes a DID document.
    Publish(Document),
    /// Makes an organization: a key with a context.
    Create(usize),
    /// Makes a user and its node members.
    Join {
        organization: usize,
        user: usize,
        node: usize,
        capabilities: Vec<Capability>,
        topics: Vec<Capability>,
        expire: Span,
    },
    /// Drops what a join anchored.
    Leave { organization: usize, user: usize, node: usize },
    /// Lets time pass.
    Advance(Span),
    /// Lets time pass until so long after the start.
    At(Span),
}

impl Operation {
    /// The word for it in a script.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Grant(_) => "grant",
            Self::Delegate { .. } => "delegate",
            Self::DelegateInvocation { .. } => "delegate_invocation",
            Self::DelegateBroadcast { .. } => "delegate_broadcast",
            Self::Provide(_) => "provide",
            Self::ProvideBroadcast(_) => "provide_broadcast",
            Self::Anchor(_) => "anchor",
            Self::Remove(_) => "remove",
            Self::Consume { .. } => "consume",
            Self::Require(Requiring { topic: None, .. }) => "require",
            Self::Require(_) => "require_broadcast",
            Self::Discard { .. } => "discard",
            Self::Revoke { .. } => "revoke",
            Self::Forge { .. } => "forge",
            Self::ListRoots(_) => "list_roots",
            Self::Gc(_) => "gc",
            Self::Save(_) => "save",
            Self::Load { .. } => "load",
            Self::Publish(_) => "publish",
            Self::Create(_) => "create",
            Self::Join { .. } => "join",
            Self::Leave { .. } => "leave",
            Self::Advance(_) => "advance",
            Self::At(_) => "at",
        }
    }
}

//! Many identities on one machine, each with a key and a transport of its own; all of them below the one membership of
//! the machine's owner, if it has one.

use super::Attack;
use super::kit::{Identity, Kit};
use crate::dms::capability::{Anchors, CapabilityContext, Delegation, SelfSign, TokenList};
use crate::dms::identity::Did;
use crate::kernel::{Rng, Timestamp};

pub(super) struct Sybil {
    identities: Vec<Identity>,
}

impl Sybil {
    /// So many identities. What `node` holds, if it is a member, it delegates to each of them.
    pub(super) fn new(node: &CapabilityContext, count: u32, counter: Timestamp, rng: &mut Rng<'_>) -> Self {
        let mode = node.trust().mode();
        let mut identities: Vec<_> = (0..count).map(|_| Identity::made_up(mode, counter, rng)).collect();
        for identity in &mut identities {
            for held in node.provide_anchors().tokens() {
                let subject = identity.did().clone();
                let delegation = Delegation {
                    subject: &subject,
                    audience: &Did::Empty,
                    topics: held.topics(),
                    expire: held.expire(),
                    depth: 0,
                    capabilities: held.capabilities(),
                };
                let mut given = TokenList::new();
                node.delegate(&delegation, SelfSign::No, counter, &mut || rng.bytes(), &mut given)
                    .expect("a fresh membership may be passed on");
                let anchors = Anchors { provide: &given, ..Anchors::default() };
                identity.context.add_roots(&anchors, counter).expect("a fresh membership is valid");
            }
        }
        Self { identities }
    }
}

impl Attack for Sybil {
    fn strike(&mut self, kit: &mut Kit<'_>) {
        let place = kit.random.index(self.identities.len());
        let identity = &mut self.identities[place];
        let envelope = identity.seal(kit);
        kit.shoot_as(identity, envelope);
    }
}

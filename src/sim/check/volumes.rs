//! Only who has created a volume deletes it (dms-acceptance, stateful deployment).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Found, Invariant, Look, Verdict};
use crate::dms::actor::{Envelope, Message};
use crate::dms::identity::Did;
use crate::dms::storage::VolumeRequest;
use crate::sim::event::PeerId;

/// Who has created which volume where.
#[derive(Default)]
pub(super) struct Volumes {
    creators: BTreeMap<(PeerId, Arc<str>), Did>,
}

impl Invariant for Volumes {
    fn name(&self) -> &'static str {
        "volumes"
    }

    fn executed(
        &mut self,
        look: &Look<'_, '_>,
        peer: PeerId,
        (envelope, _): (&Envelope, Verdict),
        found: &mut Found<'_>,
    ) {
        let Message::Volume(request) = &envelope.message else { return };
        let asker = &envelope.from.did;
        let server = look.world.hosts[peer.0 as usize].peer.volumes();
        match &**request {
            VolumeRequest::Create { name, .. } if server.volume(name).is_some() => {
                self.creators.entry((peer, Arc::clone(name))).or_insert_with(|| asker.clone());
            }
            VolumeRequest::Delete(name) if server.volume(name).is_none() => {
                let creator = self.creators.remove(&(peer, Arc::clone(name)));
                if creator.is_some_and(|creator| creator != *asker) {
                    found.wrong(
                        look,
                        peer,
                        format!("deletes the volume {name} for somebody who has not created it"),
                    );
                }
            }
            _ => {}
        }
    }

    fn disk_lost(&mut self, lost: PeerId) {
        self.creators.retain(|(peer, _), _| *peer != lost);
    }
}

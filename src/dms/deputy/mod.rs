//! Standby orchestrators (an extension of DMS, off unless the strategy `hand_over` asks for it): a node, the
//! *principal*, keeps another one, its *deputy*, informed of its deployments, and the deputy goes on with them when it
//! has not heard of the principal for too long. It is the primary-backup approach (Alsberg and Day, ICSE 1976).
//!
//! - A copy of a deployment, with the key of its actor, goes to the deputy whenever the deployment has changed, at the
//!   same moment as what it asks of others then. In between the principal sends *beats* with a sum over its copies;
//!   where the deputy's sum is another one, it is told everything again.
//! - The deputy signs a [`Mandate`] of the next term with the actor's key and shows it to the providers, which know the
//!   key. From then on they take orders from it and refuse those of a former term; what new work takes beside that, the
//!   deputy does by its own authority.
//! - Whoever has been replaced hears so from the providers or from the deputy, and steps down; what it has begun that
//!   its successor does not know, the successor has undone. An orchestrator that has started again asks its deputy
//!   before it does anything.
//!
//! What a node has to do with one of its own deployments then is [`orchestrator`](crate::dms::orchestrator)'s
//! (`succeeding`), what a provider does about it is [`provider`](crate::dms::provider)'s (`succession`).

mod mandate;
mod message;

use std::sync::Arc;

pub use mandate::Mandate;
use message::bytes_of;
pub use message::{DeploymentCopy, DeputyMessage};

use crate::dms::actor::{Actor, Behaviour, BehaviourKind, Envelope, Message};
use crate::dms::alarm::Alarm;
use crate::dms::desk::Desk;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::identity::{EnsembleId, Handle, PeerId};
use crate::dms::orchestrator::Deployment;
use crate::dms::outbox::{Owner, Timer};
use crate::dms::store::DeploymentRecord;
use crate::kernel::{OrderedMap, Span, Timestamp, fingerprint128};

/// Wait for a deputy's answer.
const DEPUTY_TIMEOUT: Span = Span::secs(5);
/// So long a copy may be on its way.
const LATE: Span = Span::secs(10);
/// A principal that lives, and has not had the copies that its deputy keeps for so many times its deputy's patience,
/// has lost with its disk what it does not send again.
const PATIENCES: u64 = 10;
/// A principal is heard so often while its deputy's patience lasts.
const BEATS: u64 = 3;

/// Who stands in for whom, as the node's operator has agreed with others.
#[derive(Clone, Debug, Default)]
pub struct DeputyConfig {
    /// Who goes on with the deployments of this node.
    pub deputy: Option<Arc<Handle>>,
    /// With whose deployments this node goes on.
    pub principals: Vec<PeerId>,
}

/// What a deputy was told last of a deployment.
#[derive(Clone, Debug)]
struct Told {
    version: u64,
    acknowledged: bool,
    /// The ensemble, with the bytes of its JSON.
    ensemble: (Arc<EnsembleConfig>, usize),
}

/// What a deputy is asked.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Beat,
    /// To keep this version of a deployment.
    Copy(EnsembleId, u64),
    /// To have undone what was begun here of a deployment that is its own by now.
    Report(EnsembleId),
}

/// The last message about a deployment of another node: an older one may come after it.
#[derive(Clone, Copy, Debug)]
struct Last {
    principal: PeerId,
    nonce: u64,
    came: Timestamp,
}

impl Last {
    /// Whether what was sent before it may still be on its way.
    fn is_recent(&self, now: Timestamp) -> bool {
        now.since(self.came) <= LATE
    }

    /// Whether a message was sent before this one. Who counts from below has been started again with its clock put
    /// back, unless the message was on its way.
    fn outdates(&self, request: &Envelope, now: Timestamp) -> bool {
        self.principal == request.from.host && self.nonce > request.nonce && self.is_recent(now)
    }
}

/// A deployment of another node that this one would go on with.
#[derive(Clone, Debug)]
pub(in crate::dms) struct Kept {
    last: Last,
    version: u64,
    after: Span,
    record: Arc<DeploymentRecord>,
}

/// What a deputy has on disk.
pub(in crate::dms) type KeptCopies = OrderedMap<EnsembleId, Kept>;

/// What a deputy has heard of a principal.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    last: Timestamp,
    /// When it last had the copies that are kept of it, and no others.
    agreed: Timestamp,
}

impl Heard {
    const fn now(now: Timestamp) -> Self {
        Self { last: now, agreed: now }
    }
}

/// A node's part as a principal and as a deputy.
#[derive(Clone, Debug, Default)]
pub(in crate::dms) struct Deputies {
    config: DeputyConfig,
    told: OrderedMap<EnsembleId, Told>,
    /// Deployments of whose beginnings here their successors, which are not the deputy, are to hear until they answer.
    unreported: Vec<EnsembleId>,
    asked: Vec<(u64, Asked)>,
    /// The shortest patience of what the deputy is told of.
    patience: Option<Span>,
    beats: bool,
    kept: KeptCopies,
    /// Deployments that have ended lately.
    over: Vec<(EnsembleId, Last)>,
    heard: OrderedMap<PeerId, Heard>,
    watch: Alarm,
}

impl Deputies {
    pub(in crate::dms) fn configure(&mut self, config: DeputyConfig) {
        self.config = config;
    }

    /// The process ends: what it keeps for others is on disk.
    pub(in crate::dms) fn stop(&mut self) -> KeptCopies {
        let kept = std::mem::take(&mut self.kept);
        *self = Self { config: std::mem::take(&mut self.config), ..Self::default() };
        kept
    }

    /// The process has started again. Principals have not been heard since, for it was not there to hear them.
    pub(in crate::dms) fn start(&mut self, desk: &mut Desk<'_, '_>, kept: KeptCopies) {
        self.kept = kept;
        self.heard = self.kept.values().map(|kept| (kept.last.principal, Heard::now(desk.now))).collect();
        self.watch_on(desk);
    }

    /// Whether it has nothing to do with others.
    pub(in crate::dms) fn is_untouched(&self, now: Timestamp) -> bool {
        let is_over_lately = self.over.iter().any(|(_, last)| last.is_recent(now));
        self.has_nothing_to_tell() && self.kept.is_empty() && self.asked.is_empty() && !is_over_lately
    }

    fn has_nothing_to_tell(&self) -> bool {
        self.told.is_empty() && self.unreported.is_empty()
    }

    /// Whether a node has this behaviour.
    pub(in crate::dms) const fn is_responsible(kind: BehaviourKind) -> bool {
        matches!(kind, BehaviourKind::DeputyCopy | BehaviourKind::DeputyBeat)
    }

    /// Whether the answer that comes to this behaviour is waited for.
    pub(in crate::dms) fn awaits(&self, behaviour: &Behaviour) -> bool {
        // Reading the nonce takes longer than all else here.
        let nonce = if self.asked.is_empty() { None } else { behaviour.reply_nonce() };
        nonce.is_some_and(|nonce| self.asked.iter().any(|(asked, _)| *asked == nonce))
    }

    /// Whether anybody stands in for this node.
    pub(in crate::dms) const fn has_deputy(&self) -> bool {
        self.config.deputy.is_some()
    }
}

/// As a principal.
impl Deputies {
    /// Whether the deputy has a word in what becomes of a deployment after a restart.
    pub(in crate::dms) fn vets(&self, deployment: &Deployment) -> bool {
        self.config.deputy.is_some() && deployment.patience_of_deputy().is_some() && !deployment.has_ended()
    }

    /// Tells the deputy what has become of a deployment, if it has become anything.
    pub(in crate::dms) fn inform(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        deployment: &Deployment,
    ) {
        let is_news = match self.told.get(&deployment.id()) {
            Some(told) => told.version != deployment.version(),
            None => !deployment.has_ended(),
        };
        if is_news {
            self.tell(desk, root, deployment);
        }
    }

    /// Tells the deputy, if anybody stands in for this deployment, until it acknowledges. Who has taken the deployment
    /// over hears so what was begun here; whether it has, nobody knows any more after a restart.
    pub(in crate::dms) fn tell(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        deployment: &Deployment,
    ) {
        let (Some(deputy), Some(patience)) = (self.config.deputy.clone(), deployment.patience_of_deputy())
        else {
            return;
        };
        self.patience = Some(self.patience.map_or(patience, |known| known.min(patience)));
        self.send_copy(desk, root, deployment, &deputy);
        self.beat_on(desk);
    }

    fn send_copy(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        deployment: &Deployment,
        to: &Arc<Handle>,
    ) {
        let copy = self.copy_of(deployment);
        let (ensemble, version) = (copy.ensemble, copy.version);
        let told = (Arc::clone(&copy.record.config), copy.ensemble_bytes);
        let asked = Asked::Copy(ensemble, version);
        self.ask(desk, root, to, BehaviourKind::DeputyCopy, DeputyMessage::Copy(copy), asked);
        self.told.insert(ensemble, Told { version, acknowledged: false, ensemble: told });
    }

    fn copy_of(&self, deployment: &Deployment) -> DeploymentCopy {
        let (ensemble, version) = (deployment.id(), deployment.version());
        let record = Arc::new(deployment.snapshot());
        let known = self.told.get(&ensemble).map(|told| &told.ensemble);
        let known = known.filter(|(config, _)| Arc::ptr_eq(config, &record.config));
        let ensemble_bytes = known.map_or_else(|| bytes_of(&record.config), |(_, bytes)| *bytes);
        DeploymentCopy { ensemble, version, record, ensemble_bytes }
    }

    fn ask(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        to: &Arc<Handle>,
        kind: BehaviourKind,
        message: DeputyMessage,
        asked: Asked,
    ) {
        let (behaviour, message) = (Behaviour::fixed(kind), Message::Deputy(Box::new(message)));
        let nonce = desk.invoke(root, Owner::Deputy, to, behaviour, message, DEPUTY_TIMEOUT);
        self.asked.push((nonce, asked));
    }

    fn beat_on(&mut self, desk: &mut Desk<'_, '_>) {
        if let Some(patience) = self.patience.filter(|_| !self.beats && !self.has_nothing_to_tell()) {
            self.beats = true;
            desk.timer(Span(patience.0 / BEATS), Timer::Beat);
        }
    }

    /// A beat is due. What the deputy has not acknowledged is not sent again before it answers, for it may be down.
    /// Successors that have not answered are told again.
    pub(in crate::dms) fn beat(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        deployments: &[Deployment],
    ) {
        self.beats = false;
        let Some(deputy) = self.config.deputy.clone().filter(|_| !self.has_nothing_to_tell()) else {
            self.patience = None;
            return;
        };
        if !self.told.is_empty() {
            let sum = sum_of(self.told.iter().map(|(id, told)| (*id, told.version)));
            self.ask(desk, root, &deputy, BehaviourKind::DeputyBeat, DeputyMessage::Beat(sum), Asked::Beat);
        }
        for id in self.unreported.clone() {
            let is_asked =
                self.asked.iter().any(|(_, asked)| matches!(asked, Asked::Report(of) if *of == id));
            if !is_asked && let Some(place) = Deployment::latest(deployments, id) {
                self.report(desk, root, &deployments[place]);
            }
        }
        self.beat_on(desk);
    }

    /// Tells the successor in a deployment what was begun of it here.
    fn report(&mut self, desk: &mut Desk<'_, '_>, root: &mut Actor, deployment: &Deployment) {
        let Some(mandate) = deployment.successor() else { return };
        let successor = Arc::new(Handle::root(mandate.successor.host.0));
        let (id, copy) = (deployment.id(), DeputyMessage::Copy(self.copy_of(deployment)));
        self.ask(desk, root, &successor, BehaviourKind::DeputyCopy, copy, Asked::Report(id));
        if !self.unreported.contains(&id) {
            self.unreported.push(id);
        }
        let patience = deployment.patience_of_deputy();
        self.patience = self.patience.into_iter().chain(patience).min();
        self.beat_on(desk);
    }

    /// The deputy has other copies than it should: it gets those that it has not acknowledged, and all where it has
    /// acknowledged all.
    fn send_again(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        deployments: &[Deployment],
        deputy: &Arc<Handle>,
    ) {
        let all = self.told.values().all(|told| told.acknowledged);
        let lacking = self.told.iter().filter(|(_, told)| all || !told.acknowledged).map(|(id, _)| *id);
        for id in lacking.collect::<Vec<_>>() {
            if let Some(place) = Deployment::latest(deployments, id) {
                self.send_copy(desk, root, &deployments[place], deputy);
            }
        }
    }

    /// The deputy has answered, from this host; or it has not in time.
    pub(in crate::dms) fn resolve(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        deployments: &mut [Deployment],
        nonce: u64,
        answer: Option<(&PeerId, &Message)>,
    ) {
        let Some(place) = self.asked.iter().position(|(asked, _)| *asked == nonce) else { return };
        let said = answer.and_then(|(from, message)| match message {
            Message::Deputy(said) => Some((from, &**said)),
            _ => None,
        });
        match self.asked.swap_remove(place).1 {
            Asked::Beat => {
                if let (Some((_, DeputyMessage::Lacking)), Some(deputy)) = (said, self.config.deputy.clone())
                {
                    self.send_again(desk, root, deployments, &deputy);
                }
            }
            Asked::Copy(id, version) => {
                let Some(place) = Deployment::latest(deployments, id) else { return };
                let deployment = &mut deployments[place];
                match said {
                    Some((from, DeputyMessage::Superseded(mandate))) => {
                        deployment.hear_mandate(desk, mandate);
                        self.report_to(desk, root, deployment, from);
                        self.told.retain(|told, own| *told != id || own.version != version);
                    }
                    _ if matches!(answer, Some((_, Message::Ok))) => self.acknowledge(deployment, version),
                    _ => {}
                }
                // Nobody says that it is another's by now.
                deployment.release(desk);
            }
            // It may be down, and hears it with a later beat.
            Asked::Report(_) if answer.is_none() => {}
            Asked::Report(id) => {
                self.unreported.retain(|other| *other != id);
                let Some(place) = Deployment::latest(deployments, id) else { return };
                // Another one may have it by now.
                if let Some((from, DeputyMessage::Superseded(mandate))) = said {
                    deployments[place].hear_mandate(desk, mandate);
                    self.report_to(desk, root, &deployments[place], from);
                }
            }
        }
    }

    fn acknowledge(&mut self, deployment: &mut Deployment, version: u64) {
        let id = deployment.id();
        if let Some(told) = self.told.get_mut(&id).filter(|told| told.version == version) {
            told.acknowledged = true;
            deployment.note_acknowledged();
            if deployment.has_ended() {
                self.told.shift_remove(&id);
            }
        }
    }

    /// What this node has begun of a deployment that is another's by now is the successor's to have undone: it is told,
    /// unless it is the one that has just answered.
    fn report_to(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        deployment: &Deployment,
        answered: &PeerId,
    ) {
        if deployment.successor().is_some_and(|mandate| mandate.successor.host != *answered) {
            self.report(desk, root, deployment);
        }
    }
}

/// As a deputy.
impl Deputies {
    /// Handles what a principal says.
    pub(in crate::dms) fn handle(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        deployments: &mut [Deployment],
        request: &Envelope,
    ) {
        let answer = match &request.message {
            Message::Deputy(said) => match &**said {
                DeputyMessage::Copy(copy) => self.take_copy(desk, root, deployments, (request, copy)),
                DeputyMessage::Beat(sum) => self.hear_beat(desk.now, request.from.host, *sum),
                _ => Message::lacking(),
            },
            _ => Message::lacking(),
        };
        desk.reply(root, request, answer);
    }

    fn take_copy(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        deployments: &mut [Deployment],
        (request, copy): (&Envelope, &DeploymentCopy),
    ) -> Message {
        let principal = request.from.host;
        if let Some(place) = Deployment::latest(deployments, copy.ensemble) {
            let own = &mut deployments[place];
            if let Some(mandate) = own.mandate_after(copy.record.term()) {
                own.undo_foreign(desk, &copy.record);
                return Message::Deputy(Box::new(DeputyMessage::Superseded(mandate)));
            }
            // Its own deputy hears so what was begun here, and says whose the deployment is.
            if self.config.deputy.as_ref().is_none_or(|deputy| deputy.host != principal) {
                self.step_down(desk, root, own, copy);
            }
        }
        let Some(after) = copy.record.strategy.recovery.handed_over_after() else {
            return Message::lacking();
        };
        if let Err(refused) = self.hear(desk.now, principal) {
            return refused;
        }
        let kept = self.kept.get(&copy.ensemble).map(|kept| &kept.last);
        let over = self.over.iter().filter(|(id, _)| *id == copy.ensemble).map(|(_, last)| last);
        if kept.into_iter().chain(over).any(|last| last.outdates(request, desk.now)) {
            return Message::lacking();
        }
        let last = Last { principal, nonce: request.nonce, came: desk.now };
        if copy.record.has_ended() {
            self.kept.shift_remove(&copy.ensemble);
            self.over.retain(|(_, last)| last.is_recent(desk.now));
            self.over.push((copy.ensemble, last));
        } else {
            let kept = Kept { last, version: copy.version, after, record: Arc::clone(&copy.record) };
            self.kept.insert(copy.ensemble, kept);
            self.watch_on(desk);
        }
        Message::Ok
    }

    /// Who has taken over from whoever took over from here tells its own deputy, which is this node. The one in between
    /// may have lost all that it knew, so this is how it is heard; what was begun here since is said in turn.
    fn step_down(
        &mut self,
        desk: &mut Desk<'_, '_>,
        root: &mut Actor,
        own: &mut Deployment,
        copy: &DeploymentCopy,
    ) {
        let Some(mandate) = &copy.record.mandate else { return };
        let known = own.successor().map(|mandate| mandate.term);
        own.hear_mandate(desk, mandate);
        if own.successor().map(|mandate| mandate.term) != known {
            self.inform(desk, root, own);
            self.report(desk, root, own);
        }
    }

    /// A principal lives.
    ///
    /// # Errors
    /// The answer to somebody who is none.
    fn hear(&mut self, now: Timestamp, principal: PeerId) -> Result<(), Message> {
        if !self.config.principals.contains(&principal) {
            return Err(Message::Error(format!("this node is not the deputy of {principal}").into()));
        }
        self.heard.entry(principal).or_insert(Heard::now(now)).last = now;
        Ok(())
    }

    fn hear_beat(&mut self, now: Timestamp, principal: PeerId, sum: u64) -> Message {
        if let Err(refused) = self.hear(now, principal) {
            return refused;
        }
        let of_it = self.kept.iter().filter(|(_, kept)| kept.last.principal == principal);
        if sum_of(of_it.map(|(id, kept)| (*id, kept.version))) != sum {
            return Message::Deputy(Box::new(DeputyMessage::Lacking));
        }
        self.heard.insert(principal, Heard::now(now));
        Message::Ok
    }

    /// When a principal has been silent for too long, or for too long about this deployment.
    fn due(&self, kept: &Kept) -> Timestamp {
        let heard = self.heard.get(&kept.last.principal).copied().unwrap_or_default();
        let forgotten = heard.agreed.max(kept.last.came) + kept.after.times(PATIENCES);
        forgotten.min(heard.last + kept.after)
    }

    fn watch_on(&mut self, desk: &mut Desk<'_, '_>) {
        if let Some(first) = self.kept.values().map(|kept| self.due(kept)).min() {
            self.watch.set(desk, first.max(desk.now), Timer::WatchPrincipals);
        }
    }

    /// Looks which principals have been silent for too long: what is kept of theirs is this node's from now on.
    pub(in crate::dms) fn watch(&mut self, desk: &mut Desk<'_, '_>) -> Vec<Arc<DeploymentRecord>> {
        let is_late = self.watch.is_late(desk.now);
        if !self.watch.rings(desk, Timer::WatchPrincipals) {
            return Vec::new();
        }
        if is_late {
            // What they have said meanwhile is still to be read.
            self.heard.values_mut().for_each(|heard| *heard = Heard::now(desk.now));
        }
        let overdue = self.kept.iter().filter(|(_, kept)| self.due(kept) <= desk.now).map(|(id, _)| *id);
        let overdue: Vec<EnsembleId> = overdue.collect();
        let taken = overdue.iter().filter_map(|id| self.kept.shift_remove(id)).map(|kept| kept.record);
        let taken = taken.collect();
        self.watch_on(desk);
        taken
    }
}

/// A number for a set of copies, in whatever order.
fn sum_of(copies: impl Iterator<Item = (EnsembleId, u64)>) -> u64 {
    copies.fold(0, |sum, copy| sum.wrapping_add(fingerprint128(&copy) as u64))
}

//! A scenario that is being played: the world, and what its steps remember of each other.

use std::sync::Arc;

use super::failure::{Done, Failure};
use super::setting::Setting;
use crate::dms::actor::{
    Behaviour, DeploymentInfo, DeploymentReport, Manifest, Message, Report, StatusReport,
};
use crate::dms::dynamic_dns::Resolver;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::fact::DeploymentStatus;
use crate::dms::identity::{Did, EnsembleId};
use crate::dms::profile::Profile;
use crate::kernel::{Span, Time};
use crate::observe::StreamFile;
use crate::sim::World;
use crate::sim::by_hand::{Ending, Whereabouts};
use crate::sim::setup::{Control, ControlKind, OperationKind, Which};

/// How long a request for a deployment lives (dms-acceptance section 3).
pub(super) const DEPLOY_TIMEOUT: Span = Span::mins(2);
/// How long a step waits for a state of a deployment.
pub(super) const STATUS_LIMIT: Span = Span::secs(60);
/// How long a step waits for several deployments, or for one over several nodes.
pub(super) const LONG_LIMIT: Span = Span::mins(5);
/// How long a step waits for something about contracts.
pub(super) const CONTRACT_LIMIT: Span = Span::secs(10);
/// How long an update may take (dms-acceptance section 3).
pub(super) const UPDATE_TIMEOUT: Span = Span::mins(15);
/// The pause after a revocation before its effect is looked at.
pub(super) const REVOCATION_PAUSE: Span = Span::secs(10);

/// A deployment that a step has asked for.
#[derive(Clone, Debug)]
pub(super) struct Deployed {
    /// Whose.
    pub(super) owner: String,
    /// What steps call it, where it has a name of its own.
    pub(super) name: Option<String>,
    /// What it is by now, as its owner has it.
    pub(super) ensemble: Arc<EnsembleConfig>,
    /// Its id; none where it was refused at once.
    pub(super) id: Option<EnsembleId>,
    /// Why it was refused at once.
    pub(super) refused: Option<Arc<str>>,
    /// When its request ends.
    pub(super) deadline: Time,
}

/// What was last heard by an operator.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// Who has asked.
    pub(super) by: String,
    /// The answers, whole.
    pub(super) answers: Vec<Message>,
    /// How it ended.
    pub(super) ending: Option<Ending>,
}

/// A scenario that is being played.
pub(super) struct Play<'p, 's> {
    pub(super) world: &'p mut World<'s>,
    pub(super) setting: &'p Setting,
    profile: Profile,
    /// Deployments in the order in which they were asked for.
    pub(super) deployments: Vec<Deployed>,
    /// The last answer to anything that was asked.
    pub(super) heard: Option<Heard>,
    /// The contracts that were asked for, by name, in order.
    pub(super) contracts: Vec<Agreement>,
    /// Faults that last until a step ends them, by what steps call them.
    pub(super) faults: Vec<(String, u32)>,
    /// What observed nodes have written so far.
    pub(super) written: Vec<(StreamFile, String)>,
    /// Names that steps have given to nodes, in lower case, and the nodes' own.
    pub(super) given_names: Vec<(String, String)>,
    /// What was there of each deployment when something broke last, and since when.
    pub(super) before: Vec<(EnsembleId, Vec<Whereabouts>)>,
    /// What was noted to be compared with later, by what steps call it.
    pub(super) noted: Vec<(String, String)>,
    /// What users outside remember of names, each by the node where they are.
    pub(super) memories: Vec<(String, Resolver)>,
}

/// A contract that was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Agreement {
    pub(super) name: String,
    pub(super) requestor: String,
    pub(super) provider: String,
    pub(super) host: String,
}

impl<'p, 's> Play<'p, 's> {
    pub(super) fn new(world: &'p mut World<'s>, setting: &'p Setting, profile: Profile) -> Self {
        Self {
            world,
            setting,
            profile,
            deployments: Vec::new(),
            heard: None,
            contracts: Vec::new(),
            faults: Vec::new(),
            written: Vec::new(),
            given_names: Vec::new(),
            before: Vec::new(),
            noted: Vec::new(),
            memories: Vec::new(),
        }
    }
}

impl Play<'_, '_> {
    pub(super) const fn profile(&self) -> Profile {
        self.profile
    }

    /// A node of the scenario, by its own name or one that a step has given it.
    pub(super) fn node(&self, name: &str) -> Result<String, Failure> {
        let name = name.to_lowercase();
        if self.world.has_peer(&name) {
            return Ok(name);
        }
        if let Some((_, given)) = self.given_names.iter().find(|(own, _)| *own == name) {
            return Ok(given.clone());
        }
        let known: Vec<&str> = self.setting.nodes.iter().map(|node| node.name.as_str()).collect();
        Failure::bad(format!("there is no node {name}; there are {}", known.join(", ")))
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, span: Span) {
        self.world.pass(span);
    }

    /// Lets time pass until something is the case, for as long as `limit` at most. Whether it came about.
    pub(super) fn wait(&mut self, limit: Span, mut holds: impl FnMut(&mut World<'_>) -> bool) -> bool {
        /// How often something is looked at that takes more than a glance.
        const LOOK: Span = Span::millis(500);
        let end = self.world.now() + limit;
        loop {
            if holds(self.world) {
                return true;
            }
            let now = self.world.now();
            if now >= end || !self.world.pass(LOOK.min(end.since(now))) {
                return false;
            }
        }
    }

    /// An operator does something; time passes until that has come to an end, or `limit` is over.
    pub(super) fn order(&mut self, by: &str, kind: OperationKind, limit: Span) -> Result<&Heard, Failure> {
        let by = self.node(by)?;
        let operation = self.world.command(&by, kind);
        let until = self.world.now() + limit;
        self.world.advance_while(until, &mut |world| world.ending_of(operation).is_none());
        Ok(self.hear(by, operation))
    }

    /// The same for a broadcast, whose answers come until its time is over.
    pub(super) fn broadcast(&mut self, by: &str, behaviour: &str, timeout: Span) -> Result<&Heard, Failure> {
        let by = self.node(by)?;
        let behaviour = behaviour_of(behaviour)?;
        let operation = self.world.command(&by, OperationKind::Broadcast { behaviour, timeout });
        self.world.pass(timeout);
        Ok(self.hear(by, operation))
    }

    /// Remembers what was heard of an operation.
    fn hear(&mut self, by: String, operation: u32) -> &Heard {
        let answers = self.world.shown(operation).cloned().collect();
        let ending = self.world.ending_of(operation);
        self.heard.insert(Heard { by, answers, ending })
    }

    /// Calls a behaviour of a node.
    pub(super) fn invoke(&mut self, by: &str, to: &str, behaviour: &str) -> Result<&Heard, Failure> {
        let (to, behaviour) = (self.node(to)?, behaviour_of(behaviour)?);
        let timeout = Span::secs(30);
        let kind = OperationKind::Invoke { to, behaviour, peer: None, payload: None, timeout };
        self.order(by, kind, timeout + Span::secs(1))
    }

    /// What was heard last.
    pub(super) fn heard(&self) -> Result<&Heard, Failure> {
        self.heard.as_ref().ok_or_else(|| Failure::Vacuous("nothing was asked before".to_owned()))
    }

    /// What an operator asks about deployments, and the report; `by` may be the name of a deployment of theirs.
    pub(super) fn control(&mut self, by: &str, kind: ControlKind) -> Result<DeploymentReport, Failure> {
        let by = &self.owner_of(by)?;
        let what = kind.to_string();
        let timeout = Control::usual_timeout(kind.behaviour());
        let control = Control { to: None, timeout, kind };
        let limit = timeout + Span::secs(1);
        let heard = self.order(by, OperationKind::Deployment(Box::new(control)), limit)?;
        heard.report().cloned().ok_or_else(|| Failure::Wrong(format!("{what}: {}", heard.how_it_ended())))
    }

    /// Asks for a deployment; time passes until it is accepted or refused.
    pub(super) fn deploy(
        &mut self,
        owner: &str,
        ensemble: &Arc<EnsembleConfig>,
        timeout: Span,
    ) -> Result<&Deployed, Failure> {
        let owner = self.node(owner)?;
        let name = format!("deployment-{}", self.deployments.len() + 1);
        let kind = ControlKind::New { name, ensemble: Arc::clone(ensemble) };
        let control = Control { to: None, timeout, kind };
        let deadline = self.world.now() + timeout;
        let heard = self.order(&owner, OperationKind::Deployment(Box::new(control)), Span::secs(5))?;
        let (id, refused) = match heard.report() {
            Some(DeploymentReport::Accepted { id }) => (Some(*id), None),
            _ => (None, Some(heard.how_it_ended().into())),
        };
        self.deployments.push(Deployed {
            owner,
            name: None,
            ensemble: Arc::clone(ensemble),
            id,
            refused,
            deadline,
        });
        Ok(self.deployments.last().expect("one was just added"))
    }

    /// The last deployment of this name, or of the operator of this name.
    pub(super) fn deployment_of(&self, owner: &str) -> Result<&Deployed, Failure> {
        if let Some(named) = self.deployment_named(owner) {
            return Ok(named);
        }
        let owner = self.node(owner)?;
        let found = self.deployments.iter().rev().find(|one| one.owner == owner);
        found.ok_or_else(|| Failure::Bad(format!("{owner} has deployed nothing")))
    }

    /// The operator of this name, or of the deployment of this name.
    pub(super) fn owner_of(&self, name: &str) -> Result<String, Failure> {
        self.deployment_named(name).map_or_else(|| self.node(name), |named| Ok(named.owner.clone()))
    }

    /// The last deployment with this name of its own.
    fn deployment_named(&self, name: &str) -> Option<&Deployed> {
        self.deployments.iter().rev().find(|one| one.name.as_deref() == Some(name))
    }

    /// The id of the last deployment of an operator.
    pub(super) fn id_of(&self, owner: &str) -> Result<EnsembleId, Failure> {
        let deployed = self.deployment_of(owner)?;
        let refused = deployed.refused.clone().unwrap_or_default();
        deployed.id.ok_or_else(|| Failure::Wrong(format!("the deployment was refused: {refused}")))
    }

    /// Waits until a deployment is in a state, looking after every event so that none is missed.
    pub(super) fn wait_for_status(&mut self, id: EnsembleId, wanted: DeploymentStatus, limit: Span) -> Done {
        let until = self.world.now() + limit;
        let is = |world: &World<'_>| world.status_of(id).is_some_and(|(status, _)| status == wanted);
        if self.world.advance_while(until, &mut |world| !is(world)) {
            return Ok(());
        }
        Failure::wrong(format!("within {limit} it is not {}: it is {}", wanted.as_str(), self.described(id)))
    }

    /// The state of a deployment with the reason, in words.
    pub(super) fn described(&self, id: EnsembleId) -> String {
        match self.world.status_of(id) {
            Some((status, Some(reason))) => format!("{} ({reason})", status.as_str()),
            Some((status, None)) => status.as_str().to_owned(),
            None => "unknown".to_owned(),
        }
    }

    /// The status as the operator's node tells it.
    pub(super) fn status_report(&mut self, owner: &str) -> Result<StatusReport, Failure> {
        let which = Which::Id(self.id_of(owner)?);
        match self.control(owner, ControlKind::Status(which))? {
            DeploymentReport::Status(report) => Ok(report),
            other => Failure::wrong(format!("this is no status: {}", other.summary())),
        }
    }

    /// The manifest as the operator's node tells it.
    pub(super) fn manifest(&mut self, owner: &str) -> Result<Manifest, Failure> {
        let which = Which::Id(self.id_of(owner)?);
        match self.control(owner, ControlKind::Manifest(which))? {
            DeploymentReport::Manifest(manifest) => Ok(manifest),
            other => Failure::wrong(format!("this is no manifest: {}", other.summary())),
        }
    }

    /// The last report about a deployment that was asked for.
    pub(super) fn info(&self) -> Result<&DeploymentInfo, Failure> {
        match self.heard()?.report() {
            Some(DeploymentReport::Info(info)) => Ok(info),
            _ => Failure::vacuous("no information about a deployment was asked for and given"),
        }
    }

    /// The DID of a node.
    pub(super) fn did_of(&self, name: &str) -> Result<Did, Failure> {
        let name = self.node(name)?;
        Ok(self.world.look_at(&name).handle_of_root().did.clone())
    }

    /// The names of the peers at which something of a deployment runs or lives, with the key of each allocation.
    pub(super) fn hosts_of(&self, id: EnsembleId) -> Vec<(Arc<str>, Arc<str>)> {
        let all = self.world.whereabouts(id).into_iter();
        all.filter(|one| one.runs).map(|one| (one.peer, one.key)).collect()
    }

    /// Notes something under a name, in the place of what was noted there.
    pub(super) fn note(&mut self, name: &str, value: String) {
        self.noted.retain(|(own, _)| own != name);
        self.noted.push((name.to_owned(), value));
    }

    /// Notes what there is of each deployment, to be compared with later.
    pub(super) fn note_runs(&mut self) {
        let ids = self.deployments.iter().filter_map(|one| one.id);
        self.before = ids.map(|id| (id, self.world.whereabouts(id))).collect();
    }

    /// What was noted under a name.
    pub(super) fn noted(&self, name: &str) -> Result<&str, Failure> {
        let found = self.noted.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        found.ok_or_else(|| Failure::Bad(format!("nothing was noted about {name}")))
    }
}

impl Heard {
    /// The report about deployments, if it was one.
    pub(super) fn report(&self) -> Option<&DeploymentReport> {
        self.reports().find_map(|report| match report {
            Report::Deployment(report) => Some(report),
            _ => None,
        })
    }

    /// Everything that was reported.
    pub(super) fn reports(&self) -> impl Iterator<Item = &Report> {
        self.answers.iter().filter_map(|message| match message {
            Message::Report(report) => Some(&**report),
            _ => None,
        })
    }

    /// How it ended, in words.
    pub(super) fn how_it_ended(&self) -> String {
        match &self.ending {
            Some(Ending::Answered(said)) => format!("answered: {said}"),
            Some(Ending::Refused(why)) => format!("refused: {why}"),
            Some(Ending::Unanswered(why)) => format!("unanswered: {why}"),
            None => "there is no answer yet".to_owned(),
        }
    }

    /// Whether it was answered, or done.
    pub(super) const fn is_answered(&self) -> bool {
        matches!(self.ending, Some(Ending::Answered(_)))
    }

    /// That it was answered, or done.
    pub(super) fn done(&self) -> Done {
        if self.is_answered() { Ok(()) } else { Failure::wrong(self.how_it_ended()) }
    }

    /// The DIDs of those who have said hello.
    pub(super) fn greeted_by(&self) -> impl Iterator<Item = &Did> {
        self.answers.iter().filter_map(|message| match message {
            Message::HelloReply(did) => Some(did),
            _ => None,
        })
    }
}

/// The behaviour of a path.
pub(super) fn behaviour_of(path: &str) -> Result<Behaviour, Failure> {
    Behaviour::for_operators(path).ok_or_else(|| Failure::Bad(format!("there is no behaviour {path}")))
}

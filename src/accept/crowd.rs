//! The crowd in which scenarios run on request: peers of another organization that share gossip, links, relays and load
//! with the nodes of a scenario, come and go, and run deployments of their own.

use std::fmt::Write as _;

/// One of so many peers of a crowd orchestrates.
const ORCHESTRATORS: u32 = 50;
/// How often something is deployed in it, in seconds for each of its orchestrators.
const EVERY_S: u32 = 600;

const TASK: &str = include_str!("../../scenarios/features/ensembles/docker_hello.yaml");
const SERVICE: &str = include_str!("../../scenarios/features/ensembles/nginx.yaml");

/// Other peers beside the nodes of a scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Crowd {
    /// How many.
    pub(super) peers: u32,
    /// Whether its providers are members of the scenario's organizations as well, and so may bid for its nodes.
    pub(super) is_open: bool,
}

impl Crowd {
    /// Its organization.
    pub(super) const ORGANIZATION: &str = "crowd";

    /// The ensembles that it deploys, by name.
    pub(super) fn ensembles(&self) -> Vec<(String, String)> {
        vec![
            ("crowd/task.yaml".to_owned(), TASK.to_owned()),
            ("crowd/service.yaml".to_owned(), SERVICE.to_owned()),
        ]
    }

    /// Its peers and what they do, as the end of a scenario's list of peers and the sections behind it.
    pub(super) fn sections(&self, organizations: &[&str]) -> String {
        let orchestrators = self.peers.div_ceil(ORCHESTRATORS).max(1);
        let providers = self.peers.saturating_sub(orchestrators).max(1);
        let members: Vec<&str> = if self.is_open {
            std::iter::once(Self::ORGANIZATION).chain(organizations.iter().copied()).collect()
        } else {
            vec![Self::ORGANIZATION]
        };
        let mut text = format!(
            "- providers: {{name: crowd, count: {providers}, org: [{}], churn: {{preset: desktop-pc}}}}\n\
             - orchestrators: {{name: crowd-users, count: {orchestrators}, org: {org}}}\n\
             workload:\n",
            members.join(", "),
            org = Self::ORGANIZATION
        );
        let every = EVERY_S / orchestrators.min(EVERY_S);
        for (ensemble, ends) in [("task", ""), ("service", ", shutdown_after: 5m")] {
            writeln!(
                text,
                "- deploy: {{by: crowd-users, ensemble: crowd/{ensemble}.yaml, \
                 arrivals: {{poisson: {{mean: {every}s}}}}, \
                 count: 1000000, timeout: 2m{ends}}}"
            )
            .expect("a text takes everything");
        }
        text
    }
}

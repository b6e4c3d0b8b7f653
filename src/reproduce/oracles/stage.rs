//! Small scenarios on which cases are put, and watching them.
//!
//! A case counts in units of its own: hours, or nothing at all. A unit is as many simulated seconds as suits the
//! constants of the protocol, which must not matter.

use crate::kernel::{Span, Time};
use crate::scenario;
use crate::sim::watching::Sighting;
use crate::sim::{Setup, World};

/// A scenario in the making.
pub(super) struct Stage {
    /// Its seed.
    pub seed: u64,
    /// How long it is, in seconds.
    pub duration_s: f64,
    /// The workers and when they come and go: the text of `churn`, or nothing.
    pub workers: u32,
    pub churn: Option<String>,
    /// The program that runs on the workers, if any: the text of an image, and how many of it an ensemble has.
    pub program: Option<(String, u32)>,
    /// Who has it run.
    pub demand: Demand,
    /// Whether the program has a volume on the disk of its machine.
    pub has_volume: bool,
    /// What runs it.
    pub executor: &'static str,
    /// Whether it is a task, which ends, or a service.
    pub is_task: bool,
    /// What is done about failures: the text of `strategy`.
    pub strategy: String,
    /// Until when it must run after it was asked for.
    pub timeout: &'static str,
    /// What else goes wrong: the text of `faults`, or nothing.
    pub faults: String,
    /// What each worker does with more than it is to run at once: the text of `queue`, or nothing.
    pub places: String,
    /// How many cores each worker has.
    pub cores: u32,
    /// How many graphics cards each has.
    pub cards: u32,
    /// What each wants to be paid: the text of `price`, or nothing.
    pub price: String,
    /// Further tasks, each of a user of its own.
    pub tasks: Vec<Task>,
}

/// A task that a user has run again and again.
pub(super) struct Task {
    /// How long it runs, as a scenario writes it.
    pub run: String,
    /// When and how often it is asked for: the rest of `deploy`.
    pub when: String,
    /// The nodes that are to run it: how many cores each takes, and on which worker, or anywhere.
    pub nodes: Vec<(f64, Option<u32>)>,
    /// How many graphics cards each of them takes.
    pub cards: u32,
}

/// Who has the program run, and where.
#[derive(Clone, Copy)]
pub(super) enum Demand {
    /// One user, on each worker, once: its machine starts it again whenever it ends.
    Once,
    /// One user, on each worker, so many times, so many seconds apart.
    Each { count: u64, every_s: f64 },
    /// One user, anywhere, so many times, so many seconds apart.
    Anywhere { count: u64, every_s: f64 },
    /// One user, on the only worker, so many times, at random times that are so many seconds apart on average.
    AtRandom { count: u64, mean_s: f64 },
}

/// The name of the program's image.
const IMAGE: &str = "oracle/program";

impl Stage {
    /// How fast disks are: a megabyte a second.
    pub(super) const DISK_BYTES_PER_S: f64 = 1e6;

    /// Workers that are always there.
    pub(super) fn of_steady_peers(seed: u64, duration_s: f64, workers: u32) -> Self {
        Self { churn: None, ..Self::of_peers(seed, duration_s, workers, String::new()) }
    }

    /// Workers that come and go, on which nothing runs.
    pub(super) fn of_peers(seed: u64, duration_s: f64, workers: u32, churn: String) -> Self {
        Self {
            seed,
            duration_s,
            workers,
            churn: Some(churn),
            program: None,
            demand: Demand::Once,
            has_volume: false,
            executor: "docker",
            is_task: true,
            strategy: "{recovery: restart}".to_owned(),
            timeout: "30m",
            faults: String::new(),
            places: String::new(),
            cores: 100,
            cards: 0,
            price: String::new(),
            tasks: Vec::new(),
        }
    }

    /// The run. Messages cost nothing and take a microsecond, and nothing has a size.
    pub(super) fn setup(&self) -> Result<Setup, String> {
        let churn = self.churn.as_ref().map_or_else(String::new, |churn| format!(", churn: {churn}"));
        let places = if self.places.is_empty() { String::new() } else { format!(", queue: {}", self.places) };
        let price = if self.price.is_empty() { String::new() } else { format!(", price: {}", self.price) };
        let cards = match self.cards {
            0 => String::new(),
            count => format!(", gpu: {{vendor: NVIDIA, model: T4, vram: 16 GiB, count: {count}}}"),
        };
        let users: Vec<String> = (1..self.tasks.len()).map(|user| format!(", {}", user_of(user))).collect();
        let mut text = format!(
            "version: 1\nname: oracle\nseed: {}\nduration: {}\nprocessing: none\n\
             network: {{latency: {{constant: 1us}}, bandwidth: unlimited, hop_processing: 1ns, hellos: false}}\n\
             peers:\n\
             \x20 - providers: {{name: worker, count: {}, place: {{city: Berlin}}, \
             hardware: {{cpu: {}, ram: 1 TiB, disk: 10 TB{cards}}}, \
             onboard: {{cpu: 100%, ram: 90%, disk: 100%}}, storage: {{rate: 8 Mbit/s}}, \
             executors: [{}]{churn}{places}{price}}}\n\
             \x20 - orchestrators: {{names: [alice{}], place: {{city: Berlin}}}}\n\
             strategy: {}\n",
            self.seed,
            time(self.duration_s),
            self.workers,
            self.cores,
            self.executor,
            users.concat(),
            self.strategy
        );
        if !self.faults.is_empty() {
            text.push_str(&format!("faults: {}\n", self.faults));
        }
        let (mut images, mut workload, mut ensembles) = (String::new(), String::new(), Vec::new());
        let mut deploy = |user: usize, name: String, when: &str, content: String| {
            let (by, timeout) = (user_of(user), self.timeout);
            workload
                .push_str(&format!("  - deploy: {{by: {by}, ensemble: {name}, timeout: {timeout}{when}}}\n"));
            ensembles.push((name, content));
        };
        if let Some((image, copies)) = &self.program {
            images.push_str(&format!("  {IMAGE}: {image}\n"));
            self.deploy_program(&mut |name, when, nodes| {
                deploy(0, name, when, self.ensemble(*copies, &nodes));
            });
        }
        for (user, task) in self.tasks.iter().enumerate() {
            images
                .push_str(&format!("  task-{user}: {{size: 1 B, start: 0s, task: {{run: {}}}}}\n", task.run));
            deploy(user, format!("task-{user}.yaml"), &task.when, task.ensemble(user));
        }
        if !images.is_empty() {
            text.push_str(&format!("images:\n{images}workload:\n{workload}"));
        }
        scenario::load_text("oracle.yaml", &text, ensembles).map_err(|report| report.render(false))
    }

    /// Has the program run by `demand`: a name, when and how often, and where.
    fn deploy_program(&self, deploy: &mut dyn FnMut(String, &str, String)) {
        match self.demand {
            Demand::Once => on_each(deploy, self.workers, ""),
            Demand::Each { count, every_s } => {
                on_each(deploy, self.workers, &regularly(count, every_s));
            }
            Demand::Anywhere { count, every_s } => {
                deploy("anywhere.yaml".to_owned(), &regularly(count, every_s), String::new());
            }
            Demand::AtRandom { count, mean_s } => {
                let when = at_random(Some(count), mean_s, 0.0);
                deploy("queued.yaml".to_owned(), &when, ", peer: worker-0".to_owned());
            }
        }
    }

    /// Allocations on one node, of which `more` says where it is.
    fn ensemble(&self, copies: u32, more: &str) -> String {
        let executor = self.executor;
        let policy = match self.demand {
            Demand::Once => ", restart_policy: always",
            Demand::Each { .. } | Demand::Anywhere { .. } | Demand::AtRandom { .. } => "",
        };
        let kind = if self.is_task { "task" } else { "service" };
        let volume = if self.has_volume {
            ", volume: [{type: local, src: work, mount_destination: /work}]"
        } else {
            ""
        };
        let mut text = "version: \"V1\"\nallocations:\n".to_owned();
        for copy in 0..copies {
            text.push_str(&format!(
                "  a{copy}: {{type: {kind}, executor: {executor}, \
                 resources: {{cpu: {{cores: 0.1}}, ram: {{size: 1 MiB}}, disk: {{size: 1 MiB}}}}, \
                 execution: {{type: {executor}, image: {IMAGE}{policy}}}{volume}}}\n"
            ));
        }
        let names: Vec<String> = (0..copies).map(|copy| format!("a{copy}")).collect();
        let names = names.join(", ");
        text.push_str(&format!("nodes:\n  main: {{allocations: [{names}]{more}}}\n"));
        text
    }

    /// Runs it, and shows what is seen: `see` for each sighting, `mark` after every `step_s` seconds.
    pub(super) fn play(
        &self,
        step_s: f64,
        see: &mut dyn FnMut(&Sighting),
        mark: &mut dyn FnMut(u64),
    ) -> Result<(), String> {
        let setup = self.setup()?;
        let mut world = World::new(&setup)?;
        world.watch();
        let end = Time::ZERO + setup.duration;
        let mut number = 0;
        loop {
            let until = Time::ZERO + Span::from_secs_f64(step_s * (number + 1) as f64);
            if world.advance(until.min(end), &mut |_, _| true).is_some() {
                return Err("resources were not conserved".to_owned());
            }
            world.take_sightings().iter().for_each(&mut *see);
            if until > end {
                return Ok(());
            }
            mark(number);
            number += 1;
        }
    }
}

impl Task {
    /// One that takes no graphics cards.
    pub(super) const fn of_cores(run: String, when: String, nodes: Vec<(f64, Option<u32>)>) -> Self {
        Self { run, when, nodes, cards: 0 }
    }

    /// A task on each of its nodes.
    fn ensemble(&self, user: usize) -> String {
        let mut text = "version: \"V1\"\nallocations:\n".to_owned();
        for (place, (cores, _)) in self.nodes.iter().enumerate() {
            let cards = vec!["{}"; self.cards as usize].join(", ");
            let cards = if self.cards == 0 { cards } else { format!(", gpus: [{cards}]") };
            text.push_str(&format!(
                "  a{place}: {{type: task, executor: docker, resources: {{cpu: {{cores: {cores}}}, \
                 ram: {{size: 1 MiB}}, disk: {{size: 1 MiB}}{cards}}}, \
                 execution: {{type: docker, image: task-{user}}}}}\n"
            ));
        }
        text.push_str("nodes:\n");
        for (place, (_, worker)) in self.nodes.iter().enumerate() {
            let pin = worker.map_or_else(String::new, |worker| format!(", peer: worker-{worker}"));
            text.push_str(&format!("  n{place}: {{allocations: [a{place}]{pin}}}\n"));
        }
        text
    }
}

/// Has the program run on each worker: `when` is how often.
fn on_each(deploy: &mut dyn FnMut(String, &str, String), workers: u32, when: &str) {
    for worker in 0..workers {
        deploy(format!("{worker}.yaml"), when, format!(", peer: worker-{worker}"));
    }
}

/// The name of a user.
fn user_of(number: usize) -> &'static str {
    const USERS: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
    USERS[number % USERS.len()]
}

/// So many times, or until the end, at random times that are so many seconds apart on average, as a scenario writes it.
pub(super) fn at_random(count: Option<u64>, mean_s: f64, start_s: f64) -> String {
    let count = count.map_or_else(String::new, |count| format!(", count: {count}"));
    let start = if start_s > 0.0 { format!(", start: {}", time(start_s)) } else { String::new() };
    format!("{count}, arrivals: {{poisson: {{mean: {}}}{start}}}", time(mean_s))
}

/// So many times, so many seconds apart, as a scenario writes it.
pub(super) fn regularly(count: u64, every_s: f64) -> String {
    format!(", count: {count}, arrivals: {{every: {}}}", time(every_s))
}

/// A time as a scenario writes it.
pub(super) fn time(seconds: f64) -> String {
    format!("{}ns", Span::from_secs_f64(seconds).0)
}

/// An exponential distribution as a scenario writes it.
pub(super) fn exponential(mean_s: f64) -> String {
    format!("{{exponential: {{mean: {}}}}}", time(mean_s))
}

/// Times of peers that come and go, from a fresh start or in the middle of things.
pub(super) fn churn(up: &str, down: &str, start: &str) -> String {
    format!("{{up: {up}, down: {down}, start: {start}}}")
}

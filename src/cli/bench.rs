//! `dmsim bench`: events a second of the kernel on the PHOLD workload, and of the quickstart scenario; with `--scale`
//! what one network costs in several sizes (`scale.rs`).

use std::path::PathBuf;

use clap::Args;

use super::measure::{Stopwatch, peak_memory_bytes};
use super::{Exit, Format, load, scale};
use crate::dms::outbox::Timer;
use crate::kernel::hold::{Ends, Hold};
use crate::kernel::phold;
use crate::kernel::queue::EventQueue;
use crate::kernel::queue::ladder::LadderQueue;
use crate::scenario::Overrides;
use crate::sim::event::{Event, PeerId};
use crate::sim::{self, Options};

#[derive(Args, Debug)]
pub(super) struct BenchArguments {
    /// Entities of PHOLD, each with one pending event.
    #[arg(long, default_value_t = 1_000)]
    entities: u32,
    /// Events of PHOLD that are measured.
    #[arg(long, default_value_t = 20_000_000)]
    events: u64,
    /// Measure PHOLD only.
    #[arg(long)]
    phold: bool,
    /// The scenario that is measured besides.
    #[arg(long, default_value = "scenarios/quickstart.yaml")]
    scenario: PathBuf,
    /// Measure a network of so many peers instead, one size after another, and how its cost grows.
    #[arg(
        long,
        value_name = "PEERS",
        num_args = 0..,
        value_delimiter = ',',
        default_missing_values = ["1000", "100000", "1000000"],
        conflicts_with_all = ["entities", "events", "phold", "scenario"]
    )]
    scale: Option<Vec<u32>>,
    /// Deployments in each size of `--scale`.
    #[arg(long, default_value_t = 100)]
    deployments: u32,
    /// Draw what `--scale` measures: cost.svg and memory.svg in this folder.
    #[arg(long, value_name = "FOLDER", requires = "scale")]
    plots: Option<PathBuf>,
    /// One run of `--scale`, in a process of its own.
    #[arg(long, hide = true)]
    one_size: Option<u32>,
    /// Measure a central scheduler instead: 40,000 virtual machines on 20,000 hosts by every policy.
    #[arg(long, conflicts_with_all = ["entities", "events", "phold", "scenario", "scale"])]
    placement: bool,
    /// Measure a sweep instead: 2,000 small cells at one job and at as many as there are cores.
    #[arg(long, conflicts_with_all = ["entities", "events", "phold", "scenario", "scale", "placement"])]
    sweep: bool,
    /// How the figures are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) fn bench(arguments: &BenchArguments) -> Exit {
    if let Some(peers) = arguments.one_size {
        return scale::one_size(peers, arguments.deployments);
    }
    if let Some(sizes) = &arguments.scale {
        return scale::compare(sizes, arguments.deployments, arguments.format, arguments.plots.as_deref());
    }
    if arguments.placement {
        return print(&super::placement_bench::figures(), arguments.format);
    }
    if arguments.sweep {
        return match super::sweep_bench::figures() {
            Ok(figures) => print(&figures, arguments.format),
            Err(exit) => exit,
        };
    }
    if arguments.entities == 0 || arguments.events == 0 {
        eprintln!("error: --entities and --events must be at least 1");
        return Exit::BadInput;
    }
    let own = |(name, value): (&str, f64)| (name.to_owned(), value);
    let mut figures: Vec<(String, f64)> =
        phold_figures(arguments.entities, arguments.events).into_iter().map(own).collect();
    if !arguments.phold {
        let loaded = match load(&arguments.scenario, &Overrides::default()) {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let stopwatch = Stopwatch::start();
        let outcome = match sim::run(&loaded.setup, Options::default(), &mut |_, _| true) {
            Ok(outcome) => outcome,
            Err(error) => return super::without_outcome(&error),
        };
        let wall_s = stopwatch.wall().as_secs_f64();
        figures.push(own(("scenario.events", outcome.events as f64)));
        figures.push(own(("scenario.wall_s", wall_s)));
        figures.extend(stopwatch.cpu_s().map(|cpu_s| own(("scenario.cpu_s", cpu_s))));
        figures.push(own(("scenario.events_per_s", outcome.events as f64 / wall_s)));
    }
    figures.extend(peak_memory_bytes().map(|bytes| own(("peak_memory_bytes", bytes as f64))));
    print(&figures, arguments.format)
}

/// Prints figures, one a line.
fn print(figures: &[(String, f64)], format: Format) -> Exit {
    match format {
        Format::Human => {
            let width = figures.iter().map(|(name, _)| name.len() + 2).max().unwrap_or(0).max(24);
            for (name, value) in figures {
                println!("{name:<width$}{}", human(*value));
            }
        }
        Format::Json => {
            let object: serde_json::Map<_, _> =
                figures.iter().map(|(name, value)| (name.clone(), serde_json::json!(value))).collect();
            println!("{}", serde_json::to_string_pretty(&object).expect("the keys are strings"));
        }
    }
    Exit::Fine
}

/// Rounds of the two queues, of which the best counts: the machine has other things to do.
const ROUNDS: usize = 5;
/// Events that a round of a queue takes and plans anew, at most.
const MOST_HELD: u64 = 4_000_000;

/// What PHOLD costs, and what the queue alone costs beside a bare ladder queue with the same events.
pub(super) fn phold_figures(entities: u32, events: u64) -> Vec<(&'static str, f64)> {
    let stopwatch = Stopwatch::start();
    // The event that is pending most in a run: a peer's timer, as the world schedules it.
    let make = |entity| Event::Timer { peer: PeerId(entity), life: 0, timer: Timer::Hello(entity) };
    let target = |event: &Event| match event {
        Event::Timer { peer, .. } => peer.0,
        _ => 0,
    };
    let outcome = phold::run(entities, events, 1, make, target);
    let wall_s = stopwatch.wall().as_secs_f64();
    let cpu_s = stopwatch.cpu_s();
    let mut figures = vec![
        ("phold.entities", f64::from(entities)),
        ("phold.events", outcome.events as f64),
        ("phold.wall_s", wall_s),
        ("phold.events_per_s", outcome.events as f64 / wall_s),
        ("phold.ns_an_event", stopwatch.worked_s() * 1e9 / outcome.events as f64),
    ];
    figures.extend(cpu_s.map(|cpu_s| ("phold.cpu_s", cpu_s)));
    let mut queue = Hold::new(EventQueue::new(), entities, make);
    let mut ladder = Hold::new(LadderQueue::new(), entities, make);
    let held = events.min(MOST_HELD);
    let (mut ours_ns, mut bare_ns) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        ours_ns = ours_ns.min(held_ns(&mut queue, held));
        bare_ns = bare_ns.min(held_ns(&mut ladder, held));
    }
    figures.push(("queue.ns_an_event", ours_ns));
    figures.push(("queue.ladder_ns_an_event", bare_ns));
    figures.push(("queue.to_ladder", ours_ns / bare_ns));
    figures
}

fn held_ns<Q: Ends<Event>>(hold: &mut Hold<Q>, events: u64) -> f64 {
    let stopwatch = Stopwatch::start();
    std::hint::black_box(hold.run(events));
    stopwatch.worked_s() * 1e9 / events as f64
}

/// Millions are shown as such, small figures with three decimals.
pub(super) fn human(value: f64) -> String {
    if value >= 1e6 {
        format!("{:.2} million", value / 1e6)
    } else if value.fract() == 0.0 {
        format!("{value}")
    } else {
        format!("{value:.3}")
    }
}

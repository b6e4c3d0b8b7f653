//! `dmsim explore`: draws configurations, or takes one scenario with seed after seed, runs them with every rule
//! watched, and tells what it finds; or has each role of one scenario crash at every boundary of the protocol
//! ([`crash_points`]).

mod crash_points;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::crash_points::CrashArguments;
use super::measure::Stopwatch;
use super::{Exit, is_styled, threads};
use crate::dms::profile::Profile;
use crate::explore::blame::blamed;
use crate::explore::choices::Choice;
use crate::explore::coverage::Coverage;
use crate::explore::draw::{Bounds, draw};
use crate::explore::rediscover::{Rediscovered, Traced, rediscover};
use crate::explore::search::{Found, Misdrawn, Subject, Tally, USUAL, name_of, search};
use crate::kernel::path_text;
use crate::observe::write_into;
use crate::scenario::{Overrides, parse_profile};
use crate::sim::check::{Feature, rules};

#[derive(Args, Debug)]
pub(super) struct ExploreArguments {
    /// Run this scenario with each seed, and draw nothing.
    #[arg(group = "given", conflicts_with_all = [
        "with", "without", "providers", "small", "blame", "rediscover", "show", "out",
    ])]
    scenario: Option<PathBuf>,
    /// Change the scenario, as in `dmsim run`.
    #[arg(long, value_name = "KEY=VALUE", requires = "given")]
    set: Vec<String>,
    /// The seeds to try: `0..1000`, or one.
    #[arg(long, default_value = "0..1000", value_parser = seeds_of)]
    seeds: (u64, u64),
    /// Stop after so many seconds of real time, if the seeds are not over before.
    #[arg(long, value_name = "SECONDS")]
    time_s: Option<u64>,
    /// Runs at a time [default: one a core].
    #[arg(long)]
    jobs: Option<usize>,
    /// The profile of all peers [default: intended, or that of the scenario whose crash points are tried].
    #[arg(long, value_parser = profile_of)]
    profile: Option<String>,
    /// What every configuration has (`dmsim explore --choices` lists the words).
    #[arg(long, value_delimiter = ',', value_name = "CHOICES", value_parser = choice_of)]
    with: Vec<Choice>,
    /// What none has.
    #[arg(long, value_delimiter = ',', value_name = "CHOICES", value_parser = choice_of)]
    without: Vec<Choice>,
    /// The most providers that are drawn for a configuration [default: 46, or 6 with `--small`]. They are in up to
    /// three groups, each of two and more; `organizations` adds some.
    #[arg(long, value_parser = clap::value_parser!(u64).range(2..=100_000))]
    providers: Option<u64>,
    /// Draw few peers and few deployments, as `--rediscover` does: many configurations in little time, in which little
    /// hides what goes wrong.
    #[arg(long)]
    small: bool,
    /// Where configurations with findings are written.
    #[arg(long, default_value = "findings")]
    out: PathBuf,
    /// Say of each finding which weakness of the real DMS it is due to: each whose single fix makes it go. Takes a run
    /// for each of them; only with a profile that has weaknesses.
    #[arg(long)]
    blame: bool,
    /// Watch only this rule, and stop with its first finding; with `any` watch all of them.
    #[arg(long, value_name = "RULE", value_parser = rule_or_any)]
    until: Option<String>,
    /// Search for the weaknesses of the profile: each finding is traced to the one whose single fix makes it go, made
    /// small, and the search goes on with that one mended.
    #[arg(long, conflicts_with_all = ["blame", "until", "coverage"])]
    rediscover: bool,
    /// List what was reached.
    #[arg(long)]
    coverage: bool,
    /// Only print the configuration of the first seed: that of a search which begins with it.
    #[arg(long)]
    show: bool,
    /// List what a configuration can have.
    #[arg(long)]
    choices: bool,
    #[command(flatten)]
    crash: CrashArguments,
}

fn seeds_of(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("`{text}`: {error}"));
    match text.split_once("..") {
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to)?);
            if from < to { Ok((from, to)) } else { Err("the first must be below the last".to_owned()) }
        }
        None => {
            let seed = number(text)?;
            let next = seed.checked_add(1).ok_or_else(|| format!("the last is {}", u64::MAX - 1))?;
            Ok((seed, next))
        }
    }
}

/// A profile, as it is written.
fn profile_of(text: &str) -> Result<String, String> {
    parse_profile(text).map(|_| text.to_owned())
}

fn choice_of(text: &str) -> Result<Choice, String> {
    let found = Choice::ALL.iter().copied().find(|choice| choice.word() == text);
    found.ok_or_else(|| "there is no such choice; `--choices` lists them".to_owned())
}

/// The name of a rule, or `any`.
fn rule_or_any(text: &str) -> Result<String, String> {
    if text == "any" { Ok(text.to_owned()) } else { rule_of(text).map_err(|known| format!("{known}, any")) }
}

/// The name of a rule.
pub(super) fn rule_of(text: &str) -> Result<String, String> {
    let is_known = ["progress", "resources", "crash"].contains(&text) || rules().contains(&text);
    let known =
        || format!("there is no such rule; there are progress, resources, crash, {}", rules().join(", "));
    if is_known { Ok(text.to_owned()) } else { Err(known()) }
}

pub(super) fn explore(arguments: &ExploreArguments) -> Exit {
    if arguments.choices {
        Choice::ALL.iter().for_each(|choice| println!("{:<14} {}", choice.word(), choice.what()));
        return Exit::Fine;
    }
    if let Some(path) = &arguments.crash.crash_points {
        return crash_points::run(path, arguments);
    }
    if let Some(both) = arguments.with.iter().find(|choice| arguments.without.contains(choice)) {
        eprintln!(
            "error: `{}` stands in `--with` and in `--without`\n  = help: leave it out of one of them",
            both.word()
        );
        return Exit::BadInput;
    }
    let is_small = arguments.small || arguments.rediscover;
    let usual = if is_small { Bounds::small() } else { Bounds::default() };
    let most = arguments.providers.unwrap_or(usual.providers.1);
    let bounds = Bounds {
        providers: (usual.providers.0.min(most), most),
        deployments: usual.deployments,
        profile: arguments.profile.clone().unwrap_or_else(|| "intended".to_owned()),
        with: arguments.with.clone(),
        without: arguments.without.clone(),
    };
    let seeks = [("--rediscover", arguments.rediscover), ("--blame", arguments.blame)];
    if let Some((option, _)) = seeks.iter().find(|(_, is_given)| *is_given)
        && profile_in(&bounds) == Profile::INTENDED
    {
        eprintln!(
            "error: the profile `{}` has no weaknesses that {option} could name\n  = help: add `--profile as-is`, or \
             another of `dmsim list weaknesses`",
            bounds.profile
        );
        return Exit::BadInput;
    }
    if arguments.show {
        let (from, _) = arguments.seeds;
        print!("{}", draw(from, bounds.choose(from, &|_| USUAL), &bounds));
        return Exit::Fine;
    }
    let stop = super::set_on_interrupt();
    let stopwatch = Stopwatch::start();
    let limit = arguments.time_s.map(Duration::from_secs);
    let is_enough = AtomicBool::new(false);
    let goes_on = || {
        let is_late = || limit.is_some_and(|limit| stopwatch.wall() >= limit);
        !stop.load(Ordering::Relaxed) && !is_enough.load(Ordering::Relaxed) && !is_late()
    };
    let (from, to) = arguments.seeds;
    // What is found is traced with many runs at once.
    let has_more = arguments.blame || arguments.rediscover;
    let tasks = usize::try_from(to - from).ok().filter(|_| !has_more).unwrap_or(usize::MAX);
    let pool = threads(arguments.jobs, tasks);
    pool.install(|| match arguments.rediscover {
        true => look_for_weaknesses(arguments, &bounds, &goes_on, (&stopwatch, &stop)),
        false => try_seeds(arguments, &bounds, (&goes_on, &is_enough), (&stopwatch, &stop)),
    })
}

/// The profile of what is drawn.
fn profile_in(bounds: &Bounds) -> Profile {
    parse_profile(&bounds.profile).expect("the argument was read as a profile")
}

/// Searches for the weaknesses of a profile.
fn look_for_weaknesses(
    arguments: &ExploreArguments,
    bounds: &Bounds,
    goes_on: &(dyn Fn() -> bool + Sync),
    (stopwatch, stop): (&Stopwatch, &Arc<AtomicBool>),
) -> Exit {
    let ((from, to), profile) = (arguments.seeds, profile_in(bounds));
    let mut tell = |one: &Traced| tell_traced(&arguments.out, one);
    match rediscover(from..to, bounds, profile, goes_on, &mut tell) {
        Ok(left) => {
            let found = profile.weaknesses().count() - left.weaknesses().count();
            eprintln!("{found} weaknesses in {:.1} s", stopwatch.wall().as_secs_f64());
            exit_of(if found > 0 { 2 } else { 0 }, stop)
        }
        Err(misdrawn) => misdrawn_exit(&misdrawn),
    }
}

/// Tries one seed after another, with what is drawn from it or with the scenario that was named.
fn try_seeds(
    arguments: &ExploreArguments,
    bounds: &Bounds,
    (goes_on, is_enough): (&(dyn Fn() -> bool + Sync), &AtomicBool),
    (stopwatch, stop): (&Stopwatch, &Arc<AtomicBool>),
) -> Exit {
    let (from, to) = arguments.seeds;
    let scenario = arguments.scenario.as_deref();
    let set = set_in(arguments);
    let with_seed = |seed| Overrides { set: set.clone(), seed: Some(seed) };
    // What is wrong with a scenario is said once, and before anything runs.
    if let Some(path) = scenario
        && let Err(exit) = super::load(path, &with_seed(from))
    {
        return exit;
    }
    let loaded = |seed: u64| {
        let path = scenario.expect("a scenario is loaded where one is given");
        crate::scenario::load(path, &with_seed(seed), &super::metric_names()).map(|loaded| loaded.setup)
    };
    let subject = if scenario.is_some() { Subject::Given(&loaded) } else { Subject::Drawn(bounds) };
    let blames = arguments.blame.then(|| profile_in(bounds));
    let scenario = scenario.map(|path| (path, &*set));
    let mut findings = Findings { out: &arguments.out, scenario, blames, worst: 0 };
    let only = arguments.until.as_deref().filter(|rule| *rule != "any");
    let bar = progress(to - from);
    let mut tell = |tally: &Tally, found: Option<Found>| match found {
        Some(found) => {
            bar.suspend(|| findings.tell(&found));
            is_enough.fetch_or(arguments.until.is_some(), Ordering::Relaxed);
        }
        None => bar.set_position(tally.seeds),
    };
    let searched = search(from..to, (subject, only), goes_on, &mut tell);
    bar.finish_and_clear();
    match searched {
        Ok(tally) => {
            summary(&tally, stopwatch, arguments.coverage);
            findings.exit(stop)
        }
        Err(misdrawn) => misdrawn_exit(&misdrawn),
    }
}

/// What was drawn is no scenario, which is a mistake of the drawing.
fn misdrawn_exit(misdrawn: &Misdrawn) -> Exit {
    eprint!("{}", misdrawn.report.render(is_styled()));
    if misdrawn.text.is_empty() {
        eprintln!("error: the scenario cannot be run with the seed {}", misdrawn.seed);
        return Exit::BadInput;
    }
    eprintln!("error: what was drawn of seed {} is no scenario:\n{}", misdrawn.seed, misdrawn.text);
    Exit::Internal
}

/// Writes the small scenario in which a weakness shows, or what was traced to none, and says what it is.
fn tell_traced(out: &Path, traced: &Traced) {
    let (file, text) = match traced {
        Traced::To(found) => (format!("{}.yaml", found.weakness), &found.shrunk.text),
        Traced::Nowhere { seed, text, .. } => (name_of(*seed), text),
    };
    let shown = path_text(&out.join(&file));
    match traced {
        Traced::To(found) => println!("{}: {shown}", in_words(found)),
        Traced::Nowhere { seed, rule, why, .. } => eprintln!("seed {seed}: {rule}: {why}: {shown}"),
    }
    if let Err(error) = write_into(out, &[(&file, text.as_bytes())]) {
        eprintln!("error: cannot write {shown}: {error}");
    }
}

/// A weakness that was found, with what it takes.
fn in_words(found: &Rediscovered) -> String {
    let Rediscovered { weakness, seed, shrunk, with, alone } = found;
    let with: Vec<&str> = with.iter().map(|other| other.id()).collect();
    let with = if with.is_empty() { String::new() } else { format!(", which takes {} too", with.join(", ")) };
    let rest = if *alone { "" } else { ", with those before it mended" };
    format!(
        "{weakness} (seed {seed}{with}{rest}): {}; {} lines after {} runs",
        shrunk.verdict.in_words(),
        shrunk.text.lines().count(),
        shrunk.runs
    )
}

/// What is set in a scenario, a profile of its own option among it.
fn set_in(arguments: &ExploreArguments) -> Vec<String> {
    let profile = arguments.profile.iter().map(|profile| format!("profile={profile}"));
    arguments.set.iter().cloned().chain(profile).collect()
}

/// What is set, as it is written on a command line.
fn set_again(set: &[String]) -> String {
    set.iter().map(|set| format!(" --set '{set}'")).collect()
}

/// A bar on the standard error for so many runs.
fn progress(runs: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(runs), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {elapsed}")
        .expect("the template is valid");
    bar.set_style(style);
    bar
}

/// What was found so far.
struct Findings<'a> {
    out: &'a Path,
    /// The scenario that is run with each seed, and what is set in it; none where configurations are drawn.
    scenario: Option<(&'a Path, &'a [String])>,
    /// The profile of all peers, if its weaknesses are blamed.
    blames: Option<Profile>,
    /// How bad the worst is.
    worst: usize,
}

impl Findings<'_> {
    fn tell(&mut self, found: &Found) {
        self.worst = self.worst.max(found.verdict.weight());
        if let Some((path, set)) = self.scenario {
            let (seed, words, path, set) =
                (found.seed, found.verdict.in_words(), path_text(path), set_again(set));
            return println!("seed {seed}: {words}; again: dmsim run --check {path} --seed {seed}{set}");
        }
        let file = name_of(found.seed);
        let written = write_into(self.out, &[(&file, found.text.as_bytes())]);
        let shown = path_text(&self.out.join(&file));
        let due = self.due_to(found);
        let words = found.verdict.in_words();
        match written {
            Ok(()) => println!("seed {}: {words}{due}; again: dmsim run --check {shown}", found.seed),
            Err(error) => println!("seed {}: {words}{due}; cannot write {shown}: {error}", found.seed),
        }
    }

    /// Which weaknesses a finding is due to, if that is asked for.
    fn due_to(&self, found: &Found) -> String {
        let (Some(rule), Some(profile)) = (found.verdict.rule(), self.blames) else { return String::new() };
        let weaknesses = blamed(&name_of(found.seed), &found.text, (rule, profile), &|| true);
        let ids: Vec<&str> = weaknesses.iter().map(|weakness| weakness.describe().id).collect();
        if ids.is_empty() {
            "; due to no single one".to_owned()
        } else {
            format!("; due to {}", ids.join(", "))
        }
    }

    fn exit(&self, stop: &Arc<AtomicBool>) -> Exit {
        exit_of(self.worst, stop)
    }
}

/// How a search ends whose worst finding has this weight.
fn exit_of(weight: usize, stop: &Arc<AtomicBool>) -> Exit {
    match [Exit::Fine, Exit::Stuck, Exit::SafetyFinding, Exit::Crash][weight] {
        Exit::Fine if stop.load(Ordering::Relaxed) => Exit::Interrupted,
        exit => exit,
    }
}

fn summary(tally: &Tally, stopwatch: &Stopwatch, coverage: bool) {
    let wall_s = stopwatch.wall().as_secs_f64();
    eprintln!(
        "{} seeds in {wall_s:.1} s ({:.1} ms of CPU each), median {} facts",
        tally.seeds,
        stopwatch.cpu_s().unwrap_or_default() * 1000.0 / tally.seeds.max(1) as f64,
        tally.median_facts(),
    );
    let reached = Coverage::of(tally);
    eprintln!("reached: {}", reached.in_words());
    if tally.restless > 0 {
        eprintln!("note: in {} of these runs {}", tally.restless, super::restless());
    }
    if coverage {
        let tell =
            |runs: u64, one: &Feature, rest: &str| println!("{runs:>7} {}: {}{rest}", one.class, one.what);
        reached.reached.iter().for_each(|(feature, runs)| tell(*runs, feature, ""));
        reached.missed.iter().for_each(|feature| tell(0, feature, ""));
        for (feature, why) in &reached.out_of_reach {
            tell(0, feature, &format!(" (out of reach: {why})"));
        }
    }
}

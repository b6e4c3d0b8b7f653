//! All scenarios of all feature files: found, checked, and run on all cores.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use serde::Serialize;

use super::complaint::Complaint;
use super::crowd::Crowd;
use super::ensembles;
use super::failure::{Done, Failure};
use super::feature::{self, Feature, Scenario, TagFilter};
use super::play::Play;
use super::results::{CaseResult, Report, Trouble, Verdict};
use super::setting::Setting;
use super::vocabulary::{Act, Matched, find};
use crate::kernel::Span;
use crate::observe::RefusalRow;
use crate::sim::{Setup, World};

/// Nodes meet their neighbours before the first thing is done.
const WARM_UP: Span = Span::secs(10);
/// The longest feature file.
const MAX_BYTES: u64 = 4 << 20;
/// Of refusals, so many kinds stand in a transcript.
const REFUSALS: usize = 20;

/// How scenarios are run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Options {
    /// The first seed.
    pub seed: u64,
    /// On how many seeds, one after the other.
    pub repeat: u32,
    /// How many other peers are around; 0 = none.
    pub network: u32,
    /// The profile of the nodes, as a scenario has it.
    pub profile: String,
    /// Whether unfinished scenarios are run as well.
    pub run_wip: bool,
    /// A further folder of ensembles.
    pub ensembles: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 42,
            repeat: 1,
            network: 0,
            profile: "intended".to_owned(),
            run_wip: false,
            ensembles: None,
        }
    }
}

impl Options {
    /// Whether the nodes have weaknesses of the real DMS.
    #[must_use]
    pub fn is_as_is(&self) -> bool {
        self.profile != "intended"
    }

    fn runs(&self, scenario: &Scenario) -> bool {
        self.run_wip || !scenario.is_wip()
    }
}

/// The feature files, and which of their scenarios are wanted.
#[derive(Clone, Debug)]
pub struct Suite {
    features: Vec<Feature>,
}

/// A scenario with its steps as phrases.
struct Case<'a> {
    feature: &'a Feature,
    scenario: &'a Scenario,
    steps: Vec<Matched<'a>>,
}

impl Suite {
    /// Reads feature files: those that are named, and all `.feature` files of folders that are named. `FILE:LINE` takes
    /// the scenario there alone.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(paths: &[PathBuf]) -> Result<Self, Vec<Complaint>> {
        let (mut features, mut complaints) = (Vec::new(), Vec::new());
        for path in paths {
            let (path, line) = split_line(path);
            for file in feature_files(&path).unwrap_or_else(|complaint| {
                complaints.push(complaint);
                Vec::new()
            }) {
                match read(&file) {
                    Err(mut wrong) => complaints.append(&mut wrong),
                    Ok(mut feature) => {
                        if let Some(line) = line {
                            take_line(&mut feature, line, &mut complaints);
                        }
                        features.push(feature);
                    }
                }
            }
        }
        if features.is_empty() && complaints.is_empty() {
            complaints.push(Complaint::new("", 0, "there are no feature files"));
        }
        if complaints.is_empty() { Ok(Self { features }) } else { Err(complaints) }
    }

    /// Keeps the scenarios that a filter takes.
    pub fn retain(&mut self, filter: &TagFilter) {
        for feature in &mut self.features {
            feature.scenarios.retain(|scenario| filter.takes(scenario));
        }
    }

    /// The feature files.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Everything that is wrong with the scenarios that would be run, before anything is.
    #[must_use]
    pub fn complaints(&self, options: &Options) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        for (feature, scenario) in self.wanted(options) {
            match Case::new(feature, scenario) {
                Err(mut wrong) => complaints.append(&mut wrong),
                Ok(case) => {
                    if let Err((place, why)) =
                        case.setting(options, options.seed).and_then(|(setting, at)| {
                            setting.setup().map(drop).map_err(|why| (at.saturating_sub(1), why))
                        })
                    {
                        let line = scenario.steps.get(place).map_or(scenario.line, |step| step.line);
                        complaints.push(Complaint::new(&feature.file, line, why.to_string()));
                    }
                }
            }
        }
        // What a background says wrongly is wrong in each of its scenarios.
        complaints.sort();
        complaints.dedup();
        complaints
    }

    fn scenarios(&self) -> impl Iterator<Item = (&Feature, &Scenario)> {
        self.features.iter().flat_map(|feature| feature.scenarios.iter().map(move |one| (feature, one)))
    }

    fn wanted<'a>(&'a self, options: &Options) -> impl Iterator<Item = (&'a Feature, &'a Scenario)> {
        self.scenarios().filter(|(_, scenario)| options.runs(scenario))
    }

    /// Runs everything. `done` hears of each result as soon as there is one, in any order; `goes_on` is asked before
    /// each.
    ///
    /// # Errors
    /// What [`Suite::complaints`] finds.
    pub fn run(
        &self,
        options: &Options,
        done: &(dyn Fn(&CaseResult) + Sync),
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Report, Vec<Complaint>> {
        let complaints = self.complaints(options);
        if !complaints.is_empty() {
            return Err(complaints);
        }
        let jobs: Vec<(&Feature, &Scenario, u64)> = self
            .scenarios()
            .flat_map(|(feature, scenario)| {
                let seeds = if options.runs(scenario) { options.repeat.max(1) } else { 1 };
                (0..u64::from(seeds)).map(move |more| (feature, scenario, options.seed.wrapping_add(more)))
            })
            .collect();
        let results: Vec<Option<CaseResult>> = jobs
            .par_iter()
            .with_max_len(1)
            .map(|(feature, scenario, seed)| {
                goes_on().then(|| {
                    let result = run_case(feature, scenario, options, *seed);
                    done(&result);
                    result
                })
            })
            .collect();
        let interrupted = results.iter().any(Option::is_none);
        let cases = results.into_iter().flatten().collect();
        Ok(Report { schema: 1, options: options.clone(), cases, interrupted })
    }

    /// How many scenarios would be run, each once for each seed.
    #[must_use]
    pub fn len(&self, options: &Options) -> usize {
        self.wanted(options).count() * options.repeat.max(1) as usize
    }

    /// Whether none would be.
    #[must_use]
    pub fn is_empty(&self, options: &Options) -> bool {
        self.len(options) == 0
    }
}

/// `FILE:LINE` in its parts.
fn split_line(path: &Path) -> (PathBuf, Option<u32>) {
    let text = path.to_string_lossy();
    match text.rsplit_once(':') {
        Some((file, line)) if !path.exists() => match line.parse() {
            Ok(line) => (PathBuf::from(file), Some(line)),
            Err(_) => (path.to_owned(), None),
        },
        _ => (path.to_owned(), None),
    }
}

/// Keeps the last scenario that begins at or before a line.
fn take_line(feature: &mut Feature, line: u32, complaints: &mut Vec<Complaint>) {
    let place = feature.scenarios.iter().rposition(|scenario| scenario.line <= line);
    match place {
        Some(place) => feature.scenarios = vec![feature.scenarios.swap_remove(place)],
        None => {
            complaints.push(Complaint::new(&feature.file, line, "no scenario begins at or before this line"));
        }
    }
}

/// A feature file, or all of a folder and its folders, in the order of their names.
fn feature_files(path: &Path) -> Result<Vec<PathBuf>, Complaint> {
    let wrong = |error: std::io::Error| {
        Complaint::new(&path.to_string_lossy(), 1, format!("cannot read it: {error}"))
    };
    if !path.is_dir() {
        return std::fs::metadata(path).map(|_| vec![path.to_owned()]).map_err(wrong);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(wrong)? {
        let entry = entry.map_err(wrong)?.path();
        if entry.is_dir() {
            found.append(&mut feature_files(&entry)?);
        } else if entry.extension().is_some_and(|extension| extension == "feature") {
            found.push(entry);
        }
    }
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<Feature, Vec<Complaint>> {
    let shown = crate::scenario::shown(path);
    let wrong = |why: String| vec![Complaint::new(&shown, 1, why)];
    let length = std::fs::metadata(path).map(|data| data.len()).unwrap_or(0);
    if length > MAX_BYTES {
        return Err(wrong(format!("the file has {length} bytes; at most {MAX_BYTES} are read")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot read it: {error}")))?;
    feature::parse(&shown, path.parent().unwrap_or(Path::new(".")), &text)
}

impl<'a> Case<'a> {
    /// Finds the phrases of a scenario.
    fn new(feature: &'a Feature, scenario: &'a Scenario) -> Result<Self, Vec<Complaint>> {
        let mut complaints = Vec::new();
        let mut steps = Vec::new();
        for step in &scenario.steps {
            match find(step) {
                Ok(matched) => steps.push(matched),
                Err((message, help)) => {
                    complaints.push(Complaint::new(&feature.file, step.line, message).with_help(help));
                }
            }
        }
        let acts = |matched: &Matched<'_>| !matches!(matched.entry.act, Act::Set(_));
        if complaints.is_empty() {
            let first = steps.iter().position(acts).unwrap_or(steps.len());
            if let Some(late) = (first..steps.len()).find(|place| !acts(&steps[*place])) {
                let message = "this says what there is, and must come before anything happens";
                complaints.push(Complaint::new(&feature.file, scenario.steps[late].line, message));
            }
            if !steps.iter().any(|matched| matches!(matched.entry.act, Act::Check(_))) {
                let message = format!("the scenario `{}` asserts nothing", scenario.title);
                let help = "end it with a step that asserts something, or tag it @wip";
                complaints.push(Complaint::new(&feature.file, scenario.line, message).with_help(help));
            }
        }
        if complaints.is_empty() { Ok(Self { feature, scenario, steps }) } else { Err(complaints) }
    }

    /// What its first steps say there is, and how many of them there are; or the step that is wrong.
    fn setting(&self, options: &Options, seed: u64) -> Result<(Setting, usize), (usize, Failure)> {
        let mut folders: Vec<PathBuf> = options.ensembles.iter().cloned().collect();
        folders.extend(ensembles::folders(&self.feature.folder));
        let is_open = self.scenario.is("open");
        let crowd = (options.network > 0).then_some(Crowd { peers: options.network, is_open });
        let texts = (&self.feature.file, &self.feature.text);
        let mut setting = Setting::new(texts, folders, &options.profile, seed, crowd);
        for (place, matched) in self.steps.iter().enumerate() {
            let Act::Set(act) = matched.entry.act else { return Ok((setting, place)) };
            act(&mut setting, &matched.args).map_err(|why| (place, why))?;
        }
        Ok((setting, self.steps.len()))
    }
}

/// What happened in a run, as far as a reader of a failure wants to know.
#[derive(Default)]
struct Played {
    lines: Vec<String>,
    simulated_s: f64,
    digest: String,
    is_a_safety_finding: bool,
}

fn run_case(feature: &Feature, scenario: &Scenario, options: &Options, seed: u64) -> CaseResult {
    let mut result = CaseResult {
        feature: Arc::clone(&feature.title),
        file: Arc::clone(&feature.file),
        line: scenario.line,
        scenario: Arc::clone(&scenario.title),
        tags: scenario.tags.clone(),
        seed,
        steps: scenario.steps.len(),
        simulated_s: 0.0,
        digest: String::new(),
        verdict: Verdict::Wip,
    };
    if !options.runs(scenario) {
        return result;
    }
    let mut played = Played::default();
    let ended = match Case::new(feature, scenario) {
        Ok(case) => play_case(&case, options, seed, &mut played),
        Err(complaints) => Err((0, Failure::Bad(complaints[0].message.clone()))),
    };
    (result.simulated_s, result.digest) = (played.simulated_s, std::mem::take(&mut played.digest));
    result.verdict = match ended {
        Ok(()) => Verdict::Passed,
        Err((place, why)) => {
            let step = scenario.steps.get(place);
            Verdict::Failed(Box::new(Trouble {
                step: step.map(|step| format!("{} {}", step.keyword, step.text)).unwrap_or_default(),
                line: step.map_or(scenario.line, |step| step.line),
                reason: why.to_string(),
                is_of_the_file: !matches!(why, Failure::Wrong(_)),
                is_a_safety_finding: played.is_a_safety_finding,
                transcript: played.lines,
                replay: replay(feature, scenario, options, seed),
            }))
        }
    };
    result
}

/// The command that plays one scenario on one seed again.
fn replay(feature: &Feature, scenario: &Scenario, options: &Options, seed: u64) -> String {
    let mut command = format!("dmsim accept {}:{} --seed {seed}", feature.file, scenario.line);
    if options.network > 0 {
        command += &format!(" --network {}", options.network);
    }
    if options.is_as_is() {
        command += &format!(" --profile '{}'", options.profile);
    }
    if let Some(folder) = &options.ensembles {
        command += &format!(" --ensembles {}", folder.display());
    }
    if scenario.is_wip() {
        command += " --run-wip";
    }
    command
}

/// Plays a scenario: the place of the step that failed, and why.
fn play_case(
    case: &Case<'_>,
    options: &Options,
    seed: u64,
    played: &mut Played,
) -> Result<(), (usize, Failure)> {
    let (setting, first) = case.setting(options, seed)?;
    let at = |why: Failure| (first.saturating_sub(1), why);
    let setup: Setup = setting.setup().map_err(at)?;
    let mut world = World::new(&setup).map_err(|why| at(Failure::Bad(why)))?;
    world.keep_shown();
    world.keep_metrics_only();
    world.pass(WARM_UP);
    let mut play = Play::new(&mut world, &setting, setup.profile);
    let ended = play_steps(case, first, &mut play, &mut played.lines);
    if ended.is_err() {
        describe(&play, &mut played.lines);
    }
    played.simulated_s = world.now().as_secs_f64();
    played.digest = format!("{:032x}", world.digest());
    match world.violation() {
        None => ended,
        Some(violation) => {
            played.is_a_safety_finding = true;
            let place = ended.err().map_or(case.steps.len().saturating_sub(1), |(place, _)| place);
            Err((place, Failure::Wrong(violation.to_string())))
        }
    }
}

fn play_steps(
    case: &Case<'_>,
    first: usize,
    play: &mut Play<'_, '_>,
    lines: &mut Vec<String>,
) -> Result<(), (usize, Failure)> {
    for (place, matched) in case.steps.iter().enumerate() {
        let step = &case.scenario.steps[place];
        let began = play.world.now();
        let done: Done = match matched.entry.act {
            Act::Set(_) => Ok(()),
            Act::Do(act) | Act::Check(act) => act(play, &matched.args),
        };
        let time = if place < first { String::new() } else { format!("{:.3} s", began.as_secs_f64()) };
        let mark = if done.is_ok() { "ok" } else { "FAILED" };
        lines.push(format!("{time:>12}  {mark:<6}  {} {}", step.keyword, step.text));
        done.map_err(|why| (place, why))?;
    }
    Ok(())
}

/// What there is when a step has failed.
fn describe(play: &Play<'_, '_>, lines: &mut Vec<String>) {
    let now = play.world.now();
    for deployed in &play.deployments {
        let Some(id) = deployed.id else {
            lines.push(format!(
                "a deployment of {} was refused: {}",
                deployed.owner,
                deployed.refused.as_deref().unwrap_or("")
            ));
            continue;
        };
        lines.push(format!(
            "at {:.3} s the deployment of {} is {}",
            now.as_secs_f64(),
            deployed.owner,
            play.described(id)
        ));
        for one in play.world.whereabouts(id) {
            let runs = if one.runs { "runs" } else { "does not run" };
            lines.push(format!("  {} is {} on {} and {runs}", one.key, one.state.word(), one.peer));
        }
    }
    if let Ok(heard) = play.heard() {
        lines.push(format!("the last thing that {} asked was {}", heard.by, heard.how_it_ended()));
    }
    let numbers: Vec<Option<u32>> =
        play.deployments.iter().filter_map(|one| Some(play.world.deployment_number(one.id?))).collect();
    let names: Vec<&str> = play.setting.nodes.iter().map(|node| node.name.as_str()).collect();
    // What concerns no deployment is told where an operator of the scenario has met it.
    let is_own = |row: &&RefusalRow| match row.deployment {
        None => row.stage.as_ref() != "message" && names.contains(&&*row.first_peer),
        of => numbers.contains(&of),
    };
    let refusals = play.world.refusals();
    let own = refusals.iter().filter(is_own);
    for row in own.take(REFUSALS) {
        lines.push(format!(
            "refused {} times, first by {}: {}: {}",
            row.count, row.first_peer, row.stage, row.reason
        ));
    }
}

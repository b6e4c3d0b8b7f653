//! A study: variants of a scenario, compared under several conditions on common random numbers.
//!
//! Replication `n` has the same seed for every variant under every condition. Every draw of a run comes from a stream
//! of its own, so the runs of a replication meet the same machines, failures and requests, and the difference of two
//! variants is taken replication by replication: what they have in common cancels out.

use rayon::prelude::*;
use serde::Serialize;

use super::statistics::{self, Estimate, Stopping};
use crate::kernel::{Domain, Streams};
use crate::observe::{self, StudyRow};
use crate::scenario::study::{Study, Until, Wanted};
use crate::scenario::{self, Report};
use crate::sim::{self, Options, RunError, Setup};

/// The seeds of replications.
const SEED: Domain = Domain::new("experiment.study.seed");
/// How sure intervals are to hold what is estimated.
pub const CONFIDENCE: f64 = 0.95;

/// Why a study has no result.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// Its scenario cannot be used with the overrides of this variant under this condition.
    #[error("`{variant}` under `{condition}`:\n{}", report.render(false))]
    Scenario {
        /// Which variant.
        variant: String,
        /// Under which condition.
        condition: String,
        /// What is wrong.
        report: Box<Report>,
    },
    /// A run came to nothing.
    #[error("`{variant}` under `{condition}`, seed {seed}: {reason}")]
    Run {
        /// Which variant.
        variant: String,
        /// Under which condition.
        condition: String,
        /// With which seed.
        seed: u64,
        /// Why.
        reason: Box<RunError>,
    },
}

/// A run of a study.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Job {
    /// The place of its replication.
    pub replication: u32,
    /// The place of its condition.
    pub condition: usize,
    /// The place of its variant.
    pub variant: usize,
}

/// What a run has shown.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// Which run.
    pub job: Job,
    /// The metrics of the study, in its order; not a number where there was nothing to measure.
    pub values: Vec<f64>,
}

/// The runs of a study, ready to be made.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    study: &'a Study,
    /// The setups by condition, then by variant; the seed is still to be set.
    setups: Vec<Vec<Setup>>,
}

/// The seed of a replication.
#[must_use]
pub fn seed_of(study: &Study, replication: u32) -> u64 {
    Streams::new(study.seed).owned(SEED, u64::from(replication)).next_u64()
}

impl<'a> Plan<'a> {
    /// Loads the scenario of a study in all of its variants.
    ///
    /// # Errors
    /// [`StudyError::Scenario`].
    pub fn of(study: &'a Study) -> Result<Self, StudyError> {
        let names: Vec<&str> = observe::all().iter().map(|metric| metric.name).collect();
        let load = |condition: usize, variant: usize| {
            let overrides = study.overrides(condition, variant);
            let loaded = scenario::load(&study.scenario, &overrides, &names);
            loaded.map(|loaded| loaded.setup).map_err(|report| StudyError::Scenario {
                variant: study.variants[variant].name.clone(),
                condition: study.conditions[condition].name.clone(),
                report: Box::new(report),
            })
        };
        let row = |condition| (0..study.variants.len()).map(|variant| load(condition, variant)).collect();
        let setups = (0..study.conditions.len()).map(row).collect::<Result<_, _>>()?;
        Ok(Self { study, setups })
    }

    /// What tells whether results are of this study: its scenario in all variants, but not how many replications, nor
    /// what says so.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let study = Study { replications: 0, until: None, ..self.study.clone() };
        let inputs: Vec<_> = self.setups.iter().flatten().map(|setup| &setup.inputs).collect();
        observe::sha256_hex(format!("{} {study:?} {inputs:?}", env!("CARGO_PKG_VERSION")).as_bytes())
    }

    /// Every run, those of a replication together, so that an interrupted study has whole replications. Where it ends
    /// by itself these are all that there may be.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        let conditions = 0..self.study.conditions.len();
        let variants = 0..self.study.variants.len();
        let of_replication = |replication| {
            conditions.clone().flat_map({
                let variants = variants.clone();
                move |condition| variants.clone().map(move |variant| Job { replication, condition, variant })
            })
        };
        let all = (0..self.study.replications).flat_map(of_replication);
        all.filter(|job| job.replication < self.study.replications_of(job.variant)).collect()
    }

    /// How many replications there are to be before it is seen whether these are enough, of which so many are known;
    /// none when they are enough.
    #[must_use]
    pub fn next(&self, measured: &[Measured]) -> Option<u32> {
        let count = whole_replications(self.study, measured);
        let Some(Until { metric, relative, at_least }) = self.study.until else {
            return (count < self.study.replications).then_some(self.study.replications);
        };
        let rule = Stopping { relative, confidence: CONFIDENCE, at_least, at_most: self.study.replications };
        let is_over = |condition: usize, variant: usize| {
            let own = measured.iter().filter(|one| {
                one.job.replication < count && (one.job.condition, one.job.variant) == (condition, variant)
            });
            rule.is_over(&own.map(|one| one.values[metric]).collect::<Vec<f64>>())
        };
        // Those that have fewer of their own are not waited for.
        let compared = |variant: &usize| self.study.variants[*variant].replications.is_none();
        let all = (0..self.study.conditions.len()).all(|condition| {
            (0..self.study.variants.len()).filter(compared).all(|variant| is_over(condition, variant))
        });
        (count < rule.at_most && !all).then(|| rule.next(count))
    }

    /// The rows of a run as they are kept.
    #[must_use]
    pub fn rows_of(&self, measured: &Measured) -> Vec<StudyRow> {
        let Job { replication, condition, variant } = measured.job;
        let row = |(wanted, value): (&Wanted, &f64)| StudyRow {
            condition: self.study.conditions[condition].name.clone(),
            variant: self.study.variants[variant].name.clone(),
            replication,
            seed: seed_of(self.study, replication),
            metric: wanted.metric.clone(),
            value: Some(*value).filter(|value| value.is_finite()),
        };
        self.study.metrics.iter().zip(&measured.values).map(row).collect()
    }

    /// The runs whose rows were kept; one of which some are missing was not over.
    #[must_use]
    pub fn known(&self, rows: &[StudyRow]) -> Vec<Measured> {
        let of = |job: Job| {
            let is_of = |row: &&StudyRow| {
                row.replication == job.replication
                    && row.condition == self.study.conditions[job.condition].name
                    && row.variant == self.study.variants[job.variant].name
            };
            let own: Vec<&StudyRow> = rows.iter().filter(is_of).collect();
            let value = |wanted: &Wanted| {
                let row = own.iter().find(|row| row.metric == wanted.metric)?;
                Some(row.value.unwrap_or(f64::NAN))
            };
            let values: Option<Vec<f64>> = self.study.metrics.iter().map(value).collect();
            values.map(|values| Measured { job, values })
        };
        self.jobs().into_iter().filter_map(of).collect()
    }

    /// Makes these runs on all cores. `keep` gets each as soon as it is over; `goes_on` is asked now and then, and when
    /// it says no, runs that are not over are left out.
    ///
    /// # Errors
    /// [`StudyError::Run`].
    pub fn run(
        &self,
        jobs: &[Job],
        keep: &(dyn Fn(&Measured) + Sync),
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), StudyError> {
        jobs.par_iter().with_max_len(1).try_for_each(|job| {
            if !goes_on() {
                return Ok(());
            }
            let measured = self.measure(*job, goes_on)?;
            if let Some(measured) = measured {
                keep(&measured);
            }
            Ok(())
        })
    }

    /// One run; none if it was interrupted.
    fn measure(&self, job: Job, goes_on: &(dyn Fn() -> bool + Sync)) -> Result<Option<Measured>, StudyError> {
        let mut setup = self.setups[job.condition][job.variant].clone();
        setup.seed = seed_of(self.study, job.replication);
        let options = Options { trace: false, metrics_only: true };
        let mut interrupted = false;
        let outcome = sim::run(&setup, options, &mut |_, _| {
            interrupted = !goes_on();
            !interrupted
        });
        let outcome = outcome.map_err(|reason| StudyError::Run {
            variant: self.study.variants[job.variant].name.clone(),
            condition: self.study.conditions[job.condition].name.clone(),
            seed: setup.seed,
            reason: Box::new(reason),
        })?;
        let value = |wanted: &Wanted| outcome.metric(&wanted.metric).unwrap_or(f64::NAN);
        let values = self.study.metrics.iter().map(value).collect();
        Ok((!interrupted).then_some(Measured { job, values }))
    }
}

/// How many replications have all of their runs.
#[must_use]
pub fn whole_replications(study: &Study, measured: &[Measured]) -> u32 {
    let is_whole = |replication: &u32| {
        let variants =
            (0..study.variants.len()).filter(|variant| *replication < study.replications_of(*variant));
        let expected = variants.count() * study.conditions.len();
        measured.iter().filter(|one| one.job.replication == *replication).count() == expected
    };
    (0..study.replications).take_while(is_whole).count() as u32
}

/// What came of a variant under a condition, by one metric: a row of `summary.csv`.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    /// The condition.
    pub condition: String,
    /// The variant.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// Its unit.
    pub unit: &'static str,
    /// How many runs count.
    pub runs: u32,
    /// The mean over them.
    pub mean: f64,
    /// Half of its 95 % interval, by Student's t.
    pub half_width: f64,
    /// The standard deviation of the runs.
    pub standard_deviation: f64,
    /// The lower end of its 95 % interval by bootstrap, whatever the law of the values is.
    pub bootstrap_low: f64,
    /// The upper end.
    pub bootstrap_high: f64,
    /// The median of the runs.
    pub median: f64,
    /// The lower end of its 95 % interval, by ranks; not a number where there are too few runs for one.
    pub median_low: f64,
    /// The upper end.
    pub median_high: f64,
    /// The mean difference to the baseline, replication by replication.
    pub difference: f64,
    /// Half of its 95 % interval.
    pub difference_half_width: f64,
    /// How likely a difference as large as this is where there is none, corrected for there being so many variants and
    /// conditions that are compared by this metric (Holm). Not a number for the baseline.
    pub p_value: f64,
}

impl Summary {
    /// The mean.
    #[must_use]
    pub const fn estimate(&self) -> Estimate {
        Estimate { value: self.mean, half_width: self.half_width }
    }

    /// Whether it differs from the baseline for certain, of all that are compared by this metric.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.p_value < 1.0 - CONFIDENCE
    }
}

/// What follows from the runs of a study: a row for each condition, variant and metric, in this order.
#[must_use]
pub fn summarise(study: &Study, measured: &[Measured]) -> Vec<Summary> {
    let value = |condition, variant, replication, metric: usize| {
        let job = Job { replication, condition, variant };
        measured.iter().find(|one| one.job == job).map_or(f64::NAN, |one| one.values[metric])
    };
    let units = observe::all();
    let unit = |name: &str| units.iter().find(|metric| metric.name == name).map_or("", |metric| metric.unit);
    let mut rows = Vec::new();
    for (condition, under) in study.conditions.iter().enumerate() {
        for (variant, which) in study.variants.iter().enumerate() {
            for (metric, Wanted { metric: name, .. }) in study.metrics.iter().enumerate() {
                let of = |variant| -> Vec<f64> {
                    (0..study.replications).map(|n| value(condition, variant, n, metric)).collect()
                };
                let (own, baseline) = (of(variant), of(study.baseline));
                let mean = statistics::mean(&own, CONFIDENCE);
                let bootstrap = statistics::bootstrap(&own, CONFIDENCE);
                let median = statistics::quantile_of(&own, 0.5, CONFIDENCE);
                let differences: Vec<f64> = own.iter().zip(&baseline).map(|(own, base)| own - base).collect();
                let difference = statistics::mean(&differences, CONFIDENCE);
                let is_baseline = variant == study.baseline;
                rows.push(Summary {
                    condition: under.name.clone(),
                    variant: which.name.clone(),
                    metric: name.clone(),
                    unit: unit(name),
                    runs: own.iter().filter(|value| value.is_finite()).count() as u32,
                    mean: mean.value,
                    half_width: mean.half_width,
                    standard_deviation: statistics::standard_deviation(&own),
                    bootstrap_low: bootstrap.low,
                    bootstrap_high: bootstrap.high,
                    median: median.value,
                    median_low: median.low,
                    median_high: median.high,
                    difference: difference.value,
                    difference_half_width: difference.half_width,
                    p_value: if is_baseline { f64::NAN } else { statistics::p_value(&differences) },
                });
            }
        }
    }
    for Wanted { metric, .. } in &study.metrics {
        let of_metric = || rows.iter().filter(|row| row.metric == *metric);
        let corrected = statistics::holm(&of_metric().map(|row| row.p_value).collect::<Vec<_>>());
        let own = rows.iter_mut().filter(|row| row.metric == *metric);
        own.zip(corrected).for_each(|(row, p_value)| row.p_value = p_value);
    }
    rows
}

//! Jobs: what is asked for with resources and a run time of its own, made up or as a trace has it.

use std::sync::Arc;

use super::amounts::{Amounts, AmountsError};
use super::arrivals::{Arrivals, ArrivalsConfig, ArrivalsError};
use super::nodes::{USUAL_CARD_BYTES, memory_of_card};
use super::trace::replay::{Replay, Replayed};
use super::trace::{Cards, TraceError};
use crate::kernel::{Domain, Rng, Span, Streams, Time};

/// What each made-up job is like.
const JOBS: Domain = Domain::new("workload.jobs");
/// Bits of the number of a job in the name of its stream; those above are its entry's.
const NUMBER_BITS: u32 = 40;

/// The entity of a job of an entry of the workload.
pub(super) const fn entity(entry: u32, number: u64) -> u64 {
    (entry as u64) << NUMBER_BITS ^ number
}

/// A job. What is none is as in its template.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    /// When it is asked for.
    pub at: Time,
    /// How long it runs.
    pub run: Span,
    /// Thousandths of cores; one at least.
    pub cores_milli: Option<u64>,
    /// Memory in bytes; one at least.
    pub ram_bytes: Option<u64>,
    /// Disk in bytes; one at least.
    pub disk_bytes: Option<u64>,
    /// Graphics cards.
    pub cards: Option<Cards>,
    /// A number of who asks, where there are many.
    pub user: Option<u64>,
}

/// Where jobs come from.
#[derive(Clone, PartialEq, Debug)]
pub enum JobSource {
    /// They are made up.
    Generated {
        /// When they come.
        arrivals: ArrivalsConfig,
        /// What they are like: each is of one of these, as likely as its weight says. One at least.
        classes: Vec<JobClass>,
    },
    /// They are those of a trace.
    Trace(Replay),
}

/// Jobs that are alike. What is none is as in their template.
#[derive(Clone, PartialEq, Debug)]
pub struct JobClass {
    /// How likely a job is one of these; one at least.
    pub weight: u32,
    /// Cores.
    pub cpu: Option<Amounts>,
    /// Memory in bytes.
    pub ram: Option<Amounts>,
    /// Disk in bytes.
    pub disk: Option<Amounts>,
    /// Graphics cards.
    pub gpus: Option<CardsOfClass>,
    /// Run time in seconds.
    pub runtime: Amounts,
}

/// The graphics cards of jobs that are alike.
#[derive(Clone, PartialEq, Debug)]
pub struct CardsOfClass {
    /// How many, to the nearest whole number.
    pub count: Amounts,
    /// Which part of each, above 0 and up to 1.
    pub share: f64,
    /// Memory of a card of which that is a part; none = by the model, and 16 GiB where that is not known.
    pub card_bytes: Option<u64>,
    /// Of which model; several are alternatives, with `|` between them.
    pub model: Option<Arc<str>>,
}

impl CardsOfClass {
    /// How much of the memory of each card that is, in bytes; 0 = all of it.
    #[must_use]
    pub fn vram_bytes(&self) -> u64 {
        if self.share >= 1.0 {
            return 0;
        }
        let models = self.model.iter().flat_map(|models| models.split('|'));
        let known = models.filter_map(|model| memory_of_card(model.trim())).max();
        let whole = self.card_bytes.or(known).unwrap_or(USUAL_CARD_BYTES);
        ((whole as f64 * self.share) as u64).max(1)
    }
}

impl JobSource {
    /// The jobs in the order of their times, of the entry of the workload with this number.
    ///
    /// # Errors
    /// Why there can be none, in words.
    pub fn jobs(&self, streams: Streams, entry: u32) -> Result<Jobs, String> {
        let source = match self {
            Self::Generated { arrivals, classes } => {
                self.check().map_err(|(_, error)| error)?;
                let times = arrivals
                    .times(streams, u64::from(entry))
                    .map_err(|error: ArrivalsError| error.to_string())?;
                Source::Generated { arrivals: times, classes: classes.clone(), number: 0 }
            }
            Self::Trace(replay) => {
                let told = |errors: Vec<TraceError>| {
                    errors.first().map_or_else(String::new, |error| in_words(replay, error))
                };
                let jobs = replay.jobs(streams, entry).map_err(told)?;
                Source::Trace { replay: replay.clone(), jobs: Box::new(jobs) }
            }
        };
        Ok(Jobs { streams, entry, source, ended: false })
    }

    /// Checks what is drawn of made-up jobs.
    ///
    /// # Errors
    /// The place of the class and what is wrong with it.
    pub fn check(&self) -> Result<(), (usize, String)> {
        let Self::Generated { classes, .. } = self else { return Ok(()) };
        if classes.is_empty() {
            return Err((0, "there are no classes of jobs".to_owned()));
        }
        for (place, class) in classes.iter().enumerate() {
            let amounts = [&class.cpu, &class.ram, &class.disk].into_iter().flatten();
            let mut all = amounts.chain(class.gpus.iter().map(|cards| &cards.count)).chain([&class.runtime]);
            let checked: Result<(), AmountsError> = all.try_for_each(Amounts::check);
            checked.map_err(|error| (place, error.to_string()))?;
            if class.weight == 0 {
                return Err((place, "a class without weight".to_owned()));
            }
            if class.gpus.as_ref().is_some_and(|cards| !(cards.share > 0.0 && cards.share <= 1.0)) {
                return Err((place, "a share of a card lies between 0 and 1".to_owned()));
            }
        }
        Ok(())
    }
}

/// What is wrong with a trace, with the name of its file.
fn in_words(replay: &Replay, error: &TraceError) -> String {
    let name = replay.format.files().get(error.file).map_or("", |file| file.copy.as_str());
    format!("{name}: {error}")
}

/// Jobs in the order of their times. One after another is made or read, and none is kept.
pub struct Jobs {
    streams: Streams,
    entry: u32,
    source: Source,
    ended: bool,
}

enum Source {
    Generated { arrivals: Arrivals, classes: Vec<JobClass>, number: u64 },
    Trace { replay: Replay, jobs: Box<Replayed> },
}

impl Iterator for Jobs {
    type Item = Result<Job, String>;

    /// The next job, or why a trace cannot be read on; then it ends.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match &mut self.source {
            Source::Generated { arrivals, classes, number } => {
                let at = arrivals.next()?;
                let rng = &mut self.streams.owned(JOBS, entity(self.entry, *number));
                *number += 1;
                Some(Ok(made_up(at, classes, rng)))
            }
            Source::Trace { replay, jobs } => match jobs.next()? {
                Ok(job) => Some(Ok(Job {
                    at: job.at,
                    run: job.run,
                    cores_milli: job.row.cores_milli.map(|cores| cores.max(1)),
                    ram_bytes: job.row.ram_bytes.map(|bytes| bytes.max(1)),
                    disk_bytes: None,
                    cards: job.row.cards,
                    user: job.row.user,
                })),
                Err(error) => {
                    self.ended = true;
                    Some(Err(in_words(replay, &error)))
                }
            },
        }
    }
}

fn made_up(at: Time, classes: &[JobClass], rng: &mut Rng<'_>) -> Job {
    let total: u64 = classes.iter().map(|class| u64::from(class.weight)).sum();
    let mut point = rng.below(total);
    let mut chosen = &classes[0];
    for class in classes {
        chosen = class;
        if point < u64::from(class.weight) {
            break;
        }
        point -= u64::from(class.weight);
    }
    let mut amount = |amounts: &Amounts, unit: f64| (libm::round(amounts.sample(rng) * unit) as u64).max(1);
    let cores_milli = chosen.cpu.as_ref().map(|cpu| amount(cpu, 1000.0));
    let ram_bytes = chosen.ram.as_ref().map(|ram| amount(ram, 1.0));
    let disk_bytes = chosen.disk.as_ref().map(|disk| amount(disk, 1.0));
    let cards = chosen.gpus.as_ref().map(|cards| Cards {
        count: u32::try_from(cards.count.sample_whole(rng)).unwrap_or(u32::MAX).min(MOST_CARDS),
        vram_bytes: cards.vram_bytes(),
        model: cards.model.clone(),
    });
    let run = Span::from_secs_f64(chosen.runtime.sample(rng));
    Job { at, run, cores_milli, ram_bytes, disk_bytes, cards, user: None }
}

/// The most cards of a job: as many as a machine may have.
const MOST_CARDS: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Distribution;

    fn amounts(of: Distribution, least: f64, most: f64) -> Amounts {
        Amounts { of, least, most }
    }

    fn class(weight: u32, cores: f64) -> JobClass {
        JobClass {
            weight,
            cpu: Some(Amounts::constant(cores)),
            ram: None,
            disk: None,
            gpus: None,
            runtime: amounts(Distribution::Pareto { shape: 1.5, scale_s: 10.0 }, 0.0, 1000.0),
        }
    }

    fn generated(classes: Vec<JobClass>) -> JobSource {
        let arrivals =
            ArrivalsConfig::Poisson { mean_interval: Span::secs(10), from: Span::ZERO, count: Some(20_000) };
        JobSource::Generated { arrivals, classes }
    }

    fn all(source: &JobSource, entry: u32) -> Vec<Job> {
        source.jobs(Streams::new(8), entry).unwrap().map(Result::unwrap).collect()
    }

    /// The mean of a Pareto that ends at a bound b: (a - (s / b)^(a - 1)) s / (a - 1).
    #[test]
    fn classes_have_their_shares_and_sizes_their_bounds() {
        let jobs = all(&generated(vec![class(3, 0.5), class(1, 4.0)]), 0);
        let small = jobs.iter().filter(|job| job.cores_milli == Some(500)).count() as f64;
        assert!((small / 20_000.0 - 0.75).abs() < 0.013, "{small}");
        assert!(jobs.is_sorted_by_key(|job| job.at) && jobs.iter().all(|job| job.ram_bytes.is_none()));
        let runs: Vec<f64> = jobs.iter().map(|job| job.run.as_secs_f64()).collect();
        assert!(runs.iter().all(|run| (10.0..=1000.0).contains(run)));
        let mean = runs.iter().sum::<f64>() / 20_000.0;
        let expected = (1.5 - libm::pow(10.0 / 1000.0, 0.5)) * 10.0 / 0.5;
        assert!((mean / expected - 1.0).abs() < 0.06, "{mean}, not {expected}");
    }

    #[test]
    fn a_job_stays_as_it_is_when_another_class_draws_more() {
        let mut more = class(3, 0.5);
        more.gpus = Some(CardsOfClass {
            count: amounts(Distribution::Uniform { low_s: 0.5, high_s: 2.5 }, 0.0, f64::INFINITY),
            share: 0.25,
            card_bytes: None,
            model: Some("T4|V100M32".into()),
        });
        let plain = all(&generated(vec![class(3, 0.5), class(1, 4.0)]), 2);
        let with_cards = all(&generated(vec![more, class(1, 4.0)]), 2);
        let large = |jobs: &[Job]| {
            jobs.iter().filter(|job| job.cores_milli == Some(4000)).cloned().collect::<Vec<_>>()
        };
        assert_eq!(large(&plain), large(&with_cards));
        let cards: Vec<&Cards> = with_cards.iter().filter_map(|job| job.cards.as_ref()).collect();
        assert!(cards.iter().all(|cards| [1, 2].contains(&cards.count) && cards.vram_bytes == 8 << 30));
        assert_ne!(all(&generated(vec![class(1, 1.0)]), 0), all(&generated(vec![class(1, 1.0)]), 1));
    }

    #[test]
    fn senseless_classes_are_refused() {
        let refused = |classes| generated(classes).jobs(Streams::new(1), 0).err().unwrap();
        assert_eq!(refused(vec![]), "there are no classes of jobs");
        assert_eq!(refused(vec![class(0, 1.0)]), "a class without weight");
        let gpus = CardsOfClass { count: Amounts::constant(1.0), share: 0.0, card_bytes: None, model: None };
        let shared = JobClass { gpus: Some(gpus), ..class(1, 1.0) };
        assert_eq!(refused(vec![shared]), "a share of a card lies between 0 and 1");
        let reversed = JobClass {
            cpu: Some(Amounts { least: 3.0, most: 1.0, ..Amounts::constant(1.0) }),
            ..class(1, 1.0)
        };
        assert_eq!(refused(vec![reversed]), "the least amount, 3, must not be above the most, 1");
    }
}

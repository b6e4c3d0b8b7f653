//! The openb placement experiment: published results, met point by point.

use std::sync::Arc;

use dmsim::placement::{Amounts, Ask, Machine, Mix, Parameters, Placement, Tag, Typical, listed};
use dmsim::reproduce::openb::{Compared, Metric, POLICIES, Plan, Source};

/// Every policy but the one that draws meets every published point of the default workload, and that one agrees with
/// the mean of ten published runs to within their standard deviation.
#[test]
fn the_published_curves_of_the_default_workload_are_met() {
    let policies: Vec<&'static str> = POLICIES.iter().map(|(theirs, _)| *theirs).collect();
    let workloads = ["default".to_owned()];
    let plan = Plan::read(&Source::BuiltIn, &workloads, &policies, &[42, 43, 44, 45, 46]).unwrap();
    let compared = plan.compare();
    assert_eq!(compared.len(), 6 * 5 * 3);
    let (random, exact): (Vec<&Compared>, Vec<&Compared>) =
        compared.iter().partition(|one| one.policy == "Random");
    for one in exact {
        assert_eq!(one.ours.len(), 131);
        let Compared { policy, seed, metric, largest_difference, .. } = one;
        assert!(*largest_difference < 1e-9, "{policy}, seed {seed}, {metric}: {largest_difference}");
    }
    // The mean and the standard deviation of ten runs, as published (openb-placement).
    let published = [(95, 85.715, 0.338), (100, 86.303, 0.332), (130, 87.470, 0.319)];
    for (column, mean, deviation) in published {
        let of = |metric: Metric, values: &dyn Fn(&Compared) -> f64| -> Vec<f64> {
            random.iter().filter(|one| one.metric == metric.name()).map(|one| values(one)).collect()
        };
        let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let ours = average(&of(Metric::Allocation, &|one| one.ours[column]));
        assert!((ours - mean).abs() <= deviation, "{ours} and not {mean} at {column} %");
        for metric in Metric::ALL {
            let theirs = of(metric, &|one| one.theirs[column]);
            let mean = average(&theirs);
            let squares: f64 = theirs.iter().map(|value| (value - mean) * (value - mean)).sum();
            let deviation = (squares / (theirs.len() - 1) as f64).sqrt();
            let ours = average(&of(metric, &|one| one.ours[column]));
            assert!((ours - mean).abs() <= deviation, "{}: {ours}, {mean}, {deviation}", metric.name());
        }
    }
}

#[derive(serde::Deserialize)]
struct Cases {
    typical_pods: Mixes,
    frag_cases: Vec<Case>,
    gpu_packing_score_cases: Vec<Packing>,
}

/// The table `A1` is the first entry of `A`, as the file says in words.
#[derive(serde::Deserialize)]
struct Mixes {
    #[serde(rename = "A")]
    a: Vec<Pod>,
    #[serde(rename = "B")]
    b: Vec<Pod>,
}

#[derive(serde::Deserialize)]
struct Pod {
    cpu_milli: u64,
    gpu_milli: u32,
    gpus: u32,
    gpu_type: String,
    freq: f64,
}

#[derive(serde::Deserialize)]
struct Case {
    typical_pods: String,
    cpu_left_milli: u64,
    gpu_left_milli: Vec<u32>,
    gpu_type: String,
    frag_gpu_milli: f64,
    tol: f64,
}

#[derive(serde::Deserialize)]
struct Packing {
    gpu_left_milli: Vec<u32>,
    gpus: u32,
    gpu_milli: u32,
    score: f64,
}

/// The unit cases that come with the experiment's own program, for fragmentation and for the packing score.
#[test]
fn the_unit_cases_of_the_experiment_are_met() {
    let machine = |cpu_milli, left: &[u32], model: &str| {
        let tags = [Tag::of(model); 2];
        let mut machine =
            Machine::new(Amounts { cpu_milli, ..Amounts::default() }, left.iter().map(|_| tags));
        machine.cards.iter_mut().zip(left).for_each(|(card, left)| card.free_milli = *left);
        machine
    };
    let text = include_str!("../data/openb/unit_cases.json");
    let cases: Cases = serde_json::from_str(text).unwrap();
    assert_eq!((cases.frag_cases.len(), cases.gpu_packing_score_cases.len()), (7, 4));
    for case in &cases.frag_cases {
        let Mixes { a, b } = &cases.typical_pods;
        let pods = match case.typical_pods.as_str() {
            "A" => &a[..],
            "A1" => &a[..1],
            _ => &b[..],
        };
        let typical = pods.iter().map(|pod| Typical {
            ask: Ask {
                cpu_milli: pod.cpu_milli,
                cards: pod.gpus,
                card_milli: pod.gpu_milli,
                accepts: Some(&pod.gpu_type)
                    .filter(|name| !name.is_empty())
                    .map(|name| Tag::of(name))
                    .into_iter()
                    .collect(),
                ..Ask::default()
            },
            frequency: pod.freq,
        });
        let mix = Mix::new(typical.collect());
        let found = mix.fragmentation(&machine(case.cpu_left_milli, &case.gpu_left_milli, &case.gpu_type));
        assert!((found - case.frag_gpu_milli).abs() <= case.tol, "{found}, not {}", case.frag_gpu_milli);
    }
    let packing: Placement =
        (listed("gpu_packing").unwrap().make)(&Parameters { mix: Arc::default(), ..Parameters::default() });
    for case in &cases.gpu_packing_score_cases {
        let ask = Ask { cards: case.gpus, card_milli: case.gpu_milli, ..Ask::default() };
        assert_eq!(packing.score(&ask, &machine(0, &case.gpu_left_milli, "P100")), case.score);
    }
}

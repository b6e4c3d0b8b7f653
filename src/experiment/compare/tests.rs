use super::*;
use crate::kernel::{Domain, Streams};

/// A side of one metric, with these values on these seeds.
fn side(better: Option<Better>, seeds: &[u64], values: &[f64]) -> Side {
    let metric = SideMetric { metric: "cost".to_owned(), unit: "money".to_owned(), better };
    let values = vec![values.iter().map(|value| Some(*value).filter(|value| value.is_finite())).collect()];
    let (variant, condition) = (String::new(), String::new());
    let group = Group { variant, condition, seeds: seeds.to_vec(), values, failures: 0 };
    Side {
        schema: BASELINE_SCHEMA,
        name: "test".to_owned(),
        kind: "sweep".to_owned(),
        metrics: vec![metric],
        groups: vec![group],
    }
}

fn rules(tolerance: Tolerance) -> Rules {
    Rules { tolerance, tolerances: IndexMap::new(), metrics: Vec::new(), better: IndexMap::new() }
}

fn verdict(better: Option<Better>, first: &[f64], second: &[f64], tolerance: Tolerance) -> Verdict {
    let seeds: Vec<u64> = (0..first.len().max(second.len()) as u64).collect();
    let compared = compare(
        &side(better, &seeds[..first.len()], first),
        &side(better, &seeds[..second.len()], second),
        &rules(tolerance),
    );
    assert_eq!(compared.has_regression(), compared.rows[0].verdict.is_regression());
    compared.rows[0].verdict
}

#[test]
fn a_verdict_says_what_is_certain() {
    let lower = Some(Better::Lower);
    let first = [100.0, 104.0, 98.0, 101.0, 103.0, 99.0];
    let shifted = |by: f64, noise: f64| -> Vec<f64> {
        first.iter().enumerate().map(|(n, x)| x + by + noise * [-1.0, 1.0][n % 2]).collect()
    };
    let percent = |part: f64| Tolerance::Relative(part / 100.0);
    assert_eq!(verdict(lower, &first, &first, percent(0.0)), Verdict::Same);
    assert_eq!(verdict(lower, &first, &shifted(5.0, 1.0), percent(2.0)), Verdict::Worse);
    assert_eq!(verdict(lower, &first, &shifted(-5.0, 1.0), percent(2.0)), Verdict::Better);
    assert_eq!(verdict(Some(Better::Higher), &first, &shifted(5.0, 1.0), percent(2.0)), Verdict::Better);
    assert_eq!(verdict(None, &first, &shifted(5.0, 1.0), percent(2.0)), Verdict::Different);
    assert_eq!(verdict(lower, &first, &shifted(0.5, 0.3), percent(2.0)), Verdict::Same);
    assert_eq!(verdict(lower, &first, &shifted(2.0, 3.0), percent(2.0)), Verdict::Unclear);
    assert_eq!(verdict(lower, &first, &shifted(5.0, 1.0), Tolerance::Absolute(10.0)), Verdict::Same);
    // Two single runs show what they show.
    assert_eq!(verdict(lower, &[100.0], &[101.0], percent(2.0)), Verdict::Same);
    assert_eq!(verdict(lower, &[100.0], &[103.0], percent(2.0)), Verdict::Worse);
    assert_eq!(
        verdict(lower, &[0.0], &[0.1], percent(2.0)),
        Verdict::Worse,
        "two percent of nothing is nothing"
    );
    assert_eq!(verdict(lower, &[100.0], &[f64::NAN], percent(2.0)), Verdict::Missing);
    assert_eq!(verdict(lower, &first, &[], percent(2.0)), Verdict::Missing);
}

#[test]
fn runs_of_one_seed_are_pairs_and_others_are_not() {
    let higher = Some(Better::Higher);
    // Worlds that differ far more than what is compared in them.
    let worlds = [10.0, 250.0, 90.0, 400.0, 180.0];
    let better: Vec<f64> = worlds.iter().enumerate().map(|(n, world)| world + 3.0 + 0.1 * n as f64).collect();
    let of = |seeds: &[u64]| {
        let (one, other) = (side(higher, &[1, 2, 3, 4, 5], &worlds), side(higher, seeds, &better));
        compare(&one, &other, &rules(Tolerance::Absolute(1.0))).rows.remove(0)
    };
    let (paired, apart) = (of(&[1, 2, 3, 4, 5]), of(&[6, 7, 8, 9, 10]));
    assert_eq!((paired.paired, paired.verdict), (true, Verdict::Better));
    assert_eq!((apart.paired, apart.verdict), (false, Verdict::Unclear));
    let some = of(&[4, 5, 6, 7, 8]);
    assert_eq!((some.paired, some.runs, some.first), (true, (2, 2), Some(290.0)), "those that both have");
}

#[test]
fn groups_are_the_same_by_variant_and_condition() {
    let of = |pairs: [(&str, &str, f64); 2]| {
        let mut side = side(Some(Better::Lower), &[1], &[0.0]);
        let group = side.groups.remove(0);
        side.groups = pairs
            .map(|(variant, condition, value)| Group {
                variant: variant.to_owned(),
                condition: condition.to_owned(),
                values: vec![vec![Some(value)]],
                ..group.clone()
            })
            .to_vec();
        side
    };
    // Both would be called "a under x under y".
    let one = of([("a", "x under y", 1.0), ("a under x", "y", 5.0)]);
    let compared = compare(&one, &one, &rules(Tolerance::Relative(0.0)));
    assert!(compared.rows.iter().all(|row| row.verdict == Verdict::Same), "{compared:?}");
}

#[test]
fn what_is_gone_is_a_regression() {
    let one = side(None, &[1], &[2.0]);
    let mut other = one.clone();
    other.groups[0].failures = 1;
    assert!(compare(&one, &other, &rules(Tolerance::Relative(1.0))).has_regression(), "something failed");
    assert!(!compare(&other, &one, &rules(Tolerance::Relative(1.0))).has_regression());
    other = one.clone();
    other.groups[0].variant = "elsewhere".to_owned();
    let compared = compare(&one, &other, &rules(Tolerance::Relative(1.0)));
    assert!(compared.has_regression() && compared.lost_groups == [""], "{compared:?}");
}

#[test]
fn nothing_is_rarely_called_worse_among_many() {
    let mut draws = Streams::new(9).owned(Domain::new("experiment.compare.test"), 0);
    let mut value = || (0..12).map(|_| draws.unit_f64()).sum::<f64>();
    let wrong = (0..200)
        .filter(|_| {
            let of = |value: &mut dyn FnMut() -> f64| {
                let mut side = side(Some(Better::Lower), &[], &[]);
                side.metrics = vec![side.metrics[0].clone(); 20];
                for (place, metric) in side.metrics.iter_mut().enumerate() {
                    metric.metric = place.to_string();
                }
                side.groups[0].seeds = (0..8).collect();
                side.groups[0].values = (0..20).map(|_| (0..8).map(|_| Some(value())).collect()).collect();
                side
            };
            let (one, other) = (of(&mut value), of(&mut value));
            let compared = compare(&one, &other, &rules(Tolerance::Relative(0.0)));
            compared.rows.iter().any(|row| matches!(row.verdict, Verdict::Worse | Verdict::Better))
        })
        .count();
    assert!(wrong <= 20, "{wrong} of 200, of which one in twenty may be");
}

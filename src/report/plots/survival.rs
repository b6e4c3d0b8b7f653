//! For how long peers stay up and allocations live, with what had not ended counted right.

use std::collections::BTreeMap;

use super::Plot;
use crate::report::chart::{Axis, Chart, Dash, Mark, Panel, Quantity, Series, Under, grouped, palette};
use crate::report::tables::Tables;

/// Two-sided 95 % of the normal law.
const Z: f64 = 1.959_963_984_540_054;

/// A span that was watched, and whether it ended; otherwise it went on when it was last seen.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Watched {
    seconds: f64,
    ended: bool,
}

/// A step of the estimate: from when on, how many were watched just before, and the share that lives on, with its
/// interval.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Step {
    at: f64,
    at_risk: usize,
    share: f64,
    low: f64,
    high: f64,
}

/// The estimate of Kaplan and Meier (1958), with Greenwood's variance on the scale log(-log) for the interval, which so
/// stays between 0 and 1. A span that was last seen at the moment of an end counts as watched until after it.
fn kaplan_meier(watched: &[Watched]) -> Vec<Step> {
    let mut sorted = watched.to_vec();
    sorted.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let mut steps = vec![Step { at: 0.0, at_risk: sorted.len(), share: 1.0, low: 1.0, high: 1.0 }];
    let (mut share, mut sum, mut seen) = (1.0, 0.0, 0);
    for group in sorted.chunk_by(|a, b| a.seconds.total_cmp(&b.seconds).is_eq()) {
        let at_risk = sorted.len() - seen;
        seen += group.len();
        let ends = group.iter().filter(|one| one.ended).count();
        if ends == 0 {
            continue;
        }
        let (risk, ended) = (at_risk as f64, ends as f64);
        share *= 1.0 - ended / risk;
        sum += ended / (risk * (risk - ended));
        let (low, high) = interval(share, sum);
        steps.push(Step { at: group[0].seconds, at_risk, share, low, high });
    }
    steps
}

fn interval(share: f64, sum: f64) -> (f64, f64) {
    if share <= 0.0 {
        // Where nothing is left the variance is not known.
        return (0.0, 0.0);
    }
    let half = Z * libm::sqrt(sum) / libm::log(share).abs();
    (libm::pow(share, libm::exp(half)), libm::pow(share, libm::exp(-half)))
}

/// How many are still watched from when on.
fn at_risk(watched: &[Watched]) -> Vec<(f64, f64)> {
    let mut ends: Vec<f64> = watched.iter().map(|one| one.seconds).collect();
    ends.sort_by(f64::total_cmp);
    let count = ends.len();
    let mut steps = vec![(f64::NEG_INFINITY, count as f64)];
    // Just behind its end something is no longer at risk; at its end it is.
    steps.extend(ends.iter().enumerate().map(|(at, end)| (end.next_up(), (count - at - 1) as f64)));
    steps
}

/// From when to when each peer was up.
fn peers(tables: &Tables) -> Vec<Watched> {
    let end = tables.run.duration_s;
    let mut up: BTreeMap<&str, Option<f64>> = BTreeMap::new();
    let mut found = Vec::new();
    for row in &tables.history {
        match &*row.kind {
            // Who is up at the beginning has no row of coming up.
            "peer_down" => {
                if let Some(Some(since)) = up.insert(&row.peer, None).or(Some(Some(0.0))) {
                    found.push(Watched { seconds: row.time_s - since, ended: true });
                }
            }
            "peer_up" => {
                up.entry(&row.peer).or_insert(None).get_or_insert(row.time_s);
            }
            _ => {}
        }
    }
    if found.is_empty() {
        return found;
    }
    for peer in tables.peers.iter().filter(|peer| peer.up_fraction > 0.0) {
        if let Some(since) = up.get(&*peer.peer).copied().unwrap_or(Some(0.0)) {
            found.push(Watched { seconds: end - since, ended: false });
        }
    }
    found
}

/// Allocations that started. A life that ends as it should (its task is done, its deployment is shut down) was watched
/// until then and did not fail.
fn allocations(tables: &Tables) -> Vec<Watched> {
    let end = tables.run.duration_s;
    let watched = tables.allocations.iter().filter_map(|row| {
        let ended = matches!(&*row.end, "peer lost" | "crashed" | "failed" | "lease ended");
        Some(Watched { seconds: row.ended_s.unwrap_or(end) - row.started_s?, ended })
    });
    watched.filter(|one| one.seconds >= 0.0).collect()
}

pub(super) fn survival(tables: &Tables) -> Option<Plot> {
    let sides = [
        ("peers stay up", palette::BLUE, Dash::Solid, peers(tables)),
        ("allocations live", palette::VERMILLION, Dash::Long, allocations(tables)),
    ];
    // Where nothing ended there is no curve to estimate.
    let shown: Vec<_> =
        sides.into_iter().filter(|(_, _, _, watched)| watched.iter().any(|one| one.ended)).collect();
    if shown.is_empty() {
        return None;
    }
    let longest =
        shown.iter().flat_map(|(_, _, _, watched)| watched).map(|one| one.seconds).fold(0.0, f64::max);
    let (mut bands, mut lines, mut under, mut told) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (name, color, dash, watched) in &shown {
        let steps = kaplan_meier(watched);
        let last = watched.iter().map(|one| one.seconds).fold(0.0, f64::max);
        let ending = steps.last().map(|step| Step { at: last, ..*step });
        let all = || steps.iter().chain(&ending);
        let band = all().map(|step| (step.at, step.low, step.high)).collect();
        bands.push(Series::new(&format!("{name}, 95 %"), color.alpha(0.22), Mark::Band(band)));
        let line = all().map(|step| (step.at, step.share)).collect();
        lines.push(Series::new(name, *color, Mark::Step(line)).dashed(*dash));
        let title = "number at risk".to_owned();
        under.push(Under { title, name: (*name).to_owned(), steps: at_risk(watched) });
        let ends = watched.iter().filter(|one| one.ended).count();
        told.push(format!(
            "{}: {} ends in {} spans",
            name,
            grouped(ends as f64),
            grouped(watched.len() as f64)
        ));
    }
    let panel = Panel::new(
        Axis::new("share that goes on for longer", Quantity::Share).over(0.0, 1.0),
        bands.into_iter().chain(lines).collect(),
    );
    let x = Axis::new("time since it came up or started", Quantity::Time).over(0.0, longest.max(1.0));
    let mut chart = Chart::new("Survival of peers and allocations", x, vec![panel]);
    chart.under = under;
    chart.size.1 = 600.0;
    let caption = format!(
        "Kaplan-Meier estimate with pointwise 95 % intervals (log-log). What had not ended when the run did, and \
         allocations that ended as they should, count as watched until then. {}.",
        told.join("; ")
    );
    Some(Plot::of("survival", caption, &chart, "time_s", "share"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched(ended: &[f64], open: &[f64]) -> Vec<Watched> {
        let span = |ended| move |seconds: &f64| Watched { seconds: *seconds, ended };
        ended.iter().map(span(true)).chain(open.iter().map(span(false))).collect()
    }

    #[test]
    fn the_estimate_is_that_of_the_textbook() {
        // Weeks in remission of 21 patients with 6-mercaptopurine (Freireich et al. 1963; Kleinbaum and Klein,
        // "Survival Analysis", chapter 2), where 9 ended and 12 were still going on.
        let steps = kaplan_meier(&watched(
            &[6.0, 6.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0],
            &[6.0, 9.0, 10.0, 11.0, 17.0, 19.0, 20.0, 25.0, 32.0, 32.0, 34.0, 35.0],
        ));
        let expected = [
            (0.0, 21, 1.0),
            (6.0, 21, 0.8571),
            (7.0, 17, 0.8067),
            (10.0, 15, 0.7529),
            (13.0, 12, 0.6902),
            (16.0, 11, 0.6275),
            (22.0, 7, 0.5378),
            (23.0, 6, 0.4482),
        ];
        assert_eq!(steps.len(), expected.len());
        for (step, (at, at_risk, share)) in steps.iter().zip(expected) {
            assert_eq!((step.at, step.at_risk), (at, at_risk));
            assert!((step.share - share).abs() < 5e-5, "{step:?}");
            assert!(step.low <= step.share && step.share <= step.high);
        }
        // Greenwood at 10: 0.7529 times the root of 3/(21*18) + 1/(17*16) + 1/(15*14) is 0.0963; on the scale log(-log)
        // that is 0.7529 to the power exp(+-1.96 * 0.0963 / (0.7529 * 0.2838)).
        assert!(
            (steps[3].low - 0.5032).abs() < 2e-4 && (steps[3].high - 0.8894).abs() < 2e-4,
            "{:?}",
            steps[3]
        );
    }

    #[test]
    fn without_censoring_it_is_the_share_that_is_left() {
        let steps = kaplan_meier(&watched(&[1.0, 2.0, 3.0, 4.0], &[]));
        let shares: Vec<f64> = steps.iter().map(|step| step.share).collect();
        assert_eq!(shares, [1.0, 0.75, 0.5, 0.25, 0.0]);
        assert_eq!((steps[4].low, steps[4].high), (0.0, 0.0));
    }

    #[test]
    fn who_ends_at_a_moment_is_at_risk_until_then() {
        let steps = at_risk(&watched(&[5.0], &[5.0, 8.0]));
        let count = |at: f64| steps.iter().take_while(|(from, _)| *from <= at).last().unwrap().1;
        assert_eq!([0.0, 5.0, 5.1, 8.0, 9.0].map(count), [3.0, 3.0, 1.0, 1.0, 0.0]);
    }
}

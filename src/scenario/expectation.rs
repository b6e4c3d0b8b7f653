//! What a run must show: `deployments.succeeded_fraction >= 95%`.

use super::reader::{Map, Reader, listed, shortened};
use super::units;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::Node;
use crate::sim::setup::{Comparison, Expectation};

const COMPARISONS: [Comparison; 6] = [
    Comparison::Less,
    Comparison::AtMost,
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::AtLeast,
    Comparison::More,
];

/// The expectations, whose metrics must be among `metrics`.
pub(super) fn read(reader: &mut Reader, top: &Map<'_>, metrics: &[&str]) -> Vec<Expectation> {
    let items = reader.list(top, "expect");
    items.iter().filter_map(|item| expectation(reader, item, metrics)).collect()
}

fn expectation(reader: &mut Reader, node: &Node, metrics: &[&str]) -> Option<Expectation> {
    let text = match node.as_text() {
        Some(text) => text.clone(),
        None => {
            let help = "write a line like `deployments.succeeded_fraction >= 95%`".to_owned();
            reader.wrong_type(node, "an expectation", "a comparison", help);
            return None;
        }
    };
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| c.is_whitespace() || "<>=!~".contains(c)).unwrap_or(trimmed.len());
    let (metric, behind) = trimmed.split_at(end);
    let behind = behind.trim_start();
    let sign_end = behind.find(|c: char| !"<>=!~".contains(c)).unwrap_or(behind.len());
    let (sign, bound) = behind.split_at(sign_end);
    let Some(comparison) = COMPARISONS.into_iter().find(|one| one.as_str() == sign) else {
        let help = match sign {
            "=" => "to compare for equality write `==`".to_owned(),
            "=>" => "write `>=`".to_owned(),
            "=<" => "write `<=`".to_owned(),
            _ => format!("known are {}", listed(&COMPARISONS.map(Comparison::as_str))),
        };
        let message = match sign {
            "" => format!("`{}` has no comparison", shortened(trimmed)),
            _ => format!("`{sign}` is not a comparison"),
        };
        reader.error(node.position, message, help);
        return None;
    };
    let known = metrics.contains(&metric);
    if !known {
        let help = suggestion(metric, metrics.iter().copied())
            .unwrap_or_else(|| "`dmsim list metrics` lists all of them".to_owned());
        reader.error(node.position, format!("`{}` is not a metric", shortened(metric)), help);
    }
    let bound = number(reader, node, bound.trim())?;
    known.then(|| Expectation { metric: metric.to_owned(), comparison, bound })
}

/// A number; percent are hundredths, and a time counts in seconds as the metrics of time do.
fn number(reader: &mut Reader, node: &Node, text: &str) -> Option<f64> {
    let percent =
        text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok()).map(|n| n / 100.0);
    let plain = || text.parse::<f64>().ok();
    let time = || units::seconds(text).ok();
    let value = percent.or_else(plain).or_else(time).filter(|value| value.is_finite());
    if value.is_none() {
        let help = "write a number like `0.95`, `95%`, or a time like `90s`".to_owned();
        reader.error(node.position, format!("`{}` is not a number", shortened(text)), help);
    }
    value
}

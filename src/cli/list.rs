//! `dmsim list WHAT`: the names that a scenario can use, each with a line about it.

use clap::{Args, ValueEnum};

use super::Exit;
use crate::dms::deviations;
use crate::dms::profile::Weakness;
use crate::dms::supervision::recovery::Measure;
use crate::dms::supervision::{About, Detector};
use crate::placement::{LISTED, Listed};
use crate::scenario::catalogue;
use crate::workload::ChurnPreset;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum What {
    /// Metrics for `expect`.
    Metrics,
    /// Placement policies for `strategy.placement`.
    Policies,
    /// Recovery strategies for `strategy.recovery`.
    Strategies,
    /// Failure detectors for `strategy.detector`.
    Detectors,
    /// Images that come with dmsim.
    Images,
    /// Churn presets.
    Churn,
    /// Known weaknesses of the real DMS, the switches of `profile`.
    Weaknesses,
    /// Phrases of steps in feature files.
    Steps,
    /// Kinds of plots for `dmsim plot`.
    Plots,
    /// Where dmsim knowingly differs from the real DMS.
    Deviations,
}

#[derive(Args, Debug)]
pub(super) struct ListArguments {
    /// What to list.
    #[arg(value_enum)]
    what: What,
}

pub(super) fn list(arguments: &ListArguments) -> Exit {
    let rows: Vec<(String, String)> = match arguments.what {
        What::Metrics => crate::observe::all()
            .iter()
            .map(|metric| (metric.name.to_owned(), format!("{} ({})", metric.definition, metric.unit)))
            .collect(),
        What::Policies => {
            let row = |one: &Listed| (one.name.to_owned(), format!("{} [{}]", one.about, one.source));
            let written =
                "an expression of what is known of a machine, as in `score: \"free.gpu / total.gpu\"`";
            LISTED.iter().map(row).chain([("score".to_owned(), written.to_owned())]).collect()
        }
        What::Strategies => Measure::ALL.iter().map(|one| described(one.strategy().about())).collect(),
        What::Detectors => Detector::ALL.iter().map(|one| described(one.logic().about())).collect(),
        What::Weaknesses => Weakness::by_number()
            .iter()
            .map(|weakness| {
                let known = weakness.describe();
                (known.id.to_owned(), format!("as-is: {}; intended: {}", known.as_is, known.intended))
            })
            .collect(),
        What::Steps => {
            let mut last = "";
            for (chapter, phrase, act, meaning) in crate::accept::phrases() {
                if chapter != last {
                    println!("{}{chapter}", if last.is_empty() { "" } else { "\n" });
                    last = chapter;
                }
                println!("  {act:<5}  {phrase}\n         {meaning}");
            }
            return Exit::Fine;
        }
        What::Plots => super::plot::kinds(),
        What::Images => catalogue::images()
            .iter()
            .map(|image| (image.name.clone(), format!("{:.1} MB", image.size_bytes as f64 / 1e6)))
            .collect(),
        What::Deviations => {
            print!("{}", deviations::table());
            return Exit::Fine;
        }
        What::Churn => ChurnPreset::ALL
            .iter()
            .map(|preset| {
                let name = serde_json::to_string(preset).expect("a preset is a word");
                let model = preset.model();
                let line = format!(
                    "up {}, down {}, availability {:.1} %",
                    model.up,
                    model.down,
                    model.availability() * 100.0
                );
                (name.trim_matches('"').to_owned(), line)
            })
            .collect(),
    };
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, line) in rows {
        println!("{name:width$}  {line}");
    }
    Exit::Fine
}

fn described(about: &About) -> (String, String) {
    (about.name.to_owned(), format!("{} [{}]", about.line, about.source))
}

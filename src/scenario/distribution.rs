//! Distributions of spans of time, as scenarios write them: `9h` or `{weibull: {shape: 0.6, scale: 9.34h}}`. Those of
//! lengths are written alike: `20 kB` or `{lognormal: {median: 20 kB, sigma: 1}}`.

use super::reader::{Map, Reader, Variant};
use crate::dms::ensemble::tree::{Node, Value};
use crate::kernel::Distribution;
use crate::workload::Amounts;

const NAMES: &[&str] =
    &["constant", "uniform", "exponential", "normal", "lognormal", "weibull", "pareto", "gamma"];

/// Those of lengths.
const NAMES_OF_SIZES: &[&str] = &["constant", "uniform", "exponential", "lognormal"];

/// What a distribution is of.
#[derive(Clone, Copy)]
struct Measure {
    /// What is written without a distribution, for messages.
    one: &'static str,
    example: &'static str,
    names: &'static [&'static str],
    /// Reads a number with its unit.
    number: fn(&mut Reader, &Node, &str) -> Option<f64>,
}

const TIME: Measure = Measure { one: "a time", example: "5m", names: NAMES, number: Reader::seconds };
const SIZE: Measure = Measure {
    one: "a length",
    example: "20 kB",
    names: NAMES_OF_SIZES,
    number: |reader, node, what| reader.bytes(node, what).map(|bytes| bytes as f64),
};

/// Lengths of which every distribution makes sense.
const MEMORY: Measure = Measure { one: "an amount", example: "8 GiB", names: NAMES, ..SIZE };
/// What is counted, or has no unit.
const THINGS: Measure = Measure {
    one: "a number",
    example: "2",
    names: NAMES,
    number: |reader, node, what| reader.number(node, what),
};
/// The keys beside a distribution that bound it.
const BOUNDS: [&str; 2] = ["min", "max"];

impl Reader {
    /// Amounts without a unit.
    pub(super) fn amounts_of_things(&mut self, node: &Node, what: &str) -> Option<Amounts> {
        self.amounts(THINGS, node, what)
    }

    /// Amounts of bytes.
    pub(super) fn amounts_of_bytes(&mut self, node: &Node, what: &str) -> Option<Amounts> {
        self.amounts(MEMORY, node, what)
    }

    /// Amounts of time, in seconds.
    pub(super) fn amounts_of_time(&mut self, node: &Node, what: &str) -> Option<Amounts> {
        self.amounts(TIME, node, what)
    }

    /// A distribution with `min` and `max` beside it, where they are written.
    fn amounts(&mut self, of: Measure, node: &Node, what: &str) -> Option<Amounts> {
        let Value::Mapping(entries) = &node.value else {
            return self.distribution_of(of, node, what).map(Amounts::unbounded);
        };
        let before = self.errors;
        self.map(node, what, node.position, &[of.names, &BOUNDS].concat())?;
        if self.errors > before {
            return None;
        }
        let is_bound = |key: &str| BOUNDS.contains(&key);
        let (bounds, rest): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, _)| is_bound(&key.text));
        let mut read = Vec::new();
        for (key, content) in bounds {
            read.push((&*key.text, (of.number)(self, content, &key.text)?));
        }
        let rest = Node { value: Value::Mapping(rest.into_iter().cloned().collect()), ..node.clone() };
        let distribution = self.distribution_of(of, &rest, what)?;
        let bound = |name: &str| read.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let amounts = Amounts {
            of: distribution,
            least: bound("min").unwrap_or(0.0),
            most: bound("max").unwrap_or(f64::INFINITY),
        };
        if let Err(error) = amounts.check() {
            self.error(node.position, format!("`{what}`: {error}"), None);
            return None;
        }
        Some(amounts)
    }

    /// A distribution of lengths in bytes, where that type says seconds; a plain length always gives itself.
    pub(super) fn sizes(&mut self, node: &Node, what: &str) -> Option<Distribution> {
        self.distribution_of(SIZE, node, what)
    }

    /// A distribution of spans of time; a plain span always gives itself.
    pub(super) fn distribution(&mut self, node: &Node, what: &str) -> Option<Distribution> {
        self.distribution_of(TIME, node, what)
    }

    fn distribution_of(&mut self, of: Measure, node: &Node, what: &str) -> Option<Distribution> {
        if !node.is_map() {
            if matches!(node.value, Value::Sequence(_)) {
                let Measure { one, example, .. } = of;
                let help = format!(
                    "write {one} like `{example}`, or a distribution like `{{exponential: {{mean: {example}}}}}`"
                );
                self.wrong_type(node, &format!("`{what}`"), &format!("{one} or a distribution"), help);
                return None;
            }
            return (of.number)(self, node, what).map(|value_s| Distribution::Constant { value_s });
        }
        let variant = self.variant(node, "a distribution", of.names)?;
        let distribution = self.parameters(of, &variant)?;
        if let Err(error) = distribution.check() {
            // Parameters carry their unit in code; a scenario writes it with the value.
            let message =
                error.to_string().replace("low_s", "from").replace("high_s", "to").replace("_s`", "`");
            self.error(variant.at, format!("`{what}`: {message}"), None);
            return None;
        }
        Some(distribution)
    }

    fn parameters(&mut self, of: Measure, variant: &Variant<'_>) -> Option<Distribution> {
        if variant.name == "constant" {
            let value = (of.number)(self, variant.node, "constant");
            return value.map(|value_s| Distribution::Constant { value_s });
        }
        if variant.name == "lognormal" {
            return self.lognormal(of, variant);
        }
        let keys: &[&str] = match variant.name {
            "uniform" => &["from", "to"],
            "exponential" => &["mean"],
            "normal" => &["mean", "sd"],
            _ => &["shape", "scale"],
        };
        let map = self.map(variant.node, variant.name, variant.at, keys)?;
        match variant.name {
            "uniform" => {
                let (low_s, high_s) = (self.measure(of, &map, "from"), self.measure(of, &map, "to"));
                Some(Distribution::Uniform { low_s: low_s?, high_s: high_s? })
            }
            "exponential" => Some(Distribution::Exponential { mean_s: self.measure(of, &map, "mean")? }),
            "normal" => {
                let (mean_s, sd_s) = (self.measure(of, &map, "mean"), self.measure(of, &map, "sd"));
                Some(Distribution::Normal { mean_s: mean_s?, sd_s: sd_s? })
            }
            name => {
                let (shape, scale_s) = (self.pure(&map, "shape"), self.measure(of, &map, "scale"));
                let (shape, scale_s) = (shape?, scale_s?);
                Some(match name {
                    "weibull" => Distribution::Weibull { shape, scale_s },
                    "pareto" => Distribution::Pareto { shape, scale_s },
                    _ => Distribution::Gamma { shape, scale_s },
                })
            }
        }
    }

    /// By median and `sigma`, by `mu` and `sigma`, or by mean and standard deviation.
    fn lognormal(&mut self, of: Measure, variant: &Variant<'_>) -> Option<Distribution> {
        let map =
            self.map(variant.node, "lognormal", variant.at, &["median", "mu", "sigma", "mean", "sd"])?;
        let has = |key: &str| map.node.get(key).is_some();
        let chosen: Vec<&str> = ["median", "mu", "mean"].into_iter().filter(|key| has(key)).collect();
        let stray = has("mean") && has("sigma") || !has("mean") && has("sd");
        if chosen.len() != 1 || stray {
            let help = "write `{median: 2s, sigma: 0.5}`, `{mean: 2s, sd: 1s}` or `{mu: 0.7, sigma: 0.5}`";
            self.error(variant.at, "`lognormal` needs one pair of parameters", help.to_owned());
            return None;
        }
        match chosen[0] {
            "mean" => {
                let (mean_s, sd_s) = (self.measure(of, &map, "mean"), self.measure(of, &map, "sd"));
                Some(Distribution::LognormalMean { mean_s: mean_s?, sd_s: sd_s? })
            }
            "mu" => {
                let (mu, sigma) = (self.pure(&map, "mu"), self.pure(&map, "sigma"));
                Some(Distribution::Lognormal { mu: mu?, sigma: sigma? })
            }
            _ => {
                let (median_s, sigma) = (self.measure(of, &map, "median"), self.pure(&map, "sigma"));
                let median_s = median_s?;
                if median_s <= 0.0 {
                    self.error(variant.at, "`median` of `lognormal` must be longer than nothing", None);
                    return None;
                }
                Some(Distribution::Lognormal { mu: libm::log(median_s), sigma: sigma? })
            }
        }
    }

    fn measure(&mut self, of: Measure, map: &Map<'_>, key: &str) -> Option<f64> {
        let help = format!("{}, as in `{key}: {}`", of.one, of.example);
        self.required(map, key, &help, |r, node| (of.number)(r, node, key))
    }

    fn pure(&mut self, map: &Map<'_>, key: &str) -> Option<f64> {
        self.required(map, key, &format!("a number, as in `{key}: 0.6`"), |r, node| r.number(node, key))
    }
}

/// A distribution as a scenario writes it; reading it back gives the same bits.
pub(super) fn write(distribution: &Distribution) -> String {
    write_with(distribution, "s")
}

/// A distribution of lengths in bytes, likewise.
pub(super) fn write_sizes(distribution: &Distribution) -> String {
    write_with(distribution, " B")
}

/// Amounts without a unit, likewise.
pub(super) fn write_things(amounts: &Amounts) -> String {
    write_amounts(amounts, "")
}

/// Amounts of bytes, likewise.
pub(super) fn write_amounts_of_bytes(amounts: &Amounts) -> String {
    write_amounts(amounts, " B")
}

/// Amounts of time, likewise.
pub(super) fn write_amounts_of_time(amounts: &Amounts) -> String {
    write_amounts(amounts, "s")
}

fn write_amounts(amounts: &Amounts, unit: &str) -> String {
    let Amounts { of, least, most } = amounts;
    let written = write_with(of, unit);
    if *least <= 0.0 && !most.is_finite() {
        return written;
    }
    let inner = match of {
        Distribution::Constant { .. } => format!("constant: {written}"),
        _ => written[1..written.len() - 1].to_owned(),
    };
    let low = if *least > 0.0 { format!(", min: {least}{unit}") } else { String::new() };
    let high = if most.is_finite() { format!(", max: {most}{unit}") } else { String::new() };
    format!("{{{inner}{low}{high}}}")
}

fn write_with(distribution: &Distribution, unit: &str) -> String {
    match *distribution {
        Distribution::Constant { value_s } => format!("{value_s}{unit}"),
        Distribution::Uniform { low_s, high_s } => {
            format!("{{uniform: {{from: {low_s}{unit}, to: {high_s}{unit}}}}}")
        }
        Distribution::Exponential { mean_s } => format!("{{exponential: {{mean: {mean_s}{unit}}}}}"),
        Distribution::Normal { mean_s, sd_s } => {
            format!("{{normal: {{mean: {mean_s}{unit}, sd: {sd_s}{unit}}}}}")
        }
        Distribution::Lognormal { mu, sigma } => format!("{{lognormal: {{mu: {mu}, sigma: {sigma}}}}}"),
        Distribution::LognormalMean { mean_s, sd_s } => {
            format!("{{lognormal: {{mean: {mean_s}{unit}, sd: {sd_s}{unit}}}}}")
        }
        Distribution::Weibull { shape, scale_s } => {
            format!("{{weibull: {{shape: {shape}, scale: {scale_s}{unit}}}}}")
        }
        Distribution::Pareto { shape, scale_s } => {
            format!("{{pareto: {{shape: {shape}, scale: {scale_s}{unit}}}}}")
        }
        Distribution::Gamma { shape, scale_s } => {
            format!("{{gamma: {{shape: {shape}, scale: {scale_s}{unit}}}}}")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::yaml;

    fn read(text: &str) -> (Option<Distribution>, Vec<String>) {
        let mut reader = Reader::default();
        let node = yaml::parse(text.as_bytes()).unwrap();
        let read = reader.distribution(&node, "repair");
        (read, reader.findings.into_sorted().into_iter().map(|finding| finding.message).collect())
    }

    #[test]
    fn lognormal_has_three_pairs_of_parameters() {
        let (median, _) = read("{lognormal: {median: 1s, sigma: 2}}");
        assert_eq!(median, Some(Distribution::Lognormal { mu: 0.0, sigma: 2.0 }));
        let (mean, _) = read("{lognormal: {mean: 1m, sd: 1s}}");
        assert_eq!(mean, Some(Distribution::LognormalMean { mean_s: 60.0, sd_s: 1.0 }));
        for mixed in
            ["{median: 1s, mu: 1, sigma: 1}", "{mean: 1s, sigma: 1}", "{mu: 1, sd: 1s}", "{sigma: 1}"]
        {
            let (nothing, errors) = read(&format!("{{lognormal: {mixed}}}"));
            assert_eq!((nothing, errors.len()), (None, 1), "{mixed}");
        }
        let (_, errors) = read("{lognormal: {median: 1s}}");
        assert_eq!(errors, ["`lognormal` needs `sigma`"]);
    }

    #[test]
    fn senseless_parameters_are_named_as_the_scenario_names_them() {
        for (text, message) in [
            ("{uniform: {from: 2s, to: 1s}}", "`repair`: `from` of uniform(2 to 1 s) must not be above `to`"),
            (
                "{exponential: {mean: 0s}}",
                "`repair`: `mean` of exponential(mean 0 s) must be a number above 0",
            ),
            (
                "{weibull: {shape: -1, scale: 1s}}",
                "`repair`: `shape` of Weibull(shape -1, scale 1 s) must be a number above 0",
            ),
        ] {
            assert_eq!(read(text), (None, vec![message.to_owned()]), "{text}");
        }
    }

    #[test]
    fn bounds_stand_beside_a_distribution() {
        let read = |text: &str| {
            let mut reader = Reader::default();
            let node = yaml::parse(text.as_bytes()).unwrap();
            let read = reader.amounts_of_bytes(&node, "ram");
            (read, reader.findings.into_sorted().into_iter().map(|one| one.message).collect::<Vec<_>>())
        };
        let (bounded, _) = read("{pareto: {shape: 1.5, scale: 1 GiB}, min: 2 GiB, max: 64 GiB}");
        let bounded = bounded.unwrap();
        assert_eq!((bounded.least, bounded.most), (2_147_483_648.0, 68_719_476_736.0));
        for amounts in [bounded, Amounts::constant(5.0), Amounts { most: 9.0, ..Amounts::constant(7.0) }] {
            assert_eq!(read(&write_amounts_of_bytes(&amounts)), (Some(amounts), vec![]));
        }
        for (text, message) in [
            (
                "{constant: 1 GiB, min: 3 B, max: 2 B}",
                "`ram`: the least amount, 3, must not be above the most, 2",
            ),
            ("{constant: 1 GiB, mix: 3 B}", "unknown key `mix` in `ram`"),
            (
                "{min: 3 B}",
                "a distribution must be exactly one of `constant`, `uniform`, `exponential`, `normal`, \
                `lognormal`, `weibull`, `pareto` or `gamma`",
            ),
        ] {
            assert_eq!(read(text), (None, vec![message.to_owned()]), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(kind in 0..9, a in 1e-9_f64..1e8, b in 1e-9_f64..1e8) {
            let distribution = match kind {
                0 => Distribution::Constant { value_s: a },
                1 => Distribution::Uniform { low_s: a.min(b), high_s: a.max(b) },
                2 => Distribution::Exponential { mean_s: a },
                3 => Distribution::Normal { mean_s: a, sd_s: b },
                4 => Distribution::Lognormal { mu: a - 5e7, sigma: b },
                5 => Distribution::LognormalMean { mean_s: a, sd_s: b },
                6 => Distribution::Weibull { shape: a, scale_s: b },
                7 => Distribution::Pareto { shape: a, scale_s: b },
                _ => Distribution::Gamma { shape: a, scale_s: b },
            };
            prop_assert_eq!(read(&write(&distribution)), (Some(distribution), vec![]));
        }
    }
}

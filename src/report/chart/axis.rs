//! Axes: which range they show, where the ticks are and what they say.

/// What an axis counts, which decides its ticks and their text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quantity {
    /// Plain numbers.
    Number,
    /// Seconds, shown in the unit that suits the range: s, min, h or d.
    Time,
    /// A share from 0 to 1, shown in percent.
    Share,
    /// Degrees of latitude.
    Latitude,
    /// Degrees of longitude.
    Longitude,
}

/// One axis of a chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    /// What it shows, with the unit unless [`Quantity::Time`] adds its own; empty for none.
    pub title: String,
    /// What it counts.
    pub quantity: Quantity,
    /// The range shown; found from the data where none is given (with zero, for y axes).
    pub range: Option<(f64, f64)>,
    /// Whether equal steps are equal factors. It then shows what is greater than zero.
    pub is_logarithmic: bool,
}

impl Axis {
    /// An axis over the range of the data.
    #[must_use]
    pub fn new(title: &str, quantity: Quantity) -> Self {
        Self { title: title.to_owned(), quantity, range: None, is_logarithmic: false }
    }
    /// The same axis, on which equal steps are equal factors.
    #[must_use]
    pub fn logarithmic(self) -> Self {
        Self { is_logarithmic: true, ..self }
    }
    /// The same axis over a fixed range.
    #[must_use]
    pub fn over(self, from: f64, to: f64) -> Self {
        Self { range: Some((from, to)), ..self }
    }
}

/// A unit of time: seconds in it, its symbol, and the steps that read well in it.
type TimeUnit = (f64, &'static str, &'static [f64]);

const TIME_UNITS: [TimeUnit; 4] = [
    (86_400.0, "d", &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]),
    (3600.0, "h", &[0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0]),
    (60.0, "min", &[0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0]),
    (1.0, "s", &[]),
];

fn time_unit(to: f64) -> TimeUnit {
    // A unit is used from about three of it on; days only from five, since hours are how people speak of
    // three days.
    let from = |unit: &TimeUnit| if unit.1 == "d" { 5.0 } else { 3.0 };
    TIME_UNITS.into_iter().find(|unit| to >= from(unit) * unit.0).unwrap_or(TIME_UNITS[3])
}

/// An axis made ready: range, ticks with their texts, and the full title.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Ticked {
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// (value, text) in rising order.
    pub(crate) ticks: Vec<(f64, String)>,
    pub(crate) title: String,
    pub(crate) is_logarithmic: bool,
}

impl Ticked {
    /// Where a value lies between the ends of the axis, from 0 to 1.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let value = value.clamp(self.from, self.to);
        if self.is_logarithmic {
            libm::log(value / self.from) / libm::log(self.to / self.from)
        } else {
            (value - self.from) / (self.to - self.from)
        }
    }
}

/// The least step of 1, 2 or 5 times a power of ten that needs at most `most` steps for `length`.
fn round_step(length: f64, most: usize) -> f64 {
    let wanted = length / most as f64;
    let mut power = 1.0;
    while power > wanted {
        power /= 10.0;
    }
    while power * 10.0 <= wanted {
        power *= 10.0;
    }
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= wanted)
        .unwrap_or(power)
}

/// Makes an axis ready for the values `least` to `greatest`, with about `most` ticks. `rounded` widens the
/// range to the next tick, so that no curve touches the frame.
pub(crate) fn tick(axis: &Axis, least: f64, greatest: f64, most: usize, rounded: bool) -> Ticked {
    if axis.is_logarithmic {
        return tick_factors(axis, least, greatest, rounded);
    }
    let (from, mut to) = axis.range.unwrap_or((least, greatest));
    if to.total_cmp(&from).is_le() {
        to = from + 1.0;
    }
    let (unit, steps, symbol): (f64, &[f64], &str) = match axis.quantity {
        Quantity::Time => {
            let (size, symbol, steps) = time_unit(to);
            (size, steps, symbol)
        }
        Quantity::Latitude => (1.0, &[30.0], ""),
        Quantity::Longitude => (1.0, &[30.0, 60.0], ""),
        Quantity::Number | Quantity::Share => (1.0, &[], ""),
    };
    let length = (to - from) / unit;
    // At the ends of what numbers can be no step leads from one end of an axis to the other.
    if !(1e-290..=1e290).contains(&length) {
        return Ticked { from, to, ticks: Vec::new(), title: axis.title.clone(), is_logarithmic: false };
    }
    let fitting = steps.iter().copied().find(|step| length / step <= most as f64);
    let step = fitting.unwrap_or_else(|| round_step(length, most));
    if rounded && axis.range.is_none() {
        to = libm::ceil(to / unit / step - 1e-9) * step * unit;
    }
    let first = libm::ceil(from / unit / step - 1e-9) as i64;
    let last = libm::floor(to / unit / step + 1e-9) as i64;
    let text = |value: f64| tick_text(axis.quantity, value, step, to / unit);
    let ticks = (first..=last).map(|n| (n as f64 * step * unit, text(n as f64 * step))).collect();
    let title = if symbol.is_empty() || axis.title.is_empty() {
        axis.title.clone()
    } else {
        format!("{} ({symbol})", axis.title)
    };
    Ticked { from, to, ticks, title, is_logarithmic: false }
}

/// Round times by their seconds, each about as many times the one before; those that are marked stand alone where the
/// range is long.
const ROUND_TIMES: [(f64, &str, bool); 40] = [
    (1e-3, "1 ms", true),
    (2e-3, "2 ms", false),
    (5e-3, "5 ms", false),
    (0.01, "10 ms", true),
    (0.02, "20 ms", false),
    (0.05, "50 ms", false),
    (0.1, "100 ms", true),
    (0.2, "200 ms", false),
    (0.5, "500 ms", false),
    (1.0, "1 s", true),
    (2.0, "2 s", false),
    (5.0, "5 s", false),
    (10.0, "10 s", true),
    (30.0, "30 s", false),
    (60.0, "1 min", true),
    (120.0, "2 min", false),
    (300.0, "5 min", false),
    (600.0, "10 min", true),
    (1800.0, "30 min", false),
    (3600.0, "1 h", true),
    (7200.0, "2 h", false),
    (10_800.0, "3 h", false),
    (21_600.0, "6 h", true),
    (43_200.0, "12 h", false),
    (86_400.0, "1 d", true),
    (172_800.0, "2 d", false),
    (432_000.0, "5 d", false),
    (864_000.0, "10 d", true),
    (1_728_000.0, "20 d", false),
    (4_320_000.0, "50 d", false),
    (8_640_000.0, "100 d", true),
    (17_280_000.0, "200 d", false),
    (43_200_000.0, "500 d", false),
    (86_400_000.0, "1000 d", true),
    (172_800_000.0, "2000 d", false),
    (432_000_000.0, "5000 d", false),
    (864_000_000.0, "10 kd", true),
    (8_640_000_000.0, "100 kd", true),
    (86_400_000_000.0, "1 Md", true),
    (864_000_000_000.0, "10 Md", true),
];

/// Ticks at round times between two; of many, only those that are marked.
fn time_ticks(from: f64, to: f64) -> Vec<(f64, String)> {
    let within = ROUND_TIMES.iter().filter(|(seconds, _, _)| (from..=to).contains(seconds));
    let is_long = to / from > 300.0;
    let shown = within.filter(|(_, _, alone)| *alone || !is_long);
    shown.map(|(seconds, text, _)| (*seconds, (*text).to_owned())).collect()
}

/// The same for equal factors: ticks at powers of ten, and at twice and five times those where the range is short.
fn tick_factors(axis: &Axis, least: f64, greatest: f64, rounded: bool) -> Ticked {
    let (mut from, mut to) = axis.range.unwrap_or((least, greatest));
    // Whatever is not greater than zero has no place here; a decade shows that nothing is known.
    if from.total_cmp(&0.0).is_le() || to.total_cmp(&from).is_le() {
        (from, to) = if to > 0.0 { (to / 10.0, to) } else { (1.0, 10.0) };
    }
    if axis.quantity == Quantity::Time {
        let ticks = time_ticks(from, to);
        return Ticked { from, to, ticks, title: axis.title.clone(), is_logarithmic: true };
    }
    let decades = libm::log10(to / from);
    let factors: &[f64] = if decades > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let first = libm::floor(libm::log10(from)) as i32;
    let last = libm::ceil(libm::log10(to)) as i32;
    let steps = (first..=last).flat_map(|power| factors.iter().map(move |it| it * libm::exp10(power.into())));
    let steps: Vec<f64> = steps.collect();
    let tolerance = 1.0 + 1e-9;
    if rounded && axis.range.is_none() {
        from = steps.iter().copied().rev().find(|step| *step <= from * tolerance).unwrap_or(from);
        to = steps.iter().copied().find(|step| *step * tolerance >= to).unwrap_or(to);
    }
    let shown = steps.into_iter().filter(|step| *step * tolerance >= from && *step <= to * tolerance);
    let ticks = shown.map(|value| (value, tick_text(axis.quantity, value, value, value * 10.0))).collect();
    Ticked { from, to, ticks, title: axis.title.clone(), is_logarithmic: true }
}

fn tick_text(quantity: Quantity, value: f64, step: f64, to: f64) -> String {
    let side = |positive: &str, negative: &str| match value {
        v if v > 0.0 => format!("{v}°{positive}"),
        v if v < 0.0 => format!("{}°{negative}", -v),
        _ => "0°".to_owned(),
    };
    match quantity {
        Quantity::Latitude => side("N", "S"),
        Quantity::Longitude => side("E", "W"),
        Quantity::Share => format!("{} %", decimals(value * 100.0, step * 100.0)),
        Quantity::Number | Quantity::Time if to >= 1e10 => format!("{} G", decimals(value / 1e9, step / 1e9)),
        Quantity::Number | Quantity::Time if to >= 1e7 => format!("{} M", decimals(value / 1e6, step / 1e6)),
        Quantity::Number | Quantity::Time if to >= 1e4 => format!("{} k", decimals(value / 1e3, step / 1e3)),
        Quantity::Number | Quantity::Time => decimals(value, step),
    }
}

/// The value with as many decimals as the step needs.
fn decimals(value: f64, step: f64) -> String {
    let mut places = 0;
    let mut scaled = step;
    while places < 9 && libm::fabs(scaled - libm::round(scaled)) > 1e-6 * scaled {
        scaled *= 10.0;
        places += 1;
    }
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::{Axis, Quantity, tick};
    use proptest::prelude::{prop_assert, proptest};

    fn texts(axis: &Axis, to: f64) -> Vec<String> {
        tick(axis, 0.0, to, 8, false).ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn time_is_told_in_units_that_people_use() {
        let axis = Axis::new("simulated time", Quantity::Time);
        assert_eq!(texts(&axis, 21_600.0), ["0", "1", "2", "3", "4", "5", "6"]);
        assert_eq!(texts(&axis, 86_400.0), ["0", "3", "6", "9", "12", "15", "18", "21", "24"]);
        assert_eq!(tick(&axis, 0.0, 86_400.0, 8, false).title, "simulated time (h)");
        assert_eq!(texts(&axis, 300.0), ["0", "1", "2", "3", "4", "5"]);
        assert_eq!(tick(&axis, 0.0, 300.0, 8, false).title, "simulated time (min)");
        assert_eq!(texts(&axis, 7.0 * 86_400.0).last().unwrap(), "7");
        assert_eq!(tick(&axis, 0.0, 0.0, 8, false).to, 1.0);
    }

    #[test]
    fn an_axis_of_extreme_numbers_has_an_end() {
        let axis = Axis::new("anything", Quantity::Number);
        for (from, to) in [(-1e308, 1e308), (0.0, 5e-324), (0.0, f64::INFINITY), (f64::MIN, f64::MAX)] {
            assert!(tick(&axis, from, to, 9, true).ticks.len() <= 1000, "{from} {to}");
        }
    }

    #[test]
    fn numbers_are_short() {
        let axis = Axis::new("peers", Quantity::Number);
        assert_eq!(texts(&axis, 1000.0), ["0", "200", "400", "600", "800", "1000"]);
        assert_eq!(texts(&axis, 20_000.0).last().unwrap(), "20 k");
        assert_eq!(texts(&axis, 0.05), ["0.00", "0.01", "0.02", "0.03", "0.04", "0.05"]);
        let share = Axis::new("share", Quantity::Share).over(0.0, 1.0);
        assert_eq!(texts(&share, 0.5).last().unwrap(), "100 %");
        let map = Axis::new("", Quantity::Longitude).over(-60.0, 60.0);
        assert_eq!(texts(&map, 0.0), ["60°W", "30°W", "0°", "30°E", "60°E"]);
    }

    #[test]
    fn factors_have_their_ticks_at_powers_of_ten() {
        let axis = Axis::new("peers", Quantity::Number).logarithmic();
        let shown = |from, to| {
            let ready = tick(&axis, from, to, 8, true);
            (ready.ticks.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>(), ready)
        };
        let (texts, ready) = shown(1e3, 1e6);
        assert_eq!(texts, ["1 k", "10 k", "100 k", "1 M"]);
        assert!((ready.share(1e4) - 1.0 / 3.0).abs() < 1e-12 && ready.share(0.0) == 0.0);
        let (texts, ready) = shown(30.0, 400.0);
        assert_eq!(texts, ["20", "50", "100", "200", "500"]);
        assert_eq!((ready.from, ready.to), (20.0, 500.0));
        assert_eq!(shown(0.0, 0.0).1.ticks.len(), 4, "a decade where nothing is known");
        assert_eq!(shown(0.3, 0.7).0, ["0.2", "0.5", "1"]);
    }

    #[test]
    fn factors_of_time_have_their_ticks_at_round_times() {
        let axis = Axis::new("", Quantity::Time).logarithmic();
        let shown = |from, to| -> Vec<String> {
            tick(&axis, from, to, 8, false).ticks.into_iter().map(|(_, text)| text).collect()
        };
        let long = ["1 s", "10 s", "1 min", "10 min", "1 h", "6 h", "1 d", "10 d"];
        assert_eq!(shown(0.9, 2e6), long);
        assert_eq!(shown(50.0, 7000.0), ["1 min", "2 min", "5 min", "10 min", "30 min", "1 h"]);
    }

    proptest! {
        #[test]
        fn ticks_lie_within_and_are_few(exponent in -9_i32..15, mantissa in 1.0_f64..10.0, time: bool) {
            let to = mantissa * libm::exp10(f64::from(exponent));
            let axis = Axis::new("x", if time { Quantity::Time } else { Quantity::Number });
            let ready = tick(&axis, 0.0, to, 8, true);
            prop_assert!((2..=10).contains(&ready.ticks.len()), "{ready:?}");
            prop_assert!(ready.to >= to * (1.0 - 1e-6), "{ready:?}");
            let end = ready.to * (1.0 + 1e-6);
            prop_assert!(ready.ticks.iter().all(|(at, _)| *at <= end), "{ready:?}");
        }
    }
}

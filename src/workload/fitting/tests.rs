use proptest::prelude::*;

use super::*;
use crate::kernel::sample::Distribution;
use crate::kernel::{Domain, Streams};

const FITTING: Domain = Domain::new("test.fitting");

/// Millions of revolutions that 23 ball bearings endured (Lieblein and Zelen, 1956), the usual example of such fits.
const BEARINGS: [f64; 23] = [
    17.88, 28.92, 33.0, 41.52, 42.12, 45.6, 48.48, 51.84, 51.96, 54.12, 55.56, 67.8, 68.64, 68.64, 68.88,
    84.12, 93.12, 98.64, 105.12, 105.84, 127.92, 128.04, 173.4,
];

/// Weeks without a relapse of 21 patients (Freireich et al., 1963), the usual example of censored spans.
fn remissions() -> Spans {
    let relapsed = vec![6.0, 6.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0];
    let well = vec![6.0, 9.0, 10.0, 11.0, 17.0, 19.0, 20.0, 25.0, 32.0, 32.0, 34.0, 35.0];
    Spans::new(relapsed, well)
}

/// Parameters, log-likelihood and distance of the four families, computed with SciPy 1.17's optimiser.
const BEARING_FITS: [[f64; 4]; 4] = [
    [72.224_348, 72.224_348, -121.434_875_981, 0.306_790_223],
    [2.102_058_86, 81.878_333_2, -113.691_290_932, 0.151_087_554],
    [4.150_454_5, 0.521_649_338, -113.128_566_737, 0.089_786_960_3],
    [4.025_414_6, 17.942_089_1, -113.029_281_372, 0.122_971_769],
];

/// Parameters and log-likelihood, likewise.
const REMISSION_FITS: [[f64; 3]; 4] = [
    [39.888_889, 39.888_889, -42.174_880_300_4],
    [1.353_734_53, 33.765_150_9, -41.658_678_476_9],
    [3.203_067_65, 0.978_724_784, -40.680_155_869_9],
    [1.677_008_85, 18.541_385_7, -41.439_416_160_3],
];

/// Draws from a distribution; what is longer than `limit_s` is cut off there.
fn drawn(distribution: Distribution, count: usize, seed: u64, limit_s: f64) -> Spans {
    let mut rng = Streams::new(seed).owned(FITTING, 0);
    let (mut ended, mut censored) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let span_s = distribution.sample_s(&mut rng);
        if span_s < limit_s {
            ended.push(span_s);
        } else {
            censored.push(limit_s);
        }
    }
    Spans::new(ended, censored)
}

/// Two numbers that describe a model; the exponential has one of them twice.
fn parameters(model: &Model) -> [f64; 2] {
    match *model {
        Model::Exponential { mean_s } => [mean_s, mean_s],
        Model::Weibull { shape, scale_s } | Model::Gamma { shape, scale_s } => [shape, scale_s],
        Model::Lognormal { mu, sigma } => [mu, sigma],
    }
}

/// The model of the same family with other parameters.
fn with(model: &Model, [first, second]: [f64; 2]) -> Model {
    match model {
        Model::Exponential { .. } => Model::Exponential { mean_s: first },
        Model::Weibull { .. } => Model::Weibull { shape: first, scale_s: second },
        Model::Lognormal { .. } => Model::Lognormal { mu: first, sigma: second },
        Model::Gamma { .. } => Model::Gamma { shape: first, scale_s: second },
    }
}

/// The asymptotic standard errors of a fit: roots of the diagonal of the inverse of the observed information.
fn standard_errors(model: &Model, spans: &Spans) -> [f64; 2] {
    let at = parameters(model);
    let steps = at.map(|parameter| 1e-4 * parameter.abs().max(1e-2));
    let moved =
        |x: f64, y: f64| with(model, [at[0] + x * steps[0], at[1] + y * steps[1]]).log_likelihood(spans);
    let middle = moved(0.0, 0.0);
    let first = (moved(1.0, 0.0) - 2.0 * middle + moved(-1.0, 0.0)) / (steps[0] * steps[0]);
    if model.parameters() == 1 {
        return [(-1.0 / first).sqrt(); 2];
    }
    let second = (moved(0.0, 1.0) - 2.0 * middle + moved(0.0, -1.0)) / (steps[1] * steps[1]);
    let corners = moved(1.0, 1.0) - moved(1.0, -1.0) - moved(-1.0, 1.0) + moved(-1.0, -1.0);
    let mixed = corners / (4.0 * steps[0] * steps[1]);
    let determinant = first * second - mixed * mixed;
    [(-second / determinant).sqrt(), (-first / determinant).sqrt()]
}

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} is not {expected}");
}

const KNOWN: [Model; 6] = [
    Model::Exponential { mean_s: 3600.0 },
    Model::Weibull { shape: 0.55, scale_s: 127_080.0 },
    Model::Weibull { shape: 2.5, scale_s: 40.0 },
    Model::Lognormal { mu: 8.0, sigma: 1.5 },
    Model::Gamma { shape: 0.4, scale_s: 20_000.0 },
    Model::Gamma { shape: 6.0, scale_s: 100.0 },
];

/// Four standard errors are exceeded once in 16,000 estimates.
#[test]
fn known_parameters_are_found_again() {
    for (number, known) in KNOWN.iter().enumerate() {
        let distribution = known.distribution();
        // Everything ends, then about a third is cut off, then nine in ten.
        for share in [1.0, 0.65, 0.1] {
            let limit_s = quantile(known, share);
            let spans = drawn(distribution, 4000, 100 + number as u64, limit_s);
            let cut = spans.censored().len() as f64 / 4000.0;
            assert!((cut - (1.0 - share)).abs() < 0.04, "{known:?}: {cut}");
            let fits = fit(&spans).unwrap();
            let found = fits.iter().find(|fit| fit.model.family() == known.family()).unwrap();
            let errors = standard_errors(&found.model, &spans);
            for ((found, expected), error) in
                parameters(&found.model).iter().zip(parameters(known)).zip(errors)
            {
                let off = (found - expected) / error;
                assert!(off.abs() < 4.0, "{known:?} up to {share}: {found} is {off} errors of {error} off");
            }
            // So little of a curve may look like that of another family.
            if share > 0.5 && known.parameters() == 2 {
                assert_eq!(best(&fits).unwrap().model.family(), known.family(), "{fits:?}");
            }
            // The critical value of the distance at one in a thousand, for known parameters.
            assert!(found.ks < 1.95 / (spans.ended().len() as f64).sqrt(), "{found:?}");
        }
    }
}

/// Below which span a share of all lie; endless for all of them.
fn quantile(model: &Model, share: f64) -> f64 {
    let (mut low, mut high) = (-20.0_f64, 60.0_f64);
    while share < 1.0 && high - low > 1e-9 {
        let middle = low.midpoint(high);
        if model.cumulative(libm::exp(middle)) < share { low = middle } else { high = middle }
    }
    if share < 1.0 { libm::exp(low) } else { f64::INFINITY }
}

/// For complete samples the errors have closed forms, which shows that those of the test above are right.
#[test]
fn standard_errors_are_those_of_the_books() {
    let weibull = Model::Weibull { shape: 0.55, scale_s: 127_080.0 };
    let spans = drawn(weibull.distribution(), 4000, 1, f64::INFINITY);
    let fits = fit(&spans).unwrap();
    let [shape, _] = standard_errors(&fits[1].model, &spans);
    assert_near(shape, (0.6079_f64 / 4000.0).sqrt() * 0.55, 0.05);
    let [mean, _] = standard_errors(&fits[0].model, &spans);
    assert_near(mean, fits[0].model.distribution().mean_s() / 4000.0_f64.sqrt(), 0.05);
}

#[test]
fn an_exponential_is_all_time_by_all_ends() {
    let complete = fit(&Spans::new(vec![3.0, 1.0, 2.0], vec![])).unwrap();
    assert_eq!(complete[0].model, Model::Exponential { mean_s: 2.0 });
    // -3 ln 2 - (1 + 2 + 3) / 2
    assert_near(complete[0].log_likelihood, -3.0 * std::f64::consts::LN_2 - 3.0, 1e-15);
    assert_near(complete[0].aic, 2.0 + 6.0 * std::f64::consts::LN_2 + 6.0, 1e-15);
    // The steps are 0 to 1/3 at 1, to 2/3 at 2, to 1 at 3; the fit has 1 - exp(-1/2) = 0.393 at 1, which is above 0.
    assert_near(complete[0].ks, 1.0 - (-0.5_f64).exp(), 1e-15);
    let censored = fit(&Spans::new(vec![1.0, 2.0], vec![4.0, 5.0])).unwrap();
    assert_eq!(censored[0].model, Model::Exponential { mean_s: 6.0 });
    assert_near(censored[0].log_likelihood, -2.0 * 6.0_f64.ln() - 2.0, 1e-15);
}

/// Shape 2.10 and scale 81.9 of the Weibull are in every book; all were computed with SciPy too.
#[test]
fn ball_bearings_have_their_published_fits() {
    let fits = fit(&Spans::new(BEARINGS.to_vec(), vec![])).unwrap();
    let found: Vec<_> = fits.iter().map(|fit| (parameters(&fit.model), fit.log_likelihood, fit.ks)).collect();
    for ((parameters, log_likelihood, ks), expected) in found.iter().zip(BEARING_FITS) {
        assert_near(parameters[0], expected[0], 1e-6);
        assert_near(parameters[1], expected[1], 1e-6);
        assert_near(*log_likelihood, expected[2], 1e-9);
        assert_near(*ks, expected[3], 1e-6);
    }
    assert_eq!(best(&fits).unwrap().model.family(), "gamma");
}

/// Shape 1.354 and scale 33.8 of the Weibull are published; all were computed with SciPy too.
#[test]
fn remissions_have_their_published_fits() {
    let fits = fit(&remissions()).unwrap();
    for (fit, expected) in fits.iter().zip(REMISSION_FITS) {
        let found = parameters(&fit.model);
        assert_near(found[0], expected[0], 1e-6);
        assert_near(found[1], expected[1], 1e-6);
        assert_near(fit.log_likelihood, expected[2], 1e-9);
    }
}

/// The published survival of the patients: 0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448.
#[test]
fn steps_are_those_of_kaplan_and_meier() {
    let steps = remissions().cumulative();
    let survival: Vec<_> = steps.iter().map(|(span, ended)| (*span, format!("{:.3}", 1.0 - ended))).collect();
    let expected = [
        (6.0, "0.857"),
        (7.0, "0.807"),
        (10.0, "0.753"),
        (13.0, "0.690"),
        (16.0, "0.627"),
        (22.0, "0.538"),
        (23.0, "0.448"),
    ];
    assert_eq!(survival, expected.map(|(span, text)| (span, text.to_owned())));
    let complete = Spans::new(vec![2.0, 1.0, 2.0, 4.0], vec![]).cumulative();
    assert_eq!(complete, [(1.0, 0.25), (2.0, 0.75), (4.0, 1.0)]);
}

#[test]
fn what_cannot_be_fitted_is_explained() {
    let error = |ended: &[f64], censored: &[f64]| {
        fit(&Spans::new(ended.to_vec(), censored.to_vec())).unwrap_err().to_string()
    };
    assert_eq!(error(&[], &[5.0]), "0 of them ended");
    assert_eq!(error(&[5.0], &[5.0]), "1 of them ended");
    assert_eq!(error(&[5.0, 5.0, 5.0], &[3.0]), "all that ended took about 5 s");
    assert_eq!(error(&[1.0, 1.01], &[1e12; 10]), "no likeliest lognormal distribution was found");
}

#[test]
fn tails_go_on_where_numbers_end() {
    // From just before to just after the place where the series takes over.
    let normal = |z| model::ln_normal_tail(z);
    assert_near(normal(30.0) - normal(29.999_999), -30.033e-6, 1e-2);
    assert_near(normal(100.0), -5_005.524_208_694_205, 1e-12);
    // With a shape of one the tail is exp(-ratio), with two it is (1 + ratio) exp(-ratio).
    for ratio in [600.0, 650.0, 800.0, 1e5] {
        assert_near(model::ln_gamma_tail(1.0, ratio), -ratio, 1e-13);
        assert_near(model::ln_gamma_tail(2.0, ratio), libm::log1p(ratio) - ratio, 1e-13);
    }
    // Beside the last one that is a number.
    let step = model::ln_gamma_tail(30.0, 800.1) - model::ln_gamma_tail(30.0, 800.0);
    assert_near(step, -0.1 * (1.0 - 29.0 / 800.0), 1e-2);
}

#[test]
fn windows_cut_and_leave_out() {
    let session = |host, start_s, end_s| Session { host, start_s, end_s };
    let sessions = [
        session(0, 0.0, 10.0),
        session(0, 14.0, 20.0),
        session(0, 20.0, 25.0),
        session(0, 90.0, 100.0),
        session(1, 5.0, 30.0),
        session(1, 31.0, 120.0),
        session(1, 121.0, 130.0),
    ];
    let whole = Observations::of(&sessions, Window::default());
    assert_eq!(whole.up, Spans::new(vec![10.0, 11.0, 10.0, 25.0, 89.0, 9.0], vec![]));
    assert_eq!(whole.down, Spans::new(vec![4.0, 65.0, 1.0, 1.0], vec![]));
    assert_eq!((whole.joined, whole.left_out), (1, 0));
    let until = Observations::of(&sessions, Window { start_s: None, end_s: Some(100.0) });
    assert_eq!(until.up, Spans::new(vec![10.0, 11.0, 25.0], vec![10.0, 69.0]));
    assert_eq!(until.down, Spans::new(vec![4.0, 65.0, 1.0], vec![]));
    assert_eq!(until.left_out, 2, "the last down time and session of the second host");
    let between = Observations::of(&sessions, Window { start_s: Some(5.0), end_s: Some(27.0) });
    assert_eq!(between.up, Spans::new(vec![11.0], vec![]));
    assert_eq!(between.down, Spans::new(vec![4.0], vec![2.0]));
    let moment = [session(0, 1.0, 4.0), session(0, 6.0, 6.0), session(0, 9.0, 9.0), session(0, 9.0, 10.0)];
    let short = Observations::of(&moment, Window::default());
    assert_eq!(
        (short.up, short.down),
        (Spans::new(vec![3.0, 1.0], vec![]), Spans::new(vec![2.0, 3.0], vec![]))
    );
    assert_eq!(
        (short.momentary, short.joined),
        (1, 1),
        "a moment parts two down times, and belongs to its neighbour"
    );
    let long = Observations::of(&sessions, Window { start_s: None, end_s: Some(200.0) });
    assert_eq!(long.down.censored(), [70.0, 100.0], "nobody came back");
}

/// Hosts drawn until a moment: without regard to what is cut off the mean comes out too short, with it it does not.
#[test]
fn censoring_mends_what_a_short_window_cuts_off() {
    let mut rng = Streams::new(9).owned(FITTING, 1);
    let (up, down) = (Distribution::Exponential { mean_s: 50.0 }, Distribution::Exponential { mean_s: 10.0 });
    let mut sessions = Vec::new();
    for host in 0..2000 {
        let mut now = down.sample_s(&mut rng);
        while now < 100.0 {
            let end_s = (now + up.sample_s(&mut rng)).min(100.0);
            sessions.push(Session { host, start_s: now, end_s });
            now = end_s + down.sample_s(&mut rng);
        }
    }
    let mean = |window| {
        let spans = Observations::of(&sessions, window).up;
        let model = fit(&spans).unwrap()[0].model;
        (model.distribution().mean_s(), standard_errors(&model, &spans)[0])
    };
    let (heedless, _) = mean(Window::default());
    let (heedful, error) = mean(Window { start_s: Some(0.0), end_s: Some(100.0) });
    assert!(heedless < 40.0 && (heedful - 50.0).abs() < 4.0 * error, "{heedless} {heedful} {error}");
}

proptest! {
    #[test]
    fn nothing_near_an_estimate_is_likelier(
        ended in prop::collection::vec(0.001_f64..1e7, 3..60),
        censored in prop::collection::vec(0.001_f64..1e7, 0..20),
    ) {
        let spans = Spans::new(ended, censored);
        let Ok(fits) = fit(&spans) else { return Ok(()) };
        for fit in fits {
            let [first, second] = parameters(&fit.model);
            let steps = [1e-3, -1e-3, 0.1, -0.1];
            let near = steps.iter().flat_map(|step| {
                let (x, y) = (step * first.abs().max(0.1), step * second.abs().max(0.1));
                [[first + x, second], [first, second + y], [first + x, second + y], [first + x, second - y]]
            });
            for other in near {
                let beside = with(&fit.model, other).log_likelihood(&spans);
                prop_assert!(beside <= fit.log_likelihood + 1e-6, "{fit:?}: {beside} at {other:?}");
            }
            prop_assert!((0.0..=1.0).contains(&fit.ks) && fit.model.distribution().check().is_ok());
        }
    }

    /// Seconds or hours: the same shapes, and scales in proportion.
    #[test]
    fn another_unit_gives_the_same_fits(
        ended in prop::collection::vec(1.0_f64..1e4, 5..40),
        censored in prop::collection::vec(1.0_f64..1e4, 0..10),
    ) {
        let spans = Spans::new(ended.clone(), censored.clone());
        let hours = |spans: Vec<f64>| spans.into_iter().map(|span| span * 3600.0).collect();
        let (Ok(small), Ok(large)) = (fit(&spans), fit(&Spans::new(hours(ended), hours(censored)))) else {
            return Ok(());
        };
        for (small, large) in small.iter().zip(&large) {
            let (small_mean, large_mean) =
                (small.model.distribution().mean_s(), large.model.distribution().mean_s());
            prop_assert!((large_mean / small_mean / 3600.0 - 1.0).abs() < 1e-4, "{small:?} {large:?}");
            prop_assert!((small.ks - large.ks).abs() < 1e-5);
        }
    }
}

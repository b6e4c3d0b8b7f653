//! What the catalogue says of random amounts, which are written alike for every unit.

use super::{BYTES, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};

/// Distributions of amounts of one unit, with bounds; the names of their maps end with `$of`.
macro_rules! amounts {
    ($all:ident, $unit:expr, $of:literal) => {
        mod $all {
            use super::*;

            pub(in crate::scenario::format) static ALL: Map = Map::new(
                concat!("amounts ", $of),
                &[
                    Key::new("constant", $unit, "always the same"),
                    Key::new("uniform", Shape::Map(&UNIFORM), "between two amounts"),
                    Key::new("exponential", Shape::Map(&EXPONENTIAL), "without memory"),
                    Key::new("normal", Shape::Map(&NORMAL), "by mean and standard deviation"),
                    Key::new("lognormal", Shape::Map(&LOGNORMAL), "with a long tail"),
                    Key::new("weibull", Shape::Map(&BY_SHAPE), "with a tail by its shape"),
                    Key::new("pareto", Shape::Map(&BY_SHAPE), "with a heavy tail"),
                    Key::new("gamma", Shape::Map(&BY_SHAPE), "a sum of exponential ones"),
                    Key::new("min", $unit, "never less: what is less becomes this"),
                    Key::new("max", $unit, "never more: what is more becomes this"),
                ],
            )
            .with_one_of(&[
                "constant",
                "uniform",
                "exponential",
                "normal",
                "lognormal",
                "weibull",
                "pareto",
                "gamma",
            ]);

            static UNIFORM: Map = Map::new(
                concat!("uniform ", $of),
                &[
                    Key::new("from", $unit, "at least").required(),
                    Key::new("to", $unit, "at most").required(),
                ],
            );

            static EXPONENTIAL: Map =
                Map::new(concat!("exponential ", $of), &[Key::new("mean", $unit, "the mean").required()]);

            static NORMAL: Map = Map::new(
                concat!("normal ", $of),
                &[
                    Key::new("mean", $unit, "the mean").required(),
                    Key::new("sd", $unit, "standard deviation").required(),
                ],
            );

            static LOGNORMAL: Map = Map::new(
                concat!("lognormal ", $of),
                &[
                    Key::new("median", $unit, "the median; with `sigma`"),
                    Key::new("mu", Shape::Number, "mean of the logarithm; with `sigma`"),
                    Key::new("sigma", Shape::Number, "standard deviation of the logarithm"),
                    Key::new("mean", $unit, "the mean; with `sd`"),
                    Key::new("sd", $unit, "standard deviation; with `mean`"),
                ],
            )
            .with_one_of(&["median", "mu", "mean"])
            .with_needs(&[("median", "sigma"), ("mu", "sigma"), ("mean", "sd"), ("sd", "mean")]);

            static BY_SHAPE: Map = Map::new(
                concat!("by shape ", $of),
                &[
                    Key::new("shape", Shape::Number, "the shape").required(),
                    Key::new("scale", $unit, "the scale").required(),
                ],
            );
        }
    };
}

amounts!(things, Shape::Number, "of things");
amounts!(bytes, BYTES, "of bytes");
amounts!(times, TIME, "of time");

/// A number, or a distribution of numbers.
pub(super) const THINGS: Shape = Shape::Either(&[Shape::Number, Shape::Map(&things::ALL)]);
/// A length, or a distribution of lengths.
pub(super) const AMOUNTS_OF_BYTES: Shape = Shape::Either(&[BYTES, Shape::Map(&bytes::ALL)]);
/// A time, or a distribution of times with bounds.
pub(super) const AMOUNTS_OF_TIME: Shape = Shape::Either(&[TIME, Shape::Map(&times::ALL)]);

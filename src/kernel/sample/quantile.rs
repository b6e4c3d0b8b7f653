//! The quantile function of the standard normal distribution.

#![allow(clippy::excessive_precision, reason = "coefficients as published, whatever of them a double holds")]

/// Coefficients of a rational approximation, the lowest power first.
type Polynomial = [f64; 8];

const CENTRE: (Polynomial, Polynomial) = (
    [
        3.387_132_872_796_366_608,
        133.141_667_891_784_377_45,
        1_971.590_950_306_551_442_7,
        13_731.693_765_509_461_125,
        45_921.953_931_549_871_457,
        67_265.770_927_008_700_853,
        33_430.575_583_588_128_105,
        2_509.080_928_730_122_672_7,
    ],
    [
        1.0,
        42.313_330_701_600_911_252,
        687.187_007_492_057_908_3,
        5_394.196_021_424_751_107_7,
        21_213.794_301_586_595_867,
        39_307.895_800_092_710_61,
        28_729.085_735_721_942_674,
        5_226.495_278_852_854_561,
    ],
);
const SHOULDER: (Polynomial, Polynomial) = (
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        0.241_780_725_177_450_611_77,
        0.022_723_844_989_269_184_583_3,
        7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        0.689_767_334_985_100_004_55,
        0.148_103_976_427_480_074_59,
        0.015_198_666_563_616_457_197_1,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
);
const TAIL: (Polynomial, Polynomial) = (
    [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        0.296_560_571_828_504_891_23,
        0.026_532_189_526_576_123_093,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        0.599_832_206_555_887_937_69,
        0.136_929_880_922_735_805_31,
        0.014_875_361_290_850_614_852_5,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
);

fn ratio((above, below): &(Polynomial, Polynomial), x: f64) -> f64 {
    let evaluate = |polynomial: &Polynomial| polynomial.iter().rev().fold(0.0, |sum, c| sum * x + c);
    evaluate(above) / evaluate(below)
}

/// The number below which a standard normal lies with probability `p`, for `0 < p < 1`.
///
/// Wichura, "Algorithm AS 241: the percentage points of the normal distribution" (1988), routine PPND16.
#[must_use]
pub fn normal(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRE, 0.180_625 - q * q);
    }
    let r = (-libm::log(if q < 0.0 { p } else { 1.0 - p })).sqrt();
    let size = if r <= 5.0 { ratio(&SHOULDER, r - 1.6) } else { ratio(&TAIL, r - 5.0) };
    if q < 0.0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distribution function, by `libm`'s complementary error function, takes the quantile back to `p`.
    #[test]
    fn inverts_the_distribution_function() {
        for exponent in 1..52 {
            for factor in [1.0, 0.9, 0.6, 0.51] {
                let p = factor / (1_u64 << exponent) as f64;
                let back = libm::erfc(-normal(p) / std::f64::consts::SQRT_2) / 2.0;
                assert!((back / p - 1.0).abs() < 1e-13, "{p}: {back}");
                let upper = normal(1.0 - p);
                let back = libm::erfc(upper / std::f64::consts::SQRT_2) / 2.0;
                assert!((back / (1.0 - (1.0 - p)) - 1.0).abs() < 1e-13, "1 - {p}: {back}");
            }
        }
    }
}

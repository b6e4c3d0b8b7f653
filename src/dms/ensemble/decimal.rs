//! Decimal numbers as people write them, computed in integers from their digits: no rounding on the way and the same
//! result on every machine. Amounts of ensembles and scenarios are read with them, each format with units of its own.

/// Why a number times a unit is no amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecimalError {
    /// It is below zero.
    Negative,
    /// It does not fit into 64 bits.
    TooLarge,
}

/// A decimal number: `digits` times ten to the power of `exponent`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decimal {
    negative: bool,
    digits: u128,
    exponent: i32,
}

impl Decimal {
    /// Reads a number at the start of a text; what follows is returned with it. Digits beyond the 30th count as zero.
    #[must_use]
    pub fn read(text: &str) -> Option<(Self, &str)> {
        const KEPT_DIGITS: i32 = 30;
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (mantissa, mut rest) = unsigned.split_at(end);
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if (whole.is_empty() && part.is_empty()) || part.contains('.') {
            return None;
        }
        let (mut digits, mut exponent, mut kept) = (0_u128, 0_i32, 0);
        for (digit, is_part) in
            whole.bytes().map(|digit| (digit, false)).chain(part.bytes().map(|digit| (digit, true)))
        {
            if kept < KEPT_DIGITS {
                digits = digits * 10 + u128::from(digit - b'0');
                kept += i32::from(digits > 0);
                exponent -= i32::from(is_part);
            } else {
                exponent = exponent.saturating_add(i32::from(!is_part));
            }
        }
        if let Some((power, after)) = read_exponent(rest) {
            exponent = exponent.saturating_add(power);
            rest = after;
        }
        Some((Self { negative, digits, exponent }, rest))
    }

    /// The number times a unit, rounded half up.
    ///
    /// # Errors
    /// It is below zero, or does not fit.
    pub fn times(&self, unit: u64) -> Result<u64, DecimalError> {
        if self.negative && self.digits > 0 {
            return Err(DecimalError::Negative);
        }
        if self.digits == 0 {
            return Ok(0);
        }
        let too_large = || DecimalError::TooLarge;
        let (mut digits, mut exponent, unit) = (self.digits, self.exponent, u128::from(unit));
        // Twenty digits more than a result can have are enough to round correctly.
        while exponent < 0 && digits.checked_mul(unit).is_none() {
            digits /= 10;
            exponent += 1;
        }
        let product = digits.checked_mul(unit).ok_or_else(too_large)?;
        let power = 10_u128.checked_pow(exponent.unsigned_abs());
        let result = match (exponent < 0, power) {
            (true, None) => 0,
            (true, Some(power)) => product / power + u128::from(product % power >= power.div_ceil(2)),
            (false, power) => power.and_then(|power| product.checked_mul(power)).ok_or_else(too_large)?,
        };
        u64::try_from(result).map_err(|_| too_large())
    }
}

/// An exponent such as `e-3` at the start of a text, and what follows it.
fn read_exponent(text: &str) -> Option<(i32, &str)> {
    let after = text.strip_prefix(['e', 'E'])?;
    let unsigned = after.strip_prefix(['+', '-']).unwrap_or(after);
    let end = unsigned.find(|c: char| !c.is_ascii_digit()).unwrap_or(unsigned.len());
    if end == 0 {
        return None;
    }
    let power = unsigned[..end].parse().unwrap_or(i32::MAX / 2);
    Some((if after.starts_with('-') { -power } else { power }, &unsigned[end..]))
}

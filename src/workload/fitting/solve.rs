//! Where functions of estimates are zero or greatest.

/// How far from a guess a zero is sought, as a factor: two to the forty.
const FARTHEST: f64 = 1_099_511_627_776.0;
/// Of a factor of two they leave less than a number can tell.
const HALVINGS: u32 = 50;

/// Where a rising function of a positive number is zero, near `guess`; `None` when it has no zero within forty factors
/// of two. The place is bracketed by factors of two, and the bracket is halved on a logarithmic scale.
pub(super) fn root(guess: f64, function: impl Fn(f64) -> f64) -> Option<f64> {
    let mut low = guess;
    while function(low) > 0.0 {
        low /= 2.0;
        if low * FARTHEST < guess {
            return None;
        }
    }
    let mut high = low * 2.0;
    while function(high) < 0.0 {
        high *= 2.0;
        if high > guess * FARTHEST {
            return None;
        }
    }
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        if function(middle) > 0.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some((low * high).sqrt())
}

/// Steps of the differences that stand for derivatives.
const DIFFERENCE: f64 = 1e-4;
/// The longest step in either direction.
const LONGEST_STEP: f64 = 1.0;
/// A shorter step changes nothing.
const SHORTEST_STEP: f64 = 1e-8;

/// Where a smooth function of two numbers is greatest, from `start` on; `None` when it rises without end.
///
/// Newton's method on differences; where the function is not curved like a summit, the steepest ascent. A step that
/// does not rise is halved.
pub(super) fn summit(start: [f64; 2], function: impl Fn([f64; 2]) -> f64) -> Option<[f64; 2]> {
    let mut at = start;
    let mut value = function(at);
    for _ in 0..200 {
        let mut step = ascent(at, value, &function);
        loop {
            if step[0].abs().max(step[1].abs()) < SHORTEST_STEP {
                return Some(at);
            }
            let next = [at[0] + step[0], at[1] + step[1]];
            let found = function(next);
            if found > value {
                (at, value) = (next, found);
                break;
            }
            step = step.map(|part| part / 2.0);
        }
    }
    None
}

/// Which way to go, and how far.
fn ascent(at: [f64; 2], value: f64, function: &impl Fn([f64; 2]) -> f64) -> [f64; 2] {
    let d = DIFFERENCE;
    let near = |x: f64, y: f64| function([at[0] + x * d, at[1] + y * d]);
    let (east, west, north, south) = (near(1.0, 0.0), near(-1.0, 0.0), near(0.0, 1.0), near(0.0, -1.0));
    let slope = [(east - west) / (2.0 * d), (north - south) / (2.0 * d)];
    let curved = [(east - 2.0 * value + west) / (d * d), (north - 2.0 * value + south) / (d * d)];
    let corners = near(1.0, 1.0) - near(1.0, -1.0) - near(-1.0, 1.0) + near(-1.0, -1.0);
    let mixed = corners / (4.0 * d * d);
    let determinant = curved[0] * curved[1] - mixed * mixed;
    let step = if curved[0] < 0.0 && determinant > 0.0 {
        [
            (mixed * slope[1] - curved[1] * slope[0]) / determinant,
            (mixed * slope[0] - curved[0] * slope[1]) / determinant,
        ]
    } else {
        slope
    };
    let longest = step[0].abs().max(step[1].abs());
    if longest > LONGEST_STEP { step.map(|part| part * LONGEST_STEP / longest) } else { step }
}

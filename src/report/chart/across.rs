//! Where charts of rows lie from left to right: their shared axis, below all rows.

use super::axis::Ticked;
use super::canvas::{Anchor, Canvas, fitting, palette, text_width};

/// Where values lie between two edges, in pixels.
pub(super) struct Across {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) x: Ticked,
}

impl Across {
    /// Where a value lies.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.left + self.x.share(value) * (self.right - self.left)
    }

    /// Draws grid, ticks and title for rows from `top` to `bottom`. The title keeps away from the left edge of the
    /// picture by `margin`.
    pub(super) fn draw(&self, canvas: &Canvas, (top, bottom): (f64, f64), size: f64, margin: f64) {
        for (value, text) in &self.x.ticks {
            let x = self.at(*value);
            canvas.line(&[(x, top), (x, bottom)], palette::GRID, 1.0);
            canvas.text((x, bottom + 16.0), Anchor::Centre, text, size, palette::GREY, false);
        }
        canvas.line(&[(self.left, bottom), (self.right, bottom)], palette::GREY, 1.5);
        let title = fitting(&self.x.title, size, self.right - margin);
        let half = text_width(&title, size) / 2.0;
        let middle = f64::midpoint(self.left, self.right).min(self.right - half).max(margin + half);
        canvas.text((middle, bottom + 42.0), Anchor::Centre, &title, size, palette::GREY, false);
    }
}

//! Sums of visitors who were divided by shares that moved.

use serde::{Deserialize, Serialize};

use super::{Moments, real};

/// Two numbers per visitor as in [`Moments`], each visitor weighted by the inverse of the probability with which their
/// variant was drawn (Horvitz and Thompson, JASA 1952; as a ratio: Hájek, 1971).
///
/// Where a bandit shifts traffic, the variant that is ahead gets the visitors of later days. If days differ, plain means
/// compare days and not variants (Simpson's paradox), and they are off even if days do not (Nie, Tian, Taylor and Zou,
/// AISTATS 2018). Weighted so, everybody who took part counts once for each variant in expectation, whatever the shares
/// were when they came, because the probability was known before and is logged (Hadad, Hirshberg, Zhan, Wager and Athey,
/// PNAS 2021). The floor of a bandit bounds the weights. With equal probabilities it is what plain moments say.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Visitors.
    pub n: u64,
    /// Sum of weights, and weighted means of the measure and its companion.
    pub weights: Means,
    /// The same with squared weights: what the variance is made of.
    pub squares: Means,
    /// Sum of squared deviations of the measure from its mean, with squared weights.
    pub yy: f64,
    /// Sum of products of both deviations.
    pub yx: f64,
    /// Sum of squared deviations of the companion.
    pub xx: f64,
}

/// Means with some weights.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Means {
    /// Sum of the weights.
    pub sum: f64,
    /// Mean of the measure.
    pub y: f64,
    /// Mean of the companion.
    pub x: f64,
}

impl Means {
    fn merged(&self, other: &Self) -> Self {
        let sum = self.sum + other.sum;
        let share = if sum > 0.0 { other.sum / sum } else { 0.0 };
        Self { sum, y: self.y + (other.y - self.y) * share, x: self.x + (other.x - self.x) * share }
    }
}

impl Weighted {
    /// One visitor, whose variant was drawn with a probability above 0.
    #[must_use]
    pub fn of(y: f64, x: f64, probability: f64) -> Self {
        let Moments { n, y, x, .. } = Moments::of(y, x);
        let weight = probability.clamp(1e-6, 1.0).recip();
        let with = |sum: f64| Means { sum, y, x };
        Self { n, weights: with(weight), squares: with(weight * weight), ..Self::default() }
    }

    /// Both together.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let squares = self.squares.merged(&other.squares);
        let (dy, dx) = (other.squares.y - self.squares.y, other.squares.x - self.squares.x);
        let between = if squares.sum > 0.0 { self.squares.sum * other.squares.sum / squares.sum } else { 0.0 };
        Self {
            n: self.n + other.n,
            weights: self.weights.merged(&other.weights),
            squares,
            yy: self.yy + other.yy + dy * dy * between,
            yx: self.yx + other.yx + dy * dx * between,
            xx: self.xx + other.xx + dx * dx * between,
        }
    }

    /// Plain moments with these means, and with those variances that give the means of so many visitors the variance that
    /// the weighted ones have: `Σ w² (y - ȳ)² / (Σ w)²`.
    #[must_use]
    pub fn moments(&self) -> Moments {
        if self.n == 0 {
            return Moments::default();
        }
        let scale = (real(self.n) / self.weights.sum).powi(2);
        let (dy, dx) = (self.squares.y - self.weights.y, self.squares.x - self.weights.x);
        let of = |deviations: f64, shift: f64| scale * (deviations + self.squares.sum * shift);
        Moments {
            n: self.n,
            y: self.weights.y,
            x: self.weights.x,
            yy: of(self.yy, dy * dy),
            yx: of(self.yx, dy * dx),
            xx: of(self.xx, dx * dx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(of: &[(f64, f64, f64)]) -> Weighted {
        of.iter().fold(Weighted::default(), |sum, (y, x, p)| sum.merged(&Weighted::of(*y, *x, *p)))
    }

    #[test]
    fn the_sums_are_those_of_the_formulas_and_can_be_merged() {
        let of = [(3.0, 1.0, 0.5), (0.0, 2.0, 0.1), (5.0, 0.5, 0.25), (1.0, 0.0, 1.0)];
        let found = all(&of).moments();
        let whole: f64 = of.iter().map(|(.., p)| 1.0 / p).sum();
        let mean = of.iter().map(|(y, _, p)| y / p).sum::<f64>() / whole;
        let variance = of.iter().map(|(y, _, p)| ((y - mean) / p).powi(2)).sum::<f64>() / whole.powi(2);
        assert!((found.y - mean).abs() < 1e-12);
        assert!((found.yy / 16.0 - variance).abs() < 1e-12, "{found:?} {variance}");
        let (a, b) = (all(&of[..1]).merged(&all(&of[1..])).moments(), found);
        assert!((a.yx - b.yx).abs() + (a.xx - b.xx).abs() + (a.yy - b.yy).abs() < 1e-9);
        // Equal probabilities change nothing.
        let plain = of.iter().fold(Moments::default(), |sum, (y, x, _)| sum.merged(&Moments::of(*y, *x)));
        let equal = all(&of.map(|(y, x, _)| (y, x, 0.2))).moments();
        let parts = |m: Moments| [m.y, m.x, m.yy, m.yx, m.xx];
        assert!(parts(plain).iter().zip(parts(equal)).all(|(a, b)| (a - b).abs() < 1e-9), "{plain:?} {equal:?}");
        assert_eq!((Weighted::default().moments(), plain.n), (Moments::default(), equal.n));
    }
}

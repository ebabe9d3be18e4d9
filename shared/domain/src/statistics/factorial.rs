//! What the factors of a full-factorial test do, alone and together.
//!
//! A main effect is a level against the first level of its factor, averaged over all cells of the other factors. An
//! interaction is how much the effect of one factor's level changes when another factor goes from its first level to
//! another one, averaged over the rest (Montgomery, Design and Analysis of Experiments, sections 5.3 and 6.2, with
//! first levels as reference).

use serde::{Deserialize, Serialize};

use super::{Estimate, Interval, Reading, holm};

/// A level other than the first of a factor; both are counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The factor.
    pub factor: usize,
    /// The level.
    pub level: usize,
}

/// A main effect or interaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// One step for a main effect, two of different factors for an interaction.
    pub of: Vec<Step>,
    /// In the metric's unit.
    pub effect: Interval,
    /// Probability of one at least as clear if there is none.
    pub p: f64,
    /// The same, given how many of its kind (main effects, interactions) are looked at (Holm).
    pub adjusted_p: f64,
}

/// The level of each factor in a cell, from the cell's number: the last factor runs fastest.
#[must_use]
pub fn levels_of(mut cell: usize, levels: &[usize]) -> Vec<usize> {
    let mut at = vec![0; levels.len()];
    for (place, count) in at.iter_mut().zip(levels).rev() {
        *place = cell % (*count).max(1);
        cell /= (*count).max(1);
    }
    at
}

/// All main effects, then all interactions of two factors. `levels` says how many levels each factor has; there is one
/// estimate for each cell, the last factor running fastest. None if their number is another, or nothing varies yet.
#[must_use]
pub fn contrasts(levels: &[usize], cells: &[Estimate], reading: Reading) -> Option<Vec<Contrast>> {
    if levels.iter().any(|count| *count < 2) || levels.iter().product::<usize>() != cells.len() {
        return None;
    }
    let positions: Vec<Vec<usize>> = (0..cells.len()).map(|cell| levels_of(cell, levels)).collect();
    let steps: Vec<Step> = levels
        .iter()
        .enumerate()
        .flat_map(|(factor, count)| (1..*count).map(move |level| Step { factor, level }))
        .collect();
    let pairs = steps.iter().flat_map(|a| steps.iter().filter(|b| b.factor > a.factor).map(|b| vec![*a, *b]));
    let table = Table { levels, cells, positions };
    let mut main = table.family(steps.iter().map(|step| vec![*step]).collect(), reading)?;
    main.extend(table.family(pairs.collect(), reading)?);
    Some(main)
}

struct Table<'a> {
    levels: &'a [usize],
    cells: &'a [Estimate],
    positions: Vec<Vec<usize>>,
}

impl Table<'_> {
    /// Contrasts that are looked at together.
    fn family(&self, of: Vec<Vec<Step>>, reading: Reading) -> Option<Vec<Contrast>> {
        let reading = reading.shared_by(of.len());
        let mut found = of.into_iter().map(|of| self.contrast(of, reading)).collect::<Option<Vec<_>>>()?;
        let adjusted = holm(&found.iter().map(|contrast| contrast.p).collect::<Vec<_>>());
        for (contrast, adjusted) in found.iter_mut().zip(adjusted) {
            contrast.adjusted_p = adjusted;
        }
        Some(found)
    }

    fn contrast(&self, of: Vec<Step>, reading: Reading) -> Option<Contrast> {
        // Each cell counts by the product of +1 (at the level), -1 (at the first level) and 0 (at another), shared by
        // the cells of the other factors.
        let share = self.levels.iter().enumerate().filter(|(factor, _)| of.iter().all(|step| step.factor != *factor));
        #[allow(clippy::cast_precision_loss, reason = "few cells")]
        let share = share.map(|(_, count)| *count as f64).product::<f64>();
        let (mut value, mut variance, mut visitors) = (0.0, 0.0, 0);
        for (cell, position) in self.cells.iter().zip(&self.positions) {
            let sign = of.iter().map(|step| match position.get(step.factor) {
                Some(level) if *level == step.level => 1.0,
                Some(0) => -1.0,
                _ => 0.0,
            });
            let weight = sign.product::<f64>() / share;
            value += weight * cell.value;
            variance += weight * weight * cell.variance;
            visitors += if weight == 0.0 { 0 } else { cell.n };
        }
        (variance > 0.0).then(|| Contrast {
            of,
            effect: Interval::around(value, variance, reading.half_width(visitors)),
            p: reading.p(value / variance.sqrt(), visitors),
            adjusted_p: 1.0,
        })
    }
}

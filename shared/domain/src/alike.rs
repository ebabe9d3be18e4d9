//! Look-alikes: visitors who are near those of a segment in the space of products and histories, and are not in it.
//!
//! A visitor is a vector of unit length; a segment is the mean of its visitors' (Rocchio, in Salton, *The SMART Retrieval
//! System*, 1971, chapter 14), and everybody else is ranked by the cosine with it. How far down the ranking an audience goes is a
//! matter of size against likeness, so both are told for several sizes, with what each is worth: half of the segment is taken
//! out, and it is counted how many of them those ranked by the other half alone would have found.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Filter, Segment};

/// What filters ask for: the audiences that the visitor is in, see [`audience`].
pub const ALIKE: &str = "alike";
/// Sizes of audiences, in per cent of all visitors.
pub const SIZES: [u8; 5] = [1, 2, 5, 10, 20];
/// Fewest visitors of a segment whose look-alikes are looked for.
pub const FEWEST: usize = 20;
/// Most visitors that are looked at; of more a part is drawn, and nobody else is in an audience.
pub const MOST: usize = 400_000;
/// Most audiences that are kept up at once; those after them, by segment and size, are empty.
pub const MOST_ASKED: usize = 20;

/// What 1 is in a code.
const UNIT: f32 = 127.0;

/// The name of an audience, such as `brand-loyal-5`: the five per cent of all visitors who are most like a segment.
#[must_use]
pub fn audience(segment: &str, percent: u8) -> String {
    format!("{segment}-{percent}")
}

/// The audiences of some segments that filters over visitors ask for, by segment and size: at most [`MOST_ASKED`].
pub fn asked<'f>(segments: &[Segment], filters: impl IntoIterator<Item = &'f Filter>) -> BTreeSet<(String, u8)> {
    let mut names = BTreeSet::new();
    filters.into_iter().for_each(|filter| compared(filter, &mut names));
    let of = |segment: &Segment| SIZES.map(|percent| (segment.id.clone(), percent));
    let asked = segments.iter().flat_map(of).filter(|(id, percent)| names.contains(audience(id, *percent).as_str()));
    asked.collect::<BTreeSet<_>>().into_iter().take(MOST_ASKED).collect()
}

/// Whether a segment is made of look-alikes. It has none itself: what would be found are its own again.
#[must_use]
pub fn is_audience(segment: &Segment) -> bool {
    segment.filter.attributes().contains(&ALIKE)
}

/// The names of audiences in a filter.
fn compared<'f>(filter: &'f Filter, names: &mut BTreeSet<&'f str>) {
    match filter {
        Filter::And { and: many } | Filter::Or { or: many } => many.iter().for_each(|one| compared(one, names)),
        Filter::Not { not } => compared(not, names),
        Filter::Compare { attribute, value, .. } if attribute == ALIKE => match value {
            Value::Array(values) => names.extend(values.iter().filter_map(Value::as_str)),
            value => names.extend(value.as_str()),
        },
        Filter::Compare { .. } => {}
    }
}

/// A visitor's direction in a byte a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Code(Box<[i8]>);

impl From<&[f32]> for Code {
    /// Of a vector without length, one that is nowhere: it is nobody's look-alike.
    #[allow(clippy::cast_possible_truncation, reason = "within -127 and 127")]
    fn from(vector: &[f32]) -> Self {
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        let scale = if length > 0.0 && length.is_finite() { UNIT / length } else { 0.0 };
        Self(vector.iter().map(|x| (x * scale).round() as i8).collect())
    }
}

/// Visitors in a space of as many dimensions for everybody, in an order that has nothing to do with what they do.
#[derive(Debug, Clone, Default)]
pub struct Crowd {
    codes: Vec<Code>,
    /// Whether each is anywhere.
    placed: Vec<bool>,
}

impl FromIterator<Code> for Crowd {
    fn from_iter<I: IntoIterator<Item = Code>>(codes: I) -> Self {
        let codes: Vec<Code> = codes.into_iter().collect();
        let placed = codes.iter().map(|code| code.0.iter().any(|x| *x != 0)).collect();
        Self { codes, placed }
    }
}

impl Crowd {
    fn codes(&self) -> impl Iterator<Item = &[i8]> {
        self.codes.iter().map(|code| &*code.0)
    }

    /// The direction of some visitors' mean; none if there is none.
    fn direction(&self, of: impl Fn(usize) -> bool) -> Option<Vec<f32>> {
        let mut sum = vec![0_i64; self.codes().map(<[i8]>::len).max().unwrap_or_default()];
        for (_, code) in self.codes().enumerate().filter(|(at, _)| of(*at)) {
            sum.iter_mut().zip(code).for_each(|(sum, x)| *sum += i64::from(*x));
        }
        #[allow(clippy::cast_precision_loss, reason = "a direction needs no more")]
        let mut sum: Vec<f32> = sum.into_iter().map(|x| x as f32).collect();
        let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
        sum.iter_mut().for_each(|x| *x /= length);
        (length > 0.0).then_some(sum)
    }

    /// The cosine of everybody with a direction.
    fn cosines(&self, direction: &[f32]) -> Vec<f32> {
        let cosine = |code: &[i8]| code.iter().zip(direction).map(|(x, y)| f32::from(*x) * y).sum::<f32>() / UNIT;
        self.codes().map(cosine).collect()
    }

    /// The look-alikes of a segment, given who is in it; none of a segment with fewer than [`FEWEST`] who are anywhere.
    #[must_use]
    pub fn look_alikes(&self, is_in: &[bool]) -> Option<LookAlikes> {
        if is_in.len() != self.codes.len() {
            return None;
        }
        let members = is_in.iter().filter(|is_in| **is_in).count();
        let own: Vec<usize> = (0..is_in.len()).filter(|at| is_in[*at] && self.placed[*at]).collect();
        if own.len() < FEWEST {
            return None;
        }
        let cosines = self.cosines(&self.direction(|at| is_in[at])?);
        let nearest = self.ranked(&cosines, |at| !is_in[at]);
        let halves = [0, 1].map(|half| self.found(is_in, &own, half));
        let own = mean(own.iter().map(|at| cosines[*at]));
        let sizes = SIZES.into_iter().enumerate().filter_map(|(place, percent)| {
            let taken = nearest.get(..portion(self.codes.len(), percent))?;
            let last = taken.last()?;
            let found = halves.iter().filter_map(|half| Some(half.as_ref()?[place])).collect::<Vec<f64>>();
            Some(Size {
                percent,
                visitors: taken.len() as u64,
                similarity: mean(taken.iter().map(|at| cosines[*at])),
                least: f64::from(cosines[*last]),
                #[allow(clippy::cast_precision_loss, reason = "two at most")]
                found: found.iter().sum::<f64>() / found.len().max(1) as f64,
            })
        });
        let sizes: Vec<Size> = sizes.collect();
        Some(LookAlikes { members: members as u64, own, sizes, nearest })
    }

    /// One half of a segment ranks everybody but itself: the share of the other half among the first, for each of the sizes.
    fn found(&self, is_in: &[bool], members: &[usize], half: usize) -> Option<[f64; SIZES.len()]> {
        let mut of_half = vec![false; is_in.len()];
        members.iter().skip(half).step_by(2).for_each(|at| of_half[*at] = true);
        let cosines = self.cosines(&self.direction(|at| of_half[at])?);
        let nearest = self.ranked(&cosines, |at| !of_half[at]);
        let hidden = members.len() - members.iter().filter(|at| of_half[**at]).count();
        #[allow(clippy::cast_precision_loss, reason = "counts of visitors")]
        let share = |percent: u8| {
            let first = &nearest[..portion(nearest.len(), percent)];
            first.iter().filter(|at| is_in[**at]).count() as f64 / hidden.max(1) as f64
        };
        Some(SIZES.map(share))
    }

    /// Those who count and are anywhere, the nearest first.
    fn ranked(&self, cosines: &[f32], counts: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut all: Vec<usize> = (0..cosines.len()).filter(|at| self.placed[*at] && counts(*at)).collect();
        all.sort_by(|a, b| cosines[*b].total_cmp(&cosines[*a]).then(a.cmp(b)));
        all
    }
}

/// So many per cent of some, rounded up.
fn portion(of: usize, percent: u8) -> usize {
    (of * usize::from(percent)).div_ceil(100)
}

#[allow(clippy::cast_precision_loss, reason = "counts of visitors")]
fn mean(numbers: impl Iterator<Item = f32>) -> f64 {
    let (count, sum) = numbers.fold((0_usize, 0.0), |(count, sum), x| (count + 1, sum + f64::from(x)));
    sum / count.max(1) as f64
}

/// The look-alikes of a segment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LookAlikes {
    /// Visitors of the segment.
    pub members: u64,
    /// The mean cosine of the segment's own visitors with its direction: what look-alikes come near at best.
    pub own: f64,
    /// Size against likeness, the smallest first. A size is missing where there are too few others.
    pub sizes: Vec<Size>,
    /// Everybody who is not in the segment and is anywhere, the most alike first, by their places in the crowd.
    #[serde(skip)]
    pub nearest: Vec<usize>,
}

/// An audience of look-alikes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Size {
    /// In per cent of all visitors.
    pub percent: u8,
    /// How many that is, of those who were looked at.
    pub visitors: u64,
    /// Their mean cosine with the segment's direction.
    pub similarity: f64,
    /// The cosine of the last of them.
    pub least: f64,
    /// Of visitors of the segment who were hidden, the share that an audience of this size finds; by chance it is as large as
    /// the audience.
    pub found: f64,
}

#[cfg(test)]
mod tests;

//! How the parts add up to one score.
//!
//! `score(j) = visitor · vector(j) + Σ_pair w_pair √(Σ_s decay^s n_pair(h_s → j))`
//!
//! The first term is the dot product of concatenated parts: the visitor's vector carries the weights,
//! `[w_f x ; w_c c ; w_p]` against `[y ; c ; prior]`. The second sums, for each [`Pair`], the neighbour weights that lead
//! from the visitor's history to `j`, where `h_0` is what was done last and `s` counts the moments since. The root keeps a
//! product with many weak reasons from beating one with a strong one, and leaves every reason its share: each past action
//! can only raise the sum, so taking away the strongest reason lowers the score.

use serde::{Deserialize, Serialize};

use crate::covisitation::Pair;

/// What each part counts. Chosen on held-out actions by training; part of the artifact.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Blend {
    /// Long-term taste.
    pub factors: f32,
    /// Likeness of texts to what the visitor looked at.
    pub content: f32,
    /// Popularity. Never zero: it decides where nothing else does.
    pub prior: f32,
    /// Neighbours, looked at after what was looked at.
    pub view_view: f32,
    /// Neighbours, ordered after what was looked at.
    pub view_order: f32,
    /// Neighbours, ordered together with what was ordered.
    pub order_together: f32,
    /// Neighbours, in the order after what was ordered.
    pub order_next: f32,
    /// What is left of a past action's voice with each moment of the history that came after it.
    pub decay: f32,
}

impl Default for Blend {
    fn default() -> Self {
        Self {
            factors: 1.0,
            content: 0.3,
            prior: 0.2,
            view_view: 1.0,
            view_order: 0.3,
            order_together: 0.5,
            order_next: 0.3,
            decay: 0.8,
        }
    }
}

impl Blend {
    /// The weight of a list of neighbours.
    #[must_use]
    pub const fn pair(&self, pair: Pair) -> f32 {
        match pair {
            Pair::ViewView => self.view_view,
            Pair::ViewOrder => self.view_order,
            Pair::OrderTogether => self.order_together,
            Pair::OrderNext => self.order_next,
        }
    }

    /// The voice of each past action, newest first, as `(position in the history, decay^s)`. The history is oldest first;
    /// actions of one moment (equal age, as the lines of an order) share a step. Actions that speak against a product have
    /// no voice.
    pub fn voices<'h>(&self, history: &'h [Interaction]) -> impl Iterator<Item = (usize, f32)> + 'h {
        let decay = self.decay;
        let (mut voice, mut age) = (1.0_f32, history.last().map_or(0.0, |last| last.age_days));
        history.iter().enumerate().rev().filter(|(_, past)| past.weight > 0.0).map(move |(at, past)| {
            if past.age_days.to_bits() != age.to_bits() {
                voice *= decay;
                age = past.age_days;
            }
            (at, voice)
        })
    }
}

/// A past action of a visitor, as serving knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interaction {
    /// Row of the product.
    pub row: u32,
    /// What the action says of the interest in it: [`Action::interest`](vitrine_domain::Action::interest).
    pub weight: f32,
    /// How long ago, in days; negative counts as just now.
    pub age_days: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(weight: f32, age_days: f32) -> Interaction {
        Interaction { row: 0, weight, age_days }
    }

    #[test]
    fn a_voice_fades_with_each_moment_and_an_order_is_one_moment() {
        let blend = Blend { decay: 0.5, ..Blend::default() };
        let history = [past(1.0, 9.0), past(5.0, 3.0), past(5.0, 3.0), past(-1.0, 2.0), past(1.0, 1.0)];
        let voices: Vec<_> = blend.voices(&history).collect();
        assert_eq!(voices, [(4, 1.0), (2, 0.5), (1, 0.5), (0, 0.25)]);
        assert_eq!(blend.voices(&[]).count(), 0);
    }

    #[test]
    fn a_return_has_no_voice_but_is_a_moment() {
        let blend = Blend { decay: 0.5, ..Blend::default() };
        let voices: Vec<_> = blend.voices(&[past(1.0, 9.0), past(-3.0, 1.0)]).collect();
        assert_eq!(voices, [(0, 0.5)]);
    }
}

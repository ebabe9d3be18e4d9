//! A visitor's past, as training holds it and as serving knows it.

use vitrine_domain::time::DAY;
use vitrine_domain::{Action, Millis, PastAction};

/// A past action of a visitor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interaction {
    /// Row of the product.
    pub row: u32,
    /// What was done.
    pub action: Action,
    /// How long ago, in days; negative counts as just now.
    pub age_days: f32,
}

impl Interaction {
    /// What the action says of the interest in the product, see [`Action::interest`].
    #[must_use]
    pub fn interest(&self) -> f32 {
        self.action.interest()
    }
}

/// Past actions as a model sees them, in their order. `row` knows the products of the model; any other has the row
/// [`u32::MAX`], which no product has: it is no evidence, but it happened. Ages count back from the newest action, as windows
/// in training do from the shop's: who comes back after a year still has the taste they had.
pub fn interactions<'p>(
    past: &'p [PastAction],
    row: impl Fn(&str) -> Option<u32> + 'p,
) -> impl Iterator<Item = Interaction> + 'p {
    let newest: Millis = past.iter().map(|past| past.at).max().unwrap_or_default();
    past.iter().map(move |past| Interaction {
        row: row(past.product.as_str()).unwrap_or(u32::MAX),
        action: past.action,
        age_days: newest.since(past.at).max(0) as f32 / DAY as f32,
    })
}

/// What is left of the voice of a dwell, which nobody's hand has confirmed.
const DWELL: f32 = 0.5;

/// How loud each past action speaks, newest first, as `(position in the history, decay^s)`, a dwell half as loud. The history
/// is oldest first; actions of one moment (equal age, as the lines of an order) share a step `s`. Actions that speak against
/// a product have no voice.
pub fn voices(history: &[Interaction], decay: f32) -> impl Iterator<Item = (usize, f32)> + '_ {
    let (mut voice, mut age) = (1.0_f32, history.last().map_or(0.0, |last| last.age_days));
    history.iter().enumerate().rev().filter(|(_, past)| past.interest() > 0.0).map(move |(at, past)| {
        if past.age_days.to_bits() != age.to_bits() {
            voice *= decay;
            age = past.age_days;
        }
        (at, if past.action == Action::Dwell { DWELL * voice } else { voice })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(action: Action, age_days: f32) -> Interaction {
        Interaction { row: 0, action, age_days }
    }

    #[test]
    fn ages_count_back_from_the_newest_and_what_is_unknown_happened() {
        let past = |id: &str, days: i64| PastAction {
            product: vitrine_domain::ProductId::new(id).unwrap(),
            action: Action::View,
            at: Millis(days * DAY),
            key: 0,
        };
        let seen = [past("tea", 10), past("gone", 12), past("tea", 11)];
        let rows = interactions(&seen, |id| (id == "tea").then_some(3)).map(|past| (past.row, past.age_days));
        assert_eq!(rows.collect::<Vec<_>>(), [(3, 2.0), (u32::MAX, 0.0), (3, 1.0)]);
        assert_eq!(interactions(&[], |_| None).count(), 0);
    }

    #[test]
    fn a_voice_fades_with_each_moment_and_an_order_is_one_moment() {
        let history = [
            past(Action::View, 9.0),
            past(Action::Order, 3.0),
            past(Action::Order, 3.0),
            past(Action::Refund, 2.0),
            past(Action::View, 1.0),
        ];
        let heard: Vec<_> = voices(&history, 0.5).collect();
        assert_eq!(heard, [(4, 1.0), (2, 0.5), (1, 0.5), (0, 0.25)]);
        assert_eq!(voices(&[], 0.5).count(), 0);
    }

    #[test]
    fn a_dwell_is_half_as_loud() {
        let history = [past(Action::View, 9.0), past(Action::Dwell, 3.0), past(Action::Dwell, 1.0)];
        assert_eq!(voices(&history, 0.5).collect::<Vec<_>>(), [(2, 0.5), (1, 0.25), (0, 0.25)]);
    }

    #[test]
    fn a_return_has_no_voice_but_is_a_moment() {
        let heard: Vec<_> = voices(&[past(Action::View, 9.0), past(Action::Refund, 1.0)], 0.5).collect();
        assert_eq!(heard, [(0, 0.5)]);
    }
}

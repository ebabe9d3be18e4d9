//! Which algorithms take part.

use std::sync::Arc;

use crate::algorithm::Algorithm;
use crate::content::Likeness;
use crate::covisitation::{Neighbours, Pair};
use crate::diffusion::Paths;
use crate::encoder::NextStep;
use crate::factors::Tastes;
use crate::popularity::Prior;
use crate::repurchase::{Again, Latest};
use crate::sessions::Neighbourhood;
use crate::vectors::Own;

/// The algorithms of a model, in the order of its parts. An artifact is opened with a line-up that holds every algorithm
/// it was made with.
#[derive(Debug, Clone)]
pub struct Lineup(Vec<Arc<dyn Algorithm>>);

impl Default for Lineup {
    /// Everything Vitrine ships.
    fn default() -> Self {
        let mut parts: Vec<Arc<dyn Algorithm>> = vec![
            Arc::new(NextStep),
            Arc::new(Tastes),
            Arc::new(Paths),
            Arc::new(Likeness),
            Arc::new(Prior),
            Arc::new(Latest),
        ];
        parts.extend(Pair::ALL.map(|pair| Arc::new(Neighbours(pair)) as Arc<dyn Algorithm>));
        // After the lists of looks, which it reads.
        parts.push(Arc::new(Neighbourhood));
        parts.push(Arc::new(Again));
        Self(parts)
    }
}

impl Lineup {
    /// The same line-up with one more algorithm; it takes the place of one with its name.
    #[must_use]
    pub fn with(mut self, algorithm: impl Algorithm + 'static) -> Self {
        let algorithm: Arc<dyn Algorithm> = Arc::new(algorithm);
        match self.0.iter_mut().find(|known| known.name() == algorithm.name()) {
            Some(known) => *known = algorithm,
            None => self.0.push(algorithm),
        }
        self
    }

    /// The same line-up with only the algorithms of which `keep` holds.
    #[must_use]
    pub fn only(mut self, keep: impl Fn(&str) -> bool) -> Self {
        self.0.retain(|algorithm| keep(algorithm.name()));
        self
    }

    /// The algorithms.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Algorithm>> {
        self.0.iter()
    }

    /// The algorithm of a name. Every shop's own vectors are known.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<dyn Algorithm>> {
        let known = self.iter().find(|algorithm| algorithm.name() == name).cloned();
        known.or_else(|| Own::serving(name).map(|own| Arc::new(own) as Arc<dyn Algorithm>))
    }
}

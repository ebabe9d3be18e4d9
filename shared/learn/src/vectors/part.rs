//! A shop's own vectors as a part of the score.

use half::f16;

use super::OwnVectors;
use crate::Error;
use crate::algorithm::{Algorithm, Learned, Lesson, Numbers, Scratch, Vectors};
use crate::artifact::Artifact;
use crate::blend::Question;
use crate::dataset::stable_hash;
use crate::history::{Interaction, voices};
use crate::linear::{add_scaled, normalise};

/// What the names of such parts begin with.
const PREFIX: &str = "own:";
/// Values tried for what is left of a voice with each moment.
const DECAYS: [f32; 4] = [0.5, 0.7, 0.9, 0.97];

/// A set of own vectors. The visitor's vector is the one that was given for them; else the direction of the sum of the
/// vectors of the products in their history, each times its voice.
#[derive(Debug, Clone)]
pub struct Own {
    name: String,
    /// Names of the sections: decay, hashes of the visitors, their vectors.
    sections: [String; 3],
    vectors: Option<OwnVectors>,
}

impl From<OwnVectors> for Own {
    fn from(vectors: OwnVectors) -> Self {
        Self::named(format!("{PREFIX}{}", vectors.name), Some(vectors))
    }
}

impl Own {
    fn named(name: String, vectors: Option<OwnVectors>) -> Self {
        let sections = ["decay", "visitors", "given"].map(|section| format!("{name}.{section}"));
        Self { name, sections, vectors }
    }

    /// The algorithm that answers for a part of an artifact, if it is one of own vectors.
    pub(crate) fn serving(name: &str) -> Option<Self> {
        name.starts_with(PREFIX).then(|| Self::named(name.to_owned(), None))
    }
}

fn liking(history: &[Interaction], decay: f32, query: &mut [f32], mut add: impl FnMut(&mut [f32], u32, f32)) {
    query.fill(0.0);
    voices(history, decay).for_each(|(at, voice)| add(query, history[at].row, voice));
    normalise(query);
}

impl Algorithm for Own {
    fn name(&self) -> &str {
        &self.name
    }

    fn learn(&self, lesson: &Lesson<'_>, _: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let Some(own) = &self.vectors else { return Ok(Learned::default()) };
        let dims = own.dims;
        let mut rows = vec![0.0; lesson.data.products().len() * dims];
        for (id, vector) in &own.products {
            let row = lesson.data.row(id.as_str()).map(|row| row as usize * dims);
            if let Some(to) = row.and_then(|start| rows.get_mut(start..start + dims)) {
                to.copy_from_slice(vector);
            }
        }
        // One scale for all, so that half precision holds them and weights compare with those of other parts.
        let largest = rows.chunks_exact(dims).map(|row| row.iter().map(|x| x * x).sum::<f32>()).fold(0.0, f32::max);
        if largest > 0.0 {
            let scale = 1.0 / largest.sqrt();
            rows.iter_mut().for_each(|x| *x *= scale);
        }
        let mut decay = lesson.chosen_or(0.7);
        if let Some(exam) = lesson.exam {
            let vector = |row: u32| rows.get(row as usize * dims..(row as usize + 1) * dims).unwrap_or(&[]);
            let quality = |decay| {
                exam.by_vectors(Question::New, dims, &rows, |history, _, query| {
                    liking(history, decay, query, |query, row, voice| add_scaled(query, voice, vector(row)));
                })
            };
            let mut best = quality(decay) + exam.noise();
            for tried in DECAYS {
                let found = quality(tried);
                if found > best {
                    (best, decay) = (found, tried);
                }
            }
        }
        let mut given: Vec<(u64, &[f32])> = own
            .visitors
            .iter()
            .map(|(visitor, vector)| (stable_hash(visitor.to_string().bytes()), &vector[..]))
            .collect();
        given.sort_by_key(|(key, _)| *key);
        let keys = given.iter().map(|(key, _)| *key).collect();
        let given = given.iter().flat_map(|(_, vector)| {
            let mut vector = vector.to_vec();
            normalise(&mut vector);
            vector.into_iter().map(f16::from_f32)
        });
        Ok(Learned {
            sections: vec![
                ("decay", Numbers::F32(vec![decay])),
                ("visitors", Numbers::U64(keys)),
                ("given", Numbers::F16(given.collect())),
            ],
            vectors: Some(Vectors { dims, rows }),
            weight: 0.3,
            chosen: decay.into(),
            ..Learned::default()
        })
    }

    fn query(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, query: &mut [f32]) {
        let [decay, visitors, given] = &self.sections;
        let known = scratch.visitor.and_then(|key| model.numbers::<u64>(visitors).binary_search(&key).ok());
        let d = query.len();
        let given = known.and_then(|at| model.numbers::<f16>(given).get(at * d..(at + 1) * d));
        if let Some(vector) = given {
            query.iter_mut().zip(vector).for_each(|(to, from)| *to = from.to_f32());
            return;
        }
        let decay = model.numbers::<f32>(decay).first().copied().unwrap_or(0.0);
        let range = model.range(&self.name);
        liking(history, decay, query, |query, row, voice| model.add_vector_part(row, range.clone(), voice, query));
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        let [decay, visitors, given] = &self.sections;
        model.check_share(decay)?;
        let (keys, numbers) = (model.numbers::<u64>(visitors), model.numbers::<f16>(given));
        if model.section(visitors).is_none() || !keys.is_sorted() {
            return Err(Error::damaged(visitors, "is missing or out of order"));
        }
        if model.section(given).is_none() || numbers.len() != keys.len() * model.range(&self.name).len() {
            return Err(Error::damaged(given, "has the wrong size"));
        }
        if !numbers.iter().all(|x| x.is_finite()) {
            return Err(Error::damaged(given, "holds what is no number"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use vitrine_domain::{Action, Visitor};

    use super::*;
    use crate::dataset::tests::{letters, person};
    use crate::{Dataset, Lineup, Settings, Trainer};

    #[test]
    fn own_vectors_are_trained_with_and_served_for_given_and_other_visitors() {
        let products = letters(4);
        let people = [person("x", &[(0, Action::View, &["a"]), (1, Action::View, &["b"])])];
        let data = Dataset::new(&products, &people, &Default::default()).unwrap();
        let id = |name: &str| vitrine_domain::ProductId::new(name).unwrap();
        let own = OwnVectors {
            name: "looks".into(),
            dims: 2,
            products: vec![(id("a"), vec![2.0, 0.0]), (id("c"), vec![1.0, 0.1]), (id("d"), vec![0.0, 1.0])],
            visitors: vec![(Visitor::known("y").unwrap(), vec![0.0, 3.0])],
        };
        let trainer = Trainer {
            lineup: Lineup::default().with(Own::from(own)),
            settings: Settings::default(),
            ..Trainer::default()
        };
        let trained = trainer.train(&data, &mut |_, _, _| ()).unwrap();
        // Whoever serves knows nothing of the set.
        let model = Artifact::from_bytes(trained.bytes, &Lineup::default()).unwrap();
        model.verify().unwrap();
        let place = model.parts().iter().position(|part| part.name == "own:looks").unwrap();
        let history = [Interaction { row: 0, action: Action::View, age_days: 0.0 }];
        let ask = |visitor: &str| {
            let visitor = Visitor::known(visitor).unwrap();
            let mut scratch = Scratch { visitor: Some(Scratch::visitor_key(&visitor)), ..Scratch::default() };
            let mut query = [0.0; 2];
            model.part_query(place, &history, &mut scratch, &mut query);
            query
        };
        assert_eq!((ask("x"), ask("y")), ([1.0, 0.0], [0.0, 1.0]));
        let range = model.range("own:looks");
        let score = |row: u32| f32::from(model.vector(row)[range.start]);
        assert!(score(0) > score(2) && score(2) > score(1) && score(1) == 0.0, "products without a vector score zero");
    }
}

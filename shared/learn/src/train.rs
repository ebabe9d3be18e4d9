//! Training, from the first word of a title to the last byte of the artifact.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::algorithm::{Lesson, Vectors};
use crate::artifact::{Artifact, Model, Packed, VERSION, pack};
use crate::blend::{Part, Question};
use crate::card::{Card, Outcome};
use crate::content::Content;
use crate::conversion;
use crate::dataset::Dataset;
use crate::lineup::Lineup;
use crate::popularity::Popularity;
use crate::progress::{Progress, Stage};
use crate::text::TextEncoder;
use crate::validate::{self, Case, Exam};
use crate::{Error, Settings, parallel};

/// What training is given besides the shop.
#[derive(Debug, Clone, Default)]
pub struct Trainer<'a> {
    /// Who takes part.
    pub lineup: Lineup,
    /// What can be chosen.
    pub settings: Settings,
    /// Reads the products' texts by what they mean; without it, their words and letters are compared.
    pub text: Option<&'a TextEncoder>,
    /// An earlier model of the shop to start from; it must not know anything that was erased since. The rehearsal starts
    /// from nothing, since an earlier model has seen what is held out from it.
    pub parent: Option<&'a Artifact>,
}

/// What training made.
#[derive(Debug)]
pub struct Trained {
    /// The artifact's bytes.
    pub bytes: Vec<u8>,
    /// Its model card.
    pub card: Card,
    /// The model that did not see what was held out, and the cases that judged it; none if there was too little.
    pub rehearsal: Option<Rehearsal>,
}

/// A model that was trained without the newest actions.
#[derive(Debug)]
pub struct Rehearsal {
    /// The model; it has no product texts.
    pub artifact: Artifact,
    /// Cases that nothing was chosen by.
    pub cases: Vec<Case>,
}

/// What the rehearsal decided.
#[derive(Debug, Default)]
struct Decided {
    /// Parameters, by part.
    chosen: BTreeMap<String, Value>,
    /// Weights, by part and question.
    weights: BTreeMap<String, [f32; 2]>,
}

/// Every part is learned in both.
enum Pass<'p> {
    /// Without the held-out actions, some of which choose parameters.
    Rehearsal(&'p Exam<'p>),
    /// With everything, after what the rehearsal decided and from where it came to.
    Last(&'p Decided, Option<&'p Artifact>),
}

impl<'a> Trainer<'a> {
    /// With the shipped line-up.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), ..Self::default() }
    }

    /// Learns everything from a shop: an artifact and its model card.
    ///
    /// Twice, if there is enough to hold out: once without the held-out actions, to choose parameters and what each part
    /// counts, and to measure how good it is; then with everything. A shop without events is learned from its texts, one
    /// without products gives an artifact without products.
    ///
    /// # Errors
    /// If a setting is out of range, the shop is larger than the limits, a product cannot be written as JSON, or an
    /// algorithm fails.
    pub fn train(&self, data: &Dataset<'_>, progress: &mut Progress<'_>) -> Result<Trained, Error> {
        let settings = &self.settings;
        settings.check()?;
        check_limits(data, settings)?;
        let threads = parallel::threads(settings.threads);
        let content = Content::of(data.products(), &settings.content, self.text, threads, progress);
        let (decided, outcome, rehearsal) = self.rehearse(data, &content, threads, progress)?;
        let pass = Pass::Last(&decided, rehearsal.as_ref().map(|rehearsal| &rehearsal.artifact));
        let (model, _) = self.learn(data, &content, threads, pass, &mut |done| {
            progress(Stage::Learning, done, PER_PART * self.lineup.iter().count() as u64);
        })?;
        progress(Stage::Packing, 0, 1);
        let bytes = pack(data.products(), &model, true)?;
        progress(Stage::Packing, 1, 1);
        let card = Card {
            format: VERSION,
            bytes: bytes.len(),
            checksum: crc32fast::hash(&bytes),
            counts: *data.counts(),
            oldest: data.oldest(),
            newest: data.now(),
            settings: settings.clone(),
            parts: model.parts.iter().map(|packed| packed.part.clone()).collect(),
            chosen: decided.chosen,
            index: Value::Null,
            validation: outcome,
        };
        Ok(Trained { bytes, card, rehearsal })
    }

    /// Chooses parameters and the weights of the parts by what they would have shown to people whose newest actions they
    /// have not seen.
    fn rehearse(
        &self,
        data: &Dataset<'_>,
        content: &Content,
        threads: usize,
        progress: &mut Progress<'_>,
    ) -> Result<(Decided, Option<Outcome>, Option<Rehearsal>), Error> {
        let validation = &self.settings.validation;
        let held = validate::hold_out(data, validation.cases_of(data.products().len()), validation.least_people);
        if held.cases.is_empty() {
            return Ok((Decided::default(), None, None));
        }
        let seen = data.cut(&held.keep);
        let (choosing, judging) = validate::halves(data, held.cases);
        let exam = Exam::new(data, &choosing, threads);
        let all = PER_PART * self.lineup.iter().count() as u64;
        progress(Stage::Rehearsal, 0, all);
        let (mut model, chosen) = self.learn(&seen, content, threads, Pass::Rehearsal(&exam), &mut |done| {
            progress(Stage::Rehearsal, done, all);
        })?;
        let artifact = Artifact::from_bytes(pack(data.products(), &model, false)?, &self.lineup)?;

        let total = 2 * (choosing.len() + judging.len()) as u64;
        progress(Stage::Validation, 0, total);
        let mut done = 0;
        weigh(&mut model, data, &artifact, &choosing, threads, &mut |cases| {
            progress(Stage::Validation, cases as u64, total);
        });
        done += choosing.len();
        let artifact = Artifact::from_bytes(pack(data.products(), &model, false)?, &self.lineup)?;
        let mut figures = BTreeMap::new();
        for question in Question::ALL {
            let found = validate::judge(data, &artifact, &judging, question, threads, &mut |of_these| {
                progress(Stage::Validation, (done + of_these) as u64, total);
            });
            done += judging.iter().filter(|case| case.question == question).count();
            figures.insert(question, found);
        }
        // The figures are from people that chose nothing. The last model's weights may then be chosen by everybody.
        let all: Vec<Case> = choosing.iter().chain(&judging).cloned().collect();
        if all.len() <= self.settings.validation.again {
            weigh(&mut model, data, &artifact, &all, threads, &mut |cases| {
                progress(Stage::Validation, (done + cases) as u64, total);
            });
        }
        progress(Stage::Validation, total, total);
        let weights = model.parts.iter().map(|p| (p.part.name.clone(), [p.part.new, p.part.any])).collect();
        let outcome = Outcome { choosing: choosing.len(), judging: judging.len(), figures };
        Ok((Decided { chosen, weights }, Some(outcome), Some(Rehearsal { artifact, cases: judging })))
    }

    /// Learns every part from what a data set holds, and nothing else; and what was chosen with an exam.
    fn learn(
        &self,
        data: &Dataset<'_>,
        content: &Content,
        threads: usize,
        pass: Pass<'_>,
        report: &mut dyn FnMut(u64),
    ) -> Result<(Model, BTreeMap<String, Value>), Error> {
        let nothing = Decided::default();
        let (exam, decided, rehearsed) = match pass {
            Pass::Rehearsal(exam) => (Some(exam), &nothing, None),
            Pass::Last(decided, rehearsed) => (None, decided, rehearsed),
        };
        let popularity = Popularity::count(data, &self.settings.popularity);
        let conversion = conversion::rates(data);
        let (mut parts, mut chosen, mut dims) = (Vec::new(), BTreeMap::new(), 0);
        for (at, algorithm) in (0_u64..).zip(self.lineup.iter()) {
            let name = algorithm.name();
            let lesson = Lesson {
                data,
                settings: &self.settings,
                content,
                popularity: &popularity,
                threads,
                exam,
                chosen: decided.chosen.get(name),
                // It has seen what is held out from the rehearsal.
                parent: self.parent.filter(|_| exam.is_none()),
                rehearsed,
                before: &parts,
            };
            let learned = algorithm.learn(&lesson, &mut |done, total| {
                report(at * PER_PART + (done * PER_PART).checked_div(total).unwrap_or(0).min(PER_PART));
            })?;
            report((at + 1) * PER_PART);
            let Vectors { dims: width, rows } = learned.vectors.unwrap_or_default();
            if rows.len() != width * data.products().len() {
                return Err(Error::Vectors { part: name.to_owned(), found: rows.len(), dims: width });
            }
            let [new, any] = decided.weights.get(name).copied().unwrap_or([learned.weight; 2]);
            let part = Part { name: name.to_owned(), range: dims..dims + width, curve: learned.curve, new, any };
            dims += width;
            if !learned.chosen.is_null() {
                chosen.insert(name.to_owned(), learned.chosen);
            }
            parts.push(Packed { part, vectors: rows, sections: learned.sections });
        }
        Ok((Model { parts, popularity, conversion, top: self.settings.popularity.top }, chosen))
    }
}

/// Chooses the weights of a model's parts by cases, for each question. `report` hears how many cases are done.
fn weigh(
    model: &mut Model,
    data: &Dataset<'_>,
    artifact: &Artifact,
    cases: &[Case],
    threads: usize,
    report: &mut dyn FnMut(usize),
) {
    let mut done = 0;
    for question in Question::ALL {
        let weights =
            validate::choose(data, artifact, question, cases, threads, &mut |of_these| report(done + of_these));
        done += cases.iter().filter(|case| case.question == question).count();
        for (packed, weight) in model.parts.iter_mut().zip(weights) {
            match question {
                Question::New => packed.part.new = weight,
                Question::Any => packed.part.any = weight,
            }
        }
    }
}

/// What a part counts on a progress bar.
const PER_PART: u64 = 100;

/// Learns everything from a shop with the shipped line-up: the bytes of an artifact and its model card.
///
/// # Errors
/// As [`Trainer::train`].
pub fn train(data: &Dataset<'_>, settings: &Settings, progress: &mut Progress<'_>) -> Result<(Vec<u8>, Card), Error> {
    let Trained { bytes, card, .. } = Trainer::new(settings).train(data, progress)?;
    Ok((bytes, card))
}

fn check_limits(data: &Dataset<'_>, settings: &Settings) -> Result<(), Error> {
    let (counts, limits) = (data.counts(), &settings.limits);
    for (what, found, limit) in
        [("products", counts.products, limits.products), ("actions", counts.actions, limits.actions)]
    {
        if found > limit {
            return Err(Error::Limit { what, found, limit });
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;

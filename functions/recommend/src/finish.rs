//! From filled lists to answers: ids, cursors, bytes, and the log.
//!
//! A decision's record holds a hash of its answer's bytes, so it is written after they are rendered and before they leave: a
//! function may be frozen right after its answer. A list without a log is still a list: if the record cannot be written in
//! time, the answer says so and names no decision.

use serde_json::value::RawValue;
use vitrine_domain::experiment::Drawn;
use vitrine_domain::{ProductId, Shop, Visitor};
use vitrine_http::{Problem, Sealer};
use vitrine_store::decisions::{self, DecisionKey};

use crate::answer::{of_rules, render};
use crate::ask::kept;
use crate::cursor::Cursor;
use crate::ground::Ground;
use crate::list::{Filled, List};
use crate::record::{After, CONTINUED, Degraded, Options, Record, millionths, of_bytes, of_history};
use crate::rows::Rows;
use crate::timing::Timing;

/// Bytes of a change's key that say when it was written and as which one of its process.
const KEY: usize = 22;

/// The lists of one answer.
#[derive(Debug)]
pub(crate) struct Answers<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) filled: Vec<Filled>,
    /// Names the decisions of the answer: that of a list alone, or the beginning of those of a page.
    pub(crate) nonce: String,
    /// Whether the lists stand on a page.
    pub(crate) page: bool,
}

/// What is only known for decisions that are logged.
struct Told {
    id: Option<String>,
    cursor: Option<String>,
}

impl Answers<'_> {
    /// Renders the answers and logs the decisions.
    ///
    /// # Errors
    /// If something cannot be rendered.
    pub(crate) async fn finish(&self, state: &crate::State, timing: &mut Timing) -> Result<Vec<Vec<u8>>, Problem> {
        let (ground, sealer) = (self.ground, &state.app.sealer);
        if !ground.logged {
            self.count(ground.degraded);
            let bodies = self.bodies(sealer, ground.degraded, false)?;
            timing.passed("render");
            return Ok(bodies);
        }
        let bodies = self.bodies(sealer, ground.degraded, true)?;
        let records = self.records(&bodies)?;
        timing.passed("render");
        let written = log(state, &ground.shop, &records).await;
        timing.passed("log");
        if written {
            self.count(ground.degraded);
            return Ok(bodies);
        }
        let degraded = ground.degraded.or(Some(Degraded::Log));
        self.count(degraded);
        let bodies = self.bodies(sealer, degraded, false)?;
        timing.passed("render");
        Ok(bodies)
    }

    /// Counts what the answers that are sent had to do without.
    fn count(&self, degraded: Option<Degraded>) {
        if let Some(degraded) = degraded {
            metrics::counter!("degraded", "without" => degraded.as_str()).increment(self.filled.len() as u64);
        }
    }

    fn bodies(&self, sealer: &Sealer, degraded: Option<Degraded>, logged: bool) -> Result<Vec<Vec<u8>>, Problem> {
        (0..self.filled.len()).map(|at| self.body(sealer, at, degraded, logged)).collect()
    }

    /// The bytes of one of the answers.
    ///
    /// # Errors
    /// If it cannot be rendered.
    pub(crate) fn body(
        &self,
        sealer: &Sealer,
        at: usize,
        degraded: Option<Degraded>,
        logged: bool,
    ) -> Result<Vec<u8>, Problem> {
        let Some(filled) = self.filled.get(at) else { return Ok(Vec::new()) };
        let told = self.told(sealer, filled, logged);
        render(self.ground, filled, told.id.as_deref(), degraded, told.cursor.as_deref())
            .map_err(|e| Problem::internal(&e))
    }

    fn told(&self, sealer: &Sealer, filled: &Filled, logged: bool) -> Told {
        let drawn = filled.list.arms.iter().filter_map(|arm| arm.part.drawn());
        let id = logged.then(|| seal_id(sealer, &self.ground.shop, &self.key(filled), drawn)).flatten();
        let more = filled.answer.more && filled.list.wanted.among.is_none();
        Told { cursor: more.then(|| self.cursor(sealer, filled, id.is_some())).flatten(), id }
    }

    fn key(&self, filled: &Filled) -> DecisionKey {
        let visitor = self.ground.visit.visitor.clone();
        DecisionKey { visitor, time: self.ground.now, nonce: filled.list.nonce.clone() }
    }

    /// What continues a list: nothing that stood on its page comes again.
    fn cursor(&self, sealer: &Sealer, filled: &Filled, logged: bool) -> Option<String> {
        let ground = self.ground;
        let mut rows = filled.list.shown.clone();
        rows.extend(self.filled.iter().flat_map(|filled| filled.answer.items.iter().map(|item| item.row)));
        let after = After {
            time: ground.now,
            nonce: self.nonce.clone(),
            count: self.page.then_some(self.filled.len()),
            visitor: ground.visit.visitor.clone(),
        };
        let cursor = Cursor {
            placement: filled.list.placement.name.clone(),
            version: ground.display.version.clone(),
            offset: filled.list.offset + filled.answer.items.len(),
            shown: Rows::of(&ground.display.shelf, &rows),
            after: logged.then_some(after),
        };
        cursor.seal(sealer)
    }

    fn records(&self, bodies: &[Vec<u8>]) -> Result<Vec<(DecisionKey, Box<RawValue>)>, Problem> {
        let one = |(at, (filled, body)): (usize, (&Filled, &Vec<u8>))| {
            let record = self.record(at, filled, body);
            let text = serde_json::value::to_raw_value(&record).map_err(|e| Problem::internal(&e))?;
            Ok((self.key(filled), text))
        };
        self.filled.iter().zip(bodies).enumerate().map(one).collect()
    }

    fn record(&self, at: usize, filled: &Filled, body: &[u8]) -> Record {
        let ground = self.ground;
        let (list, wanted, visit) = (&filled.list, &filled.list.wanted, &ground.visit);
        let (shelf, rules) = (&ground.display.shelf, ground.rules(list));
        let short = |key: &String| key.trim_start_matches("E#").to_owned();
        let (device, newest_of_device) = visit.reach.device.clone().unzip();
        let known = visit.visitor.as_ref().is_some_and(Visitor::is_known);
        let propensities = filled.answer.items.iter().map(|item| item.propensity);
        let certain = propensities.clone().all(|propensity| propensity == 1.0);
        let cursor = wanted.cursor.as_ref();
        let after = cursor.and_then(|cursor| cursor.after.clone()).map(|after| After {
            visitor: after.visitor.filter(|visitor| visit.visitor.as_ref() != Some(visitor)),
            ..after
        });
        Record {
            placement: list.placement.name.clone(),
            basis: filled.answer.basis,
            model: ground.display.version.clone(),
            revision: ground.settings.revision,
            last_change: ground.display.delta.0.as_deref().map(|key| key.get(..KEY).unwrap_or(key).to_owned()),
            changes: ground.display.delta.1,
            items: filled.answer.items.iter().map(|item| shelf.id(item.row).to_owned()).collect(),
            propensities: if certain { Vec::new() } else { propensities.map(millionths).collect() },
            newest_of_user: visit.reach.user.as_ref().map(short),
            newest_of_device: newest_of_device.flatten().as_ref().map(short),
            device: device.filter(|_| known).map(|device| device.id().to_owned()),
            folded: visit.reach.folded,
            history: history_hash(ground, filled),
            impressions: ground
                .shown
                .newest
                .filter(|_| list.placement.remembers())
                .map(|newest| if list.after == Some(newest) { CONTINUED } else { newest }),
            product: wanted.product.as_ref().map(ProductId::to_string),
            category: wanted.category.clone(),
            basket: wanted.basket.clone(),
            filter: wanted.filter.as_ref().map(kept),
            // A list that was given is as long as it was, unless the request says otherwise.
            limit: wanted.limit.filter(|limit| wanted.among.is_some() || *limit != list.placement.limit),
            offset: list.offset,
            shown: cursor.filter(|_| after.is_none()).map(|cursor| cursor.shown.clone()).unwrap_or_default(),
            after,
            place: self.page.then_some((at, self.filled.len())),
            among: wanted.among.as_ref().map(|ids| {
                let (known, unknown): (Vec<_>, Vec<_>) = ids.iter().cloned().partition(|id| shelf.row(id).is_some());
                let rows: Vec<u32> = known.iter().filter_map(|id| shelf.row(id)).collect();
                Rows::of(shelf, &rows).and(&unknown)
            }),
            near: list.near.as_deref().map(|rows| Rows::of(shelf, rows)),
            arms: list.arms.iter().map(|arm| arm.part.clone()).collect(),
            rules: filled.answer.acted.iter().filter_map(|at| Some(rules.get(*at)?.id.clone())).collect(),
            content: of_rules(ground, filled).map(|(rule, slot, _)| (rule.to_owned(), untried(list, slot))).collect(),
            held_out: ground.arms.held_out,
            options: Options::new(ground.words, ground.server),
            degraded: ground.degraded,
            body: of_bytes(body),
        }
    }
}

/// A place that a rule's content fills, unless an experiment's content stands there.
fn untried(list: &List, slot: &str) -> Option<String> {
    let tried = list.treatment.as_ref().is_some_and(|treatment| treatment.content.contains_key(slot));
    (!tried).then(|| slot.to_owned())
}

/// The hash of everything that was known of the visitor; none if nothing was.
pub(crate) fn history_hash(ground: &Ground, filled: &Filled) -> Option<String> {
    let visit = &ground.visit;
    let state = visit.state.as_ref().filter(|_| ground.speaks_of_visitor(&filled.list));
    let shown = if filled.list.placement.remembers() { ground.shown.products.as_slice() } else { &[] };
    let nothing = visit.history.is_empty() && shown.is_empty() && state.is_none();
    (!nothing).then(|| of_history(&visit.history, shown, state))
}

async fn log(state: &crate::State, shop: &Shop, records: &[(DecisionKey, Box<RawValue>)]) -> bool {
    let context = &state.app.context;
    let write = async {
        match records {
            [(key, record)] => context.table.put_decision(shop, key, record).await,
            several => context.table.put_decisions(shop, several).await,
        }
    };
    match tokio::time::timeout(context.deadlines.log, write).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(cause = %vitrine_http::problem::causes(&error), "a decision could not be logged");
            false
        }
        Err(_) => {
            tracing::warn!("a decision was not logged in time");
            false
        }
    }
}

/// A number that no other answer has.
pub(crate) fn nonce() -> Result<String, Problem> {
    let bits = getrandom::u64().map_err(|_| crate::cell::unavailable("no random numbers"))?;
    Ok(format!("{bits:016x}"))
}

/// A decision's id says where it is kept and what was drawn for it, readable to this stack alone.
pub(crate) fn seal_id(
    sealer: &Sealer,
    shop: &Shop,
    key: &DecisionKey,
    drawn: impl IntoIterator<Item = Drawn>,
) -> Option<String> {
    decisions::seal_id(shop, key, drawn, |purpose, clear| sealer.seal(purpose, clear))
}

/// Where the decision of an id is kept, if the id is one of this stack and shop.
pub(crate) fn open_id(sealer: &Sealer, shop: &Shop, id: &str) -> Option<DecisionKey> {
    decisions::open_id(shop, |purpose| sealer.open(purpose, id)).map(|(key, _)| key)
}

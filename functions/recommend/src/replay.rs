//! A decision made again, byte for byte, from what its record refers to.

use std::collections::HashSet;

use vitrine_domain::{Filter, ProductId, Shop};
use vitrine_http::Problem;
use vitrine_rank::{Audience, Reason};
use vitrine_store::decisions::DecisionKey;

use crate::ask::Wanted;
use crate::finish::{Answers, history_hash};
use crate::ground::Ground;
use crate::list::{Filled, List};
use crate::past;
use crate::record::{After, Record, of_bytes};
use crate::timing::Timing;

/// Most decisions that one list is followed back through: a page each.
const MOST_PAGES: usize = 1600;

/// What a decision came to when it was made again.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// The bytes of the answer.
    pub(crate) body: Vec<u8>,
    /// Why they are not what was answered then, as far as can be told; none if they are.
    pub(crate) different: Option<&'static str>,
    /// Why each product that was shown stood there, in their order.
    pub(crate) reasons: Vec<Vec<Reason>>,
    /// The experiments that could change the list, each with the visitor's variant.
    pub(crate) variants: Vec<(String, String)>,
}

/// To whom the reasons are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    /// Whoever was told them then, which may be nobody.
    AsThen,
    /// Also where nobody was told.
    Everybody,
}

/// Makes a decision again.
///
/// # Errors
/// 404 if there is none; 410 with what it was made from and is no longer kept.
pub(crate) async fn replay(
    state: &crate::State,
    shop: &Shop,
    key: &DecisionKey,
    tell: Tell,
) -> Result<Replayed, Problem> {
    let table = &state.app.context.table;
    let record = past::record(table, shop, key).await?;
    let mut ground = past::ground(state, shop, key, &record).await?;
    let (nonce, at, others) = siblings(state, shop, key, &record).await?;
    let shown = shown_before(state, shop, key, &record, &ground, &others[..at.min(others.len())]).await?;
    let again = |ground: &Ground, shown| {
        ground.fill(&state.workspaces, list(ground, key, &record, shown)?, &mut Timing::start())
    };
    let filled = again(&ground, shown.clone())?;
    let history = history_hash(&ground, &filled);
    let variants = filled.list.arms.iter().map(|arm| (arm.part.experiment.clone(), arm.variant.clone())).collect();
    let mut reasons = whys(&ground, &filled, &record);
    // A page's other lists count for what its cursors leave out: what they showed is all that is needed of them.
    let mut all: Vec<Filled> = others.iter().map(|other| stand_in(&ground, other)).collect();
    let page = record.place.is_some();
    if page {
        all[at] = filled
    } else {
        all = vec![filled]
    }
    let answers = Answers { ground: &ground, filled: all, nonce, page };
    let body = answers.body(&state.app.sealer, at, record.degraded, true)?;
    let different = match () {
        () if of_bytes(&body) == record.body => None,
        () if history != record.history => Some("the visitor's history is not what it was"),
        () if ground.display.delta.1 != record.changes => Some("the catalogue has entries that came late"),
        () => Some("everything it was made from is the same; the program or the machine is another"),
    };
    if tell == Tell::Everybody && ground.words.audience == Audience::Nobody {
        ground.words.audience = Audience::Shopper;
        reasons = whys(&ground, &again(&ground, shown)?, &record);
    }
    Ok(Replayed { body, different, reasons, variants })
}

/// Of each product that was shown, why it stands where it stands now; nothing if it does not.
fn whys(ground: &Ground, filled: &Filled, record: &Record) -> Vec<Vec<Reason>> {
    let shelf = &ground.display.shelf;
    let reasons = |id: &String| {
        let item = filled.answer.items.iter().find(|item| shelf.id(item.row) == id);
        item.map(|item| item.reasons.clone()).unwrap_or_default()
    };
    record.items.iter().map(reasons).collect()
}

/// The beginning of the nonces of a page, which of its decisions this is, and the records of all of them.
async fn siblings(
    state: &crate::State,
    shop: &Shop,
    key: &DecisionKey,
    record: &Record,
) -> Result<(String, usize, Vec<Record>), Problem> {
    let Some((at, count)) = record.place else { return Ok((key.nonce.clone(), 0, Vec::new())) };
    let mut nonce = key.nonce.clone();
    nonce.pop();
    let page = After { time: key.time, nonce: nonce.clone(), count: Some(count), visitor: None };
    let mut records = Vec::with_capacity(count);
    for other in page.keys(key.visitor.as_ref()) {
        records.push(past::record(&state.app.context.table, shop, &other).await?);
    }
    if at >= records.len() {
        return Err(past::gone("its page is not whole"));
    }
    Ok((nonce, at, records))
}

/// The rows that the list did not show again: those above it on its page, and everything that the list it continues showed.
async fn shown_before(
    state: &crate::State,
    shop: &Shop,
    key: &DecisionKey,
    record: &Record,
    ground: &Ground,
    above: &[Record],
) -> Result<Vec<u32>, Problem> {
    let shelf = &ground.display.shelf;
    let mut rows: Vec<u32> = above.iter().flat_map(|record| &record.items).filter_map(|id| shelf.row(id)).collect();
    if record.place.is_some() {
        return Ok(rows);
    }
    let (mut after, mut visitor) = (record.after.clone(), key.visitor.clone());
    rows.extend(record.shown.on(shelf));
    let mut met = HashSet::new();
    while let Some(before) = after.take() {
        visitor = before.visitor.clone().or(visitor);
        for key in before.keys(visitor.as_ref()) {
            if met.len() >= MOST_PAGES || !met.insert((key.time, key.nonce.clone())) {
                return Err(past::gone("the list goes back too far"));
            }
            let one =
                past::record(&state.app.context.table, shop, &key).await.map_err(|problem| match problem.status {
                    axum::http::StatusCode::NOT_FOUND => past::gone("an earlier page of the list is no longer kept"),
                    _ => problem,
                })?;
            rows.extend(one.items.iter().filter_map(|id| shelf.row(id)));
            rows.extend(one.shown.on(shelf));
            after = after.or(one.after);
        }
    }
    rows.sort_unstable();
    rows.dedup();
    Ok(rows)
}

fn list(ground: &Ground, key: &DecisionKey, record: &Record, shown: Vec<u32>) -> Result<List, Problem> {
    let shelf = &ground.display.shelf;
    let filter = record.filter.as_ref().map(Filter::from_json).transpose();
    let filter = filter.map_err(|_| past::gone("its filter means nothing any more"))?;
    let wanted = Wanted {
        placement: record.placement.clone(),
        product: record.product.clone().map(ProductId::new).transpose()?,
        category: record.category.clone(),
        basket: record.basket.clone(),
        limit: record.limit,
        filter,
        among: record.among.as_ref().map(|among| {
            let rows = among.on(shelf);
            rows.iter().map(|row| shelf.id(*row).to_owned()).chain(among.unknown(shelf)).collect()
        }),
        ..Wanted::default()
    };
    let list = ground.list(wanted, key.nonce.clone());
    let list = list.map_err(|_| past::gone("its placement is not among the settings of that time"))?;
    let near = record.near.as_ref().map(|rows| rows.on(shelf));
    let after = record.after.as_ref().map(|after| after.time);
    Ok(List { shown, offset: record.offset, after, near, ..list })
}

/// Another list of the page, of which only the products matter.
fn stand_in(ground: &Ground, record: &Record) -> Filled {
    let shelf = &ground.display.shelf;
    let rows = record.items.iter().filter_map(|id| shelf.row(id));
    let item = |row| vitrine_rank::Item { row, score: 0.0, propensity: 1.0, reasons: Vec::new() };
    let placement = vitrine_domain::Placement::new(&record.placement, vitrine_domain::Strategy::Personal, 1);
    let answer = vitrine_rank::Answer {
        basis: record.basis,
        fallback: false,
        items: rows.map(item).collect(),
        more: false,
        acted: Vec::new(),
        idle: Vec::new(),
        allowed: 0,
        touched: 0,
    };
    let list = List::plain(Wanted::default(), placement, String::new());
    Filled { list, answer, left_out: Vec::new() }
}

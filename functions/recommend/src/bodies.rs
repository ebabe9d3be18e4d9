//! What the bodies of questions come to, without a shop: for the fuzz targets. The steps are those of the handlers.

use axum::http::HeaderMap;
use vitrine_domain::{Filter, Placement, Shop};
use vitrine_http::{Access, Problem, body};
use vitrine_store::api_keys::KeyKind;

use crate::ask::{Asker, Entry, MAX_LISTS, PageQuestion, PreviewQuestion, Question, RankQuestion, Wanted, kept};
use crate::preview::{changed_rules, overridden};

/// Reads a body as every question that it can be, and tells for each that was taken whether its filters are kept as they mean:
/// a decision is made again from what is kept.
#[must_use]
pub fn read(bytes: &[u8], shop: &Shop, own: &Placement) -> Vec<(&'static str, Result<bool, Problem>)> {
    // A server key may ask all that can be asked.
    let access = Access { shop: shop.clone(), kind: KeyKind::Server, user: None, personal: true };
    let who = |asker: Asker| asker.check(&access, &HeaderMap::new()).map(|_| ());
    let list = |placement: String, entry: Entry| Wanted::check(String::new(), placement, entry);
    let question = |question: Question| {
        let (asker, entry, _) = question.split();
        who(asker).and_then(|()| Ok(means_the_same(&list(String::new(), entry)?)))
    };
    let page = |question: PageQuestion| {
        let (asker, entries) = question.split();
        who(asker)?;
        let wanted: Vec<Wanted> = entries
            .into_iter()
            .take(MAX_LISTS)
            .map(|(placement, entry)| list(placement, entry))
            .collect::<Result<_, _>>()?;
        Ok(wanted.iter().all(means_the_same))
    };
    let rank = |question: RankQuestion| {
        let (asker, _, entry, items, limit) = question.split();
        who(asker)?;
        Ok(means_the_same(&list(String::new(), entry)?.with_items(items, limit)?))
    };
    let preview = |mut question: PreviewQuestion| {
        let (rules, rule, other) = (question.rules.take(), question.rule.take(), question.placement.take());
        let (asker, entry) = question.split();
        who(asker)?;
        let wanted = list(String::new(), entry)?;
        let rules = changed_rules(&[], rules, rule)?;
        let other = other.map(|other| overridden(own, other)).transpose()?;
        let sound =
            rules.iter().all(|rule| rule.faults().is_empty()) && other.is_none_or(|one| one.faults().is_empty());
        Ok(sound && means_the_same(&wanted))
    };
    vec![
        ("question", body::parse(bytes).and_then(question)),
        ("page", body::parse(bytes).and_then(page)),
        ("rank", body::parse(bytes).and_then(rank)),
        ("preview", body::parse(bytes).and_then(preview)),
    ]
}

fn means_the_same(wanted: &Wanted) -> bool {
    wanted.filter.as_ref().is_none_or(|filter| Filter::from_json(&kept(filter)).is_ok_and(|again| again == *filter))
}

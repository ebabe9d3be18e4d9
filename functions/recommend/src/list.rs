//! One list: from what it is made from and what is asked to what is shown. Neither reads nor writes anything, so that a
//! decision is made again by calling the same.

use vitrine_domain::{Placement, ProductId, Strategy};
use vitrine_http::Problem;
use vitrine_rank::{Answer, Filter, Request, Workspaces, decide};

use crate::ask::{Wanted, filter_problem};
use crate::ground::Ground;
use crate::record::seed;
use crate::timing::Timing;

/// Name of the placement that a list is ranked in unless another one is named.
pub(crate) const RANK: &str = "rank";

/// A list that is to be filled.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) wanted: Wanted,
    pub(crate) placement: Placement,
    /// Rows that were shown before, or stand above on the page.
    pub(crate) shown: Vec<u32>,
    /// Products on earlier pages of this list.
    pub(crate) offset: usize,
    /// Names the decision, and decides what is left to chance.
    pub(crate) nonce: String,
}

/// A filled list.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) list: List,
    pub(crate) answer: Answer,
    /// Products of a list to be ranked that are not in the answer, and why.
    pub(crate) left_out: Vec<(String, Why)>,
}

/// Why a product is not in a ranked list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// The shop has no such product.
    Unknown,
    /// It is sold out or not for sale.
    NotAvailable,
    /// A filter, a rule or the placement keeps it out.
    Filtered,
}

impl Ground {
    /// The placement that is asked for.
    ///
    /// # Errors
    /// 404 with the names there are.
    pub(crate) fn placement(&self, wanted: &Wanted) -> Result<Placement, Problem> {
        let own = self.settings.placement(&wanted.placement);
        let open = || {
            (wanted.among.is_some() && wanted.placement == RANK).then(|| Placement::new(RANK, Strategy::Personal, 1))
        };
        own.or_else(open).ok_or_else(|| {
            let names = self.settings.names().join(", ");
            Problem::not_found(format!("there is no placement of this name; there are {names}"))
                .at(wanted.pointer("placement"), "the name of a placement")
        })
    }

    /// Fills a list.
    ///
    /// # Errors
    /// 422 if a filter does not fit the catalogue.
    pub(crate) fn fill(&self, workspaces: &Workspaces, list: List, timing: &mut Timing) -> Result<Filled, Problem> {
        let shelf = &self.display.shelf;
        let impressions: Vec<(&str, _)> = self.shown.products.iter().map(|(id, time)| (id.as_str(), *time)).collect();
        let among: Option<Vec<u32>> =
            list.wanted.among.as_ref().map(|ids| ids.iter().filter_map(|id| shelf.row(id)).collect());
        let limit = list.wanted.limit.unwrap_or(list.placement.limit);
        let request = Request {
            rules: &self.settings.rules,
            visitor: self.visit.visitor.as_ref(),
            state: self.visit.state.as_ref(),
            history: &self.visit.history,
            impressions: &impressions,
            product: list.wanted.product.as_ref().map(ProductId::as_str),
            category: list.wanted.category.as_deref(),
            basket: &list.wanted.basket,
            among: among.as_deref(),
            // A ranked list is cut afterwards: what is cut off is not what is kept out.
            limit: list.wanted.among.as_ref().map_or(limit, Vec::len),
            filter: list.wanted.filter.as_ref(),
            shown: &list.shown,
            offset: list.offset,
            seed: seed(&list.nonce),
            words: self.words,
            ..Request::new(&list.placement, self.now)
        };
        let decided = workspaces.with(|work| decide(shelf, &request, work, &mut |stage| timing.passed(stage.as_str())));
        let mut answer = decided.map_err(|error| self.whose_filter(&list, &request, workspaces, &error))?;
        timing.compared(answer.touched);
        let left_out = self.left_out(&list, &answer);
        if list.wanted.among.is_some() {
            answer.items.truncate(list.wanted.limit.unwrap_or(usize::MAX));
        }
        Ok(Filled { list, answer, left_out })
    }

    /// The problem of a filter, and whether it is the request's or the placement's own.
    fn whose_filter(
        &self,
        list: &List,
        request: &Request<'_>,
        workspaces: &Workspaces,
        error: &vitrine_rank::FilterError,
    ) -> Problem {
        let without = Request { filter: None, limit: 1, ..*request };
        let own = workspaces.with(|work| decide(&self.display.shelf, &without, work, &mut |_| {})).is_err();
        let at = list.wanted.pointer(if own { "placement" } else { "filter" });
        let mut problem = filter_problem(error, at);
        if own {
            problem.detail = format!("the placement's own filter cannot be used: {error}");
        }
        problem
    }

    fn left_out(&self, list: &List, answer: &Answer) -> Vec<(String, Why)> {
        let Some(among) = &list.wanted.among else { return Vec::new() };
        let shelf = &self.display.shelf;
        let shown: std::collections::BTreeSet<u32> = answer.items.iter().map(|item| item.row).collect();
        // In an order that does not depend on that of the request, which is not kept.
        let mut ids: Vec<&String> = among.iter().collect();
        ids.sort_unstable();
        ids.dedup();
        let why = |id: &&String| match shelf.row(id) {
            None => Some(Why::Unknown),
            Some(row) if shown.contains(&row) => None,
            Some(row) if !shelf.sellable().contains(row) => Some(Why::NotAvailable),
            Some(_) => Some(Why::Filtered),
        };
        ids.into_iter().filter_map(|id| Some((id.clone(), why(&id)?))).collect()
    }

    /// Whether anything that acts on a list speaks of who looks at it.
    pub(crate) fn speaks_of_visitor(&self, list: &List) -> bool {
        let of_rule = |rule: &vitrine_domain::Rule| {
            !rule.when.segments.is_empty()
                || rule.when.visitor.is_some()
                || rule.effect.filter().is_some_and(Filter::has_references)
        };
        let filters = list.placement.filter.iter().chain(&list.wanted.filter);
        self.settings.rules.iter().any(of_rule) || filters.into_iter().any(Filter::has_references)
    }
}

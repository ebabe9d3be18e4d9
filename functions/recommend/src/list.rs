//! One list: from what it is made from and what is asked to what is shown. Filling it neither reads nor writes anything, so that
//! a decision is made again by calling the same; what a vector server proposes is asked for before.

use vitrine_domain::experiment::{Assignment, Treatment};
use vitrine_domain::{Millis, Placement, ProductId, Rule, Strategy};
use vitrine_http::Problem;
use vitrine_rank::{Answer, Filter, Request, Stage, Workspaces, decide, sought};

use crate::ask::{Wanted, filter_problem};
use crate::ground::{Ground, Shown};
use crate::record::{Degraded, seed};
use crate::timing::Timing;
use crate::visit::Visit;

/// Name of the placement that a list is ranked in unless another one is named.
pub(crate) const RANK: &str = "rank";

/// A list that is to be filled.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) wanted: Wanted,
    pub(crate) placement: Placement,
    /// The variants that it is made with, and what they change besides the placement; none where none can.
    pub(crate) arms: Vec<Assignment>,
    pub(crate) treatment: Option<Treatment>,
    /// Rows that were shown before, or stand above on the page.
    pub(crate) shown: Vec<u32>,
    /// Products on earlier pages of this list.
    pub(crate) offset: usize,
    /// When the page before this one was shown, if that was logged.
    pub(crate) after: Option<Millis>,
    /// Names the decision, and decides what is left to chance.
    pub(crate) nonce: String,
    /// What a vector server proposed, if one was asked.
    pub(crate) near: Option<Vec<u32>>,
}

impl List {
    /// The first page of a list without any experiment.
    pub(crate) fn plain(wanted: Wanted, placement: Placement, nonce: String) -> Self {
        let (arms, treatment) = (Vec::new(), None);
        Self { wanted, placement, arms, treatment, shown: Vec::new(), offset: 0, after: None, nonce, near: None }
    }
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

    /// The first page of the list that is asked for, as the visitor's variants have it.
    ///
    /// # Errors
    /// As for its placement.
    pub(crate) fn list(&self, wanted: Wanted, nonce: String) -> Result<List, Problem> {
        let own = self.placement(&wanted)?;
        let (arms, treatment) = self.treated(&own);
        let placement = treatment.as_ref().map_or(own, |treatment| treatment.placement.clone());
        Ok(List { arms, treatment, ..List::plain(wanted, placement, nonce) })
    }

    /// The rules of a list: the shop's, as variants have them.
    pub(crate) fn rules<'a>(&'a self, list: &'a List) -> &'a [Rule] {
        list.treatment.as_ref().map_or(&self.settings.rules, |treatment| &treatment.rules)
    }

    /// Asks the vector server what is nearest to what the list looks for, if one searches. Without an answer the list is
    /// filled by the model's own index, which finds the same; that the server was missed is told all the same, because
    /// somebody should look after it.
    pub(crate) async fn propose(&mut self, state: &crate::State, list: &mut List, timing: &mut Timing) {
        let (Some(nearby), Some(version)) = (&state.nearby, self.display.version.clone()) else { return };
        if self.unindexed {
            return;
        }
        let shelf = &self.display.shelf;
        let sought = state.workspaces.with(|work| self.asking(list, |request| sought(shelf, request, work)));
        // A filter that does not fit is told when the list is filled.
        let Ok(Some(sought)) = sought else { return };
        list.near = nearby.nearest(&self.shop, &version, shelf, sought).await;
        if list.near.is_none() {
            self.unindexed = true;
            self.degraded = self.degraded.or(Some(Degraded::Index));
        }
        timing.passed("search");
    }

    /// Fills a list.
    ///
    /// # Errors
    /// 422 if a filter does not fit the catalogue.
    pub(crate) fn fill(&self, workspaces: &Workspaces, list: List, timing: &mut Timing) -> Result<Filled, Problem> {
        let shelf = &self.display.shelf;
        let mut answer = self.asking(&list, |request| {
            let passed = &mut |stage: Stage| timing.passed(stage.as_str());
            let decided = workspaces.with(|work| decide(shelf, request, work, passed));
            decided.map_err(|error| self.whose_filter(&list, request, workspaces, &error))
        })?;
        timing.compared(answer.touched);
        let left_out = self.left_out(&list, &answer);
        if list.wanted.among.is_some() {
            answer.items.truncate(list.wanted.limit.unwrap_or(usize::MAX));
        }
        Ok(Filled { list, answer, left_out })
    }

    /// Does something with what is asked for a list.
    fn asking<T>(&self, list: &List, then: impl FnOnce(&Request<'_>) -> T) -> T {
        let shelf = &self.display.shelf;
        // Without what somebody did, all that was shown to them would count as never clicked.
        let (visit, shown) =
            if self.is_impersonal() { (&Visit::default(), &Shown::default()) } else { (&*self.visit, &*self.shown) };
        let here = &list.placement.name;
        let impressions: Vec<_> = list.placement.rotation.iter().flat_map(|_| shown.at(here)).collect();
        let passed: Vec<_> = list.placement.skips.iter().flat_map(|_| shown.passed(here, list.after)).collect();
        let among: Option<Vec<u32>> =
            list.wanted.among.as_ref().map(|ids| ids.iter().filter_map(|id| shelf.row(id)).collect());
        let limit = list.wanted.limit.unwrap_or(list.placement.limit);
        then(&Request {
            rules: self.rules(list),
            visitor: visit.visitor.as_ref(),
            state: visit.state.as_ref(),
            segments: (visit.state.is_some() && self.speaks_of_visitor(list)).then(|| self.members()),
            scale: self.settings.scale.as_ref(),
            history: &visit.history,
            impressions: &impressions,
            passed: &passed,
            product: list.wanted.product.as_ref().map(ProductId::as_str),
            category: list.wanted.category.as_deref(),
            basket: &list.wanted.basket,
            among: among.as_deref(),
            near: list.near.as_deref(),
            // A ranked list is cut afterwards: what is cut off is not what is kept out.
            limit: list.wanted.among.as_ref().map_or(limit, Vec::len),
            filter: list.wanted.filter.as_ref(),
            shown: &list.shown,
            offset: list.offset,
            seed: seed(&list.nonce),
            words: self.words,
            ..Request::new(&list.placement, self.now)
        })
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

    /// Whether the visitor is one of those who show what personalization earns by going without it.
    fn is_impersonal(&self) -> bool {
        self.arms.held_out && self.settings.hold_out.as_ref().is_some_and(|out| out.personalization)
    }

    /// Whether anything that acts on a list speaks of who looks at it.
    pub(crate) fn speaks_of_visitor(&self, list: &List) -> bool {
        let filters = list.placement.filter.iter().chain(&list.wanted.filter);
        self.rules(list).iter().any(Rule::speaks_of_visitor) || filters.into_iter().any(Filter::has_references)
    }
}

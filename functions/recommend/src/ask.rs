//! What is asked: who, in which words, and for which lists. Everything is bounded and checked here.

mod history;
mod shape;
mod words;

use serde_json::Value;
use vitrine_domain::consent::Signal;
use vitrine_domain::placement::MAX_LIMIT;
use vitrine_domain::{Filter, FilterError, PastAction, ProductId, Purpose, Visitor};
use vitrine_http::consent::of_headers;
use vitrine_http::{Access, Problem, Sealer};
use vitrine_rank::{Audience, Words};
use vitrine_store::api_keys::KeyKind;

use crate::cursor::Cursor;

pub(crate) use history::Given;
pub(crate) use shape::{Asked, Entry, PageQuestion, PreviewQuestion, Question, RankQuestion};

/// Most products of a basket that are looked at.
const MAX_BASKET: usize = 100;
/// Longest category.
const MAX_CATEGORY: usize = 200;
/// Most lists of a page.
pub(crate) const MAX_LISTS: usize = 12;
/// Most products that are ranked.
pub(crate) const MAX_RANKED: usize = 1000;
/// Longest name of a placement.
const MAX_NAME: usize = 100;

/// Who asks, as it is sent.
#[derive(Debug, Default)]
pub(crate) struct Asker {
    pub(crate) visitor_id: Option<String>,
    pub(crate) anonymous_id: Option<String>,
    pub(crate) history: Option<Vec<Given>>,
    pub(crate) language: Option<String>,
    pub(crate) audience: Option<String>,
}

/// Who asks.
#[derive(Debug)]
pub(crate) struct Who {
    pub(crate) user: Option<Visitor>,
    pub(crate) device: Option<Visitor>,
    /// What they did, if the request says so itself: then nothing is read of anybody, and nothing written.
    pub(crate) given: Option<Vec<PastAction>>,
    pub(crate) words: Words,
    /// Whether the shop's own server asks.
    pub(crate) server: bool,
    /// What the request itself says of consent.
    pub(crate) signal: Signal,
}

impl Asker {
    /// # Errors
    /// 403, 404 or 422 if the key may not ask for this person or audience, or something is malformed.
    pub(crate) fn check(self, access: &Access, headers: &axum::http::HeaderMap) -> Result<Who, Problem> {
        let server = access.kind == KeyKind::Server;
        let user = self.visitor_id.map(Visitor::known).transpose()?;
        if user.as_ref().is_some_and(|user| !access.may_use(user)) {
            return Err(Problem::not_found(
                "there is no such visitor for this key; a known visitor needs a user token or a server key",
            ));
        }
        // A token alone names its user.
        let user = user.or_else(|| access.user.clone().filter(|_| !server));
        let device = self.anonymous_id.map(Visitor::anonymous).transpose()?;
        let given = self.history.map(|given| history::read(&given)).transpose()?;
        if given.is_some() && (user.is_some() || device.is_some()) {
            let why = "a history comes without a visitor: nothing is read or stored of who sends it";
            return Err(Problem::unprocessable("history-and-visitor", why).at(
                "/history",
                "leave it out, or name nobody: neither `visitor_id`, `anonymous_id` nor a user token",
            ));
        }
        let words = words::read(self.language.as_deref(), self.audience.as_deref(), headers)?;
        if words.audience == Audience::Merchandiser && !server {
            return Err(Problem::forbidden("what is told to merchandisers needs a server key"));
        }
        // What the browser forbids is not read, and the decision is nobody's.
        let signal = of_headers(headers);
        let refuses = signal.refuses(Purpose::Personalise);
        let (user, device) = if refuses { (None, None) } else { (user, device) };
        Ok(Who { user, device, given, words, server, signal })
    }
}

/// One list that is asked for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Where in the request it stands, for problems: a JSON pointer's beginning, empty for parameters.
    pub(crate) at: String,
    pub(crate) placement: String,
    pub(crate) product: Option<ProductId>,
    pub(crate) category: Option<String>,
    pub(crate) basket: Vec<String>,
    pub(crate) limit: Option<usize>,
    pub(crate) filter: Option<Filter>,
    pub(crate) cursor: Option<Cursor>,
    /// The list that is to be ranked.
    pub(crate) among: Option<Vec<String>>,
}

impl Wanted {
    /// The pointer of a member.
    pub(crate) fn pointer(&self, member: &str) -> String {
        format!("{}{member}", self.at)
    }

    /// # Errors
    /// 422 with the member that is wrong.
    pub(crate) fn check(at: String, placement: String, entry: Entry) -> Result<Self, Problem> {
        let mut wanted = Self { at, placement, category: entry.category, basket: entry.basket, ..Self::default() };
        let wrong =
            |code, at: &str, why: String, how: &str| Problem::unprocessable(code, why).at(wanted.pointer(at), how);
        if wanted.placement.len() > MAX_NAME {
            return Err(wrong("invalid-placement", "placement", "no placement has such a long name".into(), "a name"));
        }
        if let Some(limit) = entry.limit.filter(|limit| !(1..=MAX_LIMIT).contains(limit)) {
            let why = format!("{limit} is not between 1 and {MAX_LIMIT}");
            return Err(wrong("invalid-limit", "limit", why, "ask for less, and for the next page with the cursor"));
        }
        if wanted.basket.len() > MAX_BASKET {
            let why = format!("a basket has at most {MAX_BASKET} products");
            return Err(wrong("basket-too-large", "basket", why, "name the newest ones"));
        }
        if let Some(place) = wanted.basket.iter().position(|id| ProductId::new(id.as_str()).is_err()) {
            let at = format!("basket/{place}");
            return Err(wrong("invalid-identifier", &at, "this is no product's identifier".into(), "1 to 128 bytes"));
        }
        if wanted.category.as_ref().is_some_and(|category| !(1..=MAX_CATEGORY).contains(&category.len())) {
            return Err(wrong("invalid-category", "category", "this is no category's name".into(), "1 to 200 bytes"));
        }
        let product = entry.product_id.map(ProductId::new).transpose();
        let product =
            product.map_err(|error| wrong("invalid-identifier", "product_id", error.to_string(), error.rule))?;
        let filter = entry.filter.as_ref().map(Filter::from_json).transpose();
        wanted.filter = filter.map_err(|error| filter_problem(&error, wanted.pointer("filter")))?;
        wanted.product = product;
        wanted.limit = entry.limit;
        Ok(wanted)
    }

    /// # Errors
    /// 422 if the cursor is not one of ours.
    pub(crate) fn with_cursor(mut self, cursor: Option<String>, sealer: &Sealer) -> Result<Self, Problem> {
        self.cursor = cursor.map(|text| Cursor::open(sealer, &text)).transpose()?;
        Ok(self)
    }

    /// # Errors
    /// 422 if there are too many products or one has an impossible identifier.
    pub(crate) fn with_items(mut self, items: Vec<String>, limit: Option<usize>) -> Result<Self, Problem> {
        if items.is_empty() || items.len() > MAX_RANKED {
            return Err(Problem::unprocessable(
                "invalid-items",
                format!("a list to rank has 1 to {MAX_RANKED} products"),
            )
            .at("/items", "name the ones that may be shown"));
        }
        if let Some(place) = items.iter().position(|id| ProductId::new(id.as_str()).is_err()) {
            return Err(Problem::unprocessable("invalid-identifier", "this is no product's identifier")
                .at(format!("/items/{place}"), "1 to 128 bytes without control characters"));
        }
        if limit.is_some_and(|limit| !(1..=MAX_RANKED).contains(&limit)) {
            return Err(Problem::unprocessable("invalid-limit", format!("it is not between 1 and {MAX_RANKED}"))
                .at("/limit", "leave it out to get all"));
        }
        self.limit = limit;
        self.among = Some(items);
        Ok(self)
    }
}

/// A filter that cannot be used, and where it stands.
pub(crate) fn filter_problem(error: &FilterError, at: String) -> Problem {
    Problem::unprocessable("invalid-filter", error.to_string()).at(at, error.to_string())
}

/// The filter as it is kept: text where there is one, JSON for the few that have none.
pub(crate) fn kept(filter: &Filter) -> Value {
    let text = filter.to_string();
    let same = Filter::parse(&text).is_ok_and(|read| read == *filter);
    if same { Value::String(text) } else { serde_json::to_value(filter).unwrap_or(Value::Null) }
}

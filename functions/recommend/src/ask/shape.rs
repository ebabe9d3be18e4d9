//! What is asked, as it is sent.

use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Asker, Given};

/// What can be asked in an address.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// A known customer's id; needs a server key or the customer's user token.
    visitor_id: Option<String>,
    /// The random id that the storefront keeps in the browser.
    anonymous_id: Option<String>,
    /// Language of the reasons: `en` or `fr`; what the browser accepts unless said otherwise.
    language: Option<String>,
    /// To whom reasons are told: `shopper`, `merchandiser` with a server key, or `nobody`: no reasons, and a faster answer.
    audience: Option<String>,
    /// The product on the page.
    product_id: Option<String>,
    /// The category that the page is about.
    category: Option<String>,
    /// Products in the basket, joined by commas.
    basket: Option<String>,
    /// Most products in the answer, 1 to 100.
    limit: Option<usize>,
    /// Which products may be shown, such as `category = "Pasta" and price < 5`.
    filter: Option<String>,
    /// The `cursor` of the answer before, for its next page.
    cursor: Option<String>,
}

/// What can be asked in a body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    /// A known customer's id; needs a server key or the customer's user token.
    visitor_id: Option<String>,
    /// The random id that the storefront keeps in the browser.
    anonymous_id: Option<String>,
    /// What the visitor did, at most 200 entries, of which the newest 50 are used. Without any identifier: nothing is read
    /// or stored of anybody, and `decision_id` is null.
    history: Option<Vec<Given>>,
    /// Language of the reasons: `en` or `fr`; what the browser accepts unless said otherwise.
    language: Option<String>,
    /// To whom reasons are told: `shopper`, `merchandiser` with a server key, or `nobody`: no reasons, and a faster answer.
    audience: Option<String>,
    /// The product on the page.
    product_id: Option<String>,
    /// The category that the page is about.
    category: Option<String>,
    /// Products in the basket, at most 100.
    #[serde(default)]
    basket: Vec<String>,
    /// Most products in the answer, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Which products may be shown, as text or as JSON.
    filter: Option<Value>,
    /// The `cursor` of the answer before, for its next page.
    cursor: Option<String>,
}

/// A list of a page.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[schema(as = PageEntry)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Its placement.
    #[serde(default)]
    #[schema(required = true)]
    pub(super) placement: String,
    /// The product on the page.
    pub(super) product_id: Option<String>,
    /// The category that the page is about.
    pub(super) category: Option<String>,
    /// Products in the basket, at most 100.
    #[serde(default)]
    pub(super) basket: Vec<String>,
    /// Most products in the list, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    pub(super) limit: Option<usize>,
    /// Which products may be shown, as text or as JSON.
    pub(super) filter: Option<Value>,
}

/// A whole page.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuestion {
    /// A known customer's id; needs a server key or the customer's user token.
    visitor_id: Option<String>,
    /// The random id that the storefront keeps in the browser.
    anonymous_id: Option<String>,
    /// What the visitor did, without any identifier; see recommendations.
    history: Option<Vec<Given>>,
    /// Language of the reasons: `en` or `fr`; what the browser accepts unless said otherwise.
    language: Option<String>,
    /// To whom reasons are told: `shopper`, `merchandiser` with a server key, or `nobody`: no reasons, and a faster answer.
    audience: Option<String>,
    /// The lists from top to bottom, 1 to 12. No product stands twice on the page: a list shows none of those above it.
    placements: Vec<Entry>,
}

/// A list to be ranked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RankQuestion {
    /// A known customer's id; needs a server key or the customer's user token.
    visitor_id: Option<String>,
    /// The random id that the storefront keeps in the browser.
    anonymous_id: Option<String>,
    /// What the visitor did, without any identifier; see recommendations.
    history: Option<Vec<Given>>,
    /// Language of the reasons: `en` or `fr`; what the browser accepts unless said otherwise.
    language: Option<String>,
    /// To whom reasons are told: `shopper`, `merchandiser` with a server key, or `nobody`: no reasons, and a faster answer.
    audience: Option<String>,
    /// The products, 1 to 1000, in any order.
    items: Vec<String>,
    /// The placement whose order and rules are used; unless said otherwise one named `rank` that is open to everything, in
    /// which rules for it or for all placements act.
    placement: Option<String>,
    /// The product on the page.
    product_id: Option<String>,
    /// The category that the page is about.
    category: Option<String>,
    /// Products in the basket, at most 100.
    #[serde(default)]
    basket: Vec<String>,
    /// Most products in the answer, 1 to 1000; all unless said otherwise.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Which products may be shown, as text or as JSON.
    filter: Option<Value>,
}

/// A recommendation as it is, and as it would be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewQuestion {
    /// A known customer's id.
    visitor_id: Option<String>,
    /// The random id that the storefront keeps in the browser.
    anonymous_id: Option<String>,
    /// What the visitor did, without any identifier; see recommendations.
    history: Option<Vec<Given>>,
    /// Language of the reasons: `en` or `fr`; what the browser accepts unless said otherwise.
    language: Option<String>,
    /// To whom reasons are told: `shopper`, `merchandiser` or `nobody`.
    audience: Option<String>,
    /// The product on the page.
    product_id: Option<String>,
    /// The category that the page is about.
    category: Option<String>,
    /// Products in the basket, at most 100.
    #[serde(default)]
    basket: Vec<String>,
    /// Most products in the answer, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Which products may be shown, as text or as JSON.
    filter: Option<Value>,
    /// All rules as they would be, in place of the stored ones.
    #[schema(value_type = Option<Vec<Object>>)]
    pub(crate) rules: Option<Vec<Value>>,
    /// One rule as it would be, in place of the stored one of its id or besides the stored ones.
    #[schema(value_type = Option<Object>)]
    pub(crate) rule: Option<Value>,
    /// Members of the placement that would be different.
    #[schema(value_type = Option<Object>)]
    pub(crate) placement: Option<Value>,
    /// Segments that the visitor is taken to be in, whether they are or not; those that they are in unless said otherwise.
    pub(crate) segments: Option<Vec<String>>,
}

macro_rules! asker {
    ($from:ident) => {
        Asker {
            visitor_id: $from.visitor_id,
            anonymous_id: $from.anonymous_id,
            history: $from.history,
            language: $from.language,
            audience: $from.audience,
        }
    };
}

macro_rules! entry {
    ($from:ident, $placement:expr, $limit:expr) => {
        Entry {
            placement: $placement,
            product_id: $from.product_id,
            category: $from.category,
            basket: $from.basket,
            limit: $limit,
            filter: $from.filter,
        }
    };
}

impl From<Asked> for Question {
    fn from(asked: Asked) -> Self {
        let basket = asked.basket.unwrap_or_default();
        Self {
            visitor_id: asked.visitor_id,
            anonymous_id: asked.anonymous_id,
            history: None,
            language: asked.language,
            audience: asked.audience,
            product_id: asked.product_id,
            category: asked.category,
            basket: basket.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect(),
            limit: asked.limit,
            filter: asked.filter.map(Value::String),
            cursor: asked.cursor,
        }
    }
}

impl Question {
    /// Who asks, for which list, and where it goes on.
    pub(crate) fn split(self) -> (Asker, Entry, Option<String>) {
        (asker!(self), entry!(self, String::new(), self.limit), self.cursor)
    }
}

impl PageQuestion {
    /// Who asks, and for which lists.
    pub(crate) fn split(self) -> (Asker, Vec<(String, Entry)>) {
        let named = |mut entry: Entry| (std::mem::take(&mut entry.placement), entry);
        (asker!(self), self.placements.into_iter().map(named).collect())
    }
}

impl RankQuestion {
    /// Who asks, in which placement, which products, and how many.
    pub(crate) fn split(self) -> (Asker, Option<String>, Entry, Vec<String>, Option<usize>) {
        (asker!(self), self.placement, entry!(self, String::new(), None), self.items, self.limit)
    }
}

impl PreviewQuestion {
    /// Who asks, and for which list.
    pub(crate) fn split(self) -> (Asker, Entry) {
        (asker!(self), entry!(self, String::new(), self.limit))
    }
}

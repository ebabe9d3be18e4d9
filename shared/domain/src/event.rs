//! An event: something a visitor did, in one shape whatever client told us; or what a training tells of one
//! ([`Action::Audience`]).
//!
//! Field names are short in the stored form because reads and writes of the table are billed by size; they are stable,
//! and a field that is absent takes its default, so old events stay readable.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::experiment::Drawn;
use crate::{MessageId, Millis, ProductId, Purposes, Visitor};

/// What was done. The names of the [Ecommerce Spec v2](https://segment.com/docs/connections/spec/ecommerce/v2/) map here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A product's own page was looked at.
    View,
    /// A product was clicked in a list.
    Click,
    /// A list of products was seen: the impressions.
    List,
    /// A list was filtered or sorted.
    Filter,
    /// Products were searched.
    Search,
    /// A promotion was seen.
    PromotionView,
    /// A promotion was clicked.
    PromotionClick,
    /// A product went into the basket.
    Add,
    /// A product left the basket.
    Remove,
    /// The basket was looked at.
    Cart,
    /// Checkout began.
    Checkout,
    /// A step of the checkout was viewed or completed, or a payment entered.
    CheckoutStep,
    /// An order was completed.
    Order,
    /// An order was changed.
    OrderUpdate,
    /// An order was cancelled.
    OrderCancel,
    /// An order, or part of one, was sent back or refunded.
    Refund,
    /// A coupon was entered, applied, denied or removed.
    Coupon,
    /// A product went onto a wish list.
    WishlistAdd,
    /// A product left a wish list.
    WishlistRemove,
    /// A product went from a wish list into the basket.
    WishlistToCart,
    /// A product or basket was shared.
    Share,
    /// A product was reviewed.
    Review,
    /// A page was loaded.
    Page,
    /// A screen of an app was opened.
    Screen,
    /// The visitor said who they are, or something about themselves.
    Identify,
    /// The visitor was put into a group or company.
    Group,
    /// Two identifiers were declared the same person.
    Alias,
    /// Anything else; its name is kept.
    Custom,
    /// A product of a list was looked at for a while without being opened.
    Dwell,
    /// A training found of which segments the visitor is a look-alike, see [`alike`](crate::alike): nothing that the visitor
    /// did. It changes traits alone.
    Audience,
}

/// Shortest dwell: what is in view for less is passed over.
pub const MIN_DWELL_MS: u32 = 2_000;
/// Longest dwell: whoever has left the page open looks at nothing.
pub const MAX_DWELL_MS: u32 = 600_000;

impl Action {
    /// Every action, in declaration order.
    pub const ALL: [Self; 30] = [
        Self::View,
        Self::Click,
        Self::List,
        Self::Filter,
        Self::Search,
        Self::PromotionView,
        Self::PromotionClick,
        Self::Add,
        Self::Remove,
        Self::Cart,
        Self::Checkout,
        Self::CheckoutStep,
        Self::Order,
        Self::OrderUpdate,
        Self::OrderCancel,
        Self::Refund,
        Self::Coupon,
        Self::WishlistAdd,
        Self::WishlistRemove,
        Self::WishlistToCart,
        Self::Share,
        Self::Review,
        Self::Page,
        Self::Screen,
        Self::Identify,
        Self::Group,
        Self::Alias,
        Self::Custom,
        Self::Dwell,
        Self::Audience,
    ];

    /// How strongly the action speaks for the products it names, relative to a view. Negative for a return, zero for
    /// what says nothing about taste: an impression is not interest.
    #[must_use]
    pub const fn interest(self) -> f32 {
        match self {
            Self::View | Self::Share => 1.0,
            Self::Click => 0.5,
            Self::Dwell => 0.25,
            Self::Add | Self::WishlistAdd | Self::WishlistToCart => 3.0,
            Self::Review => 2.0,
            Self::Order => 5.0,
            Self::Remove | Self::WishlistRemove => -1.0,
            Self::Refund => -3.0,
            _ => 0.0,
        }
    }

    /// Whether a promotion was seen or clicked: content, which is no list of products.
    #[must_use]
    pub fn is_promotion(self) -> bool {
        matches!(self, Self::PromotionView | Self::PromotionClick)
    }

    /// Whether the action belongs to the visitor's history of products.
    #[must_use]
    pub fn is_interest(self) -> bool {
        self.interest() != 0.0
    }

    /// Whether models learn from the action. A dwell is heard at once and teaches nothing: only what a model has chosen to
    /// show can be dwelled on, so that it would learn its own choices.
    #[must_use]
    pub fn teaches(self) -> bool {
        self.is_interest() && self != Self::Dwell
    }
}

/// Where the visitor was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A browser.
    #[default]
    Web,
    /// An app.
    Mobile,
    /// A shop floor.
    Store,
    /// A server or a back office.
    Server,
}

impl Channel {
    /// Reads the names in use for channels.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "web" | "browser" | "client" | "online" => Some(Self::Web),
            "mobile" | "app" | "ios" | "android" => Some(Self::Mobile),
            "store" | "pos" | "shop" | "retail" | "offline" => Some(Self::Store),
            "server" | "import" | "backoffice" => Some(Self::Server),
            _ => None,
        }
    }

    /// The name in the stored form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Mobile => "mobile",
            Self::Store => "store",
            Self::Server => "server",
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    fn is_web(&self) -> bool {
        *self == Self::Web
    }
}

fn one() -> f64 {
    1.0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_one(quantity: &f64) -> bool {
    *quantity == 1.0
}

/// A product named by an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Which product.
    #[serde(rename = "p")]
    pub product: ProductId,
    /// Which variant, if the event named one.
    #[serde(rename = "va", default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How many; one unless said otherwise.
    #[serde(rename = "q", default = "one", skip_serializing_if = "is_one")]
    pub quantity: f64,
    /// Price of one, in the event's currency.
    #[serde(rename = "pr", default, skip_serializing_if = "Option::is_none")]
    pub price: Option<f64>,
    /// Discount on the line, in the event's currency.
    #[serde(rename = "di", default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<f64>,
    /// Position in the list it was shown in, from one.
    #[serde(rename = "ps", default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    /// Category as the event named it.
    #[serde(rename = "ca", default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Brand as the event named it.
    #[serde(rename = "br", default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// How long it was looked at, of a [`Action::Dwell`].
    #[serde(rename = "dw", default, skip_serializing_if = "Option::is_none")]
    pub dwell_ms: Option<u32>,
}

impl Line {
    /// One piece of a product, nothing else known.
    #[must_use]
    pub const fn of(product: ProductId) -> Self {
        Self {
            product,
            variant: None,
            quantity: 1.0,
            price: None,
            discount: None,
            position: None,
            category: None,
            brand: None,
            dwell_ms: None,
        }
    }

    /// What it costs: price of all pieces less the discount on the line; none without a price.
    #[must_use]
    pub fn amount(&self) -> Option<f64> {
        Some(self.price? * self.quantity - self.discount.unwrap_or_default())
    }
}

/// The head of an order, refund or checkout.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Order {
    /// The shop's order number.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What the customer pays, with everything.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// Revenue without shipping and tax.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub revenue: Option<f64>,
    /// Discount on the whole order.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub discount: Option<f64>,
    /// Coupon that was used.
    #[serde(rename = "co", default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
}

/// Circumstances of an event. Nothing here names a person: no address, no full user agent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Context {
    /// Path of the page.
    #[serde(rename = "pa", default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Host of the page that led here.
    #[serde(rename = "rf", default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// Campaign source, medium and name, joined by `/`.
    #[serde(rename = "cm", default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// Class of device: `desktop`, `phone`, `tablet`, or what an app says of itself.
    #[serde(rename = "dv", default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Language and region, such as `fr-FR`.
    #[serde(rename = "lo", default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Country where the visitor was, as the shop names it.
    #[serde(rename = "ct", default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// City where the visitor was.
    #[serde(rename = "ci", default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
}

impl Context {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(skew: &i64) -> bool {
    *skew == 0
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(mark: &bool) -> bool {
    !mark
}

fn is_all(purposes: &Purposes) -> bool {
    *purposes == Purposes::ALL
}

/// Something a visitor did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Makes a repeated event the same event.
    #[serde(rename = "m")]
    pub id: MessageId,
    /// Whose partition it belongs to: the customer if the event names one, else the device.
    #[serde(rename = "v")]
    pub visitor: Visitor,
    /// The device it came from, if the event names a customer too.
    #[serde(rename = "an", default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The client's own time, uncorrected: part of the event's identity.
    #[serde(rename = "t")]
    pub time: Millis,
    /// What has to be added to `time` to correct the client's clock, in milliseconds.
    #[serde(rename = "sk", default, skip_serializing_if = "is_zero")]
    pub skew: i64,
    /// When it was first received.
    #[serde(rename = "re")]
    pub received: Millis,
    /// What was done.
    #[serde(rename = "k")]
    pub action: Action,
    /// The name of a [`Action::Custom`] event, a page, a screen or a coupon step.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the visitor was.
    #[serde(rename = "c", default, skip_serializing_if = "Channel::is_web")]
    pub channel: Channel,
    /// What the event may be used for.
    #[serde(rename = "u", default, skip_serializing_if = "is_all")]
    pub purposes: Purposes,
    /// Whether it comes from a declared robot, see [`crate::robot`].
    #[serde(rename = "rb", default, skip_serializing_if = "is_false")]
    pub robot: bool,
    /// The products it names.
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// The order it is about.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// ISO 4217 code of every amount in the event.
    #[serde(rename = "cu", default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// What was searched.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The list, placement, category or promotion it is about.
    #[serde(rename = "li", default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
    /// The decision whose recommendation led to it.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
    /// What was drawn for that decision, if it proves that the list was seen.
    #[serde(rename = "dr", default, skip_serializing_if = "Vec::is_empty")]
    pub drawn: Vec<Drawn>,
    /// Circumstances.
    #[serde(rename = "x", default, skip_serializing_if = "Context::is_empty")]
    pub context: Context,
    /// What an identify event says of the person.
    #[serde(rename = "tr", default, skip_serializing_if = "Map::is_empty")]
    pub traits: Map<String, Value>,
    /// Properties that no field above holds, kept as they came.
    #[serde(rename = "pp", default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
}

impl Event {
    /// Whether the visitor was in the shop when it happened. They were not when something was sent back or called off, nor when
    /// a back office tells of a customer or of an older order.
    #[must_use]
    pub fn is_presence(&self) -> bool {
        match self.action {
            Action::Refund | Action::OrderCancel | Action::Audience => false,
            Action::Identify | Action::Group | Action::Alias | Action::OrderUpdate => self.channel != Channel::Server,
            _ => true,
        }
    }

    /// An event with nothing but its identity.
    #[must_use]
    pub fn new(id: MessageId, visitor: Visitor, time: Millis, action: Action) -> Self {
        Self {
            id,
            visitor,
            device_id: None,
            time,
            skew: 0,
            received: time,
            action,
            name: None,
            channel: Channel::Web,
            purposes: Purposes::ALL,
            robot: false,
            lines: Vec::new(),
            order: None,
            currency: None,
            query: None,
            list: None,
            decision_id: None,
            drawn: Vec::new(),
            context: Context::default(),
            traits: Map::new(),
            properties: Map::new(),
        }
    }

    /// When it happened, the client's clock corrected.
    #[must_use]
    pub const fn at(&self) -> Millis {
        self.time.plus(self.skew)
    }

    /// The order in which events are folded: by their identity, which no arrival, retry or correction changes.
    #[must_use]
    pub fn order_key(&self) -> (Millis, &str) {
        (self.time, self.id.as_str())
    }

    /// Revenue of an order or refund: what its head says, else the sum of its lines.
    #[must_use]
    pub fn revenue(&self) -> f64 {
        let of_lines =
            || self.lines.iter().map(|l| l.price.unwrap_or(0.0) * l.quantity - l.discount.unwrap_or(0.0)).sum();
        self.head_revenue().unwrap_or_else(of_lines)
    }

    fn head_revenue(&self) -> Option<f64> {
        self.order.as_ref().and_then(|order| order.revenue.or(order.total))
    }

    /// Whether it says what an order or refund is worth.
    #[must_use]
    pub fn says_revenue(&self) -> bool {
        self.head_revenue().is_some() || self.lines.iter().any(|line| line.price.is_some())
    }

    /// Whether its amounts are in a currency: those of an event that names none are.
    #[must_use]
    pub fn is_in(&self, currency: &str) -> bool {
        self.currency.as_deref().is_none_or(|own| own == currency)
    }

    /// What it says that an order, or what comes back of one, is worth in a currency: 0 in another one, none if it names the order
    /// at most.
    #[must_use]
    pub fn said_amount(&self, currency: &str) -> Option<f64> {
        let revenue = self.revenue();
        let amount = if self.is_in(currency) && revenue.is_finite() { revenue } else { 0.0 };
        (!self.is_in(currency) || self.says_revenue() || !self.lines.is_empty()).then_some(amount)
    }

    /// What each line has in the revenue; none for a line without a price. What was taken off the whole order is what the lines are
    /// more than the revenue, and is taken off each by its amount. The order's `discount` does not say it: prices of lines may be
    /// those after it.
    #[must_use]
    pub fn line_amounts(&self) -> Vec<Option<f64>> {
        let own = || self.lines.iter().map(Line::amount);
        let (sum, revenue) = (own().flatten().sum::<f64>(), self.revenue());
        let kept = if (0.0..sum).contains(&revenue) { revenue / sum } else { 1.0 };
        own().map(|amount| Some(amount? * kept)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> Event {
        let id = MessageId::new("ajs-next-1763822400123-5b8a0c1e-9f6e-4a53-8f43-0d6c2b7f9a11").unwrap();
        let visitor = Visitor::anonymous("2f6f9c1e-55c8-4a53-8f43-0d6c2b7f9a11").unwrap();
        let mut event = Event::new(id, visitor, Millis(1_763_822_400_123), Action::View);
        event.lines = vec![Line {
            price: Some(2.49),
            category: Some("Pasta".into()),
            ..Line::of(ProductId::new("873902").unwrap())
        }];
        event.context.path = Some("/product/873902".into());
        event
    }

    #[test]
    fn the_stored_form_is_small_and_stable() {
        let stored = serde_json::to_string(&view()).unwrap();
        insta::assert_snapshot!(stored);
        assert!(stored.len() < 300, "{}", stored.len());
        assert_eq!(serde_json::from_str::<Event>(&stored).unwrap(), view());
    }

    #[test]
    fn revenue_prefers_the_head_of_the_order() {
        let mut event = view();
        event.lines[0].quantity = 2.0;
        event.lines[0].discount = Some(0.5);
        assert!((event.revenue() - 4.48).abs() < 1e-9);
        event.order = Some(Order { total: Some(9.0), ..Order::default() });
        assert!((event.revenue() - 9.0).abs() < 1e-9);
    }

    #[test]
    fn every_action_is_listed_once() {
        let names: std::collections::BTreeSet<_> =
            Action::ALL.iter().map(|a| serde_json::to_string(a).unwrap()).collect();
        assert_eq!(names.len(), Action::ALL.len());
        assert!((0_usize..).zip(Action::ALL).all(|(place, action)| action as usize == place));
    }

    #[test]
    fn a_dwell_is_the_weakest_interest_and_teaches_nothing() {
        let weaker = |other: &Action| other.interest() > 0.0 && other.interest() <= Action::Dwell.interest();
        assert_eq!(Action::ALL.into_iter().filter(weaker).collect::<Vec<_>>(), [Action::Dwell]);
        let silent = |action: &Action| action.is_interest() && !action.teaches();
        assert_eq!(Action::ALL.into_iter().filter(silent).collect::<Vec<_>>(), [Action::Dwell]);
    }
}

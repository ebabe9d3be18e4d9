//! What segments can ask of a visitor, besides the fields of the customer.

use serde::Serialize;
use serde_json::Value;

use crate::filter::Person;
use crate::profile::{Decayed, Trade, Trades, Visit, Visits};
use crate::time::{DAY, SECOND};
use crate::{Action, Millis};

/// What a feature's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureType {
    /// Numbers.
    Number,
    /// Texts.
    Text,
}

/// Something a segment can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Feature {
    /// Its name in a filter; in [`WINDOWS`] followed by `_` and a number of days with `d`.
    pub name: &'static str,
    /// What its values are.
    #[serde(rename = "type")]
    pub of: FeatureType,
    /// What it says, in a sentence.
    pub meaning: &'static str,
}

const fn number(name: &'static str, meaning: &'static str) -> Feature {
    Feature { name, of: FeatureType::Number, meaning }
}

const fn text(name: &'static str, meaning: &'static str) -> Feature {
    Feature { name, of: FeatureType::Text, meaning }
}

/// Longest window, in days.
pub const LONGEST_WINDOW: u16 = 365;

/// Everything about a visitor that is no window and no field of the customer. Each takes precedence over a field of the
/// same name.
pub const FEATURES: &[Feature] = &[
    text("segments", "Segments that the shop gave to the customer, and those the visitor was found to be in."),
    text(
        "alike",
        "Look-alikes that the visitor is among: `brand-loyal-5` is the 5 % of visitors most like `brand-loyal`.",
    ),
    text("category", "The three categories liked most, the strongest first."),
    text("brand", "The three brands liked most, the strongest first."),
    text("price_band", "The three price bands liked most, the strongest first."),
    number(
        "brand_share",
        "The favourite brand's share of the interest in all brands, 0 to 1; missing without interest.",
    ),
    number("orders", "Orders, ever."),
    number("refunds", "Returns and refunds, ever."),
    number("units", "Pieces ordered less pieces returned, ever."),
    number("spend", "Revenue less refunds, ever, in the currency in which it is most."),
    number("order_value", "Spend for each order; missing without orders."),
    number(
        "discounted_share",
        "The share of the last 16 orders with a coupon or a fifth off or more; missing without orders.",
    ),
    number("coupons", "Times a coupon was entered, applied, denied or removed."),
    number("promotion_clicks", "Promotions clicked."),
    number("promotion_rate", "Promotions clicked for each one seen; missing where none was seen."),
    number("searches", "Searches."),
    number("brand_searches", "Searches that named a brand the visitor had shown interest in."),
    number("visits", "Visits, told apart by half an hour of quiet."),
    number("pages_per_visit", "Pages in each of the last 16 visits, on average; missing where no page was opened."),
    number("seconds_per_page", "Seconds from one page to the next in the last 16 visits; missing below two pages."),
    number("revisit_share", "The share of pages in the last 16 visits that had been open before in the same visit."),
    number("days_known", "Days since the first visit; missing for customers who never came, such as imported ones."),
    number("days_since_visit", "Days since the last event, also of what the shop told."),
    number("days_since_order", "Days since the last order; missing without orders."),
    number("days_since_first_order", "Days since the first order; missing without orders."),
    number("order_gap_days", "Days from one order to the next, on average; missing below two orders."),
    number("overdue", "Days since the last order for each day of the usual gap: above 1 the next order is late."),
    text("device", "The class of device used most."),
    text("channel", "Where most events come from: web, mobile, store or server."),
    text("entry_channel", "Where the first visit was."),
    text("entry_campaign", "Campaign of the first visit: source, medium and name, joined by `/`."),
    text("entry_referrer", "Host of the page that led to the first visit."),
    text("language", "Language named last, such as `fr`."),
    text("region", "Region named last, such as `FR`."),
    text("located_country", "Country where the visitor was last, as the shop's events name it in `context.location`."),
    text("located_city", "City where the visitor was last, as the shop's events name it in `context.location`."),
    number("rfm_recency", "Grade of recency, 1 to 5: 5 is the fifth of customers who ordered last."),
    number("rfm_frequency", "Grade of frequency, 1 to 5: 5 for those who order most often."),
    number("rfm_money", "Grade of money, 1 to 5: 5 for those who spend most."),
    text("rfm", "The three grades as text, such as `543`."),
];

/// What happened in the last so many days, 1 to 365: `orders_30d`. The last 16 visits, and the last 16 orders and returns, count
/// to the millisecond; those before by the day, and beyond five weeks by the week: a day or week counts if half of it lies in
/// the window. Categories and brands are those of the [`AFFINITIES`](crate::profile::AFFINITIES) strongest affinities, to the
/// millisecond.
pub const WINDOWS: &[Feature] = &[
    number("orders", "Orders."),
    number("discounted_orders", "Orders with a coupon or a fifth off or more."),
    number("refunds", "Returns and refunds."),
    number("spend", "Revenue less refunds, in the currency in which the visitor spends most."),
    number("units", "Pieces ordered less pieces returned."),
    number("visits", "Visits to the site or app."),
    number("pages", "Pages opened."),
    number("views", "Product pages looked at."),
    number("adds", "Times something was put into the basket."),
    text("category", "Narrowest categories with whose products anything was done, of the 40 liked most."),
    text("brand", "Brands with whose products anything was done, of the 40 liked most."),
    text("ordered_category", "Narrowest categories of which a product was ordered, of the 40 liked most."),
    text("ordered_brand", "Brands of which a product was ordered, of the 40 liked most."),
];

/// The parts of a window's name: `orders` and 30 of `orders_30d`.
fn window(name: &str) -> Option<(&'static Feature, u16)> {
    let (what, days) = name.strip_suffix('d')?.rsplit_once('_')?;
    let plain = !days.starts_with('0') && days.bytes().all(|b| b.is_ascii_digit());
    let days = days.parse().ok().filter(|days| plain && (1..=LONGEST_WINDOW).contains(days))?;
    WINDOWS.iter().find(|feature| feature.name == what).map(|feature| (feature, days))
}

/// Whether a name is that of a window, with days that are none.
pub(super) fn is_no_window(name: &str) -> bool {
    let parts = name.strip_suffix('d').and_then(|name| name.rsplit_once('_'));
    let like = parts.is_some_and(|(what, days)| {
        WINDOWS.iter().any(|feature| feature.name == what) && days.bytes().all(|b| b.is_ascii_digit())
    });
    like && window(name).is_none()
}

/// What the values of a feature or window are; none for a field of the customer.
pub(super) fn of(name: &str) -> Option<FeatureType> {
    let feature = FEATURES.iter().find(|feature| feature.name == name);
    feature.map(|feature| feature.of).or_else(|| window(name).map(|(feature, _)| feature.of))
}

#[allow(clippy::cast_precision_loss, reason = "days need no more")]
fn days(from: Millis, to: Millis) -> f64 {
    to.since(from).max(0) as f64 / DAY as f64
}

/// A count for each of some things; none where there are none.
fn per(count: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| count / of)
}

fn most_used<K: Clone + Ord>(counts: &std::collections::BTreeMap<K, u32>) -> Option<K> {
    counts.iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0))).map(|(name, _)| name.clone())
}

/// The values of a feature or window that is computed here; none if the name is another.
pub(crate) fn feature(person: &Person<'_>, name: &str) -> Option<Vec<Value>> {
    if let Some((feature, days)) = window(name) {
        return Some(match feature.of {
            FeatureType::Text => named_in_window(person, feature.name, days),
            FeatureType::Number => vec![in_window(person, feature.name, days).into()],
        });
    }
    let (state, now) = (person.state, person.now);
    let behaviour = &state.behaviour;
    let count = |action: Action| f64::from(state.counts.get(&action).copied().unwrap_or_default());
    let some = |number: f64| Some(number);
    let first = || state.first.as_ref();
    let words = |word: Option<String>| Some(word.into_iter().map(Value::from).collect());
    let number = match name {
        "refunds" => some(count(Action::Refund) + count(Action::OrderCancel)),
        "spend" => some(spend(person)),
        "order_value" => per(spend(person), f64::from(state.orders())),
        "brand_share" => {
            let liked = |weight: &Decayed| weight.value(now).max(0.0);
            let (most, sum) =
                state.affinities.brand.values().map(liked).fold((0.0_f64, 0.0), |(m, s), w| (m.max(w), s + w));
            per(most, sum)
        }
        "discounted_share" => {
            let orders = || behaviour.trades.iter().filter(|trade| !trade.back);
            per(tally(orders().filter(|trade| trade.discounted)), tally(orders()))
        }
        "coupons" => some(count(Action::Coupon)),
        "promotion_clicks" => some(count(Action::PromotionClick)),
        "promotion_rate" => per(count(Action::PromotionClick), count(Action::PromotionView)),
        "searches" => some(count(Action::Search)),
        "brand_searches" => some(f64::from(behaviour.brand_searches)),
        "pages_per_visit" => {
            per(sum(&behaviour.visits, |v| v.pages), tally(behaviour.visits.iter().filter(|v| v.pages > 0)))
        }
        "seconds_per_page" => seconds_per_page(&behaviour.visits),
        "revisit_share" => per(sum(&behaviour.visits, |v| v.returns), sum(&behaviour.visits, |v| v.pages)),
        "days_known" => first().map(|touch| days(touch.at, now)),
        "days_since_first_order" => state.first_order.map(|at| days(at, now)),
        "order_gap_days" => order_gap(person),
        "overdue" => state.last_order.zip(order_gap(person)).map(|(last, gap)| days(last, now) / gap),
        "device" => return words(most_used(&state.devices)),
        "channel" => return words(most_used(&state.channels).map(|channel| channel.as_str().to_owned())),
        "entry_channel" => return words(first().map(|touch| touch.channel.as_str().to_owned())),
        "entry_campaign" => return words(first().and_then(|touch| touch.campaign.clone())),
        "entry_referrer" => return words(first().and_then(|touch| touch.referrer.clone())),
        "language" => return words(locale(person).map(|(language, _)| language).filter(|text| !text.is_empty())),
        "region" => return words(locale(person).map(|(_, region)| region).filter(|text| !text.is_empty())),
        "located_country" => return words(behaviour.country.clone()),
        "located_city" => return words(behaviour.city.clone()),
        _ => return None,
    };
    Some(number.filter(|number| number.is_finite()).map(Value::from).into_iter().collect())
}

/// Language and region of a tag such as `fr-FR`, `zh-Hant-TW` or `en_GB`; either may be empty.
fn locale(person: &Person<'_>) -> Option<(String, String)> {
    let tag = person.state.behaviour.locale.as_ref()?;
    let mut parts = tag.split(['-', '_']);
    let language = parts.next().unwrap_or_default().to_ascii_lowercase();
    let region = parts.find(|part| part.len() == 2 || part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit()));
    Some((language, region.unwrap_or_default().to_ascii_uppercase()))
}

fn spend(person: &Person<'_>) -> f64 {
    person.state.value.values().copied().max_by(f64::total_cmp).unwrap_or_default()
}

/// Days from one order to the next; none if all were placed at once.
fn order_gap(person: &Person<'_>) -> Option<f64> {
    let (first, last) = person.state.first_order.zip(person.state.last_order)?;
    let gaps = person.state.orders().saturating_sub(1);
    (gaps > 0).then(|| days(first, last) / f64::from(gaps)).filter(|gap| *gap > 0.0)
}

fn tally<T>(of: impl Iterator<Item = T>) -> f64 {
    of.map(|_| 1.0).sum()
}

fn sum(visits: &[Visit], of: impl Fn(&Visit) -> u32) -> f64 {
    visits.iter().map(|visit| f64::from(of(visit))).sum()
}

#[allow(clippy::cast_precision_loss, reason = "seconds need no more")]
fn seconds_per_page(visits: &[Visit]) -> Option<f64> {
    let several = || visits.iter().filter(|visit| visit.pages > 1);
    let seconds: f64 = several().map(|visit| visit.to.since(visit.from).max(0) as f64 / SECOND as f64).sum();
    per(seconds, several().map(|visit| f64::from(visit.pages - 1)).sum())
}

/// The categories or brands with which something happened in the last so many days.
fn named_in_window(person: &Person<'_>, what: &str, days: u16) -> Vec<Value> {
    let since = person.now.plus(-i64::from(days) * DAY);
    let within = |at: Millis| at > since && at <= person.now;
    let of = &person.state.affinities;
    let of = if what.ends_with("brand") { &of.brand } else { &of.category };
    let ordered = what.starts_with("ordered");
    let at = |liked: &Decayed| if ordered { liked.last_order() } else { Some(liked.last()) };
    of.iter().filter(|(_, liked)| at(liked).is_some_and(within)).map(|(name, _)| name.as_str().into()).collect()
}

fn in_window(person: &Person<'_>, what: &str, days: u16) -> f64 {
    let since = person.now.plus(-i64::from(days) * DAY);
    let within = |at: Millis| at > since && at <= person.now;
    let behaviour = &person.state.behaviour;
    let trades = || behaviour.trades.iter().filter(|trade| within(trade.at));
    let older_trades = || behaviour.older_trades.iter().filter(|sum| sum.days.are_within(since, person.now));
    let visits = || behaviour.visits.iter().filter(|visit| within(visit.to));
    let older_visits = || behaviour.older_visits.iter().filter(|sum| sum.days.are_within(since, person.now));
    let counted = |holds: fn(&Trade) -> bool, of: fn(&Trades) -> u32| {
        tally(trades().filter(|trade| holds(trade))) + older_trades().map(|sum| f64::from(of(sum))).sum::<f64>()
    };
    let seen = |of: fn(&Visit) -> u32, of_older: fn(&Visits) -> u32| {
        visits().map(|visit| f64::from(of(visit))).sum::<f64>()
            + older_visits().map(|sum| f64::from(of_older(sum))).sum::<f64>()
    };
    let signed = |trade: &Trade, amount: f64| if trade.back { -amount } else { amount };
    match what {
        "orders" => counted(|trade| !trade.back, |sum| sum.orders),
        "discounted_orders" => counted(|trade| !trade.back && trade.discounted, |sum| sum.discounted),
        "refunds" => counted(|trade| trade.back, |sum| sum.back),
        "spend" => {
            let most = person.state.value.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|(code, _)| code.as_str());
            let mine = |currency: &String| Some(currency.as_str()) == most;
            let newest = trades().filter(|trade| mine(&trade.currency)).map(|trade| signed(trade, trade.value));
            let older = older_trades().filter(|sum| mine(&sum.currency)).map(|sum| sum.value);
            newest.chain(older).sum()
        }
        "units" => trades().map(|trade| signed(trade, trade.units)).chain(older_trades().map(|sum| sum.units)).sum(),
        "visits" => seen(|_| 1, |sum| sum.visits),
        "pages" => seen(|visit| visit.pages, |sum| sum.pages),
        "views" => seen(|visit| visit.views, |sum| sum.views),
        _ => seen(|visit| visit.adds, |sum| sum.adds),
    }
}

//! Generated browsing over the orders of the source. **Nothing in here was observed**: the orders are the source's (see
//! `samples/README.md`), every visit, search, click and device is drawn at random from the rules below, which tests may
//! therefore treat as the truth. The figures are the constants of [`truth`]; who is what is told by [`truth::customers`].
//!
//! # Who
//! - *Customers.* [`STORE_ONLY`](truth::STORE_ONLY) of them never shop online. The others order online with a share of
//!   their own, uniform in [`WEB_SHARE`](truth::WEB_SHARE), from one or two devices, some of which are apps.
//! - *Deal lovers* are the [`DEAL_LOVERS`](truth::DEAL_LOVERS) of customers who got the largest share of their shelf
//!   value as discount in their orders. They click promotions with
//!   [`PROMOTION_CLICK_DEAL_LOVER`](truth::PROMOTION_CLICK_DEAL_LOVER) instead of
//!   [`PROMOTION_CLICK`](truth::PROMOTION_CLICK), and swap a product they would look at for a reduced one with
//!   [`DEAL_PRODUCT`](truth::DEAL_PRODUCT). Anonymous visitors are deal lovers with
//!   [`ANONYMOUS_DEAL_LOVER`](truth::ANONYMOUS_DEAL_LOVER).
//! - *Brand loyal* are the [`BRAND_LOYAL`](truth::BRAND_LOYAL) of customers whose order lines repeat an earlier purchase
//!   most often. Their searches name a brand with [`BRAND_QUERY_LOYAL`](truth::BRAND_QUERY_LOYAL) instead of
//!   [`BRAND_QUERY`](truth::BRAND_QUERY).
//! - *Just browsing* (shares [`JUST_BROWSING`](truth::JUST_BROWSING), anonymous
//!   [`ANONYMOUS_JUST_BROWSING`](truth::ANONYMOUS_JUST_BROWSING)) visitors circle through two or three categories, see
//!   6 to 13 products for 3 to 12 seconds each, and hardly ever add one. The others stay 20 to 120 seconds.
//!
//! # What
//! Each part gets its share of the events asked for, [`BUYING`](truth::BUYING), [`RETURNING`](truth::RETURNING) and
//! [`ANONYMOUS`](truth::ANONYMOUS):
//! - *Buying visits* end in an online order of the source: one to four of its products are looked at and added, an alternative of
//!   the same category before some ([`ALTERNATIVE`](truth::ALTERNATIVE)); then basket, checkout, order. The rest of the
//!   basket, and online orders beyond the share, come from shopping lists and have no events of their own.
//! - *Returning visits* of customers: half of the products come from their own last orders
//!   ([`OWN_HISTORY`](truth::OWN_HISTORY)), the rest follow the product before. No order follows; some add to a basket
//!   and abandon it.
//! - *Anonymous visitors* have a random device, one to five visits, and an anchor product drawn by popularity to the
//!   power 3/4, at which every visit starts.
//!
//! The *next product* is one often bought together with the product before
//! ([`NEXT_BOUGHT_TOGETHER`](truth::NEXT_BOUGHT_TOGETHER); the [`NEIGHBOURS`](truth::NEIGHBOURS) nearest by orders
//! together, corrected for popularity), one of the same narrowest category
//! ([`NEXT_SAME_CATEGORY`](truth::NEXT_SAME_CATEGORY)), or any, by popularity.
//!
//! A product is *reached* by a search ([`BY_SEARCH`](truth::BY_SEARCH)), by a category list of
//! [`LISTED`](truth::LISTED) products ([`BY_LIST`](truth::BY_LIST)) in which the clicked one stands at position `p` with
//! weight `p^-3/4` whatever it is, or directly. The newest campaign that the customer received, else `weekly-deals`, is
//! shown with [`PROMOTION_SHOWN`](truth::PROMOTION_SHOWN).
//!
//! A customer's visit begins logged out with [`LOGGED_OUT`](truth::LOGGED_OUT): those events carry the device only, and a
//! buying visit logs in at the basket. The first event of a customer on a device is always preceded by an identify that
//! names both, so whoever joins them by device finds every visit.
//!
//! # When
//! All times are the source's, moved by whole days so that the newest event, an order, lies 3 to 27 hours before
//! [`Options::end`]. Everything is a function of the shop and of [`Options`]; no order of iteration matters.

mod history;
mod random;
mod session;
mod structure;
pub mod truth;

pub use history::{Options, history};

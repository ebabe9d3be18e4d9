//! Names of events: the Ecommerce Spec v2, the older names of its first version, and dwells, which it does not know; in any
//! spelling of case and separators.

use vitrine_domain::Action;

use crate::values::squash;

/// What an event's name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What was done.
    pub action: Action,
    /// Which step of it, for checkouts and coupons.
    pub step: Option<&'static str>,
}

/// Names without case and separators, today's name first. A checkout or coupon step has its word behind.
const NAMES: [(Action, Option<&str>, &[&str]); 31] = [
    (Action::View, None, &["productviewed", "viewedproduct", "viewedproductdetails", "viewedproductdetail"]),
    (Action::Click, None, &["productclicked", "clickedproduct"]),
    (Action::List, None, &["productlistviewed", "viewedproductlist", "viewedproductcategory", "productcategoryviewed"]),
    (Action::Filter, None, &["productlistfiltered", "filteredproductlist"]),
    (Action::Search, None, &["productssearched", "searchedproducts", "productsearched", "searchedproduct"]),
    (Action::PromotionView, None, &["promotionviewed", "viewedpromotion"]),
    (Action::PromotionClick, None, &["promotionclicked", "clickedpromotion"]),
    (Action::Add, None, &["productadded", "addedproduct"]),
    (Action::Remove, None, &["productremoved", "removedproduct"]),
    (Action::Cart, None, &["cartviewed", "viewedcart"]),
    (Action::Checkout, None, &["checkoutstarted", "startedcheckout", "orderstarted", "startedorder"]),
    (Action::CheckoutStep, Some("viewed"), &["checkoutstepviewed", "viewedcheckoutstep"]),
    (Action::CheckoutStep, Some("completed"), &["checkoutstepcompleted", "completedcheckoutstep"]),
    (
        Action::CheckoutStep,
        Some("payment"),
        &["paymentinfoentered", "enteredpaymentinfo", "paymentinfoadded", "addedpaymentinfo"],
    ),
    (Action::Order, None, &["ordercompleted", "completedorder"]),
    (Action::OrderUpdate, None, &["orderupdated", "updatedorder"]),
    (Action::OrderCancel, None, &["ordercancelled", "cancelledorder", "ordercanceled", "canceledorder"]),
    (Action::Refund, None, &["orderrefunded", "refundedorder"]),
    (Action::Coupon, Some("entered"), &["couponentered", "enteredcoupon"]),
    (Action::Coupon, Some("applied"), &["couponapplied", "appliedcoupon"]),
    (Action::Coupon, Some("denied"), &["coupondenied", "deniedcoupon"]),
    (Action::Coupon, Some("removed"), &["couponremoved", "removedcoupon"]),
    (Action::WishlistAdd, None, &["productaddedtowishlist", "addedproducttowishlist"]),
    (Action::WishlistRemove, None, &["productremovedfromwishlist", "removedproductfromwishlist"]),
    (Action::WishlistRemove, None, &["wishlistproductremoved"]),
    (Action::WishlistToCart, None, &["wishlistproductaddedtocart", "addedwishlistproducttocart"]),
    (Action::WishlistToCart, None, &["wishlistedproductaddedtocart"]),
    (Action::Share, None, &["productshared", "sharedproduct"]),
    (Action::Share, None, &["cartshared", "sharedcart"]),
    (Action::Review, None, &["productreviewed", "reviewedproduct"]),
    // None of the spec's.
    (Action::Dwell, None, &["productdwelled", "dwelledproduct"]),
];

/// What a track event's name means; a [`Action::Custom`] event if it is none of these.
#[must_use]
pub fn meaning(name: &str) -> Meaning {
    let squashed = squash(name);
    let known = NAMES.iter().find(|(_, _, names)| names.contains(&squashed.as_str()));
    known.map_or(Meaning { action: Action::Custom, step: None }, |(action, step, _)| Meaning {
        action: *action,
        step: *step,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_spelling_of_a_name() {
        for name in ["Product Viewed", "product_viewed", "productViewed", " PRODUCT-VIEWED ", "Viewed Product"] {
            assert_eq!(meaning(name).action, Action::View, "{name}");
        }
        assert_eq!(meaning("Coupon Denied"), Meaning { action: Action::Coupon, step: Some("denied") });
        for custom in ["", "Product", "Product Viewed Twice", "Viewed", "产品"] {
            assert_eq!(meaning(custom).action, Action::Custom, "{custom:?}");
        }
    }

    #[test]
    fn no_name_means_two_things() {
        let all: Vec<&str> = NAMES.iter().flat_map(|(_, _, names)| names.iter().copied()).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        for name in all {
            assert_eq!(squash(name), name);
            assert_ne!(meaning(name).action, Action::Custom);
        }
    }
}

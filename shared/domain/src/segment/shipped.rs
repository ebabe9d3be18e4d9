//! The segments every shop starts with. They are definitions like any other: the shop changes their figures or deletes
//! them.

use super::Segment;

/// Identifier, name, whom it means, and who is in it.
const SHIPPED: &[(&str, &str, &str, &str)] = &[
    (
        "just-browsing",
        "Just browsing",
        "Goes round in circles: many pages, little time on each, often back to one seen before, and nothing bought lately.",
        "pages_30d >= 12 and pages_per_visit >= 6 and revisit_share >= 0.2 and seconds_per_page <= 25 and orders_30d = 0",
    ),
    (
        "brand-loyal",
        "Brand loyal",
        "Has bought and looked for a long time, mostly one brand, or searches for a favourite brand by name.",
        "orders >= 3 and days_known >= 90 and (brand_share >= 0.5 or brand_searches >= 3)",
    ),
    (
        "deal-hunters",
        "Deal hunters",
        "Buys what is reduced, or follows promotions and coupons.",
        "(orders >= 2 and discounted_share >= 0.5) or (promotion_clicks >= 3 and promotion_rate >= 0.3) or coupons >= 3",
    ),
    (
        "new-visitors",
        "New visitors",
        "Came for the first time in the last 30 days and has not ordered.",
        "days_known <= 30 and orders = 0",
    ),
    (
        "new-customers",
        "New customers",
        "Ordered for the first time in the last 30 days.",
        "days_since_first_order <= 30",
    ),
    (
        "lapsing",
        "Lapsing",
        "Has ordered several times, and the next order is late by at least the usual time between two.",
        "orders >= 2 and overdue >= 2 and days_since_order >= 14 and days_since_order <= 365",
    ),
    ("big-spenders", "Big spenders", "Belongs to the fifth of customers who spend most.", "rfm_money = 5"),
    (
        "champions",
        "Champions",
        "Orders lately, often, and for much.",
        "rfm_recency >= 4 and rfm_frequency >= 4 and rfm_money >= 4",
    ),
    (
        "at-risk",
        "At risk",
        "Ordered often or for much, and not for a long time.",
        "rfm_recency <= 2 and (rfm_frequency >= 4 or rfm_money >= 4)",
    ),
];

/// The segments every shop starts with.
#[must_use]
pub fn shipped() -> Vec<Segment> {
    let segment = |(id, name, description, filter): &(&str, &str, &str, &str)| {
        let filter = super::Filter::parse(filter).ok()?;
        let (name, description) = ((*name).to_owned(), (*description).to_owned());
        Some(Segment { id: (*id).to_owned(), name, description, filter })
    };
    SHIPPED.iter().filter_map(segment).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_shipped_segment_can_be_read_and_is_in_order() {
        let shipped = super::shipped();
        assert_eq!(shipped.len(), super::SHIPPED.len());
        for segment in shipped {
            assert_eq!(segment.faults(), [], "{}", segment.id);
            let stored = serde_json::to_string(&segment).unwrap();
            assert_eq!(serde_json::from_str::<super::Segment>(&stored).unwrap(), segment);
        }
    }
}

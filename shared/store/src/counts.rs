//! What visitors did who are not remembered: how often a day, by action. Nobody is named, so nothing tells a repeated event
//! from a second one: they are counted last, and a client that sends again what was counted, because no answer came, counts
//! twice.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use vitrine_domain::{Millis, Shop};

use crate::calls::Call;
use crate::error::classify;
use crate::table::{Table, key, sort_key, version_of};
use crate::{Result, keys};

impl Table {
    /// Adds to the count of an action on a day.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn count(&self, shop: &Shop, day: Millis, action: &str, times: u64) -> Result<()> {
        let call = self.client.update_item().table_name(&self.name);
        let call = call.set_key(Some(key(keys::counts(shop), format!("{}#{action}", day.day()))));
        let call = call
            .update_expression("ADD v :times")
            .expression_attribute_values(":times", AttributeValue::N(times.to_string()));
        call.ask().await.map_err(|e| classify("UpdateItem", e))?;
        Ok(())
    }

    /// The counts of the days from one to another, by day and action.
    ///
    /// # Errors
    /// If the table fails.
    pub async fn counts(
        &self,
        shop: &Shop,
        from: Millis,
        to: Millis,
    ) -> Result<BTreeMap<String, BTreeMap<String, u64>>> {
        let items = self.all(&keys::counts(shop), (&from.day(), &format!("{}$", to.day()))).await?;
        let mut days: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for item in &items {
            if let Some((day, action)) = sort_key(item).split_once('#') {
                days.entry(day.to_owned()).or_default().insert(action.to_owned(), version_of(item));
            }
        }
        Ok(days)
    }
}

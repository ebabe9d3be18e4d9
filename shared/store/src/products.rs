//! Products, and the delta: every change since the artifact was built, in one partition a shop.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem};
use vitrine_domain::{Change, Millis, Product, ProductId, Shop};

use crate::settings::pause;
use crate::table::{Item, Table, document, document_text, is_contended, item, key, nonce, place_of, sort_key, text};
use crate::{Error, Result, keys};

/// Products written in one transaction with their entry in the delta.
const TRANSACTION: usize = 40;
/// Bytes of a delta entry before another one is begun.
const ENTRY_BYTES: usize = 250_000;

/// How often a change of a product is tried again when others change it at the same time.
const ATTEMPTS: u32 = 12;

/// Delta entries that this process has written.
static WRITTEN: AtomicU32 = AtomicU32::new(0);

/// Asked for the time just before each write: a long import must not date its last entries back to its start, where a
/// reader of the delta would no longer look.
pub type Now<'a> = &'a (dyn Fn() -> Millis + Send + Sync);

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Upserted {
    /// Products that are new or different now.
    pub written: usize,
    /// Products that were the same already.
    pub unchanged: usize,
}

impl Table {
    /// A product.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn product(&self, shop: &Shop, id: &ProductId) -> Result<Option<Product>> {
        self.get(keys::product(shop, id), keys::PRODUCT).await?.map(|i| document(&i, "product")).transpose()
    }

    /// Several products by id; unknown ones are left out.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn products(&self, shop: &Shop, ids: &[ProductId]) -> Result<BTreeMap<ProductId, Product>> {
        let unique: BTreeSet<&ProductId> = ids.iter().collect();
        let wanted = unique.into_iter().map(|id| key(keys::product(shop, id), keys::PRODUCT)).collect();
        let products = self.get_all(wanted).await?.into_iter().map(|item| document::<Product>(&item, "product"));
        products.map(|product| product.map(|product| (product.id.clone(), product))).collect()
    }

    /// Writes products that are new or different, each together with its entry in the delta.
    ///
    /// # Errors
    /// If the table cannot take them all; sending them again is right.
    pub async fn upsert_products(&self, shop: &Shop, products: &[Product], now: Now<'_>) -> Result<Upserted> {
        // Of a product that is named twice the last one counts.
        let latest: HashMap<&ProductId, &Product> = products.iter().map(|p| (&p.id, p)).collect();
        let ids: Vec<ProductId> = latest.keys().map(|id| (*id).clone()).collect();
        let stored = self.products(shop, &ids).await?;
        let mut changed: Vec<&Product> = latest.into_values().filter(|p| stored.get(&p.id) != Some(*p)).collect();
        changed.sort_by(|a, b| a.id.cmp(&b.id));
        let time = now();
        let changes = changed.iter().map(|p| Change { time, id: p.id.clone(), product: Some((*p).clone()) });
        self.write_changes(shop, changes.collect(), now).await?;
        Ok(Upserted { written: changed.len(), unchanged: ids.len() - changed.len() })
    }

    /// Withdraws products: gone from the catalogue and, through the delta, from every answer.
    ///
    /// # Errors
    /// If the table cannot take it; withdrawing again is right.
    pub async fn withdraw_products(&self, shop: &Shop, ids: &[ProductId], now: Now<'_>) -> Result<()> {
        let time = now();
        // A transaction may not name an item twice.
        let ids: BTreeSet<&ProductId> = ids.iter().collect();
        let changes = ids.into_iter().map(|id| Change { time, id: id.clone(), product: None });
        self.write_changes(shop, changes.collect(), now).await
    }

    /// Changes what is stored of a product, or withdraws it where the change leaves none, and answers what it is now, or was.
    /// None if there is no such product. Nobody's change in between is lost: then it is read again and changed again.
    ///
    /// # Errors
    /// If the table fails, or others change the product all the time; changing it again is right.
    pub async fn change_product(
        &self,
        shop: &Shop,
        id: &ProductId,
        change: impl Fn(Product) -> Option<Product> + Send + Sync,
        now: Now<'_>,
    ) -> Result<Option<Product>> {
        for attempt in 0..ATTEMPTS {
            let Some(stored) = self.get(keys::product(shop, id), keys::PRODUCT).await? else { return Ok(None) };
            let was: Product = document(&stored, "product")?;
            let new = change(was.clone());
            if new.as_ref() == Some(&was) {
                return Ok(new);
            }
            let write = self.write_over(&stored, new.as_ref())?;
            let told = Change { time: now(), id: id.clone(), product: new.clone() };
            match self.transact_all(vec![self.entry(shop, &[told], now)?, write]).await {
                Ok(failed) if failed.is_empty() => return Ok(new.or(Some(was))),
                Ok(_) => {}
                Err(error) if is_contended(&error) => {}
                Err(error) => return Err(error),
            }
            pause(attempt).await?;
        }
        Err(Error::Unavailable { operation: "TransactWriteItems", source: "the product kept changing".into() })
    }

    /// Writes or deletes a product if it is still what was read.
    fn write_over(&self, stored: &Item, new: Option<&Product>) -> Result<TransactWriteItem> {
        let condition = "d = :was";
        let was = Item::from([(":was".to_owned(), text(document_text(stored, "product")?))]);
        let (pk, sk) = place_of(stored);
        let Some(new) = new else {
            let delete = Delete::builder().table_name(&self.name).set_key(Some(key(pk, sk)));
            let delete = delete.condition_expression(condition).set_expression_attribute_values(Some(was)).build();
            let delete = delete.map_err(|e| Error::corrupt("delete", e))?;
            return Ok(TransactWriteItem::builder().delete(delete).build());
        };
        let mut put = self.put_of(item(pk, sk, "product", new)?, Some(condition))?;
        put.expression_attribute_values = Some(was);
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// An entry of the delta, dated now.
    fn entry(&self, shop: &Shop, changes: &[Change], now: Now<'_>) -> Result<TransactWriteItem> {
        // Entries of one process and millisecond keep their order.
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let sk = format!("{}#{number:08x}{}", now().sort_key(), nonce()?);
        self.write_of(item(keys::changes(shop), sk, "changes", changes)?)
    }

    /// The delta entry and what becomes of the products it names are one transaction, so that the two never disagree: a
    /// product withdrawn in the delta and still in the table would count as unchanged when it comes back.
    async fn write_changes(&self, shop: &Shop, changes: Vec<Change>, now: Now<'_>) -> Result<()> {
        let mut rest = changes.as_slice();
        while !rest.is_empty() {
            let size = entry_size(rest);
            let (entry, after) = rest.split_at(size);
            let mut writes = vec![self.entry(shop, entry, now)?];
            for change in entry {
                let pk = keys::product(shop, &change.id);
                writes.push(match &change.product {
                    Some(product) => self.write_of(item(pk, keys::PRODUCT, "product", product)?)?,
                    None => self.delete_of(key(pk, keys::PRODUCT))?,
                });
            }
            self.transact_all(writes).await?;
            rest = after;
        }
        Ok(())
    }

    /// All changes from a time on, in the order they were written, each with the time and key of its entry.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn changes_since(&self, shop: &Shop, from: Millis) -> Result<Vec<(String, Change)>> {
        self.changes_between(shop, from, "~").await
    }

    /// As [`changes_since`](Self::changes_since), up to and with the entry of a key.
    ///
    /// An entry is dated just before it is written, so one that is dated earlier can still come after one that was read:
    /// who wants to know later what they saw has to note the number of changes with the key of the last.
    ///
    /// # Errors
    /// If the table fails or holds something unreadable.
    pub async fn changes_between(&self, shop: &Shop, from: Millis, up_to: &str) -> Result<Vec<(String, Change)>> {
        let from = from.sort_key();
        if up_to < from.as_str() {
            return Ok(Vec::new());
        }
        let items = self.all(&keys::changes(shop), (&from, up_to)).await?;
        let mut changes = Vec::new();
        for item in &items {
            let entry: Vec<Change> = document(item, "changes")?;
            changes.extend(entry.into_iter().map(|c| (sort_key(item).to_owned(), c)));
        }
        Ok(changes)
    }

    /// Forgets delta entries that a published catalogue holds since long.
    ///
    /// # Errors
    /// If the table fails; what is left goes the next time.
    pub async fn forget_changes_before(&self, shop: &Shop, before: Millis) -> Result<usize> {
        let items = self.all(&keys::changes(shop), ("0", &before.sort_key())).await?;
        for item in &items {
            self.delete(keys::changes(shop), sort_key(item)).await?;
        }
        Ok(items.len())
    }
}

fn entry_size(changes: &[Change]) -> usize {
    let mut bytes = 0;
    for (n, change) in changes.iter().enumerate().take(TRANSACTION) {
        bytes += serde_json::to_string(change).map_or(0, |text| text.len());
        if bytes > ENTRY_BYTES && n > 0 {
            return n;
        }
    }
    changes.len().min(TRANSACTION)
}

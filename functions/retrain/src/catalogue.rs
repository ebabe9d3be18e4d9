//! The catalogue: what it was when the live model was published, and every change since.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;

use vitrine_domain::{Change, Millis, Product, ProductId, Shop};
use vitrine_runtime::Context;
use vitrine_store::models::Live;

use crate::Error;

/// Compression level: the default.
const LEVEL: i32 = 3;
/// Largest line that is read back: larger than any product the table takes.
const MAX_LINE: u64 = 1 << 20;

/// The catalogue as it is now.
#[derive(Debug)]
pub(crate) struct Catalogue {
    /// In the order of their identifiers.
    pub(crate) products: Arc<[Product]>,
    /// Key of the last change that was read, if there was one.
    pub(crate) last_change: Option<String>,
}

/// Reads the catalogue of the live model and applies what changed since, in the order in which it was written.
pub(crate) async fn load(context: &Context, shop: &Shop, live: Option<&Live>) -> Result<Catalogue, Error> {
    let mut products = BTreeMap::new();
    if let Some(live) = live {
        let bytes = context.objects.get(&live.catalogue).await?;
        let bytes = bytes.ok_or_else(|| Error::CatalogueGone { key: live.catalogue.clone() })?;
        let read = unpack(&bytes).map_err(|source| Error::Catalogue { key: live.catalogue.clone(), source })?;
        products.extend(read.into_iter().map(|product| (product.id.clone(), product)));
    }
    let from = live.map_or(Millis(0), |live| live.delta_from);
    let changes = context.table.changes_since(shop, from).await?;
    let last_change = changes.last().map(|(key, _)| key.clone());
    for (_, change) in changes {
        apply(&mut products, change);
    }
    Ok(Catalogue { products: products.into_values().collect(), last_change })
}

fn apply(products: &mut BTreeMap<ProductId, Product>, change: Change) {
    match change.product {
        Some(product) => products.insert(change.id, product),
        None => products.remove(&change.id),
    };
}

/// Zstd-compressed NDJSON, a product a line.
pub(crate) fn pack(products: &[Product]) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    encoder.include_checksum(true)?;
    for product in products {
        serde_json::to_writer(&mut encoder, product)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()
}

fn unpack(bytes: &[u8]) -> std::io::Result<Vec<Product>> {
    let mut reader = BufReader::new(zstd::Decoder::new(bytes)?);
    let mut products = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(products);
        }
        products.push(serde_json::from_slice(&line)?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(id: &str) -> Product {
        Product { price: Some(0.1 + 0.2), ..Product::new(ProductId::new(id).unwrap(), "line\nbreak") }
    }

    #[test]
    fn a_catalogue_survives_its_file_and_a_damaged_one_is_refused() {
        let products = vec![product("a"), product("b")];
        let mut bytes = pack(&products).unwrap();
        assert_eq!(unpack(&bytes).unwrap(), products);
        assert_eq!(unpack(&pack(&[]).unwrap()).unwrap(), []);
        let cut = &bytes[..bytes.len() - 5];
        assert!(unpack(cut).is_err());
        let at = bytes.len() - 2;
        bytes[at] ^= 1;
        assert!(unpack(&bytes).is_err(), "the checksum holds");
    }

    #[test]
    fn the_last_change_of_a_product_wins() {
        let mut products = BTreeMap::new();
        let change = |product: Option<Product>| Change { time: Millis(1), id: ProductId::new("a").unwrap(), product };
        apply(&mut products, change(Some(product("a"))));
        apply(&mut products, change(None));
        assert!(products.is_empty());
        let again = Product { stock: Some(1), ..product("a") };
        apply(&mut products, change(Some(product("a"))));
        apply(&mut products, change(Some(again.clone())));
        assert_eq!(products.into_values().collect::<Vec<_>>(), [again]);
    }
}

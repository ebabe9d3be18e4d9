//! The catalogue as a whole: what it was when the live model was published, and every change since.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};

use vitrine_domain::{Millis, Product, ProductId, Shop};

use crate::models::Live;
use crate::{Error, Objects, Result, Table};

/// Compression level: the default.
const LEVEL: i32 = 3;
/// Largest line that is read back: larger than any product the table takes.
const MAX_LINE: u64 = 1 << 20;

/// The catalogue as it is now.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// In the order of their identifiers.
    pub products: Vec<Product>,
    /// Key of the last change that was read, if there was one.
    pub last_change: Option<String>,
}

impl Catalogue {
    /// Reads the catalogue of the live model and applies what changed since, in the order in which it was written.
    ///
    /// # Errors
    /// If a store fails, or the live model's catalogue is missing or damaged.
    pub async fn load(table: &Table, objects: &Objects, shop: &Shop, live: Option<&Live>) -> Result<Self> {
        let mut products: BTreeMap<ProductId, Product> = BTreeMap::new();
        if let Some(live) = live {
            let bytes = objects.get(&live.catalogue).await?;
            let bytes = bytes.ok_or_else(|| Error::corrupt("catalogue", format!("{} is gone", live.catalogue)))?;
            let read = unpack(&bytes).map_err(|source| Error::corrupt("catalogue", source))?;
            products.extend(read.into_iter().map(|product| (product.id.clone(), product)));
        }
        let from = live.map_or(Millis(0), |live| live.delta_from);
        let changes = table.changes_since(shop, from).await?;
        let last_change = changes.last().map(|(key, _)| key.clone());
        for (_, change) in changes {
            match change.product {
                Some(product) => products.insert(change.id, product),
                None => products.remove(&change.id),
            };
        }
        Ok(Self { products: products.into_values().collect(), last_change })
    }
}

/// Packs a catalogue: zstd-compressed NDJSON, a product a line.
///
/// # Errors
/// If memory runs out while packing.
pub fn pack(products: &[Product]) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    encoder.include_checksum(true)?;
    for product in products {
        serde_json::to_writer(&mut encoder, product)?;
        encoder.write_all(b"\n")?;
    }
    encoder.finish()
}

/// Reads what [`pack`] wrote.
///
/// # Errors
/// If the bytes are damaged or cut short.
pub fn unpack(bytes: &[u8]) -> std::io::Result<Vec<Product>> {
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
        let bytes = pack(&products).unwrap();
        assert_eq!(unpack(&bytes).unwrap(), products);
        assert_eq!(unpack(&pack(&[]).unwrap()).unwrap(), []);
        assert!(unpack(&bytes[..bytes.len() - 5]).is_err());
    }
}

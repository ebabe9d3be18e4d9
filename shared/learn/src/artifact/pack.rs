//! Writing an artifact: models and catalogue in, bytes out, nothing that depends on time or place.

use std::collections::BTreeSet;

use half::f16;
use vitrine_domain::{Kind, Product};

use super::columns;
use super::container::Writer;
use super::sections::{self, About, Texts};
use super::{CONTENT, NO_BRAND, SELLABLE};
use crate::Error;
use crate::algorithm::Numbers;
use crate::blend::Part;
use crate::popularity::{Popularity, best};

/// A part of the model as it is packed.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    pub(crate) part: Part,
    /// Row after row, as wide as the part's range.
    pub(crate) vectors: Vec<f32>,
    pub(crate) sections: Vec<(&'static str, Numbers)>,
}

/// Everything learned, before it is packed.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) parts: Vec<Packed>,
    pub(crate) popularity: Popularity,
    /// Share of those who showed interest in each product that ordered it.
    pub(crate) conversion: Vec<f32>,
    /// Length of the popularity lists.
    pub(crate) top: usize,
}

/// A model with the catalogue it speaks of, as a file. `with_products` is false for a model that is only evaluated, which
/// needs neither product texts nor columns.
pub(crate) fn pack(products: &[&Product], model: &Model, with_products: bool) -> Result<Vec<u8>, Error> {
    let n = products.len();
    let dims = model.parts.iter().map(|packed| packed.part.range.end).max().unwrap_or(0);
    let parts = model.parts.iter().map(|packed| packed.part.clone()).collect();
    let about = About { products: n as u32, dims: dims as u32, parts };
    let mut writer = Writer::default();
    let about =
        serde_json::to_vec(&about).map_err(|source| Error::Product { id: sections::ABOUT.to_owned(), source })?;
    writer.text(sections::ABOUT, about);
    texts(&mut writer, sections::PRODUCTS, products.iter().map(|p| p.id.as_str().as_bytes()));
    products_as_json(&mut writer, products, with_products)?;
    catalogue(&mut writer, products, model);
    columns::write(&mut writer, if with_products { products } else { &[] });

    let mut vectors = vec![f16::ZERO; n * dims];
    for packed in model.parts.iter().filter(|packed| packed.part.has_vectors()) {
        let range = &packed.part.range;
        for (to, from) in vectors.chunks_exact_mut(dims).zip(packed.vectors.chunks_exact(range.len())) {
            to[range.clone()].iter_mut().zip(from).for_each(|(to, from)| *to = f16::from_f32(*from));
        }
    }
    writer.f16s(sections::VECTORS, &vectors);
    writer.f32s(sections::POPULARITY, &model.popularity.decayed);
    writer.f32s(sections::TRENDING, &model.popularity.trending);
    writer.u32s(sections::PEOPLE, model.popularity.people.iter().copied());
    writer.f32s(sections::MARGIN, &products.iter().map(|product| margin(product)).collect::<Vec<_>>());
    writer.f32s(sections::CONVERSION, &model.conversion);
    for packed in &model.parts {
        for (name, numbers) in &packed.sections {
            let name = format!("{}.{name}", packed.part.name);
            if !writer.takes(&name) {
                return Err(Error::Section(name));
            }
            writer.numbers(name, numbers);
        }
    }
    Ok(writer.finish())
}

/// What the shop earns with one; NaN is unknown.
fn margin(product: &Product) -> f32 {
    product.margin().map(|margin| margin as f32).filter(|margin| margin.is_finite()).unwrap_or(f32::NAN)
}

pub(super) fn texts<'t>(writer: &mut Writer, names: Texts<'_>, entries: impl Iterator<Item = &'t [u8]>) {
    let (mut at, mut text) = (vec![0_u64], Vec::new());
    for entry in entries {
        text.extend_from_slice(entry);
        at.push(text.len() as u64);
    }
    writer.u64s(names.at, at);
    writer.text(names.text, text);
}

fn products_as_json(writer: &mut Writer, products: &[&Product], with_products: bool) -> Result<(), Error> {
    let (mut at, mut text) = (vec![0_u64], Vec::new());
    for product in products {
        if with_products {
            serde_json::to_writer(&mut text, &product.shown())
                .map_err(|source| Error::Product { id: product.id.to_string(), source })?;
        }
        at.push(text.len() as u64);
    }
    writer.u64s(sections::JSON.at, at);
    writer.text(sections::JSON.text, text);
    Ok(())
}

/// The columns that filters and fallbacks read.
fn catalogue(writer: &mut Writer, products: &[&Product], model: &Model) {
    let names: Vec<&str> = sorted(products.iter().flat_map(|p| p.category.iter().map(String::as_str)));
    let brands: Vec<&str> = sorted(products.iter().filter_map(|p| p.brand.as_deref()));
    let number = |names: &[&str], name: &str| names.binary_search(&name).map_or(NO_BRAND, |at| at as u32);
    texts(writer, sections::CATEGORIES, names.iter().map(|name| name.as_bytes()));
    texts(writer, sections::BRANDS, brands.iter().map(|name| name.as_bytes()));

    let (mut starts, mut paths) = (vec![0_u32], Vec::new());
    let mut members = vec![Vec::new(); names.len()];
    for (row, product) in (0_u32..).zip(products) {
        for name in &product.category {
            let category = number(&names, name);
            paths.push(category);
            let rows = &mut members[category as usize];
            // A path may name one category twice; the product is in it once.
            if rows.last() != Some(&row) {
                rows.push(row);
            }
        }
        starts.push(paths.len() as u32);
    }
    writer.u32s(sections::CATEGORY_AT, starts);
    writer.u32s(sections::CATEGORY, paths);
    writer.u32s(
        sections::BRAND,
        products.iter().map(|p| p.brand.as_deref().map_or(NO_BRAND, |brand| number(&brands, brand))),
    );
    let prices: Vec<f32> = products.iter().map(|p| p.current_price().map_or(f32::NAN, |price| price as f32)).collect();
    writer.f32s(sections::PRICE, &prices);
    let flags = |p: &&Product| {
        let content = if p.kind == Kind::Content { CONTENT } else { 0 };
        content | if p.is_sellable() { SELLABLE } else { 0 }
    };
    writer.u32s(sections::FLAGS, products.iter().map(flags));

    let popularity = &model.popularity.decayed;
    writer.u32s(sections::POPULAR, best(popularity, 0..products.len() as u32, model.top));
    let (mut starts, mut leaders) = (vec![0_u32], Vec::new());
    for rows in members {
        leaders.extend(best(popularity, rows.into_iter(), model.top));
        starts.push(leaders.len() as u32);
    }
    writer.u32s(sections::LEADERS_AT, starts);
    writer.u32s(sections::LEADERS, leaders);
}

fn sorted<'t>(names: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

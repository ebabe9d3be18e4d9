//! Everything that is learned.

use super::layout::{Layout, normal};
use super::products::{Catalogue, IdDropout, compose};
use crate::dataset::mix;
use crate::settings;

/// Products whose vectors are made at once.
const CHUNK: usize = 1024;

/// The weights of an encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    pub(super) layout: Layout,
    /// Row-major, products x dims.
    pub(super) identifiers: Vec<f32>,
    /// Row-major, attributes x dims.
    pub(super) attributes: Vec<f32>,
    /// See [`Layout`].
    pub(super) dense: Vec<f32>,
}

impl Weights {
    /// Weights to start from.
    pub(super) fn start(catalogue: &Catalogue<'_>, settings: &settings::Encoder, seed: u64) -> Self {
        let layout = Layout { dims: settings.dims, inner: settings.inner, content_dims: catalogue.content_dims };
        let mut identifiers = vec![0.0; catalogue.products * layout.dims];
        normal(&mut identifiers, settings.deviation, mix(seed ^ 1));
        let mut attributes = vec![0.0; catalogue.attribute_count() * layout.dims];
        normal(&mut attributes, settings.deviation, mix(seed ^ 2));
        Self { layout, identifiers, attributes, dense: layout.start(mix(seed ^ 3)) }
    }

    pub(super) fn same_shape(&self, other: &Self) -> bool {
        self.layout == other.layout
            && self.identifiers.len() == other.identifiers.len()
            && self.attributes.len() == other.attributes.len()
    }

    /// Takes over dense weights; false if they are of other shapes.
    pub(super) fn adopt_dense(&mut self, dense: &[f32]) -> bool {
        let fits = dense.len() == self.dense.len();
        if fits {
            self.dense.copy_from_slice(dense);
        }
        fits
    }

    /// Makes a product's vector what it was in an earlier model, by its identifier's row.
    pub(super) fn adopt(&mut self, catalogue: &Catalogue<'_>, row: u32, vector: &[f32]) {
        let (mut content, mut composed) = (Vec::new(), Vec::new());
        compose(self, catalogue, &[row], IdDropout { rate: 0.0, key: 0 }, &mut content, &mut composed);
        let start = row as usize * self.layout.dims;
        let own = &mut self.identifiers[start..start + self.layout.dims];
        for ((own, wanted), composed) in own.iter_mut().zip(vector).zip(&composed) {
            *own += wanted - composed;
        }
    }

    /// The shapes.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// The dense weights, laid out as [`Layout`] says.
    #[must_use]
    pub fn dense(&self) -> &[f32] {
        &self.dense
    }

    /// All weights as bytes: five little-endian `u32` (dims, inner, content dims, products, attributes), then as
    /// little-endian `f32` the dense weights as [`Layout`] says, the products' identifiers and the attributes, row-major.
    /// A warm start goes on from them; serving needs only [`dense`](Self::dense) and
    /// [`products_table`](Self::products_table).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Layout { dims, inner, content_dims } = self.layout;
        let rows = [self.identifiers.len() / dims, self.attributes.len() / dims];
        let head = [dims, inner, content_dims, rows[0], rows[1]].into_iter().flat_map(|n| (n as u32).to_le_bytes());
        let numbers = self.dense.iter().chain(&self.identifiers).chain(&self.attributes);
        head.chain(numbers.flat_map(|x| x.to_le_bytes())).collect()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; none if the length does not fit the shapes or a number is not finite.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<4>();
        let (head, numbers) = words.split_first_chunk::<5>().filter(|_| rest.is_empty())?;
        let [dims, inner, content_dims, products, attributes] = head.map(|word| u32::from_le_bytes(word) as usize);
        // Also keeps the products below from running over.
        if dims == 0 || [dims, inner, content_dims].iter().any(|size| *size > 1 << 20) {
            return None;
        }
        let layout = Layout { dims, inner, content_dims };
        let dense = layout.len();
        if numbers.len() as u128 != dense as u128 + (products as u128 + attributes as u128) * dims as u128 {
            return None;
        }
        let numbers: Vec<f32> = numbers.iter().map(|word| f32::from_le_bytes(*word)).collect();
        if numbers.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let (dense, tables) = numbers.split_at(dense);
        let (identifiers, attributes) = tables.split_at(products * dims);
        Some(Self { layout, identifiers: identifiers.to_vec(), attributes: attributes.to_vec(), dense: dense.to_vec() })
    }

    /// The same weights for another catalogue: `old_row` names the row that a product had, if any; the others start anew.
    #[must_use]
    pub fn moved(
        &self,
        catalogue: &Catalogue<'_>,
        settings: &settings::Encoder,
        seed: u64,
        old_row: impl Fn(u32) -> Option<u32>,
    ) -> Option<Self> {
        let mut moved = Self::start(catalogue, settings, seed);
        if moved.layout != self.layout || moved.attributes.len() != self.attributes.len() {
            return None;
        }
        let d = self.layout.dims;
        for (row, to) in (0..).zip(moved.identifiers.chunks_exact_mut(d)) {
            if let Some(from) = old_row(row).and_then(|old| self.identifiers.get(old as usize * d..)?.get(..d)) {
                to.copy_from_slice(from);
            }
        }
        moved.dense.clone_from(&self.dense);
        moved.attributes.clone_from(&self.attributes);
        Some(moved)
    }

    /// The vectors of all products, row-major: identifier, content and attributes together.
    #[must_use]
    pub fn products_table(&self, catalogue: &Catalogue<'_>) -> Vec<f32> {
        let keep_all = IdDropout { rate: 0.0, key: 0 };
        let (mut content, mut piece) = (Vec::new(), Vec::new());
        let rows: Vec<u32> = (0..catalogue.products as u32).collect();
        let mut table = Vec::with_capacity(self.identifiers.len());
        for rows in rows.chunks(CHUNK) {
            compose(self, catalogue, rows, keep_all, &mut content, &mut piece);
            table.extend_from_slice(&piece);
        }
        table
    }
}

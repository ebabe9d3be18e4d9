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

    /// Makes a product's vector what it was in an earlier model, by its identifier's row: an artifact holds the dense weights
    /// and the vectors, which is all that a warm start needs.
    pub(super) fn adopt(&mut self, catalogue: &Catalogue<'_>, row: u32, vector: &[f32]) {
        let (mut content, mut composed) = (Vec::new(), Vec::new());
        compose(self, catalogue, &[row], IdDropout { rate: 0.0, key: 0 }, 1, &mut content, &mut composed);
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

    /// The vectors of all products, row-major: identifier, content and attributes together.
    #[must_use]
    pub fn products_table(&self, catalogue: &Catalogue<'_>) -> Vec<f32> {
        let keep_all = IdDropout { rate: 0.0, key: 0 };
        let (mut content, mut piece) = (Vec::new(), Vec::new());
        let rows: Vec<u32> = (0..catalogue.products as u32).collect();
        let mut table = Vec::with_capacity(self.identifiers.len());
        for rows in rows.chunks(CHUNK) {
            compose(self, catalogue, rows, keep_all, 1, &mut content, &mut piece);
            table.extend_from_slice(&piece);
        }
        table
    }
}

//! A part of a batch: some windows, worked on by one thread from their products to the gradients.
//!
//! A batch is always cut into the same parts, whatever the number of threads, and the parts' gradients are added in
//! order.

use super::block::{self, Dropout, Work, site};
use super::kernel::{add, wide};
use super::layout::Layout;
use super::loss::{Candidates, Loss};
use super::sequences::Batch;

/// One part, with all the space it needs; used again from batch to batch.
#[derive(Default)]
pub(super) struct Part {
    /// Positions of the batch.
    pub(super) positions: std::ops::Range<usize>,
    /// Where each window starts, counted from the first position of the part.
    starts: Vec<usize>,
    pub(super) work: Work,
    pub(super) loss: Loss,
    targets: Vec<Option<u32>>,
    /// Gradient by the dense weights.
    pub(super) gradient: Vec<f32>,
}

/// What all parts of a batch share.
pub(super) struct Shared<'a> {
    pub(super) layout: &'a Layout,
    pub(super) dense: &'a [f32],
    pub(super) batch: &'a Batch,
    /// Place of each product of the batch in `candidates.vectors`.
    pub(super) places: &'a [u32],
    pub(super) candidates: Candidates<'a>,
    pub(super) dropout: f32,
    pub(super) key: u64,
    /// Weight of a position's loss.
    pub(super) weight: f32,
}

/// Cuts a batch into parts of whole windows, each of at least `positions`, the last perhaps fewer.
pub(super) fn cut(batch: &Batch, positions: usize, parts: &mut Vec<Part>) -> usize {
    let (mut used, mut first) = (0, 0);
    for (window, end) in batch.starts.iter().enumerate().skip(1) {
        let start = batch.starts[first];
        if end - start < positions && window + 1 < batch.starts.len() {
            continue;
        }
        if used == parts.len() {
            parts.push(Part::default());
        }
        let part = &mut parts[used];
        part.positions = start..*end;
        part.starts.clear();
        part.starts.extend(batch.starts[first..=window].iter().map(|place| place - start));
        (used, first) = (used + 1, window);
    }
    used
}

impl Part {
    fn dropout(&self, shared: &Shared<'_>) -> Dropout {
        Dropout { rate: shared.dropout, key: shared.key.wrapping_add(self.positions.start as u64) }
    }

    /// Forward to the outputs.
    pub(super) fn forward(&mut self, shared: &Shared<'_>) {
        let d = shared.layout.dims;
        let at = shared.layout.ranges();
        let (positions, kinds, gaps) = (&shared.dense[at.positions], &shared.dense[at.kinds], &shared.dense[at.gaps]);
        let batch = shared.batch;
        let x = &mut self.work.x;
        x.clear();
        for bounds in self.starts.windows(2) {
            for (place, local) in (bounds[0]..bounds[1]).enumerate() {
                let position = self.positions.start + local;
                let product = shared.places[batch.rows[position] as usize] as usize;
                x.extend_from_slice(&shared.candidates.vectors[product * d..][..d]);
                let x = &mut x[local * d..];
                add(x, &positions[place * d..][..d]);
                add(x, &kinds[usize::from(batch.kinds[position]) * d..][..d]);
                add(x, &gaps[usize::from(batch.gaps[position]) * d..][..d]);
            }
        }
        let dropout = self.dropout(shared);
        dropout.apply(site::INPUT, &mut self.work.x);
        block::forward(&mut self.work, shared.layout, shared.dense, &self.starts, dropout);
    }

    /// Forward, loss, and back: gradients by the dense weights, by the input (in `work.dx`) and by the vectors of the
    /// products (in `loss`).
    pub(super) fn run(&mut self, shared: &Shared<'_>) {
        self.forward(shared);
        let batch = shared.batch;
        self.targets.clear();
        self.targets.extend(
            self.positions
                .clone()
                .map(|position| batch.counts[position].then(|| shared.places[batch.targets[position] as usize])),
        );
        self.loss.run(self.work.output(), &self.targets, &shared.candidates, shared.weight);
        self.gradient.clear();
        self.gradient.resize(shared.layout.len(), 0.0);
        let dropout = self.dropout(shared);
        let (layout, dense) = (shared.layout, shared.dense);
        let d_output = &mut self.loss.d_output;
        block::backward(&mut self.work, layout, dense, &self.starts, dropout, d_output, &mut self.gradient);
        dropout.apply(site::INPUT, &mut self.work.dx);
        self.spread(shared);
    }

    /// Adds the gradient by the input to those of places, kinds and gaps.
    fn spread(&mut self, shared: &Shared<'_>) {
        let d = shared.layout.dims;
        let at = shared.layout.ranges();
        let (gradient, dx) = (&mut self.gradient, &self.work.dx);
        wide(
            #[inline(always)]
            || {
                for bounds in self.starts.windows(2) {
                    for (place, local) in (bounds[0]..bounds[1]).enumerate() {
                        let position = self.positions.start + local;
                        let dx = &dx[local * d..][..d];
                        let kind = usize::from(shared.batch.kinds[position]);
                        let gap = usize::from(shared.batch.gaps[position]);
                        add(&mut gradient[at.positions.start + place * d..][..d], dx);
                        add(&mut gradient[at.kinds.start + kind * d..][..d], dx);
                        add(&mut gradient[at.gaps.start + gap * d..][..d], dx);
                    }
                }
            },
        );
    }
}

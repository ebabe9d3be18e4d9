//! The file of weights: written once from the published model, mapped into memory and used where it lies.
//!
//! It is the same container as an artifact (`ARTIFACT.md`: header with magic and version, a table of sections with a checksum
//! each, sections at multiples of 64 bytes, little-endian), with the sections of [`Parts`] in it.

use std::path::Path;

use super::layers::{Layers, Shape};
use super::tokens::Tokenizer;
use super::trie::{Nodes, Trie};
use crate::Error;
use crate::artifact::container::Writer;
use crate::artifact::memory::Memory;
use crate::artifact::sections::{Place, Places};

/// Everything that the model consists of, with the shapes of `layers`; for writing a file of weights.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Vocabulary pieces, by number. One without a score is a mark that no text contains.
    pub pieces: Vec<(String, Option<f32>)>,
    /// What folding replaces, and by what.
    pub folding: Vec<(String, String)>,
    /// Numbers of a token's vector.
    pub width: usize,
    /// Numbers of a branch.
    pub branch: usize,
    /// Numbers of the layers between.
    pub hidden: usize,
    /// The quantised vector of each token, a row each; there may be more rows than pieces.
    pub table: Vec<u8>,
    /// Step and least value of each group of quantised rows; row `i` is in group `i % groups`.
    pub quantisation: Vec<(f32, f32)>,
    /// What is added to a variance before it divides.
    pub epsilon: f32,
    /// The dense weights, in the order and with the sizes of [`Parts::dense_sizes`].
    pub dense: Vec<Vec<f32>>,
}

/// The sections of dense weights.
const DENSE: [&str; 19] = [
    "project",
    "project.bias",
    "project.gain",
    "project.shift",
    "first",
    "first.bias",
    "second",
    "second.bias",
    "gain",
    "shift",
    "out",
    "out.bias",
    "deep0",
    "deep1",
    "skip1",
    "deep2",
    "skip3",
    "deep3",
    "epsilon",
];

impl Parts {
    /// The name and size of each dense weight, in the order in which they are to be given.
    #[must_use]
    pub fn dense_sizes(&self) -> Vec<(&'static str, usize)> {
        let shape = Shape { width: self.width, branch: self.branch, hidden: self.hidden };
        DENSE.into_iter().zip(shape.sizes()).take(DENSE.len() - 1).collect()
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`Error::Damaged`] naming the first part of a wrong size.
    pub fn pack(&self) -> Result<Vec<u8>, Error> {
        if self.dense.len() != DENSE.len() - 1 {
            return Err(Error::damaged("dense", "has the wrong number of weights"));
        }
        for ((name, size), weights) in self.dense_sizes().into_iter().zip(&self.dense) {
            if weights.len() != size {
                return Err(Error::damaged(name, "has the wrong size"));
            }
        }
        if self.width == 0 || !self.table.len().is_multiple_of(self.width) || self.quantisation.is_empty() {
            return Err(Error::damaged("table", "has the wrong size"));
        }
        let mut writer = Writer::default();
        writer.u32s("shape", [self.width, self.branch, self.hidden].map(|n| n as u32));
        let known = self.pieces.iter().zip(0..).filter(|((_, score), _)| score.is_some());
        trie(&mut writer, PIECES, &Nodes::new(known.map(|((piece, _), number)| (piece.as_bytes(), number))));
        let scores: Vec<f32> = self.pieces.iter().map(|(_, score)| score.unwrap_or(0.0)).collect();
        writer.f32s("scores", &scores);
        let mut replacements = Vec::new();
        let mut keys = Vec::new();
        for (key, replacement) in &self.folding {
            keys.push((key.as_bytes(), replacements.len() as u32));
            replacements.extend(replacement.bytes().chain([0]));
        }
        trie(&mut writer, FOLDING, &Nodes::new(keys));
        writer.text("replacements", replacements);
        writer
            .f32s("quantisation", &self.quantisation.iter().flat_map(|(step, low)| [*step, *low]).collect::<Vec<_>>());
        writer.text("table", self.table.clone());
        for (name, weights) in DENSE.iter().zip(&self.dense) {
            writer.f32s(*name, weights);
        }
        writer.f32s("epsilon", &[self.epsilon]);
        Ok(writer.finish())
    }
}

const PIECES: [&str; 3] = ["pieces.children", "pieces.labels", "pieces.values"];
const FOLDING: [&str; 3] = ["folding.children", "folding.labels", "folding.values"];

fn trie(writer: &mut Writer, names: [&'static str; 3], nodes: &Nodes) {
    writer.u32s(names[0], nodes.children.iter().copied());
    writer.text(names[1], nodes.labels.clone());
    writer.u32s(names[2], nodes.values.iter().copied());
}

/// An opened file of weights.
pub(super) struct Weights {
    memory: Memory,
    shape: Shape,
    pieces: [Place; 3],
    folding: [Place; 3],
    replacements: Place,
    scores: Place,
    quantisation: Place,
    table: Place,
    dense: Vec<Place>,
    unknown: f32,
}

impl Weights {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        Self::new(Memory::map(path)?)
    }

    pub(super) fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::new(Memory::own(bytes))
    }

    /// Checks every byte against its checksum, and that all parts fit each other.
    fn new(memory: Memory) -> Result<Self, Error> {
        let places = Places::read(&memory)?;
        places.verify(&memory)?;
        let shape: Vec<u32> = places.get("shape", 4, Some(3))?.numbers(&memory).to_vec();
        let [width, branch, hidden] = shape[..] else { return Err(Error::damaged("shape", "has the wrong size")) };
        let shape = Shape { width: width as usize, branch: branch as usize, hidden: hidden as usize };
        // Bounds that keep the products of sizes in range.
        if [shape.width, shape.branch, shape.hidden].iter().any(|n| !(1..=1 << 14).contains(n)) {
            return Err(Error::damaged("shape", "is out of range"));
        }
        let tree = |names: [&str; 3]| -> Result<[Place; 3], Error> {
            let labels = places.get(names[1], 1, None)?;
            let nodes = labels.bytes(&memory).len();
            Ok([places.get(names[0], 4, Some(nodes + 1))?, labels, places.get(names[2], 4, Some(nodes))?])
        };
        let sizes = DENSE.iter().zip(shape.sizes());
        let dense = sizes.map(|(name, size)| places.get(name, 4, Some(size))).collect::<Result<Vec<_>, _>>()?;
        let scores = places.get("scores", 4, None)?;
        let table = places.get("table", 1, None)?;
        let pieces = scores.numbers::<f32>(&memory).len();
        if table.bytes(&memory).len() < pieces * shape.width || pieces <= super::tokens::END as usize {
            return Err(Error::damaged("table", "has the wrong size"));
        }
        let quantisation = places.get("quantisation", 4, None)?;
        if quantisation.numbers::<f32>(&memory).len() < 2 {
            return Err(Error::damaged("quantisation", "has the wrong size"));
        }
        let least = scores.numbers::<f32>(&memory).iter().copied().fold(0.0, f32::min);
        Ok(Self {
            shape,
            pieces: tree(PIECES)?,
            folding: tree(FOLDING)?,
            replacements: places.get("replacements", 1, None)?,
            scores,
            quantisation,
            table,
            dense,
            unknown: least - 10.0,
            memory,
        })
    }

    fn trie(&self, [children, labels, values]: &[Place; 3]) -> Trie<'_> {
        Trie {
            children: children.numbers(&self.memory),
            labels: labels.bytes(&self.memory),
            values: values.numbers(&self.memory),
        }
    }

    pub(super) fn tokenizer(&self) -> Tokenizer<'_> {
        Tokenizer {
            folding: self.trie(&self.folding),
            replacements: self.replacements.bytes(&self.memory),
            pieces: self.trie(&self.pieces),
            scores: self.scores.numbers(&self.memory),
            unknown: self.unknown,
        }
    }

    pub(super) fn layers(&self) -> Layers<'_> {
        let dense = |i: usize| self.dense.get(i).map_or(&[][..], |place| place.numbers(&self.memory));
        Layers {
            shape: self.shape,
            table: self.table.bytes(&self.memory),
            quantisation: self.quantisation.numbers(&self.memory),
            project: dense(0),
            project_bias: dense(1),
            project_gain: dense(2),
            project_shift: dense(3),
            first: dense(4),
            first_bias: dense(5),
            second: dense(6),
            second_bias: dense(7),
            gain: dense(8),
            shift: dense(9),
            out: dense(10),
            out_bias: dense(11),
            deep0: dense(12),
            deep1: dense(13),
            skip1: dense(14),
            deep2: dense(15),
            skip3: dense(16),
            deep3: dense(17),
            epsilon: dense(18).first().copied().unwrap_or(1e-6),
        }
    }
}

//! From text to the numbers of vocabulary pieces, as SentencePiece does it (Kudo and Richardson 2018).
//!
//! **Folding.** The longest key of a table that the rest of the text begins with is replaced (NFKC and the like, written out
//! by the model's makers); a character that begins no key stays. Runs of spaces become one, those at both ends go, and
//! every space, with one more at the beginning, is written `▁` (U+2581).
//!
//! **Unigram segmentation** (Kudo 2018). Each piece has a log probability; the segmentation with the greatest sum is found
//! by dynamic programming over the ends of pieces (Viterbi). A character that is no piece of its own may stand alone as
//! unknown, ten below the least likely piece.

use super::trie::Trie;

/// The number of what is in no vocabulary.
pub(crate) const UNKNOWN: u32 = 0;
/// The numbers that stand before and after every text.
pub(crate) const BEGIN: u32 = 1;
pub(crate) const END: u32 = 2;
const SPACE: &str = "\u{2581}";

/// A vocabulary and its rules of folding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokenizer<'a> {
    /// What is replaced, with the place of its replacement in `replacements`.
    pub(crate) folding: Trie<'a>,
    /// Replacements, each ended by a zero byte.
    pub(crate) replacements: &'a [u8],
    /// The pieces and their numbers.
    pub(crate) pieces: Trie<'a>,
    /// The log probability of each piece.
    pub(crate) scores: &'a [f32],
    /// The log probability of an unknown character.
    pub(crate) unknown: f32,
}

impl<'a> Tokenizer<'a> {
    /// The first replacement for a text that is not empty, and how many of its bytes it replaces.
    fn fold_prefix<'b>(&self, text: &'b str) -> (&'b [u8], usize)
    where
        'a: 'b,
    {
        let folded = self.folding.prefixes(text.as_bytes()).last().and_then(|(size, at)| {
            let rest = self.replacements.get(at as usize..)?;
            Some((rest.split(|byte| *byte == 0).next()?, size))
        });
        // Keys are whole characters; if a damaged table says otherwise, the character stays.
        let folded = folded.filter(|(_, size)| text.is_char_boundary(*size));
        folded.unwrap_or_else(|| {
            let size = text.chars().next().map_or(text.len(), char::len_utf8);
            (&text.as_bytes()[..size], size)
        })
    }

    /// The text with everything replaced and its spaces written out; empty if nothing is left.
    pub(crate) fn fold(&self, mut text: &str) -> String {
        let mut out = SPACE.as_bytes().to_vec();
        let mut after_space = true;
        while !text.is_empty() {
            let (mut folded, size) = self.fold_prefix(text);
            text = &text[size..];
            while after_space && folded.first() == Some(&b' ') {
                folded = &folded[1..];
            }
            for byte in folded {
                match byte {
                    b' ' => out.extend(SPACE.as_bytes()),
                    other => out.push(*other),
                }
            }
            after_space = folded.last().map_or(after_space, |byte| *byte == b' ');
        }
        while out.ends_with(SPACE.as_bytes()) {
            out.truncate(out.len() - SPACE.len());
        }
        String::from_utf8(out).unwrap_or_default()
    }

    /// The most likely segmentation of a folded text.
    pub(crate) fn segment(&self, folded: &str) -> Vec<u32> {
        // For each place in the text the best way to get there: its score, where its last piece starts, which it is.
        let mut best = vec![(f64::NEG_INFINITY, 0, UNKNOWN); folded.len() + 1];
        best[0].0 = 0.0;
        for (start, character) in folded.char_indices() {
            let before = best[start].0;
            let mut reach = |size: usize, score: f32, piece: u32| {
                let score = before + f64::from(score);
                if let Some(end) = best.get_mut(start + size).filter(|end| score > end.0) {
                    *end = (score, start, piece);
                }
            };
            let alone = character.len_utf8();
            let mut known = false;
            for (size, piece) in self.pieces.prefixes(&folded.as_bytes()[start..]) {
                if let Some(score) = self.scores.get(piece as usize) {
                    reach(size, *score, piece);
                    known |= size == alone;
                }
            }
            if !known {
                reach(alone, self.unknown, UNKNOWN);
            }
        }
        let mut pieces = Vec::new();
        let mut end = folded.len();
        while end > 0 {
            let (_, start, piece) = best[end];
            pieces.push(piece);
            end = start;
        }
        pieces.reverse();
        pieces
    }

    /// The pieces of a text between the marks of its beginning and end, at most `most` in all.
    pub(crate) fn tokens(&self, text: &str, most: usize) -> Vec<u32> {
        let mut pieces = self.segment(&self.fold(text));
        if pieces.is_empty() {
            pieces.push(UNKNOWN);
        }
        pieces.truncate(most.saturating_sub(2));
        pieces.insert(0, BEGIN);
        pieces.push(END);
        pieces
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::trie::Nodes;
    use super::*;

    /// Pieces of the letters a and b, the space mark and é, by number from 3.
    const PIECES: [(&str, f32); 8] = [
        ("\u{2581}", -3.0),
        ("a", -2.0),
        ("b", -2.5),
        ("ab", -3.5),
        ("\u{2581}a", -3.2),
        ("aba", -5.0),
        ("ba", -4.7),
        ("é", -4.0),
    ];

    fn with<T>(test: impl FnOnce(&Tokenizer<'_>) -> T) -> T {
        let pieces = Nodes::new(PIECES.iter().map(|(piece, _)| piece.as_bytes()).zip(3..));
        let mut scores = vec![0.0; 3];
        scores.extend(PIECES.iter().map(|(_, score)| score));
        let replacements = b"a\0 \0\0ab\0";
        let keys = [("A", 0), ("\t", 2), ("\u{200b}", 4), ("\u{e6}", 5), ("e\u{301}", 8)];
        let replacements = [&replacements[..], "é\0".as_bytes()].concat();
        let folding = Nodes::new(keys.iter().map(|(key, at)| (key.as_bytes(), *at)));
        let tokenizer = Tokenizer {
            folding: folding.trie(),
            replacements: &replacements,
            pieces: pieces.trie(),
            scores: &scores,
            unknown: -15.0,
        };
        test(&tokenizer)
    }

    #[test]
    fn folding_replaces_the_longest_key_and_tidies_spaces() {
        with(|tokenizer| {
            for (text, folded) in [
                ("A", "▁a"),
                ("  a \t b  ", "▁a▁b"),
                ("a\u{200b}b", "▁ab"),
                ("e\u{301}e", "▁ée"),
                ("æ日", "▁ab日"),
                ("", ""),
                (" \t\u{200b}", ""),
            ] {
                assert_eq!(tokenizer.fold(text), folded, "{text:?}");
            }
        });
    }

    #[test]
    fn what_is_in_no_vocabulary_is_unknown_and_marks_stand_around_it() {
        with(|tokenizer| {
            // ▁a is likelier than ▁ and a; the sign stands alone.
            assert_eq!(tokenizer.tokens("a日", 99), [BEGIN, 7, UNKNOWN, END]);
            assert_eq!(tokenizer.tokens("", 99), [BEGIN, UNKNOWN, END]);
            assert_eq!(tokenizer.tokens("a日日日", 4), [BEGIN, 7, UNKNOWN, END]);
        });
    }

    /// The best score of all segmentations, by trying every one.
    fn exhaustive(folded: &str) -> f64 {
        let Some(first) = folded.chars().next() else { return 0.0 };
        let alone = &folded[..first.len_utf8()];
        let known = PIECES.iter().any(|(piece, _)| *piece == alone);
        let mut options: Vec<(&str, f32)> =
            PIECES.iter().filter(|(piece, _)| folded.starts_with(piece)).copied().collect();
        if !known {
            options.push((alone, -15.0));
        }
        let scores = options.iter().map(|(piece, score)| f64::from(*score) + exhaustive(&folded[piece.len()..]));
        scores.fold(f64::NEG_INFINITY, f64::max)
    }

    proptest! {
        #[test]
        fn segmentation_is_the_best_of_all(text in "[ab▁éz]{0,9}") {
            let pieces = with(|tokenizer| tokenizer.segment(&text));
            let names = |piece: &u32| PIECES.get((*piece as usize).wrapping_sub(3)).map_or("z", |(name, _)| *name);
            prop_assert_eq!(pieces.iter().map(names).collect::<String>(), text.clone());
            let score: f64 = pieces
                .iter()
                .map(|piece| PIECES.get((*piece as usize).wrapping_sub(3)).map_or(-15.0, |(_, score)| f64::from(*score)))
                .sum();
            prop_assert!((score - exhaustive(&text)).abs() < 1e-9);
        }
    }
}

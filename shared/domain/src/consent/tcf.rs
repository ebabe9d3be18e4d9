//! The core of a TC string: [Transparency and Consent String v2](https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework/blob/master/TCFv2/IAB%20Tech%20Lab%20-%20Consent%20string%20and%20vendor%20list%20formats%20v2.md),
//! section "TC String Format".
//!
//! Of its segments, joined by dots, the first is the core: base64url without padding of a bit field. What is read of it are
//! the version (bits 0 to 5), the purposes that were consented to (bits 152 to 175, the first is purpose 1) and those whose
//! legitimate interest was made transparent and not objected to (bits 176 to 199).
//!
//! | purpose here | purposes of the framework that all have to be consented to |
//! |---|---|
//! | measure | 8 (measure content performance), or its legitimate interest |
//! | personalise | 1 (store on a device), 5 (create profiles for content), 6 (use profiles for content) |
//! | experiment | 10 (develop and improve services), or its legitimate interest |
//! | market | 1, 3 (create profiles for advertising), 4 (use profiles for advertising) |

use super::Purpose;

/// Longest text that is looked at; strings of the framework have a few hundred letters.
const MAX: usize = 4096;
/// Bytes of the core that are read.
const BYTES: usize = 25;
/// Letters that hold them.
const LETTERS: usize = (BYTES * 8).div_ceil(6);
/// Where the two fields of purposes begin, in bits.
const CONSENT: usize = 152;
const INTEREST: usize = 176;

/// What was consented to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// Bit 0 is purpose 1.
    consented: u32,
    interest: u32,
}

impl Consent {
    /// Reads a TC string of version 2; none if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let core = text.split('.').next().filter(|core| text.len() <= MAX && core.is_ascii())?;
        let letters = core.as_bytes().get(..LETTERS)?;
        let mut bits = Vec::with_capacity(LETTERS * 6);
        for letter in letters {
            let value = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'-' => 62,
                b'_' => 63,
                _ => return None,
            };
            bits.extend((0..6).rev().map(|bit| value >> bit & 1 == 1));
        }
        let version = bits.iter().take(6).fold(0_u8, |version, bit| version << 1 | u8::from(*bit));
        let field = |from: usize| {
            let bits = bits.iter().skip(from).take(24).enumerate();
            bits.fold(0_u32, |field, (at, bit)| field | u32::from(*bit) << at)
        };
        (version == 2).then(|| Self { consented: field(CONSENT), interest: field(INTEREST) })
    }

    /// Whether a purpose of ours is consented to.
    #[must_use]
    pub const fn allows(self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Measure => (self.consented | self.interest) & of(&[8]) != 0,
            Purpose::Personalise => consented_all(self.consented, of(&[1, 5, 6])),
            Purpose::Experiment => (self.consented | self.interest) & of(&[10]) != 0,
            Purpose::Market => consented_all(self.consented, of(&[1, 3, 4])),
        }
    }
}

const fn consented_all(consented: u32, wanted: u32) -> bool {
    consented & wanted == wanted
}

/// The bits of some purposes of the framework.
const fn of(purposes: &[u32]) -> u32 {
    let (mut bits, mut at) = (0, 0);
    while at < purposes.len() {
        bits |= 1 << (purposes[at] - 1);
        at += 1;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A core with these purposes, as a consent platform writes it.
    fn core(version: u8, consented: u32, interest: u32) -> String {
        let mut bits = vec![false; 216];
        (0..6).for_each(|at| bits[at] = version >> (5 - at) & 1 == 1);
        for at in 0..24 {
            bits[CONSENT + at] = consented >> at & 1 == 1;
            bits[INTEREST + at] = interest >> at & 1 == 1;
        }
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let letter = |six: &[bool]| char::from(letters[six.iter().fold(0, |n, bit| n << 1 | usize::from(*bit))]);
        bits.chunks(6).map(letter).collect()
    }

    #[test]
    fn a_published_string_is_read() {
        // A string of the specification's examples.
        let text = "COtybn4PA_zT4KjACBENAPCIAEBAAECAAIAAAAAAAAAA";
        let consent = Consent::parse(text).unwrap();
        assert_eq!(consent.consented.count_ones() + consent.interest.count_ones(), of_published(text));
        assert_eq!(Consent::parse(&format!("{text}.YAAAAAAAAAA")), Some(consent), "segments add nothing");
    }

    /// Ones among bits 152 to 199, counted letter by letter.
    fn of_published(text: &str) -> u32 {
        let value = |letter: u8| match letter {
            b'A'..=b'Z' => u64::from(letter - b'A'),
            b'a'..=b'z' => u64::from(letter - b'a') + 26,
            b'0'..=b'9' => u64::from(letter - b'0') + 52,
            b'-' => 62,
            _ => 63,
        };
        // Letters 25 to 33 hold bits 150 to 203.
        let bits = text.bytes().skip(25).take(9).fold(0_u64, |bits, letter| bits << 6 | value(letter));
        (bits >> 4 & ((1 << 48) - 1)).count_ones()
    }

    #[test]
    fn purposes_are_those_of_the_table() {
        let allowed = |consented: &[u32], interest: &[u32]| {
            let consent = Consent::parse(&core(2, of(consented), of(interest))).unwrap();
            Purpose::ALL.map(|purpose| consent.allows(purpose))
        };
        assert_eq!(allowed(&[], &[]), [false; 4]);
        assert_eq!(allowed(&[1, 3, 4, 5, 6, 8, 10], &[]), [true; 4]);
        assert_eq!(allowed(&[1, 5], &[8]), [true, false, false, false]);
        assert_eq!(allowed(&[1, 5, 6], &[10, 1, 3, 4]), [false, true, true, false]);
        assert_eq!(allowed(&[5, 6, 3, 4], &[]), [false; 4], "nothing is stored without purpose 1");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(text in "\\PC{0,80}", consented in 0..1_u32 << 24, version in 0..64_u8) {
            prop_assert!(Consent::parse(&text).is_none() || text.len() >= LETTERS);
            let read = Consent::parse(&core(version, consented, !consented & 0xFF_FFFF));
            let expected = Consent { consented, interest: !consented & 0xFF_FFFF };
            prop_assert_eq!(read, (version == 2).then_some(expected));
        }
    }
}

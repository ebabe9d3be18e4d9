//! The full check of a stored index.

use crate::about;
use crate::codes::ZERO;
use crate::{Bitmap, Error, Index as _, Stored};

impl Stored<'_> {
    /// Reads every section and checks that it says what it should: numbers are finite, each code is the nearest to its
    /// number (so that [`max_error`](crate::Prepared::max_error) holds), and the lists name every row once.
    ///
    /// # Errors
    /// [`Error::Stored`] with the first section that is damaged.
    pub fn verify(&self) -> Result<(), Error> {
        self.verify_codes()?;
        self.verify_lists()
    }

    fn verify_codes(&self) -> Result<(), Error> {
        let Some(codes) = self.codes else { return Ok(()) };
        let number = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
        if !codes.scales.iter().map(number).all(|scale| scale.is_finite() && scale >= 0.0) {
            return Err(Error::stored(about::SCALES, "holds what is no size"));
        }
        if !codes.middles.iter().map(number).all(f32::is_finite) {
            return Err(Error::stored(about::MIDDLES, "holds what is no number"));
        }
        if let Some(laid) = codes.laid
            && (0..).zip(laid.places).any(|(row, place)| laid.row(u32::from_le_bytes(*place)) != row)
        {
            return Err(Error::stored(about::PLACES, "is no order of the rows"));
        }
        for (place, codes_of_row) in (0..).zip(codes.codes.chunks_exact(codes.stride)) {
            let row = codes.laid.map_or(place, |laid| laid.row(place));
            let vector = self.vector(row).unwrap_or_default();
            let (coded, padding) = codes_of_row.split_at(vector.len().min(codes_of_row.len()));
            let near = coded.iter().zip(vector).zip(codes.scales.iter().zip(codes.middles)).all(
                |((code, x), (scale, middle))| {
                    let (scale, middle, x) = (number(scale), number(middle), x.to_f32());
                    let told = f32::from(*code) - f32::from(ZERO);
                    let rounding = (x.abs() + middle.abs()) * 4.0 * f32::EPSILON;
                    (x - middle - scale * told).abs() <= scale * 0.5001 + rounding
                },
            );
            if !near || padding.iter().any(|code| *code != ZERO) {
                return Err(Error::stored(about::CODES, "does not tell the vectors"));
            }
        }
        Ok(())
    }

    fn verify_lists(&self) -> Result<(), Error> {
        let Some(inverted) = self.inverted else { return Ok(()) };
        let finite = |numbers: &[[u8; 4]]| numbers.iter().all(|bytes| f32::from_le_bytes(*bytes).is_finite());
        if !finite(inverted.spread) {
            return Err(Error::stored(about::SPREAD, "holds what is no number"));
        }
        if !finite(inverted.reach) {
            return Err(Error::stored(about::REACH, "holds what is no number"));
        }
        let starts = inverted.starts.iter().map(|start| u32::from_le_bytes(*start) as usize);
        let ends = (inverted.starts.first(), inverted.starts.last());
        let ends = (ends.0.map(|start| u32::from_le_bytes(*start)), ends.1.map(|end| u32::from_le_bytes(*end)));
        if !starts.is_sorted() || ends != (Some(0), u32::try_from(self.len()).ok()) {
            return Err(Error::stored(about::STARTS, "does not divide the rows"));
        }
        let mut seen = Bitmap::empty(self.len());
        for list in 0..inverted.count() {
            let rows = inverted.list(list).iter().map(|row| u32::from_le_bytes(*row));
            if !rows.clone().is_sorted() {
                return Err(Error::stored(about::ROWS, "is out of order"));
            }
            for row in rows {
                if seen.contains(row) {
                    return Err(Error::stored(about::ROWS, "names a row twice"));
                }
                seen.insert(row);
            }
        }
        if seen.count() != self.len() {
            return Err(Error::stored(about::ROWS, "names rows that do not exist"));
        }
        Ok(())
    }
}

//! The log-linear scale that every stored amount lives on: 2^`BITS` buckets an octave, exact below twice as many units.
//!
//! Bucket of `v`: the `BITS` bits behind its leading one, beside the position of that one. Only shifts and comparisons,
//! so any language and any SQL engine computes the same index. A bucket of a [`Level`] is at most 1/32 of its lower
//! edge wide, one of a [`CoarseLevel`] at most 1/8.

/// One bucket of a scale, by its index; ordered as the values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scale<const BITS: u32>(u16);

/// Of 32 buckets an octave: the middle of a bucket is within 1/64 of all it stands for.
pub type Level = Scale<5>;

/// Of 8 buckets an octave, each a whole number of [`Level`]s: the middle is within 1/16 of all it stands for.
pub type CoarseLevel = Scale<3>;

impl<const BITS: u32> Scale<BITS> {
    /// How many buckets cover all of `u64`.
    pub const COUNT: usize = (u64::BITS - BITS + 1) as usize * (1 << BITS);

    /// The bucket that holds `value`.
    pub const fn of(value: u64) -> Self {
        let shift = (value | 1 << BITS).ilog2() - BITS;
        Self(low_u16(((shift as u64) << BITS) + (value >> shift)))
    }

    /// The bucket with this index; `None` past the last one.
    pub const fn from_index(index: u64) -> Option<Self> {
        if index < Self::COUNT as u64 {
            Some(Self(low_u16(index)))
        } else {
            None
        }
    }

    /// Position on the scale, from 0.
    pub const fn index(self) -> u16 {
        self.0
    }

    /// Smallest value of the bucket.
    pub const fn lower(self) -> u64 {
        let (mantissa, shift) = self.parts();
        mantissa << shift
    }

    /// Largest value of the bucket: for sizing, never under a value it stands for and at most a bucket over.
    pub const fn upper(self) -> u64 {
        let (_, shift) = self.parts();
        self.lower() + ((1 << shift) - 1)
    }

    /// Middle of the bucket: for replay, within half a bucket of every value it stands for.
    pub const fn midpoint(self) -> u64 {
        let (_, shift) = self.parts();
        self.lower() + ((1 << shift) - 1) / 2
    }

    const fn parts(self) -> (u64, u32) {
        let index = self.0 as u64;
        if index < (2 << BITS) {
            return (index, 0);
        }
        let shift = (self.0 >> BITS) as u32 - 1;
        ((index & ((1 << BITS) - 1)) | (1 << BITS), shift)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "callers pass indices below 1920")]
const fn low_u16(value: u64) -> u16 {
    value as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_the_leading_bits() {
        // 63 is the last value kept exactly; 64 and 65 share a bucket of width 2, 128..131 one of width 4.
        // The largest value: leading one at bit 63, so shift 58 and mantissa 63: 58 * 32 + 63 = 1919.
        for (value, index) in [
            (0, 0),
            (31, 31),
            (32, 32),
            (63, 63),
            (64, 64),
            (65, 64),
            (66, 65),
            (128, 96),
            (u64::MAX, 1919),
        ] {
            assert_eq!(Level::of(value).index(), index, "index of {value}");
        }
    }

    #[test]
    fn edges_of_a_wide_bucket_are_exact() {
        // 1_000_000 has its leading one at bit 19: width 2^14 = 16384, mantissa 61, so 61 * 16384 = 999_424 and up.
        let level = Level::of(1_000_000);
        assert_eq!(
            (level.lower(), level.midpoint(), level.upper()),
            (999_424, 1_007_615, 1_015_807)
        );
    }

    #[test]
    fn a_coarse_bucket_is_a_whole_number_of_fine_ones() {
        // 1_000_000: width 2^16, mantissa 15, so 15 * 65536 = 983_040 and up; exact below 16
        let level = CoarseLevel::of(1_000_000);
        assert_eq!((level.lower(), level.upper()), (983_040, 1_048_575));
        for value in 0..16 {
            assert_eq!(CoarseLevel::of(value).lower(), value);
        }
        for index in 0..Level::COUNT as u64 {
            let level = Level::from_index(index).unwrap();
            assert_eq!(
                CoarseLevel::of(level.lower()),
                CoarseLevel::of(level.upper()),
                "bucket {index}"
            );
        }
        assert_eq!(CoarseLevel::of(u64::MAX).index(), 495);
        assert_eq!((CoarseLevel::from_index(496), CoarseLevel::COUNT), (None, 496));
    }

    #[test]
    fn every_bucket_starts_where_the_one_before_ends() {
        for index in 1..Level::COUNT as u64 {
            let (below, here) = (Level::from_index(index - 1).unwrap(), Level::from_index(index).unwrap());
            assert_eq!(below.upper() + 1, here.lower(), "bucket {index}");
            assert_eq!(Level::of(here.lower()), here, "lower edge of {index}");
            assert_eq!(Level::of(here.upper()), here, "upper edge of {index}");
        }
        assert_eq!(Level::from_index(1919).unwrap().upper(), u64::MAX);
        assert_eq!(Level::from_index(1920), None);
    }
}

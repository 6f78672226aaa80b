//! Whole amounts of one unit, held in a `u64`.

/// Declares an amount and the operators every amount has: sums, differences and multiples of itself.
///
/// Sums and multiples saturate: `u64::MAX` of any of our units is beyond every cluster, and a wrapped sum would be a
/// small, believable lie.
macro_rules! amount {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// This many.
            pub const fn new(amount: u64) -> Self {
                Self(amount)
            }
            /// The bare number, in this unit.
            pub const fn get(self) -> u64 {
                self.0
            }
            /// Whether it is nothing.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
            /// The difference; `None` where it would be negative.
            pub fn checked_sub(self, other: Self) -> Option<Self> {
                self.0.checked_sub(other.0).map(Self)
            }
            /// The difference, not below zero.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }
        }

        impl std::ops::Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }
        impl std::ops::AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }
        impl std::ops::Mul<u64> for $name {
            type Output = Self;
            fn mul(self, times: u64) -> Self {
                Self(self.0.saturating_mul(times))
            }
        }
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
                amounts.fold(Self::ZERO, |sum, amount| sum + amount)
            }
        }
    };
}
pub(super) use amount;

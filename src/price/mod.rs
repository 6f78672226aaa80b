//! `PriceSheet`: what things cost.

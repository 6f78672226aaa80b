//! One file per named strategy for requests.

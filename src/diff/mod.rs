//! Objects matched by identity, fields by path, quantities by value.

//! The live route, without the network: which questions a metrics store is asked, how they are cut so that it can answer,
//! and what its answers mean. [`crate::io`] asks; the answers become files, and files become a profile as exports do.
//!
//! A run asks for one closed [`Window`]. [`queries`] is the one place where PromQL is written: the live run, the printed
//! recipe and the doctor ask the same. A [`Shard`] is one query over one set of namespaces and one span of time, small
//! enough for the store's caps; a store that still finds it too much gets its halves. Any cut gives the same profile.

pub mod window;
pub mod queries;
pub mod scope;
pub mod shard;
pub mod request;
pub mod reply;
pub mod answer;
pub mod retry;
pub mod sigv4;
pub mod recipe;
pub mod doctor;

pub use self::queries::{Query, Selection};
pub use self::request::Request;
pub use self::scope::Scope;
pub use self::shard::Shard;
pub use self::window::{Span, Window};

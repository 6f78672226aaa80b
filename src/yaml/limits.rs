//! How much input is read before it is refused.

/// Bounds of one reading. What exceeds one is an error that names it; nothing is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text.
    pub bytes: usize,
    /// Maps, lists and scalars (keys included), with every alias expanded.
    pub nodes: usize,
    /// Documents of a stream, empty ones included.
    pub documents: usize,
    /// Bytes of one scalar, and of one line of YAML.
    pub scalar: usize,
}

impl Limits {
    /// Maps and lists inside each other. A deep CRD schema has about 40; the reader underneath recurses, and 128 levels
    /// fit the 2 MiB stack of a Rust thread in a debug build.
    pub const DEPTH: usize = 128;

    /// Text that aliases may add to what the file itself holds. Manifests repeat an `env` block, not megabytes.
    pub const ALIASED_BYTES: usize = 16 << 20;

    /// A policy or a price sheet: written by people, so 1 MiB is already a mistake.
    pub const POLICY: Self = Self {
        bytes: 1 << 20,
        nodes: 1_000_000,
        documents: 1_000,
        scalar: 1 << 20,
    };

    /// A ResourceList or a YAML stream: 5,000 workloads are about 6 MB and 300,000 nodes. At this bound reading needs
    /// about 2 GB of memory.
    pub const STREAM: Self = Self {
        bytes: 256 << 20,
        nodes: 8_000_000,
        documents: 200_000,
        // no object of a cluster holds 2 MB; only the data of a usage profile, which a build may hand over, is larger
        scalar: 64 << 20,
    };
}

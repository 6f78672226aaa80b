//! The checksum of a line: CRC-32C (Castagnoli), which sees every change of up to 32 neighbouring bits.
//!
//! One a line, so that one workload of a large profile is read, and trusted, without the rest, and a refresh changes no
//! line but its own. Whether the lines belong together is told by a digest in the head.
//!
//! Source: RFC 3720 section 12.1, and its test vectors in appendix B.4.

use std::fmt;

/// Eight bytes are taken at once, each through its own table.
const LANES: usize = 8;
/// The polynomial 0x1EDC6F41 with its bits in reverse.
const POLYNOMIAL: u32 = 0x82f6_3b78;
static TABLES: [[u32; 256]; LANES] = tables();

const fn tables() -> [[u32; 256]; LANES] {
    let mut tables = [[0; 256]; LANES];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "a byte")]
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut lane = 1;
    while lane < LANES {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[lane - 1][byte];
            tables[lane][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        lane += 1;
    }
    tables
}

/// The checksum of some bytes; written as eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checksum(u32);

impl Checksum {
    /// Characters of a written one.
    pub(super) const LENGTH: usize = 8;

    pub(super) fn of(bytes: &[u8]) -> Self {
        let at = |lane: usize, byte: u8| TABLES[lane][usize::from(byte)];
        let mut crc = u32::MAX;
        let (blocks, rest) = bytes.as_chunks::<LANES>();
        for block in blocks {
            let [a, b, c, d] = crc.to_le_bytes();
            crc = at(7, block[0] ^ a) ^ at(6, block[1] ^ b) ^ at(5, block[2] ^ c) ^ at(4, block[3] ^ d);
            crc ^= at(3, block[4]) ^ at(2, block[5]) ^ at(1, block[6]) ^ at(0, block[7]);
        }
        for &byte in rest {
            crc = (crc >> 8) ^ at(0, byte ^ crc.to_le_bytes()[0]);
        }
        Self(!crc)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What a text and the checksum behind it have to say of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("does not match the checksum behind it: it was damaged or edited")]
pub(super) struct Mismatch;

/// Puts the checksum of a text behind it.
pub(super) fn seal(text: &mut String) {
    let checksum = Checksum::of(text.as_bytes());
    // lines are kept: no more room than they need
    text.reserve_exact(1 + Checksum::LENGTH);
    text.push(' ');
    text.push_str(&checksum.to_string());
}

/// The text before a checksum that is its own.
pub(super) fn unseal(sealed: &str) -> Result<&str, Mismatch> {
    let (text, checksum) = sealed.rsplit_once(' ').ok_or(Mismatch)?;
    if Checksum::of(text.as_bytes()).to_string() == checksum {
        Ok(text)
    } else {
        Err(Mismatch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_published_vectors() {
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        // the last one is the check value of every catalogue of CRCs; the others are of RFC 3720 appendix B.4
        for (bytes, checksum) in [
            (&[0; 32][..], "8a9136aa"),
            (&[0xff; 32], "62a8ab43"),
            (&ascending, "46dd794e"),
            (&descending, "113fdb5c"),
            (b"", "00000000"),
            (b"123456789", "e3069283"),
        ] {
            assert_eq!(Checksum::of(bytes).to_string(), checksum, "{bytes:?}");
        }
    }

    #[test]
    fn a_sealed_text_opens_only_as_it_was() {
        let mut sealed = "123456789".to_owned();
        seal(&mut sealed);
        assert_eq!(sealed, "123456789 e3069283");
        assert_eq!(unseal(&sealed), Ok("123456789"));
        for bad in [
            "123456789 E3069283",
            "123456788 e3069283",
            "123456789  e3069283",
            "e3069283",
            "",
        ] {
            assert_eq!(unseal(bad), Err(Mismatch), "{bad}");
        }
    }
}

//! An entropy coder for columns of small numbers: canonical Huffman codes over bytes, and one more symbol for runs.
//!
//! Differences of measurements repeat by chance only, so looking for matches, as deflate does, finds nothing beyond runs
//! and costs most of the time. What is written: the length as a varint; then bits, highest first: the length of each
//! symbol's code (four bits; a zero is followed by how many symbols in a row have none) until the codes are complete, then
//! the codes. Codes are numbered as RFC 1951 section 3.2.2 does. Integers only: the same bytes everywhere and at all times.

use super::pack::{PayloadError, Unpacker, base64, from_base64, put_varint};
use wide::bytemuck::cast;
use wide::{u8x16, u32x4};

/// What expands to more is not ours: a week of one-second steps in its widest coding stays below this.
const EXPANDED_MAX: usize = 32 << 20;
/// Longest code: short enough to be looked up at once.
const BITS_MAX: u32 = 11;
/// Symbol of a run: so many more of the byte before. The byte `b` is symbol `b + 1`.
const RUN: usize = 0;
const SYMBOLS: usize = 257;
/// A run of more than this is written as one: its code and its length are about as long as so many codes of a likely byte.
const RUN_MIN: usize = 8;

type Lengths = [u8; SYMBOLS];

/// Bytes in their short form, as base64.
pub(super) fn packed(bytes: &[u8]) -> String {
    let mut short = Vec::with_capacity(bytes.len() / 2);
    compress(bytes, &mut short);
    base64(&short)
}

/// The bytes that [`packed`] wrote, strictly.
pub(super) fn unpacked(text: &str) -> Result<Vec<u8>, PayloadError> {
    expand(&from_base64(text)?)
}

fn compress(bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(out, bytes.len() as u64);
    if bytes.is_empty() {
        return;
    }
    let stretches = stretches(bytes);
    let lengths = code_lengths(counts(&stretches));
    let codes = codes(&lengths);
    let mut bits = BitWriter::new(out);
    put_lengths(&lengths, &mut bits);
    for stretch in &stretches {
        let mut pairs = stretch.plain.chunks_exact(2);
        for pair in &mut pairs {
            bits.put_two(codes[symbol(pair[0])], codes[symbol(pair[1])]);
        }
        for &byte in pairs.remainder() {
            bits.put(codes[symbol(byte)]);
        }
        if let Some((byte, length)) = stretch.run {
            bits.put(codes[symbol(byte)]);
            bits.put(codes[RUN]);
            bits.put_count(length - RUN_MIN);
        }
    }
    bits.finish();
}

/// Bytes that are written one by one, and the run behind them.
struct Stretch<'b> {
    plain: &'b [u8],
    /// A byte, and how often it stands there: more than [`RUN_MIN`] times.
    run: Option<(u8, usize)>,
}

fn stretches(bytes: &[u8]) -> Vec<Stretch<'_>> {
    let (mut all, mut done) = (Vec::new(), 0);
    // every run of so many holds four of them at a place that four divides
    for_equal_fours(bytes, |middle| {
        if middle < done {
            return;
        }
        let byte = bytes[middle];
        let before = bytes[done..middle].iter().rev().take_while(|&&other| other == byte);
        let (before, behind) = (before.count(), run_of(byte, &bytes[middle..]));
        let length = before + behind;
        if length > RUN_MIN {
            let run = Some((byte, length));
            let plain = &bytes[done..middle - before];
            all.push(Stretch { plain, run });
            done = middle + behind;
        }
    });
    let plain = &bytes[done..];
    all.push(Stretch { plain, run: None });
    all
}

/// The places that four divides where four bytes are the same, ascending.
#[inline]
fn for_equal_fours(bytes: &[u8], mut take: impl FnMut(usize)) {
    let (sixteens, rest) = bytes.as_chunks::<16>();
    for (place, sixteen) in sixteens.iter().enumerate() {
        let words: u32x4 = cast(u8x16::new(*sixteen));
        // turned by a byte they are the same only where all of theirs are
        let turned: u32x4 = (words << 8) | (words >> 24);
        let mut equal = words.simd_eq(turned).to_bitmask();
        while equal != 0 {
            take(16 * place + 4 * equal.trailing_zeros() as usize);
            equal &= equal - 1;
        }
    }
    let start = bytes.len() - rest.len();
    for (place, four) in rest.as_chunks::<4>().0.iter().enumerate() {
        if *four == [four[0]; 4] {
            take(start + 4 * place);
        }
    }
}

/// How often a byte stands at the start.
fn run_of(byte: u8, bytes: &[u8]) -> usize {
    let (sixteens, _) = bytes.as_chunks::<16>();
    let whole = 16 * sixteens.iter().take_while(|&&sixteen| sixteen == [byte; 16]).count();
    whole + bytes[whole..].iter().take_while(|&&other| other == byte).count()
}

fn counts(stretches: &[Stretch<'_>]) -> [u32; SYMBOLS] {
    let mut counts = [0; SYMBOLS];
    for stretch in stretches {
        for &byte in stretch.plain {
            counts[symbol(byte)] += 1;
        }
        if let Some((byte, _)) = stretch.run {
            counts[symbol(byte)] += 1;
            counts[RUN] += 1;
        }
    }
    counts
}

fn symbol(byte: u8) -> usize {
    usize::from(byte) + 1
}

/// Lengths of the best prefix codes of at most [`BITS_MAX`] bits (D. A. Huffman, 1952).
fn code_lengths(mut counts: [u32; SYMBOLS]) -> Lengths {
    if counts.iter().filter(|&&count| count > 0).count() == 1 {
        // codes are complete from two on
        counts[RUN] = 1;
    }
    loop {
        let lengths = unbounded_lengths(&counts);
        if lengths.iter().all(|&length| u32::from(length) <= BITS_MAX) {
            return lengths;
        }
        // flatter counts give shorter codes
        counts = counts.map(|count| count.div_ceil(2));
    }
}

fn unbounded_lengths(counts: &[u32; SYMBOLS]) -> Lengths {
    let mut leaves: Vec<(u32, usize)> = (0..SYMBOLS)
        .filter(|&symbol| counts[symbol] > 0)
        .map(|symbol| (counts[symbol], symbol))
        .collect();
    leaves.sort_unstable();
    // leaves, then inner nodes in the order they are joined: both ascend, so the two least are always in front
    let mut weights: Vec<u32> = leaves.iter().map(|&(count, _)| count).collect();
    let mut parents = vec![0; 2 * leaves.len() - 1];
    let (mut leaf, mut inner) = (0, leaves.len());
    while weights.len() < parents.len() {
        let joined = weights.len();
        let mut weight = 0;
        for _ in 0..2 {
            let is_leaf = leaf < leaves.len() && (inner == joined || weights[leaf] <= weights[inner]);
            let least = if is_leaf { &mut leaf } else { &mut inner };
            weight += weights[*least];
            parents[*least] = joined;
            *least += 1;
        }
        weights.push(weight);
    }
    let mut depths = vec![0u8; parents.len()];
    for node in (0..parents.len() - 1).rev() {
        depths[node] = depths[parents[node]].saturating_add(1);
    }
    let mut lengths = [0; SYMBOLS];
    for (&(_, symbol), depth) in leaves.iter().zip(depths) {
        lengths[symbol] = depth;
    }
    lengths
}

/// A code and its length.
#[derive(Clone, Copy, Default)]
struct Code {
    bits: u32,
    length: u32,
}

/// Shorter codes first, equally long ones in the order of their symbols.
fn codes(lengths: &Lengths) -> [Code; SYMBOLS] {
    let mut next = [0; BITS_MAX as usize + 1];
    for &length in lengths.iter().filter(|&&length| length > 0) {
        next[usize::from(length)] += 1;
    }
    let mut first = 0;
    for own in &mut next {
        let count = std::mem::replace(own, first);
        first = (first + count) << 1;
    }
    lengths.map(|length| {
        let length = u32::from(length);
        if length == 0 {
            return Code::default();
        }
        let bits = next[length as usize];
        next[length as usize] += 1;
        Code { bits, length }
    })
}

/// What all codes together take of the codes of [`BITS_MAX`] bits that there are.
const COMPLETE: u32 = 1 << BITS_MAX;

fn share(length: u32) -> u32 {
    COMPLETE >> length
}

fn put_lengths(lengths: &Lengths, bits: &mut BitWriter<'_>) {
    let (mut taken, mut symbol) = (0, 0);
    while taken < COMPLETE {
        let length = u32::from(lengths[symbol]);
        bits.put(Code {
            bits: length,
            length: 4,
        });
        if length > 0 {
            taken += share(length);
            symbol += 1;
        } else {
            let absent = lengths[symbol..].iter().take_while(|&&length| length == 0).count();
            bits.put_count(absent);
            symbol += absent;
        }
    }
}

fn take_lengths(bits: &mut BitReader<'_>) -> Option<Lengths> {
    let mut lengths = [0; SYMBOLS];
    let (mut taken, mut symbol) = (0, 0);
    while taken < COMPLETE {
        let length = bits.take(4);
        if length > 0 {
            *lengths.get_mut(symbol)? = u8::try_from(length).ok().filter(|_| length <= BITS_MAX)?;
            taken += share(length);
            symbol += 1;
        } else {
            symbol += bits.take_count()?;
        }
    }
    (taken == COMPLETE).then_some(lengths)
}

fn expand(bytes: &[u8]) -> Result<Vec<u8>, PayloadError> {
    let mut unpacker = Unpacker::new(bytes);
    let count: usize = unpacker.small("its length")?;
    if count > EXPANDED_MAX {
        return Err(PayloadError::new("expands to more than any line can hold"));
    }
    if count == 0 {
        return unpacker.finish().map(|()| Vec::new());
    }
    let mut bits = BitReader::new(unpacker.rest());
    let damaged = || PayloadError::new("does not expand: it is damaged");
    let lengths = take_lengths(&mut bits).ok_or_else(damaged)?;
    let symbols = symbols_by_code(&lengths);
    let mut out = vec![0; count];
    let mut done = 0;
    while done < count {
        done += bits.take_bytes(&symbols, &mut out[done..]);
        if done == count {
            break;
        }
        bits.skip(symbols[bits.peek(BITS_MAX) as usize].length());
        let more = bits.take_count().ok_or_else(damaged)?.saturating_add(RUN_MIN - 1);
        let last = done.checked_sub(1).map(|last| out[last]);
        let run = out[done..].get_mut(..more).zip(last);
        let (run, byte) = run.ok_or_else(damaged)?;
        run.fill(byte);
        done += more;
    }
    if bits.is_at_end() {
        Ok(out)
    } else {
        Err(PayloadError::new("is cut off, or goes on after its end"))
    }
}

/// A symbol and the length of its code.
#[derive(Clone, Copy, Default)]
struct Symbol(u16);

impl Symbol {
    const LENGTH_BITS: u32 = 4;

    fn new(symbol: u16, length: u32) -> Self {
        Self(symbol << Self::LENGTH_BITS | u16::try_from(length).unwrap_or(0))
    }

    #[inline]
    fn length(self) -> u32 {
        u32::from(self.0) & ((1 << Self::LENGTH_BITS) - 1)
    }

    /// `None` for a run.
    #[inline]
    fn byte(self) -> Option<u8> {
        let symbol = self.0 >> Self::LENGTH_BITS;
        symbol.checked_sub(1).map(|byte| byte.to_le_bytes()[0])
    }
}

/// By the next [`BITS_MAX`] bits: whose code they begin with.
type Symbols = [Symbol; COMPLETE as usize];

fn symbols_by_code(lengths: &Lengths) -> Symbols {
    let mut symbols = [Symbol::default(); COMPLETE as usize];
    for (symbol, code) in (0..).zip(codes(lengths)).filter(|(_, code)| code.length > 0) {
        let first = (code.bits << (BITS_MAX - code.length)) as usize;
        symbols[first..first + share(code.length) as usize].fill(Symbol::new(symbol, code.length));
    }
    symbols
}

/// Bits into bytes, the highest of each first.
struct BitWriter<'o> {
    out: &'o mut Vec<u8>,
    waiting: u64,
    count: u32,
}

impl<'o> BitWriter<'o> {
    fn new(out: &'o mut Vec<u8>) -> Self {
        Self {
            out,
            waiting: 0,
            count: 0,
        }
    }

    /// Appends the codes of two symbols.
    #[inline]
    fn put_two(&mut self, one: Code, other: Code) {
        self.put(Code {
            bits: one.bits << other.length | other.bits,
            length: one.length + other.length,
        });
    }

    /// Appends a code of at most 32 bits.
    #[inline]
    fn put(&mut self, code: Code) {
        self.waiting = (self.waiting << code.length) | u64::from(code.bits);
        self.count += code.length;
        if self.count >= 32 {
            self.count -= 32;
            let [.., a, b, c, d] = (self.waiting >> self.count).to_be_bytes();
            self.out.extend_from_slice(&[a, b, c, d]);
        }
    }

    /// Appends a number from 1: its length in zeros, then itself (P. Elias' gamma code, 1975).
    fn put_count(&mut self, count: usize) {
        let below = count.ilog2();
        self.put(Code { bits: 0, length: below });
        self.put(Code {
            bits: low_u32(count),
            length: below + 1,
        });
    }

    fn finish(self) {
        let left = self.waiting.checked_shl(64 - self.count).unwrap_or(0);
        self.out
            .extend_from_slice(&left.to_be_bytes()[..self.count.div_ceil(8) as usize]);
    }
}

/// Bits of bytes, the highest of each first; zeros behind the end, which [`Self::is_at_end`] tells.
struct BitReader<'b> {
    bytes: &'b [u8],
    /// Of the next bit.
    at: usize,
}

impl<'b> BitReader<'b> {
    /// Of eight bytes, behind the bits of the first one that are read.
    const AHEAD: u32 = u64::BITS - 7;

    fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits, the first one highest: [`Self::AHEAD`] and more.
    #[inline]
    fn ahead(&self) -> u64 {
        let mut eight = [0; 8];
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        match rest.first_chunk() {
            Some(chunk) => eight = *chunk,
            None => eight[..rest.len()].copy_from_slice(rest),
        }
        u64::from_be_bytes(eight) << (self.at % 8)
    }

    /// The next bits, at most 32.
    #[inline]
    fn peek(&self, count: u32) -> u32 {
        u32::try_from((self.ahead() >> 32) >> (32 - count)).unwrap_or(0)
    }

    /// Takes bytes up to the next run, and no more than there is room for; how many.
    fn take_bytes(&mut self, symbols: &Symbols, out: &mut [u8]) -> usize {
        let mut done = 0;
        // so many codes are surely within the bits that are looked at
        for some in out.chunks_mut((Self::AHEAD / BITS_MAX) as usize) {
            let mut ahead = self.ahead();
            for place in some {
                let next = symbols[(ahead >> (u64::BITS - BITS_MAX)) as usize];
                let Some(byte) = next.byte() else { return done };
                *place = byte;
                done += 1;
                ahead <<= next.length();
                self.skip(next.length());
            }
        }
        done
    }

    fn skip(&mut self, count: u32) {
        self.at += count as usize;
    }

    fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    fn take_count(&mut self) -> Option<usize> {
        let below = self.peek(32).leading_zeros();
        self.skip(below);
        (below < 32).then(|| self.take(below + 1) as usize)
    }

    /// Whether all is read but the zeros that fill the last byte.
    fn is_at_end(&self) -> bool {
        self.at.div_ceil(8) == self.bytes.len() && self.peek(8) == 0
    }
}

fn low_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        compress(bytes, &mut out);
        out
    }

    fn noise(count: usize, spread: u64) -> Vec<u8> {
        let mut state = 7u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % spread
        };
        (0..count)
            .map(|_| u8::try_from(next() * next() / spread).unwrap())
            .collect()
    }

    #[test]
    fn the_form_is_this_one() {
        // three a, one b. Lengths: none (0000) for the 98 symbols up to 97 (gamma of 98: 000000 1100010), a (0001),
        // b (0001); then the codes 0 0 0 1
        assert_eq!(
            compressed(b"aaab"),
            [4, 0b0000_0000, 0b0011_0001, 0b0000_1000, 0b1000_1000]
        );
        // ten zeros: RUN 1 (0001), zero 1 (0001); codes RUN 0, zero 1; then 1 0 and gamma of 10 - 8 = 2 (010)
        assert_eq!(compressed(&[0; 10]), [10, 0x11, 0b1001_0000]);
        assert_eq!(compressed(b""), [0]);
    }

    #[test]
    fn everything_reads_back() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        // counts as Fibonacci's numbers give the longest codes: 24 bits without a bound
        let mut skewed = Vec::new();
        let (mut count, mut next) = (1, 1);
        for byte in 0..24 {
            skewed.extend((0..count).flat_map(|_| [byte, 255]));
            (count, next) = (next, count + next);
        }
        let runs: Vec<u8> = (1..40)
            .flat_map(|length| vec![u8::try_from(length % 3).unwrap(); length])
            .collect();
        for bytes in [
            all.clone(),
            skewed,
            runs,
            all.repeat(9),
            noise(5_000, 200),
            vec![0; 100_000],
            vec![9],
        ] {
            assert_eq!(expand(&compressed(&bytes)).as_deref(), Ok(bytes.as_slice()));
        }
        for length in 0..200 {
            let bytes = noise(length, 6);
            assert_eq!(expand(&compressed(&bytes)).as_deref(), Ok(bytes.as_slice()), "{length}");
        }
    }

    #[test]
    fn a_thousand_coin_throws_take_a_thousand_bits() {
        // behind two bytes of length and 13 bits of codes: none (0000 1) for RUN, 0001, 0001
        let bytes: Vec<u8> = (0..1_000).map(|place| u8::try_from(place % 2).unwrap()).collect();
        assert_eq!(compressed(&bytes).len(), 2 + 1013_usize.div_ceil(8));
    }

    #[test]
    fn damaged_bytes_are_refused_or_other_bytes_and_never_more() {
        let bytes = noise(300, 40);
        let whole = compressed(&bytes);
        for length in 0..whole.len() {
            assert!(expand(&whole[..length]).is_err(), "cut to {length}");
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert!(expand(&longer).is_err());
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(expand(&flipped).as_deref(), Ok(bytes.as_slice()), "bit {bit}");
        }
        let mut huge = Vec::new();
        put_varint(&mut huge, 1 << 40);
        huge.push(0x11);
        assert!(expand(&huge).is_err());
        assert!(expand(&[0xff; 40]).is_err());
    }
}

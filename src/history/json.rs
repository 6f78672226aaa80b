//! A strict JSON reader over a stream: any length of input in a few hundred kilobytes of memory.
//!
//! A Prometheus answer is one line of any size, so nothing here holds more than a block and one string. Every error
//! knows its byte and line.

use std::io::Read;

/// Larger ones leave the fast caches: reading them takes three times as long.
const BLOCK: usize = 64 * 1024;
/// Nesting of values, whoever reads them; ours need six levels.
const DEPTH_MAX: usize = 64;
/// The longest number that is any number.
const NUMBER_MAX: usize = 400;

/// What is wrong with a text that should be JSON, and where.
#[derive(Debug, thiserror::Error)]
#[error("{what} (byte {byte}, line {line})")]
pub struct JsonError {
    /// In words.
    pub what: String,
    /// Offset from the start, after decompression.
    pub byte: u64,
    /// Line from 1.
    pub line: u64,
    /// Whether the text ended too early.
    pub ended: bool,
}

/// The reader; positioned between two tokens whenever no method runs.
pub(crate) struct JsonReader<'r> {
    input: Box<dyn Read + 'r>,
    block: Vec<u8>,
    at: usize,
    end: usize,
    before: u64,
    line: u64,
    /// Objects and arrays that are open.
    depth: usize,
    scratch: Vec<u8>,
}

type Result<T> = std::result::Result<T, JsonError>;

impl<'r> JsonReader<'r> {
    pub(crate) fn new(input: impl Read + 'r) -> Self {
        Self::with_block(input, Vec::new())
    }

    /// The same in the block of another reader, for many short texts.
    pub(crate) fn with_block(input: impl Read + 'r, mut block: Vec<u8>) -> Self {
        block.resize(BLOCK, 0);
        Self {
            input: Box::new(input),
            block,
            at: 0,
            end: 0,
            before: 0,
            line: 1,
            depth: 0,
            scratch: Vec::new(),
        }
    }

    pub(crate) fn error(&self, what: impl Into<String>) -> JsonError {
        JsonError {
            what: what.into(),
            byte: self.before + self.at as u64,
            line: self.line,
            ended: false,
        }
    }

    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    fn ended(&self, inside: &str) -> JsonError {
        JsonError {
            ended: true,
            ..self.error(format!("the text ends inside {inside}"))
        }
    }

    /// Its block, for [`Self::with_block`].
    pub(crate) fn into_block(self) -> Vec<u8> {
        self.block
    }

    /// Offset of the next byte from the start of the text.
    pub(crate) fn offset(&self) -> u64 {
        self.before + self.at as u64
    }

    /// Takes everything up to `mark`, whatever it is; gives the last bytes before the mark, as many as fit. `None` where
    /// the text ends before. Lines are not counted: there must be no end of one.
    pub(crate) fn pass_over<const LAST: usize>(&mut self, mark: u8) -> Result<Option<[u8; LAST]>> {
        let mut last = [0; LAST];
        while self.fill()? {
            let rest = &self.block[self.at..self.end];
            let found = memchr::memchr(mark, rest);
            let taken = &rest[..found.unwrap_or(rest.len())];
            let new = taken.len().min(LAST);
            last.copy_within(new.., 0);
            last[LAST - new..].copy_from_slice(&taken[taken.len() - new..]);
            self.at += taken.len();
            if found.is_some() {
                return Ok(Some(last));
            }
        }
        Ok(None)
    }

    /// What is read and not taken yet, of the block at hand.
    pub(crate) fn ahead(&self) -> &[u8] {
        &self.block[self.at..self.end]
    }

    /// The block at hand, with what was taken of it, and where it is read on.
    pub(crate) fn block(&self) -> (&[u8], usize) {
        (&self.block[..self.end], self.at)
    }

    /// Takes bytes that were looked at by [`Self::ahead`]: whole tokens, without a line end.
    pub(crate) fn advance(&mut self, length: usize) {
        debug_assert!(length <= self.end - self.at && !self.ahead()[..length].contains(&b'\n'));
        self.at += length;
    }

    /// Makes at least one byte available; false at the end of the input.
    fn fill(&mut self) -> Result<bool> {
        if self.at < self.end {
            return Ok(true);
        }
        self.before += self.end as u64;
        (self.at, self.end) = (0, 0);
        loop {
            match self.input.read(&mut self.block) {
                Ok(read) => {
                    self.end = read;
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.error(format!("cannot read on: {error}"))),
            }
        }
    }

    /// The next byte that is not blank, not yet taken; `None` at the end.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>> {
        loop {
            while self.at < self.end {
                match self.block[self.at] {
                    b'\n' => self.line += 1,
                    b' ' | b'\t' | b'\r' => {}
                    byte => return Ok(Some(byte)),
                }
                self.at += 1;
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn next_token(&mut self, inside: &str) -> Result<u8> {
        self.peek()?.ok_or_else(|| self.ended(inside))
    }

    /// Takes this punctuation mark.
    pub(crate) fn take(&mut self, mark: u8) -> Result<()> {
        let found = self.next_token("a value")?;
        if found != mark {
            return Err(self.error(format!("`{}` expected, `{}` found", char::from(mark), shown(found))));
        }
        self.at += 1;
        Ok(())
    }

    /// Takes this mark if it is next.
    fn take_if(&mut self, mark: u8, inside: &str) -> Result<bool> {
        let found = self.next_token(inside)? == mark;
        self.at += usize::from(found);
        Ok(found)
    }

    /// Calls `member` for each key of an object; it must take the value.
    pub(crate) fn object(&mut self, member: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.nested(|reader| reader.members(member))
    }

    /// Whatever calls itself for what is inside is bounded here.
    fn nested(&mut self, inside: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if self.depth > DEPTH_MAX {
            return Err(self.error(format!("values are nested more than {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        inside(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn members(&mut self, mut member: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.take(b'{')?;
        if self.take_if(b'}', "an object")? {
            return Ok(());
        }
        loop {
            let key = self.string(1024)?.to_owned();
            self.take(b':')?;
            member(self, &key)?;
            if self.take_if(b'}', "an object")? {
                return Ok(());
            }
            self.take(b',')?;
        }
    }

    /// Calls `item` for each item of an array; it must take the value.
    pub(crate) fn array(&mut self, item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.nested(|reader| reader.items(item))
    }

    fn items(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.take(b'[')?;
        if self.take_if(b']', "an array")? {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.take_if(b']', "an array")? {
                return Ok(());
            }
            self.take(b',')?;
        }
    }

    /// A string of at most `limit` bytes.
    pub(crate) fn string(&mut self, limit: usize) -> Result<&str> {
        self.take(b'"')?;
        self.scratch.clear();
        loop {
            if !self.fill()? {
                return Err(self.ended("a string"));
            }
            let rest = &self.block[self.at..self.end];
            let stop = rest
                .iter()
                .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
            let plain = stop.unwrap_or(rest.len());
            if self.scratch.len() + plain > limit {
                return Err(self.error(format!("a string is longer than {limit} bytes")));
            }
            self.scratch.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match stop.map(|stop| rest[stop]) {
                None => {}
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.error("a string holds a control character")),
            }
        }
        self.at += 1;
        let (byte, line) = (self.before + self.at as u64, self.line);
        std::str::from_utf8(&self.scratch).map_err(|_| JsonError {
            what: "a string is not UTF-8".into(),
            byte,
            line,
            ended: false,
        })
    }

    fn byte(&mut self) -> Result<u8> {
        if !self.fill()? {
            return Err(self.ended("a string"));
        }
        self.at += 1;
        Ok(self.block[self.at - 1])
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        let byte = match self.byte()? {
            plain @ (b'"' | b'\\' | b'/') => plain,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode(),
            other => return Err(self.error(format!("`\\{}` is no escape", shown(other)))),
        };
        self.scratch.push(byte);
        Ok(())
    }

    fn unicode(&mut self) -> Result<()> {
        let mut code = self.hex4()?;
        if (0xd800..0xdc00).contains(&code) {
            if self.byte()? != b'\\' || self.byte()? != b'u' {
                return Err(self.error("half of a surrogate pair"));
            }
            let low = self.hex4()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.error("half of a surrogate pair"));
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        let char = char::from_u32(code).ok_or_else(|| self.error("half of a surrogate pair"))?;
        self.scratch.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = char::from(self.byte()?).to_digit(16);
            code = code * 16 + digit.ok_or_else(|| self.error("`\\u` needs four hexadecimal digits"))?;
        }
        Ok(code)
    }

    /// The text of a number, checked against JSON's grammar.
    pub(crate) fn number(&mut self) -> Result<&str> {
        let found = self.next_token("a number")?;
        if found != b'-' && !found.is_ascii_digit() {
            return Err(self.error(format!("a number expected, `{}` found", shown(found))));
        }
        self.word(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))?;
        if !is_number(&self.scratch) {
            let text = String::from_utf8_lossy(&self.scratch).into_owned();
            return Err(self.error(format!("`{text}` is no JSON number")));
        }
        // what could still follow was not there: a number at the very end may have been cut
        Ok(std::str::from_utf8(&self.scratch).expect("broken invariant: the grammar is ASCII"))
    }

    /// Takes `null`; true when it was there.
    pub(crate) fn null(&mut self) -> Result<bool> {
        if self.next_token("a value")? != b'n' {
            return Ok(false);
        }
        self.literal().map(|()| true)
    }

    fn word(&mut self, belongs: impl Fn(u8) -> bool) -> Result<()> {
        self.scratch.clear();
        while self.fill()? {
            let rest = &self.block[self.at..self.end];
            let length = rest.iter().position(|&byte| !belongs(byte)).unwrap_or(rest.len());
            if self.scratch.len() + length > NUMBER_MAX {
                return Err(self.error(format!("a number or word is longer than {NUMBER_MAX} bytes")));
            }
            self.scratch.extend_from_slice(&rest[..length]);
            self.at += length;
            if self.at < self.end {
                break;
            }
        }
        Ok(())
    }

    fn literal(&mut self) -> Result<()> {
        self.word(|byte| byte.is_ascii_alphabetic())?;
        if [&b"null"[..], b"true", b"false"].contains(&self.scratch.as_slice()) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&self.scratch).into_owned();
        let cut = self.at == self.end
            && [&b"null"[..], b"true", b"false"]
                .iter()
                .any(|word| word.starts_with(&self.scratch));
        Err(if cut {
            self.ended("a word")
        } else {
            self.error(format!("`{text}` is no JSON value"))
        })
    }

    /// Takes any value and forgets it.
    pub(crate) fn skip(&mut self) -> Result<()> {
        match self.next_token("a value")? {
            b'{' => self.object(|reader, _| reader.skip()),
            b'[' => self.array(Self::skip),
            b'"' => self.string(1 << 20).map(drop),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            byte if byte.is_ascii_alphabetic() => self.literal(),
            other => Err(self.error(format!("a value expected, `{}` found", shown(other)))),
        }
    }
}

fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let unsigned = exponent
            .strip_prefix(b"+")
            .or_else(|| exponent.strip_prefix(b"-"))
            .unwrap_or(exponent);
        let length = digits(unsigned);
        return length > 0 && length == unsigned.len();
    }
    rest.is_empty()
}

fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() {
        char::from(byte).to_string()
    } else {
        format!("byte {byte:#04x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hands out one byte at a time, so that every token crosses a block's edge.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let Some((&first, rest)) = self.0.split_first() else {
                return Ok(0);
            };
            out[0] = first;
            self.0 = rest;
            Ok(1)
        }
    }

    fn accepts(text: &[u8]) -> bool {
        let mut reader = JsonReader::new(Drip(text));
        reader
            .skip()
            .and_then(|()| reader.peek())
            .is_ok_and(|rest| rest.is_none())
    }

    #[test]
    fn strings_are_decoded() {
        for (text, expected) in [
            (r#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{c}\n\r\t"),
            (r#""\u00e9\ud83d\ude00é""#, "é😀é"),
            (r#""""#, ""),
        ] {
            assert_eq!(
                JsonReader::new(Drip(text.as_bytes())).string(100).unwrap(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_string_without_end_stays_within_its_limit() {
        let endless = std::io::Read::chain(&b"\""[..], std::io::repeat(b'x'));
        let error = JsonReader::new(endless).string(65_536).unwrap_err();
        assert_eq!(error.what, "a string is longer than 65536 bytes");
    }

    #[test]
    fn errors_know_their_place() {
        let mut reader = JsonReader::new(&b"[1,\n  2,\n  x]"[..]);
        let error = reader.skip().unwrap_err();
        assert_eq!((error.line, error.ended), (3, false), "{error}");
        let error = JsonReader::new(&b"[1, {\"a\": \"b"[..]).skip().unwrap_err();
        assert_eq!(
            (error.what.as_str(), error.byte, error.ended),
            ("the text ends inside a string", 12, true)
        );
        assert!(
            JsonReader::new(&b"[".repeat(100)[..])
                .skip()
                .is_err_and(|error| error.what.contains("nested"))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// Judge: `serde_json`.
        #[test]
        fn it_accepts_what_the_reference_reader_accepts(text in r#"([\[\]{},:"]|"[a-z\\u0-9é]{0,6}"|-?[0-9.eE+-]{1,6}|true|null|[ \n]){0,12}"#) {
            let reference = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            // its range check of numbers (1e999) is not grammar; `IgnoredAny` leaves escapes of surrogates unchecked
            prop_assume!(!text.contains("\\u"));
            prop_assert_eq!(accepts(text.as_bytes()), reference);
        }
    }
}

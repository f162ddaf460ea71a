//! The words of a line, with their places. A word ends at white space, and after a comma or a semicolon.

use std::cell::Cell;
use std::ops::Range;

use perennial_recurrence::Sentence;

/// What may end a word without being a part of what it says.
const ENDINGS: &[char] = &[',', ';', '.', ':', '!', '?'];

/// Names whose full stop belongs to them.
const SHORT: &str =
    "mon tue tues wed thu thur thurs fri sat sun jan feb mar apr jun jul aug sep sept oct nov dec";

/// One word.
#[derive(Debug)]
pub(super) struct Word {
    /// Its bytes in the line.
    pub at: Range<usize>,
    /// In lower case, without what ends it.
    core: String,
    /// Whether nothing ends it, so that the next word may go on with what it says.
    open: bool,
    /// What it says where it is to be taken as it stands: in quotation marks, or behind a backslash.
    pub literal: Option<String>,
}

/// A line of words.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub text: &'a str,
    pub words: Vec<Word>,
    /// The same line, to be asked for recurrences, times, days and zones.
    pub sentence: Sentence,
    /// Places of quotation marks that are never closed.
    pub unclosed: Vec<usize>,
    /// The year after the present one, for examples of what to write.
    pub next_year: i32,
    steps: Cell<u32>,
}

impl<'a> Line<'a> {
    pub(super) fn cut(text: &'a str, next_year: i32) -> Self {
        let (mut words, mut unclosed) = (Vec::new(), Vec::new());
        let mut at = 0;
        // Once one mark is not closed, no later one of its kind is: looking for its end is never done twice.
        let mut hopeless = Vec::new();
        while let Some(letter) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let after = at.saturating_add(letter.len_utf8());
            if letter.is_whitespace() {
                at = after;
                continue;
            }
            let word = match closing(letter).filter(|close| !hopeless.contains(close)) {
                Some(close) => match text.get(after..).and_then(|rest| rest.find(close)) {
                    Some(length) => quoted(text, at, after, after.saturating_add(length), close),
                    None => {
                        unclosed.push(at);
                        hopeless.push(close);
                        plain(text, at)
                    }
                },
                None => plain(text, at),
            };
            at = word.at.end;
            words.push(word);
        }
        let sentence = Sentence::new(&masked(text, &words));
        Self { text, words, sentence, unclosed, next_year, steps: Cell::new(0) }
    }

    fn word(&self, index: usize) -> Option<&Word> {
        self.steps.set(self.steps.get().saturating_add(1));
        self.words.get(index)
    }

    /// What a word says, in lower case; nothing where it is literal, or past the end.
    pub(super) fn core(&self, index: usize) -> &str {
        self.word(index).filter(|word| word.literal.is_none()).map_or("", |word| word.core.as_str())
    }

    /// The same of a word that the next one may go on from.
    pub(super) fn open(&self, index: usize) -> &str {
        self.word(index)
            .filter(|word| word.open && word.literal.is_none())
            .map_or("", |word| word.core.as_str())
    }

    /// Whether at most a comma parts a word from the next one.
    pub(super) fn goes_on(&self, index: usize) -> bool {
        let written = self.words.get(index).and_then(|word| self.text.get(word.at.clone())).unwrap_or("");
        !self.open(index).is_empty() || written.strip_suffix(',') == Some(self.raw(index))
    }

    /// Whether these words follow each other here.
    pub(super) fn run(&self, index: usize, words: &[&str]) -> bool {
        let (Some((last, first)), mut at) = (words.split_last(), index) else { return false };
        for word in first {
            if self.open(at) != *word {
                return false;
            }
            at = at.saturating_add(1);
        }
        self.core(at) == *last
    }

    /// The word as it was written, without what ends it.
    pub(super) fn raw(&self, index: usize) -> &'a str {
        let raw = self.word(index).and_then(|word| self.text.get(word.at.clone())).unwrap_or("");
        raw.trim_end_matches(ENDINGS)
    }

    /// The word as it was written, with what ends it.
    pub(super) fn written(&self, index: usize) -> &'a str {
        self.word(index).and_then(|word| self.text.get(word.at.clone())).unwrap_or("")
    }

    /// Where a word begins, in bytes; the end of the line past its last word.
    pub(super) fn start(&self, index: usize) -> usize {
        self.words.get(index).map_or(self.text.len(), |word| word.at.start)
    }

    /// Where the word before this one ends, in bytes.
    pub(super) fn end_before(&self, index: usize) -> usize {
        index.checked_sub(1).and_then(|index| self.words.get(index)).map_or(0, |word| word.at.end)
    }

    /// The first word that begins at a byte or after it.
    pub(super) fn word_from(&self, byte: usize) -> usize {
        self.words.partition_point(|word| word.at.start < byte)
    }

    /// Words looked at so far.
    pub(super) fn steps(&self) -> u32 {
        self.steps.get().saturating_add(self.sentence.steps())
    }
}

/// The mark that closes what a mark opens.
fn closing(letter: char) -> Option<char> {
    match letter {
        '"' => Some('"'),
        '\u{201c}' => Some('\u{201d}'),
        _ => None,
    }
}

/// A word in quotation marks: `inner` to `close` of the text.
fn quoted(text: &str, start: usize, inner: usize, close: usize, mark: char) -> Word {
    let says = text.get(inner..close).unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
    let end = close.saturating_add(mark.len_utf8());
    Word { at: start..end, core: String::new(), open: false, literal: Some(says) }
}

fn plain(text: &str, start: usize) -> Word {
    let rest = text.get(start..).unwrap_or("");
    let is_end = |(_, letter): &(usize, char)| letter.is_whitespace() || matches!(letter, ',' | ';');
    let length = match rest.char_indices().find(is_end) {
        Some((at, letter)) if letter.is_whitespace() => at,
        Some((at, letter)) => at.saturating_add(letter.len_utf8()),
        None => rest.len(),
    };
    let raw = rest.get(..length).unwrap_or(rest);
    let literal = raw.strip_prefix('\\').map(str::to_owned);
    let bare = raw.trim_end_matches(ENDINGS);
    let is_short =
        raw.strip_suffix('.') == Some(bare) && SHORT.split(' ').any(|name| name.eq_ignore_ascii_case(bare));
    let open = is_short || bare.len() == raw.len();
    Word { at: start..start.saturating_add(length), core: bare.to_lowercase(), open, literal }
}

/// The line in which no recurrence, time, day or zone can be read across what ends a word: each of its bytes is a comma. (Across
/// a quotation mark none is read as it is.) Every byte keeps its place.
fn masked(text: &str, words: &[Word]) -> String {
    let mut masked = String::with_capacity(text.len());
    for word in words {
        let raw = text.get(word.at.clone()).unwrap_or("");
        let bare = if word.open { raw } else { raw.trim_end_matches(ENDINGS) };
        masked.push_str(text.get(masked.len()..word.at.start).unwrap_or(""));
        masked.push_str(bare);
        masked.extend(std::iter::repeat_n(',', raw.len().saturating_sub(bare.len())));
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_white_space_and_commas_and_quotes_are_one_word() {
        let text = "a,b  \"c  d\"e \\#f “g h” i. \"j";
        let line = Line::cut(text, 2027);
        let raw: Vec<&str> = line.words.iter().map(|word| &text[word.at.clone()]).collect();
        assert_eq!(raw, ["a,", "b", "\"c  d\"", "e", "\\#f", "“g h”", "i.", "\"j"]);
        let literal: Vec<&str> = line.words.iter().filter_map(|word| word.literal.as_deref()).collect();
        assert_eq!(literal, ["c d", "#f", "g h"]);
        assert_eq!(line.unclosed, [text.len() - 2]);
        assert_eq!((line.core(0), line.open(0), line.core(6), line.core(2)), ("a", "", "i", ""));
    }

    #[test]
    fn what_ends_a_word_is_a_comma_and_every_byte_keeps_its_place() {
        for (text, expected) in [
            ("at 9. On Dec. 5!? ", "at 9, On Dec. 5,,"),
            ("“é.” é: \\x;", "“é.” é, \\x,"),
            ("!!! ,;,", ",,, ,,,"),
        ] {
            assert_eq!(masked(text, &Line::cut(text, 2027).words), expected);
        }
    }
}

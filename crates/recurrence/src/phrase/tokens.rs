//! Words, numbers and commas of a phrase, with their places.

use std::cell::Cell;

/// A word, number or clock time in lower case, or a comma.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    /// Byte offsets in the phrase.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Longest phrase in bytes, and most words, that are read: a sentence, not a document.
const MAX_BYTES: usize = 1_000;
const MAX_TOKENS: usize = 200;

/// Cuts a text into tokens; text beyond the bounds is not read.
pub(super) fn cut(text: &str) -> Vec<Token> {
    let mut tokens = cut_whole(text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or(text));
    tokens.truncate(MAX_TOKENS);
    tokens
}

/// Cuts a text, however long it is, into tokens.
pub(super) fn cut_whole(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut open: Option<Token> = None;
    for (at, letter) in text.char_indices() {
        let ends = letter.is_whitespace() || letter == ',' || letter == ';';
        if ends {
            tokens.extend(open.take());
            if letter == ',' {
                tokens.push(Token { text: ",".to_owned(), start: at, end: at.saturating_add(1) });
            }
            continue;
        }
        let end = at.saturating_add(letter.len_utf8());
        let token = open.get_or_insert(Token { text: String::new(), start: at, end });
        token.text.extend(letter.to_lowercase());
        token.end = end;
    }
    tokens.extend(open);
    if let Some(last) = tokens.last_mut()
        && last.text.len() > 1
        && last.text.ends_with('.')
    {
        last.text.pop();
        last.end = last.end.saturating_sub(1);
    }
    tokens
}

/// A place in the tokens; cheap to copy, so that a reader can step back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Counts the words looked at.
    steps: &'a Cell<u32>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tokens: &'a [Token], at: usize, steps: &'a Cell<u32>) -> Reader<'a> {
        Reader { tokens, at, steps }
    }

    /// The token `ahead` places on, or the empty word past the end.
    pub(super) fn peek(&self, ahead: usize) -> &'a str {
        self.steps.set(self.steps.get().saturating_add(1));
        self.tokens.get(self.at.saturating_add(ahead)).map_or("", |token| token.text.as_str())
    }

    /// The token before.
    pub(super) fn before(&self) -> &'a str {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or("", |token| token.text.as_str())
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.tokens.len());
    }

    /// Takes the next token if it is one of these words.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let found = words.contains(&self.peek(0));
        self.skip(usize::from(found));
        found
    }

    /// Takes a run of words, all or none; a comma may stand before it.
    pub(super) fn take_run(&mut self, words: &[&str]) -> bool {
        let comma = usize::from(self.peek(0) == ",");
        let found =
            words.iter().enumerate().all(|(index, word)| self.peek(comma.saturating_add(index)) == *word);
        self.skip(if found { comma.saturating_add(words.len()) } else { 0 });
        found
    }

    /// Reads what `item` reads as often as it can, joined by commas and "and".
    pub(super) fn list<T>(&mut self, mut item: impl FnMut(&mut Reader<'a>) -> Option<T>) -> Vec<T> {
        let mut items = Vec::new();
        let mut next = *self;
        while let Some(found) = item(&mut next) {
            items.push(found);
            *self = next;
            next.take(&[","]);
            next.take(&["and", "&"]);
        }
        items
    }

    /// Whether everything was read.
    pub(super) fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The byte offset of the next token, or of the end of the last.
    pub(super) fn position(&self) -> usize {
        match self.tokens.get(self.at) {
            Some(token) => token.start,
            None => self.tokens.last().map_or(0, |token| token.end),
        }
    }

    /// The byte offset where the token before ends.
    pub(super) fn read_to(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |token| token.end)
    }
}

//! A file of SQL taken apart: into statements, and these into words.

use std::iter::Peekable;
use std::str::CharIndices;

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// Its text, from the comments before it on, without the semicolon.
    pub text: &'a str,
    /// The line of the file on which its first word stands, from 1.
    pub line: usize,
    /// Its words: in capitals, but for names in quotation marks; signs each for themselves; `''` for any text in quotation marks or dollars.
    pub words: Vec<String>,
}

impl Statement<'_> {
    /// Whether it begins with these words.
    pub fn begins(&self, words: &[&str]) -> bool {
        self.words.len() >= words.len() && self.words.iter().zip(words).all(|(word, wanted)| word == wanted)
    }

    /// Whether these words stand in it, one after the other.
    pub fn has(&self, words: &[&str]) -> bool {
        self.after(words).is_some()
    }

    /// What stands in it behind these words, the first time they do.
    pub fn after(&self, words: &[&str]) -> Option<&[String]> {
        let at = self
            .words
            .windows(words.len())
            .position(|window| window.iter().zip(words).all(|(word, wanted)| word == wanted))?;
        self.words.get(at.saturating_add(words.len())..)
    }

    /// The index that it makes without locking writers out, by name; such a statement that was cut off leaves one that is of no use.
    pub fn concurrent_index(&self) -> Option<String> {
        let making = self.begins(&["CREATE", "INDEX"]) || self.begins(&["CREATE", "UNIQUE", "INDEX"]);
        let rest = self.after(&["INDEX", "CONCURRENTLY"]).filter(|_| making)?;
        let named = rest
            .strip_prefix(["IF".to_owned(), "NOT".to_owned(), "EXISTS".to_owned()].as_slice())
            .unwrap_or(rest);
        named.first().map(|name| name.to_lowercase())
    }

    /// Whether it is to be repeated until it gives no row any more: it takes a bounded number of rows each time, and ends in `RETURNING 1`.
    pub fn in_pieces(&self) -> bool {
        self.words.last_chunk().is_some_and(|[returning, one]| returning == "RETURNING" && one == "1")
    }
}

/// The statements of a text.
pub(super) fn statements(text: &str) -> Vec<Statement<'_>> {
    let mut reader = Reader { text, letters: text.char_indices().peekable(), words: Vec::new(), first: None };
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(at) = reader.until_semicolon() {
        found.extend(reader.take(start, at));
        start = at.saturating_add(1);
    }
    found.extend(reader.take(start, text.len()));
    found
}

struct Reader<'a> {
    text: &'a str,
    letters: Peekable<CharIndices<'a>>,
    words: Vec<String>,
    /// Where the first word stands.
    first: Option<usize>,
}

impl<'a> Reader<'a> {
    /// Reads to the next semicolon that ends a statement; where it stands.
    fn until_semicolon(&mut self) -> Option<usize> {
        while let Some((at, letter)) = self.letters.next() {
            match letter {
                ';' => return Some(at),
                '-' if self.next_is('-') => self.skip_line(),
                '/' if self.next_is('*') => self.skip_comment(),
                '\'' => self.quoted(at, '\'', false),
                '"' => {
                    self.skip_quoted('"', false);
                    let name = self.since(at).to_owned();
                    self.word(at, name);
                }
                '$' => self.dollars(at),
                _ if letter.is_whitespace() => {}
                _ if is_of_word(letter) => self.plain_word(at, letter),
                sign => self.word(at, sign.to_string()),
            }
        }
        None
    }

    /// The statement that was read, if it has a word.
    fn take(&mut self, start: usize, end: usize) -> Option<Statement<'a>> {
        let words = std::mem::take(&mut self.words);
        let first = self.first.take()?;
        let line = self.text.get(..first)?.matches('\n').count().saturating_add(1);
        Some(Statement { text: self.text.get(start..end)?.trim(), line, words })
    }

    fn word(&mut self, at: usize, word: String) {
        self.first.get_or_insert(at);
        self.words.push(word);
    }

    fn next_is(&mut self, wanted: char) -> bool {
        self.letters.peek().is_some_and(|(_, letter)| *letter == wanted)
    }

    /// The text from a place to where it was read to.
    fn since(&mut self, at: usize) -> &'a str {
        let end = self.letters.peek().map_or(self.text.len(), |(end, _)| *end);
        self.text.get(at..end).unwrap_or_default()
    }

    fn plain_word(&mut self, at: usize, first: char) {
        while self.letters.next_if(|(_, letter)| is_of_word(*letter) || *letter == '$').is_some() {}
        if matches!(first, 'e' | 'E') && self.since(at).len() == 1 && self.next_is('\'') {
            self.letters.next();
            self.quoted(at, '\'', true);
            return;
        }
        let word = self.since(at).to_uppercase();
        self.word(at, word);
    }

    fn quoted(&mut self, at: usize, quote: char, escapes: bool) {
        self.skip_quoted(quote, escapes);
        self.word(at, "''".to_owned());
    }

    /// Reads to the end of what is in quotation marks; a doubled one is one of the text.
    fn skip_quoted(&mut self, quote: char, escapes: bool) {
        while let Some((_, letter)) = self.letters.next() {
            if letter == '\\' && escapes {
                self.letters.next();
            } else if letter == quote && self.letters.next_if(|(_, next)| *next == quote).is_none() {
                return;
            }
        }
    }

    fn skip_line(&mut self) {
        while self.letters.next().is_some_and(|(_, letter)| letter != '\n') {}
    }

    /// Reads to the end of a comment in signs; there may be others in it.
    fn skip_comment(&mut self) {
        let mut depth = 0_usize;
        let mut before = '/';
        for (_, letter) in self.letters.by_ref() {
            match (before, letter) {
                ('/', '*') => depth = depth.saturating_add(1),
                ('*', '/') => depth = depth.saturating_sub(1),
                _ => {
                    before = letter;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
            before = ' ';
        }
    }

    /// `$1`, or a text between `$name$` and the same.
    fn dollars(&mut self, at: usize) {
        while self.letters.next_if(|(_, letter)| is_of_word(*letter)).is_some() {}
        let parameter = self.since(at);
        let is_number =
            parameter.get(1..).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
        if is_number || !self.next_is('$') {
            return self.word(at, parameter.to_owned());
        }
        self.letters.next();
        let mark = self.since(at);
        let begin = at.saturating_add(mark.len());
        let rest = self.text.get(begin..).unwrap_or_default();
        let end = rest
            .find(mark)
            .map_or(self.text.len(), |length| begin.saturating_add(length).saturating_add(mark.len()));
        while self.letters.next_if(|(at, _)| *at < end).is_some() {}
        self.word(at, "''".to_owned());
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_texts_and_comments_end_no_statement() {
        let text = "-- one; two\nSELECT 'a;''b', E'c\\';', \"d;\"\"e\" /* f; /* g; */ h; */;\n\n\
                    CREATE FUNCTION i() RETURNS text LANGUAGE sql AS $$ SELECT 'j'; $$; DO $k$ BEGIN; $$ END; $k$;\nSELECT $1 + $2 ;;  -- end";
        let found = statements(text);
        let texts: Vec<&str> = found.iter().map(|statement| statement.text).collect();
        assert_eq!(texts.len(), 4, "{texts:?}");
        assert_eq!(found[0].words, ["SELECT", "''", ",", "''", ",", "\"d;\"\"e\""]);
        assert_eq!(
            found[1].words,
            ["CREATE", "FUNCTION", "I", "(", ")", "RETURNS", "TEXT", "LANGUAGE", "SQL", "AS", "''"]
        );
        assert_eq!(found[2].words, ["DO", "''"]);
        assert_eq!(found[3].words, ["SELECT", "$1", "+", "$2"]);
        assert_eq!(found.iter().map(|statement| statement.line).collect::<Vec<_>>(), [2, 4, 4, 5]);
        assert!(found[0].text.starts_with("-- one; two"));
    }

    #[test]
    fn what_is_never_closed_ends_with_the_file() {
        for text in ["SELECT 'a", "SELECT \"a", "SELECT /* a", "SELECT $$ a", "SELECT 1"] {
            assert_eq!(statements(text).len(), 1, "{text}");
        }
        assert_eq!(statements("-- nothing\n;;").len(), 0);
    }

    #[test]
    fn an_index_that_is_made_beside_writers_has_a_name() {
        let name = |text| statements(text)[0].concurrent_index();
        assert_eq!(
            name("CREATE INDEX CONCURRENTLY IF NOT EXISTS task_by_x ON task (x)").as_deref(),
            Some("task_by_x")
        );
        assert_eq!(name("create unique index concurrently task_x on task (x)").as_deref(), Some("task_x"));
        assert_eq!(name("CREATE INDEX task_x ON task (x)"), None);
        assert_eq!(name("DROP INDEX CONCURRENTLY IF EXISTS task_x"), None);
    }
}

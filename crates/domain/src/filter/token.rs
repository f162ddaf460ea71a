//! The tokens of a filter, with their places.

use std::ops::Range;

use super::MAX_STRING;

/// What is wrong, and where: characters of the text.
pub(super) type Wrong = (Range<usize>, String);

/// Signs of which bare words are made, beside letters and digits.
const SIGNS: &str = "-_/.&+@:#";
/// Quotation marks that are not read as such, and so that no word may hold.
const MARKS: &str = "“”„‟«»‘’‚‛‹›";

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    /// Its characters in the text.
    pub at: Range<usize>,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Open,
    Close,
    Operator(Operator),
    /// Between the ends of a range.
    Dots,
    /// What stands in quotation marks, without them.
    Quoted(String),
    /// A bare word, as written.
    Word(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
}

/// Cuts a text into tokens.
pub(super) fn cut(text: &str) -> Result<Vec<Token>, Wrong> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = letters.get(at) {
        if first.is_whitespace() {
            at = at.saturating_add(1);
            continue;
        }
        let rest = letters.get(at..).unwrap_or_default();
        let (kind, length) = token(rest).map_err(|(length, why)| (at..at.saturating_add(length), why))?;
        let end = at.saturating_add(length);
        if let Kind::Quoted(says) | Kind::Word(says) = &kind {
            let long = says.chars().count();
            if long > MAX_STRING {
                return Err((at..end, format!("has {long} characters; at most {MAX_STRING} are read")));
            }
        }
        tokens.push(Token { at: at..end, kind });
        at = end;
    }
    Ok(tokens)
}

/// The token that letters begin with, and its length; or what is wrong with the first so many.
fn token(letters: &[char]) -> Result<(Kind, usize), (usize, String)> {
    let run = |within: fn(&char) -> bool| letters.iter().take_while(|letter| within(letter)).count();
    match letters {
        ['(', ..] => Ok((Kind::Open, 1)),
        [')', ..] => Ok((Kind::Close, 1)),
        ['"', ..] => quoted(letters),
        ['.', '.', ..] => Ok((Kind::Dots, 2)),
        ['=' | '!' | '<' | '>' | '~', ..] => {
            let length = run(|letter| "=!<>~".contains(*letter));
            let written: String = letters.iter().take(length).collect();
            let operator = match written.as_str() {
                "=" => Operator::Equal,
                "!=" => Operator::Unequal,
                "<" => Operator::Less,
                "<=" => Operator::AtMost,
                ">" => Operator::Greater,
                ">=" => Operator::AtLeast,
                "~" => Operator::Contains,
                _ => return Err((length, "is no operator: write =, !=, <, <=, >, >= or ~".to_owned())),
            };
            Ok((Kind::Operator(operator), length))
        }
        _ => {
            let run = run(is_of_words);
            let dots = letters.windows(2).take(run).position(|pair| pair == ['.', '.']);
            let length = dots.unwrap_or(run);
            if length == 0 {
                let why = "is no sign of a bare word: put names with such signs in \"quotation marks\"";
                return Err((1, why.to_owned()));
            }
            Ok((Kind::Word(letters.iter().take(length).collect()), length))
        }
    }
}

fn is_of_words(letter: &char) -> bool {
    let is_sign = if letter.is_ascii() { SIGNS.contains(*letter) } else { !MARKS.contains(*letter) };
    letter.is_alphanumeric() || is_sign && !letter.is_whitespace() && !letter.is_control()
}

/// What begins with a quotation mark. Within it `\"` is a quotation mark and `\\` a backslash.
fn quoted(letters: &[char]) -> Result<(Kind, usize), (usize, String)> {
    let mut says = String::new();
    let mut escaped = false;
    for (at, letter) in letters.iter().enumerate().skip(1) {
        let length = at.saturating_add(1);
        match letter {
            '"' | '\\' if escaped => says.push(*letter),
            _ if escaped => return Err((length, "has a \\ before neither \" nor \\".to_owned())),
            '"' => return Ok((Kind::Quoted(says), length)),
            '\\' => {}
            _ if letter.is_control() => {
                return Err((length, format!("must not contain the control character {letter:?}")));
            }
            _ => says.push(*letter),
        }
        escaped = *letter == '\\' && !escaped;
    }
    Err((letters.len(), "has no closing quotation mark".to_owned()))
}

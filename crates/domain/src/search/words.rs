//! The words of a text, in the form in which they are compared.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::MAX_WORD;

/// The words of a text, in order: folded, cut at the word boundaries of Unicode (UAX #29) and at every sign within a word, each
/// of at most [`MAX_WORD`] characters. Letters of scripts without blanks between words (Han, Hiragana, Thai and others) are words
/// of their own; a run of Katakana is one.
pub fn words(text: &str) -> Vec<String> {
    let folded = folded(text);
    let parts = folded.unicode_words().flat_map(|word| word.split(|letter| !is_of_words(letter)));
    let words = parts.map(|part| part.trim_start_matches(is_combining_mark));
    words.filter(|word| word.contains(char::is_alphanumeric)).map(cut).collect()
}

fn is_of_words(letter: char) -> bool {
    letter.is_alphanumeric() || is_combining_mark(letter)
}

fn cut(word: &str) -> String {
    word.chars().take(MAX_WORD).collect()
}

/// Text without what writers may leave out or write in two ways: compatibility forms (NFKD), case, accents and vowel points, ß
/// for ss, the final sigma, and joiners that cannot be seen. Marks that tell words apart (vowel signs of Indic scripts, voiced
/// Kana) stay.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.nfkd().flat_map(char::to_lowercase).nfkd() {
        match letter {
            'ß' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            _ if is_left_out(letter) => {}
            _ => folded.push(letter),
        }
    }
    folded.nfc().collect()
}

/// Accents (of all scripts that use the common ones), Hebrew and Arabic points, and what cannot be seen.
fn is_left_out(letter: char) -> bool {
    matches!(letter,
        '\u{0300}'..='\u{036f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}'
        | '\u{0591}'..='\u{05bd}' | '\u{05bf}' | '\u{05c1}' | '\u{05c2}' | '\u{05c4}' | '\u{05c5}' | '\u{05c7}'
        | '\u{064b}'..='\u{065f}' | '\u{0670}'
        | '\u{00ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_cut() {
        for (text, expected) in [
            ("Pay rent!", "pay rent"),
            ("Café CAFE\u{301} cafe", "cafe cafe cafe"),
            ("Straße STRASSE ẞ", "strasse strasse ss"),
            ("ΟΔΟΣ οδός", "οδοσ οδοσ"),
            ("İstanbul ISTANBUL", "istanbul istanbul"),
            ("don't don’t", "don t don t"),
            ("e-mail foo_bar a.b@example.com", "e mail foo bar a b example com"),
            ("2026-12-01 09:30 3.14", "2026 12 01 09 30 3 14"),
            ("ﬁne ２０２６ ½ ℡ x²", "fine 2026 1 2 tel x2"),
            ("#42 (C++) R&D", "42 c r d"),
            ("東京タワー", "東 京 タワー"),
            ("買い物に行く", "買 い 物 に 行 く"),
            ("ﾊﾟﾝ パン がか", "パン パン が か"),
            ("한국어 공부", "한국어 공부"),
            ("ก็ดี", "ก็ ดี"),
            ("हिन्दी का की", "हिन्दी का की"),
            ("שָׁלוֹם שלום", "שלום שלום"),
            ("مُحَمَّد محمد", "محمد محمد"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("Ёлка ёлка", "елка елка"),
            ("Ångström Łódź", "angstrom łodz"),
            ("🎂 1\u{fe0f}\u{20e3} — … \u{0} \u{7}", "1"),
            ("so\u{ad}ft", "soft"),
            ("", ""),
        ] {
            assert_eq!(words(text).join(" "), expected, "{text}");
        }
        assert_eq!(words(&"é".repeat(100)), ["e".repeat(40)]);
    }
}

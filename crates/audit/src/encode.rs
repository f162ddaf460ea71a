//! Texts as bytes that can be read in one way only: what is absent is a zero byte, what is there is a one byte, its length in eight
//! bytes (big-endian) and its UTF-8.

use sha2::{Digest, Sha256};

/// The bytes of several texts, one after the other.
pub(crate) fn encoded(values: &[Option<&str>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        match value {
            None => bytes.push(0),
            Some(text) => {
                bytes.push(1);
                bytes.extend((text.len() as u64).to_be_bytes());
                bytes.extend(text.as_bytes());
            }
        }
    }
    bytes
}

/// Their SHA-256, in hexadecimal digits.
pub(crate) fn hashed(values: &[Option<&str>]) -> String {
    hex(&Sha256::digest(encoded(values)))
}

/// Bytes in hexadecimal digits, in small letters.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_encoded_differently() {
        let all: [&[Option<&str>]; 6] = [
            &[None, Some("a")],
            &[Some(""), Some("a")],
            &[Some("a"), None],
            &[Some("a"), Some("")],
            &[Some("a")],
            &[Some("\u{1}\0\0\0\0\0\0\0\u{1}a")],
        ];
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                assert_ne!(encoded(one), encoded(other));
            }
        }
        assert_eq!(encoded(&[Some("é"), None]), [1, 0, 0, 0, 0, 0, 0, 0, 2, 0xc3, 0xa9, 0]);
    }
}

//! Texts that are nearly right: examples from a file, cut, doubled, joined and with other bytes in them.

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

/// At most so many changes to a text.
const CHANGES: u8 = 6;

/// Gives `check` mutants of the examples of a file for `FUZZ_SECONDS`, one unless told otherwise, from a seed that a failure
/// prints. `check` says of each whether it was read; some are, and some are not.
pub fn fuzz(file: &str, check: impl Fn(&str) -> bool) {
    let seconds: u64 = std::env::var("FUZZ_SECONDS").map_or(1, |text| text.parse().unwrap());
    let examples: Vec<&str> =
        file.lines().filter(|line| !line.is_empty() && !line.starts_with("  ")).collect();
    let (mut texts, mut read) = (0_u64, 0_u64);
    arbtest(|u| {
        let text = mutant(u, &examples)?;
        read += u64::from(check(&text));
        texts += 1;
        Ok(())
    })
    .budget_ms(seconds * 1_000)
    .size_max(4_096)
    .run();
    println!("{texts} mutants, {read} of them read");
    assert!(read > 0 && read < texts, "{read} of {texts}");
}

fn mutant(u: &mut Unstructured<'_>, examples: &[&str]) -> Result<String> {
    let mut bytes = u.choose(examples)?.as_bytes().to_vec();
    for _ in 0..u.int_in_range(0..=CHANGES)? {
        let from = u.int_in_range(0..=bytes.len())?;
        let to = u.int_in_range(from..=bytes.len())?;
        match u.int_in_range(0..=5_u8)? {
            0 => drop(bytes.drain(from..to)),
            1 => bytes.extend_from_within(from..to),
            2 => bytes.truncate(to),
            3 if from < to => bytes[from] = u.arbitrary()?,
            4 => drop(bytes.splice(from..to, u.choose(examples)?.bytes())),
            _ => bytes.insert(from, *u.choose(b" ()\"'-*#!.,:;=<>~0129aTZ\n\x00\xc3\xff")?),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

//! Bounded fuzzing of the parser, the phrase reader and the expansion, on stable Rust; `fuzz/` has the same targets
//! for `cargo fuzz`, without a bound.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop anywhere"
)]

#[path = "differential/random.rs"]
mod random;
#[path = "../fuzz/targets.rs"]
mod targets;

use random::Random;

const SEEDS: [&str; 8] = [
    "FREQ=MONTHLY;BYDAY=MO,2TU,-1FR;BYSETPOS=1,-1;COUNT=10",
    "FREQ=YEARLY;INTERVAL=3;BYWEEKNO=1,53;WKST=SU;UNTIL=20301231T235959Z",
    "FREQ=SECONDLY;INTERVAL=35;BYMINUTE=12,54;BYMONTHDAY=-1,31",
    "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTHDAY=29,30,31;SKIP=FORWARD",
    "FREQ=DAILY;BYHOUR=0,1,2,23;BYMINUTE=0,59;BYSECOND=60",
    "every last workday of the month at 09:00, New York time, until 31 December 2027",
    "every 2 weeks on Monday and Friday at 9pm, 10 times",
    "every 1st, 15th and second last day of the month, else the last day",
];

/// A seed with some bytes changed, cut out, doubled or taken from another seed.
fn mutate(random: &mut Random) -> Vec<u8> {
    let mut text = random.pick(&SEEDS).as_bytes().to_vec();
    for _ in 0..=random.below(6) {
        let at = random.below(text.len() as u64 + 1) as usize;
        match random.below(5) {
            0 if at < text.len() => text[at] = random.below(256) as u8,
            1 if at < text.len() => drop(text.remove(at)),
            2 => text.insert(
                at,
                random.pick(&[&b'0', &b'9', &b',', &b';', &b'=', &b'-', &b'M', &b'T', &b' ']).to_owned(),
            ),
            3 => {
                let other = random.pick(&SEEDS).as_bytes();
                let from = random.below(other.len() as u64) as usize;
                text.splice(at..at, other[from..].iter().take(12).copied());
            }
            _ => text.truncate(at.max(1)),
        }
    }
    text
}

#[test]
fn no_text_makes_the_parsers_panic() {
    let mut random = Random(31);
    for _ in 0..25_000 {
        targets::parse(&mutate(&mut random));
    }
}

#[test]
fn no_question_makes_the_expansion_panic_or_leave_its_bounds() {
    let mut random = Random(32);
    for _ in 0..2_000 {
        let case = random::case(&mut random);
        let anywhere = random.next();
        let seconds = case.dtstart.and_utc().timestamp() + 62_135_596_800;
        let start = if random.one_in(3) { anywhere } else { seconds as u64 };
        let mut data = start.to_le_bytes().to_vec();
        data.extend(random.next().to_le_bytes());
        data.extend(&random.next().to_le_bytes()[..3]);
        data.extend(if random.one_in(2) { mutate(&mut random) } else { case.rrule.into_bytes() });
        targets::expand(&data);
    }
}

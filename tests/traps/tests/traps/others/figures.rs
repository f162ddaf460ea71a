//! What was done, and what came of it.

use std::collections::BTreeMap;
use std::fmt;

use perennial_traps::Side;

/// Counts.
#[derive(Debug, Default)]
pub struct Figures {
    /// Guests that were trapped, by the call and the side.
    traps: BTreeMap<String, [usize; 3]>,
    /// Requests that were cut, by the moment.
    cuts: BTreeMap<String, usize>,
    /// Requests that were left alone.
    pub untouched: usize,
    /// Those of them that were not answered as they should have been.
    pub contaminated: Vec<String>,
}

impl Figures {
    /// A guest was trapped.
    pub fn trapped(&mut self, whose: &str, side: Side, call: &str) {
        let counts = self.traps.entry(format!("{whose}: {}", short(call))).or_default();
        let place = Side::ALL.iter().position(|one| *one == side).unwrap();
        counts[place] += 1;
    }

    /// A request was cut.
    pub fn cut(&mut self, moment: impl Into<String>) {
        *self.cuts.entry(moment.into()).or_default() += 1;
    }

    /// How many were trapped or cut.
    pub fn struck(&self) -> usize {
        self.trapped_guests() + self.cuts.values().sum::<usize>()
    }

    /// Guests that were trapped at a call whose line begins like this.
    pub fn trapped_of(&self, whose: &str) -> usize {
        let of = self.traps.iter().filter(|(call, _)| call.starts_with(whose));
        of.flat_map(|(_, counts)| counts).sum()
    }

    fn trapped_guests(&self) -> usize {
        self.traps.values().flatten().sum()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} guests trapped before, within and after their calls:", self.trapped_guests())?;
        for (call, [before, within, after]) in &self.traps {
            writeln!(f, "  {before:>4} {within:>4} {after:>4}  {call}")?;
        }
        writeln!(f, "{} requests cut:", self.cuts.values().sum::<usize>())?;
        for (moment, count) in &self.cuts {
            writeln!(f, "  {count:>4}  {moment}")?;
        }
        write!(f, "{} other requests, {} of them contaminated", self.untouched, self.contaminated.len())
    }
}

/// A call in a few words: the function of the database that is called, or the beginning of the statement.
pub fn short(call: &str) -> String {
    let functions = call.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let mut called = functions.filter(|word| word.starts_with("perennial_") && *word != "perennial_now");
    match called.next_back() {
        Some(function) => function.to_owned(),
        None => {
            let line = call.split_whitespace().collect::<Vec<_>>().join(" ");
            // A port is another each time.
            let line = line.split("127.0.0.1").next().unwrap_or_default();
            line.chars().take(70).collect()
        }
    }
}

//! What is not as it must be.

/// What was found, one line each.
#[derive(Debug, Default)]
pub struct Findings {
    /// What was acknowledged and is not there, or not as it was said.
    pub lost: Vec<String>,
    /// What is there more often than it may be.
    pub doubled: Vec<String>,
    /// What should have come by itself and has not.
    pub stuck: Vec<String>,
    /// What came before its time.
    pub early: Vec<String>,
}

/// Lines of each kind that are shown; the others are counted.
const SHOWN: usize = 20;

impl Findings {
    /// Takes over what another has found.
    pub fn add(&mut self, other: Self) {
        self.lost.extend(other.lost);
        self.doubled.extend(other.doubled);
        self.stuck.extend(other.stuck);
        self.early.extend(other.early);
    }

    /// Notes how often something is there that must be there once.
    pub fn once(&mut self, count: usize, what: impl FnOnce() -> String) {
        self.times(count, 1, what);
    }

    /// Notes how often something is there that must be there so often.
    pub fn times(&mut self, count: usize, expected: usize, what: impl FnOnce() -> String) {
        match count.cmp(&expected) {
            std::cmp::Ordering::Less => self.lost.push(format!("{}: {count} of {expected}", what())),
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Greater => {
                self.doubled.push(format!("{}: {count} instead of {expected}", what()))
            }
        }
    }

    /// How much of each kind: lost, doubled, stuck, early.
    pub fn counts(&self) -> [usize; 4] {
        [&self.lost, &self.doubled, &self.stuck, &self.early].map(Vec::len)
    }

    /// That nothing was found.
    ///
    /// # Panics
    /// Where something was.
    pub fn are_none(&self) {
        assert_eq!(self.counts(), [0; 4], "lost, doubled, stuck, early:{self}");
    }
}

impl std::fmt::Display for Findings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("stuck", &self.stuck),
            ("early", &self.early),
        ];
        for (kind, lines) in kinds {
            for line in lines.iter().take(SHOWN) {
                write!(f, "\n{kind}: {line}")?;
            }
            if let Some(others @ 1..) = lines.len().checked_sub(SHOWN) {
                write!(f, "\n{kind}: {others} more")?;
            }
        }
        Ok(())
    }
}

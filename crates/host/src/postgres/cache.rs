//! The statements that a session has prepared. Spin prepares each anew; what is kept here is seen by nobody.

use std::collections::HashMap;

use tokio_postgres::Statement;

use super::left::Left;

/// How many are kept, and how long a text may be: the server keeps a plan for each.
const MOST: usize = 100;
const LONGEST: usize = 16 * 1024;

/// A statement of a session.
#[derive(Clone)]
pub(super) struct Known {
    pub statement: Statement,
    /// What it may leave.
    pub left: Left,
}

/// Those of one session, by their text.
#[derive(Default)]
pub(super) struct Cache {
    known: HashMap<String, (Known, u64)>,
    clock: u64,
}

impl Cache {
    pub fn get(&mut self, text: &str) -> Option<Known> {
        self.clock = self.clock.saturating_add(1);
        let (known, used) = self.known.get_mut(text)?;
        *used = self.clock;
        Some(known.clone())
    }

    /// Keeps one, in the place of that which was not used for longest.
    pub fn keep(&mut self, text: &str, known: &Known) {
        if text.len() > LONGEST {
            return;
        }
        if self.known.len() >= MOST {
            let oldest = self.known.iter().min_by_key(|(_, (_, used))| *used).map(|(text, _)| text.clone());
            oldest.and_then(|oldest| self.known.remove(&oldest));
        }
        self.known.insert(text.to_owned(), (known.clone(), self.clock));
    }

    pub fn forget(&mut self, text: &str) {
        self.known.remove(text);
    }
}

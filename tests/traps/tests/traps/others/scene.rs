//! What all who ask share.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use perennial_traps::House;

use super::figures::Figures;
use super::handlers::HANDLERS;
use super::quiet::Quiet;

/// How long handlers may take to be trapped, each of them, on a busy machine.
const ALL: Duration = Duration::from_secs(180);

/// A service with those who ask it.
pub struct Scene {
    pub house: House,
    /// How it is where nobody is struck.
    pub quiet: Quiet,
    pub figures: Mutex<Figures>,
    /// Nobody asks any more.
    pub is_over: AtomicBool,
    least: usize,
    begun: Instant,
}

impl Scene {
    pub fn new(house: House, quiet: Quiet, least: usize) -> Self {
        Self {
            house,
            quiet,
            figures: Mutex::default(),
            is_over: AtomicBool::new(false),
            least,
            begun: Instant::now(),
        }
    }

    /// Whether enough were struck, each handler among them.
    pub fn is_enough(&self) -> bool {
        let figures = self.figures.lock().unwrap();
        let each = HANDLERS.iter().all(|who| figures.trapped_of(&format!("{who}:")) > 0);
        figures.struck() >= self.least && (each || self.begun.elapsed() > ALL)
    }
}

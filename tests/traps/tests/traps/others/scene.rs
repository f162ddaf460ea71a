//! What all who ask share.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use perennial_traps::House;

use super::figures::Figures;
use super::quiet::Quiet;

/// A service with those who ask it.
pub struct Scene {
    pub house: House,
    /// How it is where nobody is struck.
    pub quiet: Quiet,
    pub figures: Mutex<Figures>,
    /// Nobody asks any more.
    pub is_over: AtomicBool,
    least: usize,
}

impl Scene {
    pub fn new(house: House, quiet: Quiet, least: usize) -> Self {
        Self { house, quiet, figures: Mutex::default(), is_over: AtomicBool::new(false), least }
    }

    /// Whether enough were struck.
    pub fn is_enough(&self) -> bool {
        self.figures.lock().unwrap().struck() >= self.least
    }
}

//! One page of a list.

/// Where a page starts and how much it holds.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The last item of the page before; `None` for the first page.
    pub after: Option<String>,
    /// Most items; 1 to 201 (a caller asks for one more than it shows, to learn whether there is another page).
    pub limit: u32,
}

//! How a line was read.

use perennial_domain::{Occurrence, Piece, QuickNote, ReadAs, Reading, Span, Task, TaskInput};
use serde::Serialize;

use super::TaskView;

/// How a line was read, and the task that it made.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct QuickView<'a> {
    /// The task; `null` of a dry run.
    task: Option<TaskView<'a>>,
    /// What `POST /v1/tasks` would take for it.
    input: &'a TaskInput,
    /// Every word of the line, in order.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1_000)))]
    pieces: Vec<PieceView<'a>>,
    /// What might have been meant otherwise.
    #[cfg_attr(feature = "schema", schemars(length(max = 2_000)))]
    notes: Vec<NoteView<'a>>,
    /// The recurrence in plain English.
    #[cfg_attr(feature = "schema", schemars(length(max = 100_000)))]
    description: Option<&'a str>,
}

/// Some words, and what they were read as.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct PieceView<'a> {
    span: Span,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1_000)))]
    text: &'a str,
    #[serde(rename = "as")]
    read_as: ReadAs,
    /// A part of the title, a date, a time, an RRULE, a TRIGGER, or the name of a tag, a priority or a zone.
    #[cfg_attr(feature = "schema", schemars(length(max = 4_096)))]
    value: &'a str,
}

/// What is to be said of some words.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct NoteView<'a> {
    span: Span,
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1_000)))]
    detail: &'a str,
}

impl<'a> QuickView<'a> {
    pub(crate) fn new(reading: &'a Reading, made: Option<(&'a Task, &'a Occurrence)>) -> Self {
        Self {
            task: made.map(|(task, first)| TaskView::new(task, Some(first))),
            input: &reading.input,
            pieces: reading.pieces.iter().map(PieceView::new).collect(),
            notes: reading.notes.iter().map(NoteView::new).collect(),
            description: reading.description.as_deref(),
        }
    }
}

impl<'a> PieceView<'a> {
    fn new(piece: &'a Piece) -> Self {
        Self { span: piece.span, text: &piece.text, read_as: piece.read_as, value: &piece.value }
    }
}

impl<'a> NoteView<'a> {
    fn new(note: &'a QuickNote) -> Self {
        Self { span: note.span, detail: &note.detail }
    }
}

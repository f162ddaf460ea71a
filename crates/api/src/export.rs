//! Everything of the caller, in one list: what they have set, what they have made, what was done and what was sent.

use std::fmt::Display;

use http::StatusCode;
use perennial_domain::SettingsInput;
use perennial_http_api::{Caller, PageQuery, Problem, Query, Response, answer};
use perennial_store::{ExportPart, ExportPiece, ExportedRow, Page, Store, StoreError};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::view::{
    ChangeView, ChannelView, CompletedView, ConfirmationView, ConversationView, MessageView,
    NotificationView, OverrideView, ProjectView, TaskView, TokenView, UserView,
};

/// Bytes of a page, about: it ends before the thing with which it would have more, but has one at least.
const PAGE: usize = 256 * 1024;

/// Pieces that are read for a page: what hangs on tasks may be far between.
const PIECES: usize = 20;

/// One thing of an export. It is made to be shown at once, and never kept.
#[expect(clippy::large_enum_variant, reason = "one at a time, and never moved")]
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "value", rename_all = "lowercase")]
pub(crate) enum ExportedView<'a> {
    User(UserView<'a>),
    Settings(SettingsInput),
    Project(ProjectView<'a>),
    Channel(ChannelView<'a>),
    Token(TokenView<'a>),
    Task(TaskView<'a>),
    Occurrence(CompletedView<'a>),
    Override(OverrideView<'a>),
    Notification(NotificationView<'a>),
    Change(ChangeView<'a>),
    Conversation(ConversationView<'a>),
    Message(MessageView),
    Confirmation(ConfirmationView<'a>),
}

/// The kinds in the order in which they come, each with the name that a cursor gives it.
const KINDS: [(&str, Kind); 13] = [
    ("user", Kind::User),
    ("settings", Kind::Settings),
    ("project", Kind::Part(ExportPart::Projects)),
    ("channel", Kind::Channel),
    ("token", Kind::Token),
    ("task", Kind::Part(ExportPart::Tasks)),
    ("occurrence", Kind::Part(ExportPart::Occurrences)),
    ("override", Kind::Part(ExportPart::Overrides)),
    ("notification", Kind::Notification),
    ("change", Kind::Part(ExportPart::Changes)),
    ("conversation", Kind::Part(ExportPart::Conversations)),
    ("message", Kind::Part(ExportPart::Messages)),
    ("confirmation", Kind::Part(ExportPart::Confirmations)),
];

#[derive(Clone, Copy)]
enum Kind {
    User,
    Settings,
    Channel,
    Token,
    Notification,
    Part(ExportPart),
}

/// A place in the whole: one of the kinds, and the last thing of it that was told.
struct Place {
    kind: usize,
    after: String,
}

impl Place {
    fn read(text: &str) -> Option<Self> {
        let (name, after) = text.split_once(' ')?;
        let kind = KINDS.iter().position(|(known, _)| *known == name)?;
        Some(Self { kind, after: after.to_owned() })
    }

    fn write(&self) -> Option<String> {
        Some(format!("{} {}", KINDS.get(self.kind)?.0, self.after))
    }
}

/// Things with their places in their kind, and the place after which it goes on.
#[derive(Default)]
struct Piece {
    things: Vec<(String, Box<RawValue>)>,
    next: Option<String>,
}

impl Piece {
    fn add(&mut self, place: impl Display, thing: &ExportedView<'_>) -> Result<(), Problem> {
        let shown = serde_json::value::to_raw_value(thing).map_err(StoreError::from)?;
        self.things.push((place.to_string(), shown));
        self.next = self.things.last().map(|(place, _)| place.clone());
        Ok(())
    }
}

pub(crate) fn list(store: &impl Store, caller: &Caller, query: &Query) -> Result<Response, Problem> {
    let page = PageQuery::read(query)?;
    let mut place = page.after(Place::read)?.unwrap_or(Place { kind: 0, after: String::new() });
    let (mut things, mut bytes) = (Vec::new(), 0_usize);
    'page: for _ in 0..PIECES {
        let (room, left) = (page.limit().saturating_sub(things.len()), PAGE.saturating_sub(bytes));
        let Some((_, kind)) = KINDS.get(place.kind) else { break };
        if room == 0 {
            break;
        }
        let Piece { things: read, next } = piece(store, caller, *kind, &place.after, (room, left))?;
        for (at, thing) in read {
            let more = bytes.saturating_add(thing.get().len());
            if more > PAGE && !things.is_empty() {
                break 'page;
            }
            bytes = more;
            place.after = at;
            things.push(thing);
        }
        match next {
            Some(next) => place.after = next,
            None => place = Place { kind: place.kind.saturating_add(1), after: String::new() },
        }
    }
    let shown = page.show_part(&things, false, place.write(), |_| String::new(), |thing| thing);
    Ok(answer(StatusCode::OK, &shown))
}

/// The next things of a kind, up to so many and about so many bytes of them.
fn piece(
    store: &impl Store,
    caller: &Caller,
    kind: Kind,
    after: &str,
    (room, left): (usize, usize),
) -> Result<Piece, Problem> {
    let user = &caller.user;
    let limit = u32::try_from(room).unwrap_or(u32::MAX);
    let page = || Page { after: Some(after.to_owned()).filter(|after| !after.is_empty()), limit };
    let mut piece = Piece::default();
    match kind {
        // There is one.
        Kind::User | Kind::Settings if !after.is_empty() => {}
        Kind::User => {
            let identity = store.identity(&user.id)?;
            piece.add(&user.id, &ExportedView::User(UserView::new(user, identity.as_ref())))?;
        }
        Kind::Settings => piece.add(&user.id, &ExportedView::Settings(user.into()))?,
        Kind::Channel => {
            let channels = store.channels(&user.id)?;
            for channel in channels.iter().filter(|channel| channel.id.as_str() > after).take(room) {
                piece.add(&channel.id, &ExportedView::Channel(ChannelView::new(channel)))?;
            }
        }
        Kind::Token => {
            for token in store.own_tokens(&user.id, &page())? {
                piece.add(token.id, &ExportedView::Token(TokenView::new(&token)))?;
            }
        }
        Kind::Notification => {
            for sent in store.notifications(&user.id, None, &page())? {
                piece.add(sent.id, &ExportedView::Notification(NotificationView::new(&sent)))?;
            }
        }
        Kind::Part(part) => {
            let bytes = u32::try_from(left).unwrap_or(u32::MAX).max(1);
            let ExportPiece { rows, next } = store.export(&user.id, part, after, (limit, bytes))?;
            for row in &rows {
                add_row(&mut piece, part, row)?;
            }
            piece.next = next;
        }
    }
    Ok(piece)
}

fn add_row(piece: &mut Piece, part: ExportPart, row: &ExportedRow) -> Result<(), Problem> {
    let place = &row.place;
    match part {
        ExportPart::Projects => piece.add(place, &ExportedView::Project(ProjectView::new(&row.project()?))),
        ExportPart::Tasks => piece.add(place, &ExportedView::Task(TaskView::of_record(&row.task()?))),
        ExportPart::Occurrences => {
            let (task, occurrence) = row.occurrence()?;
            piece.add(place, &ExportedView::Occurrence(CompletedView::of_record(task, &occurrence)))
        }
        ExportPart::Overrides => {
            let (task, change) = row.change_of_occurrence()?;
            piece.add(place, &ExportedView::Override(OverrideView::new(task, &change)))
        }
        ExportPart::Changes => piece.add(place, &ExportedView::Change(ChangeView::new(&row.change()?))),
        ExportPart::Conversations => {
            piece.add(place, &ExportedView::Conversation(ConversationView::new(&row.conversation()?)))
        }
        ExportPart::Messages => {
            let (conversation, message) = row.message()?;
            piece.add(place, &ExportedView::Message(MessageView::new(conversation, &message)?))
        }
        ExportPart::Confirmations => {
            piece.add(place, &ExportedView::Confirmation(ConfirmationView::new(&row.confirmation()?)?))
        }
    }
}

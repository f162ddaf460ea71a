//! How long conversations are kept, and what an export has of them.

use perennial_recurrence::tzdata_version;

use super::*;

const DAY: i64 = 86_400_000;

/// A conversation with messages that were said at a time, the last with what waits.
fn with_messages(fixture: &mut Fixture, user: &UserId, count: usize, at: Timestamp) -> ConversationId {
    let id = begun(fixture, user);
    let fence = turn(&fixture.store, user, id);
    for after in 0..count {
        let after = i64::try_from(after).unwrap();
        let messages = [said(fixture, MessageRole::User, "x")];
        let confirmations = [asked(fixture, after + 1)];
        let added = Addition { after, fence, messages: &messages, confirmations: &confirmations };
        let made = fixture.store.add_messages(user, id, &added, at).unwrap();
        assert_eq!(made, Added::Applied);
    }
    id
}

#[test]
fn conversations_that_nobody_has_written_to_for_long_are_forgotten() {
    let mut fixture = Fixture::new();
    let (ada, bo) = (fixture.user("ada"), fixture.user("bo"));
    let old = with_messages(&mut fixture, &ada, 1, NOON);
    let of_another = with_messages(&mut fixture, &bo, 1, NOON);
    let young = with_messages(&mut fixture, &ada, 1, NOON.plus_millis(1));
    let empty = begun(&mut fixture, &ada);
    let there = |fixture: &Fixture| {
        [(&ada, old), (&bo, of_another), (&ada, young), (&ada, empty)]
            .map(|(user, id)| fixture.store.conversation(user, id).unwrap().is_some())
    };
    let looks = |fixture: &Fixture, at: Timestamp| fixture.store.due_work(at, tzdata_version()).unwrap().old;
    let end = NOON.plus_millis(90 * DAY);
    // What else is old by then.
    while looks(&fixture, end) {
        fixture.rows("UPDATE conversation SET last_at = last_at + 1000000");
        fixture.store.prune(end, 100).unwrap();
        fixture.rows("UPDATE conversation SET last_at = last_at - 1000000");
        if fixture.count("idempotency") + fixture.count("outbox") == 0 {
            break;
        }
    }
    fixture.store.prune(end, 100).unwrap();
    assert_eq!(there(&fixture), [true; 4]);
    let later = end.plus_millis(1);
    assert!(looks(&fixture, later));
    fixture.store.prune(later, 100).unwrap();
    assert_eq!(there(&fixture), [false, false, true, false]);
    for table in ["conversation", "message", "confirmation"] {
        assert_eq!(fixture.count(table), 1, "{table}");
    }
    // For as long as is said.
    fixture.store.keep_conversations(DAY);
    assert!(looks(&fixture, NOON.plus_millis(DAY + 2)));
    fixture.store.prune(NOON.plus_millis(DAY + 1), 100).unwrap();
    assert_eq!(fixture.count("conversation"), 1);
    fixture.store.prune(NOON.plus_millis(DAY + 2), 100).unwrap();
    assert_eq!(fixture.count("conversation"), 0);
}

/// Each goes whole, and of many so many go at once that they have about as many rows as a piece may.
#[test]
fn they_are_forgotten_whole_and_in_pieces() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    for (count, minute) in [2, 2, 10, 1, 1].into_iter().zip(0..) {
        with_messages(&mut fixture, &ada, count, NOON.plus_millis(minute * MINUTE));
    }
    let later = NOON.plus_millis(100 * DAY);
    let mut left = Vec::new();
    for _ in 0..4 {
        fixture.store.prune(later, 8).unwrap();
        left.push((fixture.count("conversation"), fixture.count("message"), fixture.count("confirmation")));
    }
    // Of five rows each the first two, with which there are ten; then the one of twenty-one; then the others.
    let of_rows = |conversations, messages| (conversations, messages, messages);
    let by_age = [of_rows(3, 12), of_rows(2, 2), of_rows(0, 0), of_rows(0, 0)];
    assert_eq!(left, by_age);
}

#[test]
fn an_export_has_all_of_them_once() {
    let mut fixture = Fixture::new();
    let (ada, bo) = (fixture.user("ada"), fixture.user("bo"));
    with_messages(&mut fixture, &bo, 2, NOON);
    let ids = [3, 0, 12].map(|count| with_messages(&mut fixture, &ada, count, NOON));
    let read = |part, size| {
        let (mut rows, mut after) = (Vec::new(), String::new());
        loop {
            let piece = fixture.store.export(&ada, part, &after, size).unwrap();
            rows.extend(piece.rows);
            match piece.next {
                Some(next) => after = next,
                None => return rows,
            }
        }
    };
    for size in [(1, 100_000), (5, 100_000), (200, 100_000), (200, 1), (200, 500)] {
        let conversations = read(ExportPart::Conversations, size);
        let conversations: Vec<_> = conversations.iter().map(|row| row.conversation().unwrap()).collect();
        let expected = ids.map(|id| fixture.store.conversation(&ada, id).unwrap().unwrap());
        assert_eq!(conversations, expected, "{size:?}");
        let messages: Vec<_> =
            read(ExportPart::Messages, size).iter().map(|row| row.message().unwrap()).collect();
        let of = |id: ConversationId| {
            all_messages(&fixture.store, &ada, id).into_iter().map(move |message| (id, message))
        };
        assert_eq!(messages, ids.into_iter().flat_map(of).collect::<Vec<_>>(), "{size:?}");
        let confirmations: Vec<_> =
            read(ExportPart::Confirmations, size).iter().map(|row| row.confirmation().unwrap()).collect();
        let of = |id: ConversationId| fixture.store.confirmations(&ada, id, 0, 100).unwrap();
        assert_eq!(confirmations, ids.into_iter().flat_map(of).collect::<Vec<_>>(), "{size:?}");
    }
}

//! Conversations: one writes at a time, all of an addition is there or nothing, a call that is repeated has one effect, what waits to be
//! confirmed is settled once, and nothing is another user's.

mod alike;
mod kept;
mod turns;

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON, TestStore};
use perennial_store::*;

const MINUTE: i64 = 60_000;

/// Who writes in a test.
const HOLDER: &str = "0198c0de-0000-7000-8000-00000000000a";
const OTHER: &str = "0198c0de-0000-7000-8000-00000000000b";

/// A conversation of a user.
fn begun(fixture: &mut Fixture, user: &UserId) -> ConversationId {
    let new = NewConversation { id: ConversationId::new(fixture.ids.next()), title: "Plans".to_owned() };
    assert_eq!(fixture.store.begin_conversation(user, &new, NOON).unwrap(), Begun::Begun);
    new.id
}

/// The turn of it; its fence.
fn turn(store: &TestStore, user: &UserId, id: ConversationId) -> i64 {
    match store.take_turn(user, id, HOLDER, (NOON, MINUTE)).unwrap() {
        Take::Taken { fence, .. } => fence,
        other => panic!("{other:?}"),
    }
}

fn said(fixture: &mut Fixture, role: MessageRole, text: &str) -> NewMessage {
    let body = serde_json::json!({ "content": text }).to_string();
    NewMessage { id: MessageId::new(fixture.ids.next()), role, body }
}

fn asked(fixture: &mut Fixture, message: i64) -> NewConfirmation {
    NewConfirmation {
        id: ConfirmationId::new(fixture.ids.next()),
        message,
        call_id: "call_1".to_owned(),
        tool: "delete_tasks".to_owned(),
        arguments: r#"{"ids": ["a" , "b"]}"#.to_owned(),
        versions: r#"{"a":1,"b":7}"#.to_owned(),
    }
}

/// Adds what is said after a message; what became of it.
fn add(
    store: &TestStore,
    (user, id): (&UserId, ConversationId),
    (after, fence): (i64, i64),
    messages: &[NewMessage],
    confirmations: &[NewConfirmation],
) -> Added {
    store.add_messages(user, id, &Addition { after, fence, messages, confirmations }, NOON).unwrap()
}

fn all_messages(store: &TestStore, user: &UserId, id: ConversationId) -> Vec<Message> {
    store.messages(user, id, 0, (2_000, u32::MAX)).unwrap()
}

fn forbidden<T: std::fmt::Debug>(result: Result<T, StoreError>) -> (String, usize) {
    match result {
        Err(StoreError::Forbidden(refusal)) => (refusal.what, refusal.index),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_conversation_is_begun_once_and_listed_newest_first() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let ids: Vec<_> = (0..3).map(|_| begun(&mut fixture, &ada)).collect();
    let again = NewConversation { id: ids[1], title: "Another".to_owned() };
    assert_eq!(fixture.store.begin_conversation(&ada, &again, NOON).unwrap(), Begun::There);
    let found = fixture.store.conversation(&ada, ids[1]).unwrap().unwrap();
    let expected = Conversation {
        id: ids[1],
        title: "Plans".to_owned(),
        created_at: NOON,
        last_at: NOON,
        messages: 0,
        bytes: 0,
    };
    assert_eq!(found, expected);
    let list = |after: Option<ConversationId>, limit| {
        let page = Page { after: after.map(|id| id.to_string()), limit };
        let page = fixture.store.conversations(&ada, &page).unwrap().into_iter();
        page.map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, 2), [ids[2], ids[1]]);
    assert_eq!(list(Some(ids[1]), 2), [ids[0]]);
    assert_eq!(list(Some(ids[0]), 2), []);
    let long = |title: &str| {
        let new = NewConversation { id: ids[0], title: title.to_owned() };
        fixture.store.begin_conversation(&ada, &new, NOON)
    };
    assert_eq!(long(&"x".repeat(400)).unwrap(), Begun::There);
    assert_eq!(forbidden(long(&"x".repeat(401))).0, "conversation.title");
    assert_eq!(forbidden(long("a\0b")).0, "conversation.title");
}

#[test]
fn a_user_has_so_many_conversations_and_no_more_however_many_begin_at_once() {
    let mut fixture = Fixture::new();
    let (ada, bo) = (fixture.user("ada"), fixture.user("bo"));
    let first = begun(&mut fixture, &ada);
    let numbers = fixture.dialect(
        "(WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 989) SELECT n FROM n)",
        "(SELECT * FROM generate_series(1, 989) AS n (n))",
    );
    fixture.rows(&format!(
        "INSERT INTO conversation (user_id, id, title, created_at, last_at) SELECT '{ada}', 'x' || n, '', 1, 1 FROM {numbers} AS n"
    ));
    let begun: usize = std::thread::scope(|scope| {
        let writers = (0..4_u64).map(|writer| {
            let (store, ada) = (fixture.connection(), ada.clone());
            scope.spawn(move || {
                let begins = |number: &u64| {
                    let id = uuid::Uuid::from_u64_pair(1_000 + writer, *number);
                    let new = NewConversation { id: ConversationId::new(id), title: String::new() };
                    store.begin_conversation(&ada, &new, NOON).unwrap() == Begun::Begun
                };
                (0..5).filter(begins).count()
            })
        });
        let writers: Vec<_> = writers.collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).sum()
    });
    assert_eq!(begun, 10);
    assert_eq!(fixture.count(&format!("conversation WHERE user_id = '{ada}'")), 1_000);
    // What is there is there, also where there is no room; and of others nothing counts.
    let at = |user: &UserId, id| {
        let new = NewConversation { id, title: String::new() };
        fixture.store.begin_conversation(user, &new, NOON).unwrap()
    };
    assert_eq!(at(&ada, first), Begun::There);
    assert_eq!(at(&ada, ConversationId::new(uuid::Uuid::nil())), Begun::Full);
    assert_eq!(at(&bo, ConversationId::new(uuid::Uuid::nil())), Begun::Begun);
    assert!(fixture.store.delete_conversation(&ada, first).unwrap());
    assert_eq!(at(&ada, ConversationId::new(uuid::Uuid::nil())), Begun::Begun);
}

#[test]
fn messages_are_numbered_without_a_gap_and_read_in_pages() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let id = begun(&mut fixture, &ada);
    let fence = turn(&fixture.store, &ada, id);
    let one = said(&mut fixture, MessageRole::User, "What is due? \u{0} \"Émile\"");
    let two = said(&mut fixture, MessageRole::Assistant, "Bins");
    let three = NewMessage { body: "[ 1,  2 ]".to_owned(), ..said(&mut fixture, MessageRole::Tool, "") };
    let mine = (&ada, id);
    assert_eq!(add(&fixture.store, mine, (0, fence), std::slice::from_ref(&one), &[]), Added::Applied);
    let rest = [two.clone(), three.clone()];
    let later = Addition { after: 1, fence, messages: &rest, confirmations: &[] };
    let at = NOON.plus_millis(5);
    assert_eq!(fixture.store.add_messages(&ada, id, &later, at).unwrap(), Added::Applied);
    let expected: Vec<Message> = [(&one, NOON), (&two, at), (&three, at)]
        .into_iter()
        .zip(1..)
        .map(|((new, created_at), sequence)| Message {
            sequence,
            id: new.id,
            role: new.role,
            body: new.body.clone(),
            created_at,
        })
        .collect();
    assert_eq!(all_messages(&fixture.store, &ada, id), expected);
    let read = |after, size| {
        let page = fixture.store.messages(&ada, id, after, size).unwrap().into_iter();
        page.map(|message| message.sequence).collect::<Vec<_>>()
    };
    assert_eq!(read(0, (2, 10_000)), [1, 2]);
    assert_eq!(read(1, (2, 10_000)), [2, 3]);
    assert_eq!(read(3, (2, 10_000)), Vec::<i64>::new());
    assert_eq!(read(0, (10, 1)), [1], "one at least");
    assert_eq!(read(0, (10, u32::try_from(one.body.len()).unwrap() + 1)), [1, 2]);
    let found = fixture.store.conversation(&ada, id).unwrap().unwrap();
    let bytes = one.body.len() + two.body.len() + three.body.len();
    assert_eq!((found.messages, found.bytes), (3, i64::try_from(bytes).unwrap()));
    assert_eq!((found.created_at, found.last_at), (NOON, at));
}

#[test]
fn an_addition_that_is_repeated_has_one_effect() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let id = begun(&mut fixture, &ada);
    let fence = turn(&fixture.store, &ada, id);
    let messages = [0, 1].map(|_| said(&mut fixture, MessageRole::User, "Delete all"));
    let confirmations = [asked(&mut fixture, 2)];
    let adds = |fixture: &Fixture| add(&fixture.store, (&ada, id), (0, fence), &messages, &confirmations);
    assert_eq!(adds(&fixture), Added::Applied);
    let before = fixture.everything();
    assert_eq!(adds(&fixture), Added::There);
    // Also when others have written since, and the turn was given back.
    let more = said(&mut fixture, MessageRole::Assistant, "Well");
    assert_eq!(add(&fixture.store, (&ada, id), (2, fence), &[more], &[]), Added::Applied);
    fixture.store.give_back_turn(&ada, id, fence).unwrap();
    assert_eq!(adds(&fixture), Added::There);
    assert_eq!(all_messages(&fixture.store, &ada, id).len(), 3);
    assert_eq!(fixture.count("confirmation"), 1);
    let of = |all: &[(String, Vec<Vec<Value>>)]| {
        all.iter().find(|(table, _)| table == "confirmation").map(|(_, rows)| rows.clone())
    };
    assert_eq!(of(&before), of(&fixture.everything()));
}

/// Many make the same call at once: one of them adds.
#[test]
fn of_equal_additions_at_once_one_is_applied() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let id = begun(&mut fixture, &ada);
    let fence = turn(&fixture.store, &ada, id);
    for after in 0..20 {
        let message = [said(&mut fixture, MessageRole::User, "x")];
        let made: Vec<Added> = std::thread::scope(|scope| {
            let writers = (0..3).map(|_| {
                let (store, ada, message) = (fixture.connection(), ada.clone(), &message);
                scope.spawn(move || add(&store, (&ada, id), (after, fence), message, &[]))
            });
            let writers: Vec<_> = writers.collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let applied = made.iter().filter(|made| **made == Added::Applied).count();
        let there = made.iter().filter(|made| **made == Added::There).count();
        assert_eq!((applied, there), (1, 2), "{made:?}");
    }
    assert_eq!(all_messages(&fixture.store, &ada, id).len(), 20);
}

#[test]
fn a_conversation_has_so_many_messages_and_bytes_and_no_more() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let id = begun(&mut fixture, &ada);
    let fence = turn(&fixture.store, &ada, id);
    let nothing_but = |fixture: &Fixture, count: usize| {
        assert_eq!(all_messages(&fixture.store, &ada, id).len(), count);
        let found = fixture.store.conversation(&ada, id).unwrap().unwrap();
        assert_eq!(found.messages, i64::try_from(count).unwrap());
    };
    // Large ones.
    let large = |fixture: &mut Fixture| NewMessage {
        body: format!("\"{}\"", "x".repeat(262_142)),
        ..said(fixture, MessageRole::Tool, "")
    };
    for round in 0..4 {
        let four = [0; 4].map(|_| large(&mut fixture));
        assert_eq!(add(&fixture.store, (&ada, id), (round * 4, fence), &four, &[]), Added::Applied);
    }
    assert_eq!(fixture.store.conversation(&ada, id).unwrap().unwrap().bytes, Conversation::MOST_BYTES);
    let small = [NewMessage { body: "1".to_owned(), ..said(&mut fixture, MessageRole::User, "") }];
    assert_eq!(add(&fixture.store, (&ada, id), (16, fence), &small, &[]), Added::Full(Limit::Bytes));
    nothing_but(&fixture, 16);
    // Many.
    let id = begun(&mut fixture, &ada);
    let fence = turn(&fixture.store, &ada, id);
    fixture.rows(&format!("UPDATE conversation SET messages = 998 WHERE id = '{id}'"));
    let three = [0; 3].map(|_| said(&mut fixture, MessageRole::User, "x"));
    assert_eq!(add(&fixture.store, (&ada, id), (998, fence), &three, &[]), Added::Full(Limit::Messages));
    assert_eq!(all_messages(&fixture.store, &ada, id).len(), 0);
    assert_eq!(add(&fixture.store, (&ada, id), (998, fence), &three[..2], &[]), Added::Applied);
    assert_eq!(
        add(&fixture.store, (&ada, id), (1_000, fence), &three[2..], &[]),
        Added::Full(Limit::Messages)
    );
}

#[test]
fn what_is_not_what_it_must_be_is_refused_by_name() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let id = begun(&mut fixture, &ada);
    let fence = turn(&fixture.store, &ada, id);
    let good = said(&mut fixture, MessageRole::User, "x");
    let asks = asked(&mut fixture, 1);
    let before = fixture.everything();
    let adds = |messages: &[NewMessage], confirmations: &[NewConfirmation]| {
        let added = Addition { after: 0, fence, messages, confirmations };
        forbidden(fixture.store.add_messages(&ada, id, &added, NOON))
    };
    let name = |what: &str, index| (what.to_owned(), index);
    assert_eq!(adds(&[], &[]), name("messages", 0));
    assert_eq!(adds(&vec![good.clone(); 65], &[]), name("messages", 65));
    assert_eq!(adds(std::slice::from_ref(&good), &vec![asks.clone(); 21]), name("confirmations", 21));
    for body in [format!("\"{}\"", "x".repeat(262_143)), "{".to_owned(), String::new(), "\"\0\"".to_owned()] {
        let bad = NewMessage { body, ..good.clone() };
        assert_eq!(adds(&[good.clone(), bad], &[]), name("message.body", 1));
    }
    let long = || "x".repeat(257);
    let with = |change: &dyn Fn(&mut NewConfirmation)| {
        let mut changed = asks.clone();
        change(&mut changed);
        adds(std::slice::from_ref(&good), &[asks.clone(), changed])
    };
    assert_eq!(with(&|asked| asked.message = 0), name("confirmation.message", 1));
    assert_eq!(with(&|asked| asked.message = 2), name("confirmation.message", 1));
    assert_eq!(with(&|asked| asked.call_id = long()), name("confirmation.call_id", 1));
    assert_eq!(with(&|asked| asked.call_id = "\0".to_owned()), name("confirmation.call_id", 1));
    assert_eq!(with(&|asked| asked.tool = String::new()), name("confirmation.tool", 1));
    assert_eq!(with(&|asked| asked.tool = long()), name("confirmation.tool", 1));
    assert_eq!(with(&|asked| asked.arguments = "{".to_owned()), name("confirmation.arguments", 1));
    assert_eq!(with(&|asked| asked.versions = "1".repeat(65_537)), name("confirmation.versions", 1));
    assert_eq!(fixture.everything(), before);
}

#[test]
fn deleting_a_conversation_leaves_nothing_of_it_and_all_of_the_others() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let ids = [0, 1].map(|_| {
        let id = begun(&mut fixture, &ada);
        let fence = turn(&fixture.store, &ada, id);
        let message = [said(&mut fixture, MessageRole::User, "x")];
        let asks = [asked(&mut fixture, 1)];
        assert_eq!(add(&fixture.store, (&ada, id), (0, fence), &message, &asks), Added::Applied);
        (id, fence, asks[0].id)
    });
    let (id, fence, asks) = ids[0];
    assert!(fixture.store.delete_conversation(&ada, id).unwrap());
    assert!(!fixture.store.delete_conversation(&ada, id).unwrap());
    for table in ["conversation", "message", "confirmation"] {
        assert_eq!(fixture.count(table), 1, "{table}");
    }
    assert_eq!(fixture.store.conversation(&ada, id).unwrap(), None);
    // Whoever was at it is told.
    let late = [said(&mut fixture, MessageRole::Assistant, "x")];
    assert_eq!(add(&fixture.store, (&ada, id), (1, fence), &late, &[]), Added::NotFound);
    assert_eq!(fixture.store.take_turn(&ada, id, HOLDER, (NOON, MINUTE)).unwrap(), Take::NotFound);
    assert_eq!(fixture.store.renew_turn(&ada, id, fence, (NOON, MINUTE)).unwrap(), None);
    let settled = fixture.store.settle_confirmation(&ada, (id, asks), true, NOON).unwrap();
    assert_eq!(settled, Settling::NotFound);
    assert_eq!(fixture.count("message"), 1);
}

/// Invariant 6: to whoever is not its user a conversation is not there, and another's id is free.
#[test]
fn another_users_conversation_is_not_there() {
    let mut fixture = Fixture::new();
    let (ada, eve) = (fixture.user("ada"), fixture.user("eve"));
    let id = begun(&mut fixture, &ada);
    let fence = turn(&fixture.store, &ada, id);
    let message = [said(&mut fixture, MessageRole::User, "x")];
    let asks = [asked(&mut fixture, 1)];
    assert_eq!(add(&fixture.store, (&ada, id), (0, fence), &message, &asks), Added::Applied);
    let before = fixture.everything();
    let store = &fixture.store;
    let late = [NewMessage { id: MessageId::new(uuid::Uuid::nil()), ..message[0].clone() }];
    assert_eq!(store.conversations(&eve, &Page { after: None, limit: 10 }).unwrap(), []);
    assert_eq!(store.conversation(&eve, id).unwrap(), None);
    assert_eq!(store.messages(&eve, id, 0, (10, 1_000)).unwrap(), []);
    assert_eq!(store.confirmations(&eve, id, 0, 10).unwrap(), []);
    assert_eq!(store.confirmation(&eve, id, asks[0].id).unwrap(), None);
    assert_eq!(add(store, (&eve, id), (1, fence), &late, &[]), Added::NotFound);
    assert_eq!(add(store, (&eve, id), (0, fence), &message, &[]), Added::NotFound);
    assert_eq!(
        store.take_turn(&eve, id, OTHER, (NOON.plus_millis(10 * MINUTE), MINUTE)).unwrap(),
        Take::NotFound
    );
    assert_eq!(store.renew_turn(&eve, id, fence, (NOON, MINUTE)).unwrap(), None);
    store.give_back_turn(&eve, id, fence).unwrap();
    assert_eq!(store.settle_confirmation(&eve, (id, asks[0].id), true, NOON).unwrap(), Settling::NotFound);
    assert!(!store.delete_conversation(&eve, id).unwrap());
    for part in [ExportPart::Conversations, ExportPart::Messages, ExportPart::Confirmations] {
        assert_eq!(store.export(&eve, part, "", (10, 1_000)).unwrap().rows, []);
        assert_eq!(store.export(&ada, part, "", (10, 1_000)).unwrap().rows.len(), 1);
    }
    assert_eq!(fixture.everything(), before);
    // She may have one of the same id; then each has their own.
    let new = NewConversation { id, title: "Hers".to_owned() };
    assert_eq!(fixture.store.begin_conversation(&eve, &new, NOON).unwrap(), Begun::Begun);
    assert_eq!(all_messages(&fixture.store, &eve, id), []);
    assert!(fixture.store.delete_conversation(&eve, id).unwrap());
    assert_eq!(fixture.everything(), before);
    // One's confirmation is not found under another of one's conversations.
    let second = begun(&mut fixture, &ada);
    assert_eq!(fixture.store.confirmation(&ada, second, asks[0].id).unwrap(), None);
    let settled = fixture.store.settle_confirmation(&ada, (second, asks[0].id), true, NOON).unwrap();
    assert_eq!(settled, Settling::NotFound);
}

#[test]
fn who_is_deleted_begins_and_says_nothing_any_more() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let id = begun(&mut fixture, &ada);
    let fence = turn(&fixture.store, &ada, id);
    let nobody = UserId::new("nobody");
    let new = NewConversation { id: ConversationId::new(fixture.ids.next()), title: String::new() };
    assert_eq!(fixture.store.begin_conversation(&nobody, &new, NOON).unwrap(), Begun::NotFound);
    let deleted = delete_user(&mut fixture.context(&UserId::admin()), &ada);
    fixture.store.commit(&deleted).unwrap();
    assert_eq!(fixture.store.begin_conversation(&ada, &new, NOON).unwrap(), Begun::NotFound);
    let message = [said(&mut fixture, MessageRole::User, "x")];
    assert_eq!(add(&fixture.store, (&ada, id), (0, fence), &message, &[]), Added::NotFound);
    assert_eq!(fixture.count("message"), 0);
}

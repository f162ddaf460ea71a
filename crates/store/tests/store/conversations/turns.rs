//! Turns, and what waits to be confirmed.

use super::*;

fn taken(store: &TestStore, user: &UserId, id: ConversationId, holder: &str, at: i64) -> Take {
    store.take_turn(user, id, holder, (NOON.plus_millis(at), MINUTE)).unwrap()
}

/// A second who comes is told who has it; once it has ended, it is theirs, and whoever had it writes nothing any more.
#[test]
fn one_has_the_turn_and_who_was_overtaken_writes_nothing() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let id = begun(&mut fixture, &ada);
    let store = fixture.connection();
    let until = |millis| NOON.plus_millis(millis);
    let first = taken(&store, &ada, id, HOLDER, 0);
    assert_eq!(first, Take::Taken { fence: 1, until: until(MINUTE), last: 0 });
    let held = Take::Held { holder: HOLDER.to_owned(), until: until(MINUTE) };
    assert_eq!(taken(&store, &ada, id, OTHER, MINUTE - 1), held);
    // Who asks again, as after a lost answer, has it for longer, and the same fence.
    assert_eq!(
        taken(&store, &ada, id, HOLDER, 10),
        Take::Taken { fence: 1, until: until(MINUTE + 10), last: 0 }
    );
    let one = [said(&mut fixture, MessageRole::User, "x")];
    assert_eq!(add(&store, (&ada, id), (0, 1), &one, &[]), Added::Applied);
    // Nobody has overtaken: it may go on although it has ended, until somebody has.
    let two = [said(&mut fixture, MessageRole::User, "x")];
    let late = Addition { after: 1, fence: 1, messages: &two, confirmations: &[] };
    assert_eq!(store.add_messages(&ada, id, &late, until(2 * MINUTE)).unwrap(), Added::Applied);
    let second = taken(&store, &ada, id, OTHER, MINUTE + 10);
    assert_eq!(second, Take::Taken { fence: 2, until: until(2 * MINUTE + 10), last: 2 });
    let three = [said(&mut fixture, MessageRole::User, "x")];
    assert_eq!(add(&store, (&ada, id), (2, 1), &three, &[]), Added::Changed, "the old fence");
    assert_eq!(store.renew_turn(&ada, id, 1, (until(MINUTE), MINUTE)).unwrap(), None);
    store.give_back_turn(&ada, id, 1).unwrap();
    assert!(matches!(taken(&store, &ada, id, HOLDER, MINUTE + 20), Take::Held { .. }));
    // The right fence with another last message.
    assert_eq!(add(&store, (&ada, id), (1, 2), &three, &[]), Added::Changed);
    assert_eq!(add(&store, (&ada, id), (3, 2), &three, &[]), Added::Changed);
    assert_eq!(all_messages(&store, &ada, id).len(), 2);
    assert_eq!(add(&store, (&ada, id), (2, 2), &three, &[]), Added::Applied);
}

#[test]
fn a_turn_is_renewed_and_given_back() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let id = begun(&mut fixture, &ada);
    let store = &fixture.store;
    let at = |millis| NOON.plus_millis(millis);
    let none =
        [NewMessage { id: MessageId::new(uuid::Uuid::nil()), role: MessageRole::User, body: "1".to_owned() }];
    assert_eq!(add(store, (&ada, id), (0, 0), &none, &[]), Added::Changed, "nobody has a turn");
    assert_eq!(store.renew_turn(&ada, id, 0, (NOON, MINUTE)).unwrap(), None);
    assert!(matches!(taken(store, &ada, id, HOLDER, 0), Take::Taken { fence: 1, .. }));
    let renewed = store.renew_turn(&ada, id, 1, (at(30_000), MINUTE)).unwrap();
    assert_eq!(renewed, Some(at(90_000)));
    assert!(matches!(taken(store, &ada, id, OTHER, 89_999), Take::Held { .. }));
    store.give_back_turn(&ada, id, 1).unwrap();
    assert_eq!(store.renew_turn(&ada, id, 1, (NOON, MINUTE)).unwrap(), None, "it was given back");
    assert_eq!(add(store, (&ada, id), (0, 1), &none, &[]), Added::Changed);
    assert!(matches!(taken(store, &ada, id, OTHER, 0), Take::Taken { fence: 2, .. }));
    // So long and no longer; and what a clock that was ahead has taken binds nobody.
    let renewed = store.renew_turn(&ada, id, 2, (NOON, i64::MAX)).unwrap();
    assert_eq!(renewed, Some(at(Conversation::LONGEST_TURN)));
    assert_eq!(store.renew_turn(&ada, id, 2, (NOON, -5)).unwrap(), Some(NOON));
    assert!(matches!(taken(store, &ada, id, OTHER, 3_600_000), Take::Taken { fence: 2, .. }));
    assert!(matches!(taken(store, &ada, id, HOLDER, 0), Take::Taken { fence: 3, .. }));
}

/// Many want the turn at once, and whoever has it writes, with whatever they know: each message is there once, in order, and each fence was
/// of one.
#[test]
fn many_at_once_write_in_turn() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let id = begun(&mut fixture, &ada);
    let written: Vec<Vec<(i64, String)>> = std::thread::scope(|scope| {
        let writers = (0..4_u64).map(|writer| {
            let (store, ada) = (fixture.connection(), ada.clone());
            scope.spawn(move || {
                let mut written = Vec::new();
                for number in 0..10_000 {
                    if written.len() == 10 {
                        break;
                    }
                    let holder = uuid::Uuid::from_u64_pair(500 + writer, number).to_string();
                    let Take::Taken { fence, last, .. } =
                        store.take_turn(&ada, id, &holder, (NOON, MINUTE)).unwrap()
                    else {
                        continue;
                    };
                    let new = NewMessage {
                        id: MessageId::parse(&holder).unwrap(),
                        role: MessageRole::User,
                        body: "1".to_owned(),
                    };
                    assert_eq!(add(&store, (&ada, id), (last, fence), &[new], &[]), Added::Applied);
                    written.push((last + 1, holder));
                    store.give_back_turn(&ada, id, fence).unwrap();
                }
                written
            })
        });
        let writers: Vec<_> = writers.collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let mut written = written.concat();
    written.sort();
    let there: Vec<(i64, String)> = all_messages(&fixture.store, &ada, id)
        .into_iter()
        .map(|message| (message.sequence, message.id.to_string()))
        .collect();
    assert_eq!(there, written);
    assert_eq!(there.len(), 40);
    assert!(there.iter().map(|(sequence, _)| *sequence).eq(1..=there.len() as i64));
}

/// A conversation with so many confirmations that wait.
fn with_pending(
    fixture: &mut Fixture,
    user: &UserId,
    count: usize,
) -> (ConversationId, i64, Vec<NewConfirmation>) {
    let id = begun(fixture, user);
    let fence = turn(&fixture.store, user, id);
    let message = [said(fixture, MessageRole::Assistant, "May I?")];
    let asks: Vec<_> = (0..count).map(|_| asked(fixture, 1)).collect();
    assert_eq!(add(&fixture.store, (user, id), (0, fence), &message, &asks), Added::Applied);
    (id, fence, asks)
}

#[test]
fn what_waits_is_kept_as_it_was_and_settled_once() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let (id, _, asks) = with_pending(&mut fixture, &ada, 3);
    let kept = |new: &NewConfirmation, state, settled_at| Confirmation {
        id: new.id,
        conversation: id,
        message: new.message,
        call_id: new.call_id.clone(),
        tool: new.tool.clone(),
        arguments: new.arguments.clone(),
        versions: new.versions.clone(),
        created_at: NOON,
        expires_at: NOON.plus_millis(10 * MINUTE),
        state,
        settled_at,
    };
    let all: Vec<_> = asks.iter().map(|new| kept(new, ConfirmationState::Pending, None)).collect();
    let store = &fixture.store;
    assert_eq!(store.confirmations(&ada, id, 1, 10).unwrap(), all);
    assert_eq!(store.confirmations(&ada, id, 1, 2).unwrap(), all[..2]);
    assert_eq!(store.confirmations(&ada, id, 2, 10).unwrap(), []);
    let settle = |which: usize, approved, at| {
        store.settle_confirmation(&ada, (id, asks[which].id), approved, NOON.plus_millis(at)).unwrap()
    };
    let approved = kept(&asks[0], ConfirmationState::Approved, Some(NOON.plus_millis(7)));
    assert_eq!(settle(0, true, 7), Settling::Settled(approved.clone()));
    assert_eq!(settle(0, true, 8), Settling::AlreadySettled(approved.clone()));
    assert_eq!(settle(0, false, 8), Settling::AlreadySettled(approved.clone()));
    assert_eq!(store.confirmation(&ada, id, asks[0].id).unwrap(), Some(approved));
    let refused = kept(&asks[1], ConfirmationState::Refused, Some(NOON.plus_millis(10 * MINUTE - 1)));
    assert_eq!(settle(1, false, 10 * MINUTE - 1), Settling::Settled(refused.clone()));
    assert_eq!(settle(1, true, 20 * MINUTE), Settling::AlreadySettled(refused));
    let expired = kept(&asks[2], ConfirmationState::Pending, None);
    assert_eq!(settle(2, true, 10 * MINUTE), Settling::Expired(expired.clone()));
    assert_eq!(settle(2, false, 10 * MINUTE), Settling::Expired(expired.clone()));
    assert_eq!(store.confirmation(&ada, id, asks[2].id).unwrap(), Some(expired));
    let none = ConfirmationId::new(uuid::Uuid::nil());
    assert_eq!(store.settle_confirmation(&ada, (id, none), true, NOON).unwrap(), Settling::NotFound);
}

#[test]
fn of_many_who_settle_one_does() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let (id, _, asks) = with_pending(&mut fixture, &ada, 10);
    for new in &asks {
        let settled: usize = std::thread::scope(|scope| {
            let settlers = (0..4).map(|settler| {
                let (store, ada) = (fixture.connection(), ada.clone());
                scope.spawn(move || {
                    let approved = settler % 2 == 0;
                    match store.settle_confirmation(&ada, (id, new.id), approved, NOON).unwrap() {
                        Settling::Settled(it) => {
                            assert_eq!(it.state == ConfirmationState::Approved, approved);
                            1
                        }
                        Settling::AlreadySettled(_) => 0,
                        other => panic!("{other:?}"),
                    }
                })
            });
            let settlers: Vec<_> = settlers.collect();
            settlers.into_iter().map(|settler| settler.join().unwrap()).sum()
        });
        assert_eq!(settled, 1);
    }
}

#[test]
fn so_many_wait_in_a_conversation_and_no_more() {
    let mut fixture = Fixture::new();
    let ada = fixture.user("ada");
    let (id, fence, asks) = with_pending(&mut fixture, &ada, 20);
    let message = [said(&mut fixture, MessageRole::Assistant, "And this?")];
    let more = [asked(&mut fixture, 2)];
    let adds = |fixture: &Fixture, confirmations: &[NewConfirmation], at| {
        let added = Addition { after: 1, fence, messages: &message, confirmations };
        fixture.store.add_messages(&ada, id, &added, NOON.plus_millis(at)).unwrap()
    };
    assert_eq!(adds(&fixture, &more, 10 * MINUTE - 1), Added::Full(Limit::Pending));
    assert_eq!((fixture.count("message"), fixture.count("confirmation")), (1, 20), "all or nothing");
    let settled = fixture.store.settle_confirmation(&ada, (id, asks[0].id), false, NOON).unwrap();
    assert!(matches!(settled, Settling::Settled(_)));
    let two = [more[0].clone(), asked(&mut fixture, 2)];
    assert_eq!(adds(&fixture, &two, 0), Added::Full(Limit::Pending));
    fixture.rows(&format!("UPDATE conversation SET confirmations = 1000 WHERE id = '{id}'"));
    assert_eq!(adds(&fixture, &more, 0), Added::Full(Limit::Confirmations));
    fixture.rows(&format!("UPDATE conversation SET confirmations = 20 WHERE id = '{id}'"));
    assert_eq!(adds(&fixture, &more, 0), Added::Applied);
    // What has expired does not wait.
    let last = [said(&mut fixture, MessageRole::Assistant, "And that?")];
    let many: Vec<_> = (0..20).map(|_| asked(&mut fixture, 3)).collect();
    let added = Addition { after: 2, fence, messages: &last, confirmations: &many };
    let later = NOON.plus_millis(10 * MINUTE);
    assert_eq!(fixture.store.add_messages(&ada, id, &added, later).unwrap(), Added::Applied);
    // They have bytes, too.
    let found = fixture.store.conversation(&ada, id).unwrap().unwrap();
    assert!(found.bytes > 41 * i64::try_from(asks[0].arguments.len() + asks[0].versions.len()).unwrap());
}

//! Whatever is done with conversations, both stores say the same to it, and hold the same. It runs where tests run on PostgreSQL.

use super::*;

/// Numbers that look like chance, the same at every run of a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn near(&mut self, number: i64) -> i64 {
        if self.below(4) == 0 { number - 1 + i64::try_from(self.below(3)).unwrap() } else { number }
    }
}

/// What a test knows of a conversation.
#[derive(Default, Clone, Copy)]
struct Known {
    last: i64,
    fence: i64,
}

fn uuid(high: u64, low: u64) -> uuid::Uuid {
    uuid::Uuid::from_u64_pair(high, low)
}

#[test]
fn both_stores_say_and_hold_the_same_of_conversations() {
    if !perennial_fixture::is_postgres() {
        println!("skipped: there is no PostgreSQL");
        return;
    }
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 1..=3 {
        let mut stores = Fixture::both();
        let users = ["ada", "bo"].map(|name| {
            let [one, other] = stores.each_mut().map(|fixture| fixture.user(name));
            assert_eq!(one, other);
            one
        });
        let (mut dice, mut now) = (Dice(seed), NOON);
        let mut known = [Known::default(); 6];
        // What was asked last, of which conversation.
        let mut waits = vec![(0, 0)];
        for step in 0..600_u64 {
            let what = dice.below(16);
            let (of, named) = waits[waits.len() - 1 - usize::try_from(dice.below(3)).unwrap() % waits.len()];
            let which = if matches!(what, 7 | 8) { of } else { dice.below(6) };
            let user = users[usize::try_from(which % 2).unwrap()].clone();
            let id = ConversationId::new(uuid(7, which));
            let asked = ConfirmationId::new(uuid(9, named));
            let known = &mut known[usize::try_from(which).unwrap()];
            let holder = uuid(8, dice.below(2)).to_string();
            let (after, fence) = (dice.near(known.last), dice.near(known.fence));
            let (many, asks) = (1 + dice.below(3), dice.below(3));
            let again = dice.below(6) == 0 && step > 0;
            let time = (now, i64::try_from(dice.below(400_000)).unwrap());
            let approved = dice.below(2) == 0;
            let number = if again { step - 1 } else { step };
            let messages: Vec<NewMessage> = (0..many)
                .map(|place| NewMessage {
                    id: MessageId::new(uuid(10 + number, place)),
                    role: [MessageRole::User, MessageRole::Assistant, MessageRole::Tool]
                        [(place % 3) as usize],
                    body: format!("[{number}, {place}, \"\\u0000 é\"]"),
                })
                .collect();
            let confirmations: Vec<NewConfirmation> = (0..asks.min(1))
                .map(|_| NewConfirmation {
                    id: ConfirmationId::new(uuid(9, step)),
                    message: after.saturating_add(1).max(1),
                    call_id: format!("call \"{step}\""),
                    tool: "undo".to_owned(),
                    arguments: format!("{{\"n\":  {step}}}"),
                    versions: "{}".to_owned(),
                })
                .collect();
            let said = stores.each_ref().map(|fixture| {
                let store = &fixture.store;
                match what {
                    0 | 1 => {
                        let new = NewConversation { id, title: format!("{step}") };
                        format!("{:?}", store.begin_conversation(&user, &new, now))
                    }
                    2 if step % 5 == 0 => format!("{:?}", store.delete_conversation(&user, id)),
                    2..=4 => format!("{:?}", store.take_turn(&user, id, &holder, time)),
                    5 => format!("{:?}", store.renew_turn(&user, id, fence, time)),
                    6 => format!("{:?}", store.give_back_turn(&user, id, fence)),
                    7 | 8 => format!("{:?}", store.settle_confirmation(&user, (id, asked), approved, now)),
                    9 if step % 7 == 0 => format!("{:?}", store.prune(now.plus_millis(80 * 86_400_000), 3)),
                    _ => {
                        let added =
                            Addition { after, fence, messages: &messages, confirmations: &confirmations };
                        format!("{:?}", store.add_messages(&user, id, &added, now))
                    }
                }
            });
            let [one, other] = &said;
            assert_eq!(one, other, "seed {seed}, step {step}: {what}");
            if one == "Ok(Applied)" && !confirmations.is_empty() {
                waits.push((which, step));
            }
            outcomes.insert(one.split(['{', '(', ' ', ')']).nth(1).unwrap_or_default().to_owned());
            // What a writer learns.
            if let Ok(Some(conversation)) = stores[0].store.conversation(&user, id) {
                known.last = conversation.messages;
            }
            let fence = format!("SELECT turn_fence FROM conversation WHERE id = '{id}'");
            if let Some(Value::Integer(fence)) = stores[0].rows(&fence).concat().first() {
                known.fence = *fence;
            }
            if dice.below(8) == 0 {
                let pauses = [1_000, MINUTE, 5 * MINUTE, 86_400_000];
                now = now.plus_millis(pauses[usize::try_from(dice.below(4) * dice.below(2)).unwrap()]);
            }
        }
        for (table, order) in [("conversation", "1, 2"), ("message", "1, 2, 3"), ("confirmation", "1, 2, 3")]
        {
            let [one, other] = stores
                .each_ref()
                .map(|fixture| fixture.rows(&format!("SELECT * FROM {table} ORDER BY {order}")));
            assert!(!one.is_empty(), "{table}");
            assert_eq!(one, other, "{table} of seed {seed}");
        }
        for user in &users {
            let page = Page { after: None, limit: 10 };
            let [one, other] =
                stores.each_ref().map(|fixture| fixture.store.conversations(user, &page).unwrap());
            assert_eq!(one, other);
            for conversation in one {
                let read = stores.each_ref().map(|fixture| {
                    let all = fixture.store.confirmations(user, conversation.id, 2, 100).unwrap();
                    (fixture.store.messages(user, conversation.id, 1, (50, 200)).unwrap(), all)
                });
                assert_eq!(read[0], read[1]);
            }
        }
    }
    for outcome in
        ["Applied", "There", "Changed", "NotFound", "Settled", "AlreadySettled", "Expired", "Held", "Taken"]
    {
        assert!(outcomes.contains(outcome), "{outcome} never came: {outcomes:?}");
    }
}

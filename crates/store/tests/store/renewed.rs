//! Claims on notifications that are renewed: whoever is still at an attempt keeps it and its endpoint, and nobody else does.

use perennial_domain::*;
use perennial_fixture::{Fixture, NOON};
use perennial_store::{Claim, Claimed, DueNotification, Settlement, Share, Store, Ticket, WorkStore};

const LEASE: i64 = 10_000;

fn at(millis: i64) -> Timestamp {
    NOON.plus_millis(millis)
}

/// Three notifications of one endpoint that wait.
fn waiting() -> (Fixture, UserId) {
    let mut fixture = Fixture::new();
    let user = fixture.user("ada");
    let (url, policy) = ("https://hooks.example.com", WebhookPolicy::default());
    let (commit, channel) =
        create_channel(&mut fixture.context(&user), url, "whsec_AAAA".to_owned(), 0, &policy).unwrap();
    fixture.store.commit(&commit).unwrap();
    for _ in 0..3 {
        let (commit, _) = test_channel(&mut fixture.context(&user), &channel);
        fixture.store.commit(&commit).unwrap();
    }
    (fixture, user)
}

/// Claims one of an endpoint, of those begun before or of the others.
fn claim(fixture: &mut Fixture, again: bool, millis: i64) -> Vec<Claimed<DueNotification>> {
    let claim = Claim {
        again,
        lease_for: LEASE,
        hold_for: LEASE,
        lanes: 1,
        per_lane: 1,
        ..fixture.claim(at(millis))
    };
    if again {
        return fixture.store.claim_notifications(&claim).unwrap();
    }
    let share = |proven| Share { proven, endpoints: 1, per_endpoint: 1, per_user: 2 };
    fixture.store.claim_shares(&claim, &[share(false), share(true)]).unwrap()
}

fn renew(fixture: &Fixture, ticket: &Ticket, millis: i64) {
    fixture.store.renew(std::slice::from_ref(ticket), at(millis), LEASE).unwrap();
}

/// What anybody may claim now.
fn claimable(fixture: &mut Fixture, millis: i64) -> usize {
    claim(fixture, true, millis).len() + claim(fixture, false, millis).len()
}

/// Records an attempt that ended so.
fn ends(fixture: &mut Fixture, claimed: &Claimed<DueNotification>, how: &Attempt, millis: i64) {
    let due = claimed.what.as_ref().unwrap().as_ref().unwrap();
    let mut context = fixture.context(&claimed.ticket.user);
    context.now = at(millis);
    let commit = record_attempt(&mut context, &due.notification, how, 100);
    fixture.store.commit(&commit).unwrap();
}

#[test]
fn a_claim_that_is_renewed_keeps_its_item_and_its_endpoint_until_it_ends() {
    let (mut fixture, _) = waiting();
    let mine = claim(&mut fixture, false, 0).remove(0);
    renew(&fixture, &mine.ticket, 6_000);
    assert_eq!(claimable(&mut fixture, 15_999), 0);
    renew(&fixture, &mine.ticket, 15_000);
    assert_eq!(claimable(&mut fixture, 24_999), 0);
    ends(&mut fixture, &mine, &Attempt::Accepted, 24_999);
    assert_eq!(claim(&mut fixture, false, 24_999).len(), 1, "its endpoint is free at once");
    assert_eq!(fixture.count("work WHERE kind = 'notification'"), 2);
}

#[test]
fn a_claim_that_is_not_renewed_ends() {
    let (mut fixture, _) = waiting();
    let mine = claim(&mut fixture, false, 0).remove(0);
    renew(&fixture, &mine.ticket, 6_000);
    assert_eq!(claim(&mut fixture, false, 16_000).len(), 1, "its endpoint");
    assert_eq!(claim(&mut fixture, true, 16_000).len(), 1, "its item");
}

#[test]
fn a_claim_that_was_overtaken_or_settled_renews_nothing() {
    let (mut fixture, _) = waiting();
    let mine = claim(&mut fixture, false, 0).remove(0);
    let theirs = claim(&mut fixture, true, 10_000).remove(0);
    assert_eq!(mine.ticket.id, theirs.ticket.id);
    renew(&fixture, &mine.ticket, 15_000);
    let third = claim(&mut fixture, true, 20_000).remove(0);
    assert_eq!(third.ticket.id, theirs.ticket.id, "after the lease of who overtook it");
    fixture
        .store
        .settle(
            &[(third.ticket.clone(), Settlement::Retry { after: 1_000, reason: "x".to_owned() })],
            at(21_000),
        )
        .unwrap();
    renew(&fixture, &third.ticket, 21_500);
    assert_eq!(
        fixture.count(&format!(
            "work WHERE id = {} AND wake_at = {}",
            third.ticket.id,
            at(22_000).as_millis()
        )),
        1,
        "it waits for its next try"
    );
}

/// An endpoint of which one attempt has hung is left alone for as long as that says, whoever is still at another.
#[test]
fn a_pause_that_is_longer_than_a_claim_stays() {
    let (mut fixture, _) = waiting();
    let both = Claim { lease_for: LEASE, hold_for: LEASE, lanes: 1, per_lane: 2, ..fixture.claim(at(0)) };
    let both = fixture.store.claim_notifications(&both).unwrap();
    ends(&mut fixture, &both[0], &Attempt::Hung { error: "x".to_owned() }, 4_000);
    renew(&fixture, &both[1].ticket, 6_000);
    assert_eq!(fixture.count(&held_until(19_000)), 1, "four seconds, and a pause of fifteen");
}

fn held_until(millis: i64) -> String {
    format!(
        "lane WHERE kind = 'notification' AND CAST(again AS INTEGER) = 0 AND hold_until = {}",
        at(millis).as_millis()
    )
}

/// Attempts of several users are renewed in one go, and of those who write right now.
#[test]
fn claims_of_several_users_are_renewed_together() {
    let mut fixture = Fixture::new();
    let mut tickets = Vec::new();
    for name in ["ada", "eve"] {
        let user = fixture.user(name);
        let (url, policy) = ("https://hooks.example.com", WebhookPolicy::default());
        let (commit, channel) =
            create_channel(&mut fixture.context(&user), url, "whsec_AAAA".to_owned(), 0, &policy).unwrap();
        fixture.store.commit(&commit).unwrap();
        let (commit, _) = test_channel(&mut fixture.context(&user), &channel);
        fixture.store.commit(&commit).unwrap();
        tickets.push(claim(&mut fixture, false, 0).remove(0).ticket);
    }
    fixture.store.renew(&tickets, at(6_000), LEASE).unwrap();
    assert_eq!(claimable(&mut fixture, 15_999), 0);
    assert_eq!(
        fixture.count(&format!("work WHERE kind = 'notification' AND wake_at = {}", at(16_000).as_millis())),
        2
    );
}

//! Whatever is done to a chain is found: one changed, removed or reordered entry or seal by the chain itself, a chain made anew and a
//! tail cut off by anchors.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use perennial_audit::{
    Anchor, ChainState, Entry, Key, Link, Sealer, Verifier, What, Wrong, check_anchor, first_hash,
};
use perennial_domain::{Timestamp, UserId};
use proptest::prelude::*;

const NOON: Timestamp = Timestamp::from_millis(1_795_262_400_000);

fn ada() -> UserId {
    UserId::new("ada")
}

fn entry(seq: i64, text: &str) -> Entry {
    Entry {
        user: ada(),
        seq,
        salt: format!("{seq:032x}"),
        told: seq % 2,
        id: format!("0198c0de-0000-7000-8000-{seq:012}"),
        at: NOON.plus_millis(seq),
        actor: "token:1".to_owned(),
        action: "task.update".to_owned(),
        subject: "task".to_owned(),
        correlation_id: "request".to_owned(),
        tzdata: "2026b".to_owned(),
        before: (seq % 3 > 0).then(|| format!("{{\"title\":\"{text}\"}}")),
        after: Some(format!("{{\"title\":\"{text} {seq}\"}}")),
        previous: None,
    }
}

/// A chain of these entries.
fn sealed(entries: Vec<Entry>) -> Vec<Link> {
    let mut sealer = Sealer::after(&ada(), 0, first_hash(&ada()));
    entries.into_iter().map(|entry| Link { seal: sealer.seal(&entry).unwrap(), entry: Some(entry) }).collect()
}

fn chain(length: i64) -> Vec<Link> {
    sealed((1..=length).map(|seq| entry(seq, "Bins")).collect())
}

/// What is known of a chain that was sealed up to here.
fn state(length: i64) -> ChainState {
    ChainState {
        audited: length,
        sealed: length,
        last_entry: Some(length).filter(|length| *length > 0),
        last_seal: Some(length).filter(|length| *length > 0),
        ..ChainState::default()
    }
}

/// Verifies links in pieces of so many.
fn verify(links: &[Link], state: &ChainState, piece: usize) -> Result<String, Wrong> {
    let mut verifier = Verifier::new(&ada(), state.erased);
    for links in links.chunks(piece.max(1)) {
        verifier = Verifier::after(&ada(), state.erased, verifier.seq(), verifier.hash().to_owned());
        links.iter().try_for_each(|link| verifier.check(link))?;
    }
    verifier.end(state, NOON.plus_millis(1_000))?;
    Ok(verifier.hash().to_owned())
}

/// Changes one thing of a link, another for each number.
fn change(link: &mut Link, which: usize) {
    let entry = link.entry.as_mut().unwrap();
    let text = |text: &mut String| text.push('x');
    match which {
        0 => entry.seq += 1,
        1 => text(&mut entry.salt),
        2 => entry.told += 1,
        3 => text(&mut entry.id),
        4 => entry.at = entry.at.plus_millis(1),
        5 => text(&mut entry.actor),
        6 => text(&mut entry.action),
        7 => text(&mut entry.subject),
        8 => text(&mut entry.correlation_id),
        9 => text(&mut entry.tzdata),
        // Absent is not empty.
        10 => entry.before = if entry.before.is_some() { None } else { Some(String::new()) },
        11 => entry.after = None,
        12 => entry.previous = Some(String::new()),
        13 => entry.user = UserId::new("eve"),
        14 => link.seal.seq += 1,
        15 => text(&mut link.seal.audit_id),
        16 => link.seal.at = link.seal.at.plus_millis(-1),
        17 => text(&mut link.seal.digest),
        18 => text(&mut link.seal.hash),
        // Something moves from one field to the next.
        19 => {
            let moved = entry.action.pop().unwrap();
            entry.subject.insert(0, moved);
        }
        _ => entry.before = Some("{}".to_owned()),
    }
}

const CHANGES: usize = 21;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_chain_as_it_was_made_is_right(length in 0_i64..40, piece in 1_usize..9) {
        let links = chain(length);
        let expected = links.last().map_or_else(|| first_hash(&ada()), |link| link.seal.hash.clone());
        prop_assert_eq!(verify(&links, &state(length), piece), Ok(expected));
    }

    #[test]
    fn any_single_change_is_found(length in 1_i64..30, at in any::<prop::sample::Index>(), which in 0..CHANGES, piece in 1_usize..9) {
        let mut links = chain(length);
        let at = at.index(links.len());
        change(&mut links[at], which);
        let wrong = verify(&links, &state(length), piece).unwrap_err();
        let place = i64::try_from(at).unwrap() + 1;
        prop_assert_eq!(wrong.seq, place, "{:?}", wrong);
    }

    #[test]
    fn any_removed_entry_or_seal_is_found(length in 1_i64..30, at in any::<prop::sample::Index>(), whole in any::<bool>(), piece in 1_usize..9) {
        let mut links = chain(length);
        let at = at.index(links.len());
        let expected = if whole {
            links.remove(at);
            What::SealMissing
        } else {
            links[at].entry = None;
            What::EntryMissing
        };
        let wrong = verify(&links, &state(length), piece).unwrap_err();
        prop_assert_eq!((wrong.what, wrong.seq), (expected, i64::try_from(at).unwrap() + 1));
    }

    #[test]
    fn any_two_that_change_places_are_found(length in 2_i64..30, one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(), how in 0..4) {
        let mut links = chain(length);
        let (one, other) = (one.index(links.len()), other.index(links.len()));
        prop_assume!(one != other);
        let (low, high) = (one.min(other), one.max(other));
        let (before, after) = links.split_at_mut(high);
        let (low_link, high_link) = (&mut before[low], &mut after[0]);
        match how {
            // The entries; the same with their places made to fit; what seals them; all of it.
            0 => std::mem::swap(&mut low_link.entry, &mut high_link.entry),
            1 => {
                std::mem::swap(&mut low_link.entry, &mut high_link.entry);
                for link in [low_link, high_link] {
                    link.entry.as_mut().unwrap().seq = link.seal.seq;
                }
            }
            2 => std::mem::swap(&mut low_link.seal, &mut high_link.seal),
            _ => std::mem::swap(low_link, high_link),
        }
        let wrong = verify(&links, &state(length), 100).unwrap_err();
        prop_assert_eq!(wrong.seq, i64::try_from(low).unwrap() + 1, "{:?}", wrong);
    }

    #[test]
    fn a_chain_that_was_made_anew_from_any_entry_on_is_found_by_an_anchor(length in 1_i64..30, at in any::<prop::sample::Index>(), anchored in any::<prop::sample::Index>()) {
        let key = Key::new("a key of at least thirty-two characters");
        let links = chain(length);
        let at = at.index(links.len());
        let anchored = at + anchored.index(links.len() - at);
        let seal = &links[anchored].seal;
        let anchor = Anchor::sign(&key, &ada(), (seal.seq, &seal.hash), NOON);
        let mut entries: Vec<Entry> = links.iter().map(|link| link.entry.clone().unwrap()).collect();
        entries[at].after = Some("{}".to_owned());
        let forged = sealed(entries);
        prop_assert!(verify(&forged, &state(length), 7).is_ok(), "the chain alone does not tell");
        let wrong = check_anchor(&anchor, &key, Some(&forged[anchored].seal.hash)).unwrap_err();
        prop_assert_eq!((wrong.what, wrong.seq), (What::Recomputed, seal.seq));
        prop_assert_eq!(check_anchor(&anchor, &key, Some(&seal.hash)), Ok(()));
    }

    #[test]
    fn a_tail_that_was_cut_off_is_found_by_an_anchor(length in 1_i64..30, left in any::<prop::sample::Index>()) {
        let key = Key::new("a key of at least thirty-two characters");
        let links = chain(length);
        let last = &links.last().unwrap().seal;
        let anchor = Anchor::sign(&key, &ada(), (last.seq, &last.hash), NOON);
        let left = left.index(links.len());
        let short = i64::try_from(left).unwrap();
        prop_assert!(verify(&links[..left], &state(short), 7).is_ok(), "the chain alone does not tell");
        let hash = links[..left].get(links.len() - 1).map(|link| link.seal.hash.as_str());
        prop_assert_eq!(check_anchor(&anchor, &key, hash).unwrap_err().what, What::Shorter);
    }

    #[test]
    fn an_anchor_is_as_it_was_signed(which in 0..5) {
        let key = Key::new("a key of at least thirty-two characters");
        let hash = first_hash(&ada());
        let mut anchor = Anchor::sign(&key, &ada(), (0, &hash), NOON);
        prop_assert_eq!(check_anchor(&anchor, &key, None), Ok(()), "of an empty chain");
        prop_assert!(!anchor.is_genuine(&Key::new("another key of thirty-two characters")));
        match which {
            0 => anchor.user = UserId::new("eve"),
            1 => anchor.seq += 1,
            2 => anchor.hash.push('0'),
            3 => anchor.at = NOON.plus_millis(1).to_string(),
            _ => anchor.mac = anchor.mac.chars().rev().collect(),
        }
        prop_assert_eq!(check_anchor(&anchor, &key, Some(&hash)).unwrap_err().what, What::AnchorForged);
    }
}

#[test]
fn what_is_behind_the_sealed_place_is_looked_at_too() {
    let links = chain(3);
    let waits = |change: fn(&mut ChainState)| {
        let mut waiting = ChainState {
            audited: 5,
            waits_since: Some(NOON),
            first_unsealed: Some(4),
            last_entry: Some(5),
            ..state(3)
        };
        change(&mut waiting);
        verify(&links, &waiting, 10).map(drop).map_err(|wrong| (wrong.what, wrong.seq))
    };
    assert_eq!(waits(|_| {}), Ok(()));
    assert_eq!(waits(|state| state.waits_since = Some(NOON.plus_millis(-700_000))), Err((What::Unsealed, 4)));
    assert_eq!(
        waits(|state| state.waits_since = Some(NOON.plus_millis(90_000_000))),
        Err((What::Unsealed, 4))
    );
    assert_eq!(waits(|state| state.waits_since = None), Err((What::Unsealed, 4)));
    assert_eq!(waits(|state| state.first_unsealed = Some(5)), Err((What::EntryMissing, 4)));
    assert_eq!(waits(|state| state.first_unsealed = None), Err((What::EntryMissing, 4)));
    assert_eq!(waits(|state| state.last_entry = Some(4)), Err((What::EntryMissing, 5)));
    assert_eq!(waits(|state| state.last_entry = Some(6)), Err((What::EntryUnexpected, 6)));
    assert_eq!(waits(|state| state.sealed = 4), Err((What::SealMissing, 4)));
    assert_eq!(waits(|state| state.sealed = 2), Err((What::SealUnexpected, 3)));
}

#[test]
fn an_erased_user_leaves_a_chain_that_is_right() {
    let mut links = chain(4);
    links.iter_mut().for_each(|link| link.entry = None);
    let erased = ChainState { last_entry: None, erased: true, ..state(4) };
    assert!(verify(&links, &erased, 3).is_ok());
    links[2].seal.at = NOON;
    assert_eq!(verify(&links, &erased, 3).unwrap_err().what, What::SealChanged);
}

#[test]
fn a_sealer_takes_what_comes_next_and_nothing_else() {
    let mut sealer = Sealer::after(&ada(), 0, first_hash(&ada()));
    assert_eq!(sealer.seal(&entry(2, "x")), None);
    assert_eq!(sealer.seal(&Entry { user: UserId::new("eve"), ..entry(1, "x") }), None);
    assert!(sealer.seal(&entry(1, "x")).is_some());
    assert_eq!(sealer.seal(&entry(1, "x")), None);
}

/// What is hashed never changes: chains that exist were made so.
#[test]
fn the_hashes_are_those_of_docs_audit_md() {
    let link = &sealed(vec![entry(1, "Bins")])[0];
    let key = Key::new("a key of at least thirty-two characters");
    let anchor = Anchor::sign(&key, &ada(), (1, &link.seal.hash), NOON);
    let found = [first_hash(&ada()), link.seal.digest.clone(), link.seal.hash.clone(), anchor.mac];
    assert_eq!(found, EXPECTED);
}

/// Made by examples/verify-audit.py.
const EXPECTED: [&str; 4] = [
    "00d35e113138116aa271dc6e4149c64f654b6c1e6347950498e228ce20e97c9f",
    "9cbcfb0b7db500fe5ad57ee7322e16bbcd2278a9706acd1dba64238f3b8c113a",
    "8d33405cb2cf7c0d398e10b4ff820c519ab81501ab43a5adfbcd72b13230ef15",
    "11802037a6e605352e8423d3b242b15da58f305e3820706e362149b4f6680a97",
];

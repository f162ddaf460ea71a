//! What a yes to a deletion stands for: a handle of exactly these tasks at these versions, of one user and token, for ten minutes.
//!
//! Its text holds the tasks, so that it can be said what changed since, and a code (HMAC-SHA256, RFC 2104) under a key that is derived
//! (HKDF-SHA256, RFC 5869) from the caller's bearer token. Nothing is stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, header};
use perennial_domain::{Timestamp, UserId};
use sha2::Sha256;
use uuid::Uuid;

/// How long it holds, in milliseconds.
pub(crate) const HOLDS: i64 = 600_000;
/// Longest handle, in characters.
pub(crate) const MAX_HANDLE: usize = 1_000;
/// Bytes of a code.
const CODE: usize = 32;

/// A task at a version.
pub(crate) type At = (Uuid, i64);

/// Makes and reads the handles of one caller.
pub(crate) struct Sealer<'a> {
    key: [u8; 32],
    user: &'a UserId,
}

/// Why a handle counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worthless {
    /// It is none that was given to this caller.
    Foreign,
    /// Its time is over.
    Expired,
}

impl<'a> Sealer<'a> {
    /// That of a user and of the token that a request brings.
    pub(crate) fn new(user: &'a UserId, headers: &HeaderMap) -> Option<Self> {
        let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (_, token) = authorization.split_once(' ')?;
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(None, token.trim().as_bytes())
            .expand(b"perennial confirmation 1", &mut key)
            .ok()?;
        Some(Self { key, user })
    }

    /// The handle of these tasks, from now on.
    pub(crate) fn seal(&self, tasks: &[At], now: Timestamp) -> String {
        let mut sealed = now.plus_millis(HOLDS).as_millis().to_be_bytes().to_vec();
        for (id, version) in sorted(tasks) {
            sealed.extend(id.as_bytes());
            sealed.extend(version.to_be_bytes());
        }
        let code = self.mac(&sealed).map(|mac| mac.finalize().into_bytes().to_vec());
        sealed.extend(code.unwrap_or_default());
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// What a handle stands for, by the order of their ids.
    pub(crate) fn open(&self, handle: &str, now: Timestamp) -> Result<Vec<At>, Worthless> {
        let bytes = URL_SAFE_NO_PAD.decode(handle.trim()).map_err(|_| Worthless::Foreign)?;
        let (said, code) = bytes.split_last_chunk::<CODE>().ok_or(Worthless::Foreign)?;
        let mac = self.mac(said).ok_or(Worthless::Foreign)?;
        mac.verify_slice(code).map_err(|_| Worthless::Foreign)?;
        let (until, tasks) = said.split_first_chunk::<8>().ok_or(Worthless::Foreign)?;
        if Timestamp::from_millis(i64::from_be_bytes(*until)) <= now {
            return Err(Worthless::Expired);
        }
        let read = |task: &[u8]| {
            let (id, version) = task.split_first_chunk::<16>()?;
            Some((Uuid::from_bytes(*id), i64::from_be_bytes(version.try_into().ok()?)))
        };
        Ok(tasks.chunks(24).filter_map(read).collect())
    }

    fn mac(&self, said: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        let user = self.user.as_str().as_bytes();
        mac.update(&user.len().to_be_bytes());
        mac.update(user);
        mac.update(said);
        Some(mac)
    }
}

/// In the order of their ids.
pub(crate) fn sorted(tasks: &[At]) -> Vec<At> {
    let mut tasks = tasks.to_vec();
    tasks.sort_unstable();
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        headers
    }

    #[test]
    fn a_handle_is_of_one_user_and_token_and_of_ten_minutes() {
        let now = Timestamp::from_millis(1_795_262_400_000);
        let (ada, bob) = (UserId::new("ada"), UserId::new("bob"));
        let sealer = Sealer::new(&ada, &headers("one")).unwrap();
        let tasks: Vec<At> = (0..25_u64).rev().map(|id| (Uuid::from_u64_pair(id, 0), 7)).collect();
        let handle = sealer.seal(&tasks, now);
        assert!(handle.len() <= MAX_HANDLE, "{}", handle.len());
        assert_eq!(sealer.open(&handle, now), Ok(sorted(&tasks)));
        assert_eq!(sealer.open(&handle, now.plus_millis(HOLDS - 1)), Ok(sorted(&tasks)));
        assert_eq!(sealer.open(&handle, now.plus_millis(HOLDS)), Err(Worthless::Expired));
        for other in [Sealer::new(&bob, &headers("one")), Sealer::new(&ada, &headers("two"))] {
            assert_eq!(other.unwrap().open(&handle, now), Err(Worthless::Foreign));
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(&handle).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(sealer.open(&URL_SAFE_NO_PAD.encode(&bytes), now), Err(Worthless::Foreign), "{at}");
            bytes[at] ^= 1;
        }
        for none in ["", "yes", "AAAA", "\u{1f600}"] {
            assert_eq!(sealer.open(none, now), Err(Worthless::Foreign), "{none}");
        }
        assert!(Sealer::new(&ada, &HeaderMap::new()).is_none());
    }
}

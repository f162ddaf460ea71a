//! A Redis that counts requests, for all instances.

use perennial_http_api::{Counted, RatePolicy, RateServer};
use perennial_store::RateCount;
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};

use crate::log;

/// Counts, unless that would be over the limit: a window begins with the first that is counted and its key goes with it. Gives
/// whether it is within the limit, how many there are, and the milliseconds that are left. What is over costs no more.
const COUNT: &str = "local count = tonumber(redis.call('GET', KEYS[1]) or 0) \
    local left = redis.call('PTTL', KEYS[1]) \
    if count + ARGV[1] > tonumber(ARGV[2]) then return {0, count, left} end \
    count = redis.call('INCRBY', KEYS[1], ARGV[1]) \
    if left < 0 then left = tonumber(ARGV[3]) redis.call('PEXPIRE', KEYS[1], left) end \
    return {1, count, left}";

/// What the embedded host says of a Redis that it does not ask for a while, after telling the log so once.
const TOLD: [&str; 2] = ["did not answer a moment ago", "too many wait for an answer"];

/// Counts by one EVAL a request. One that fails lets everything pass, and costs no more than the host lets a Redis cost: the
/// embedded host refuses to ask one that hangs until it answers again.
pub struct RedisCounter {
    url: String,
}

impl RedisCounter {
    /// Counts in the Redis of this address.
    pub fn new(url: String) -> Self {
        Self { url }
    }

    fn eval(&self, token: &str, policy: &RatePolicy, cost: i64) -> Result<Vec<RedisResult>, Error> {
        let text = |text: &str| RedisParameter::Binary(text.as_bytes().to_vec());
        let arguments = [
            text(COUNT),
            RedisParameter::Int64(1),
            text(&format!("perennial:rate:{}:{token}", policy.name)),
            RedisParameter::Int64(cost),
            RedisParameter::Int64(policy.limit),
            RedisParameter::Int64(policy.window_millis()),
        ];
        Connection::open(&self.url)?.execute("EVAL", &arguments)
    }
}

impl RateServer for RedisCounter {
    fn count(&self, token: &str, policy: &RatePolicy, cost: i64) -> Option<Counted> {
        match self.eval(token, policy, cost).as_deref() {
            Ok([RedisResult::Int64(within), RedisResult::Int64(count), RedisResult::Int64(left)]) => {
                let counted = Counted::Within(RateCount { count: *count, left: *left });
                Some(if *within == 1 { counted } else { Counted::Over(*left) })
            }
            Ok(_) => {
                log::warn("a request passes uncounted", &"the Redis answered something else");
                None
            }
            Err(error) => {
                let why = error.to_string();
                if !TOLD.iter().any(|words| why.contains(words)) {
                    log::warn("a request passes uncounted", &why);
                }
                None
            }
        }
    }
}

//! What callers learn about limits (draft-ietf-httpapi-ratelimit-headers): which one, what it allows, what is left.

use std::time::Duration;

use bob_core::limit::{Allowed, Limited, Quota};
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// One line of a head.
type Field = (HeaderName, HeaderValue);

/// Tells a caller what is left of the tightest limit.
pub(crate) fn mark(headers: &mut HeaderMap, allowed: Option<Allowed>) {
    let Some(Allowed { policy, rate, remaining }) = allowed else { return };
    let state = format!("\"{policy}\";r={remaining}");
    headers.extend(fields(policy, Quota::Within(rate), &state));
}

/// Tells a caller which limit is used up, and when to try again.
pub(crate) fn refusal(limited: &Limited) -> impl Iterator<Item = Field> + use<> {
    let Limited { policy, quota, retry_after } = *limited;
    fields(policy, quota, &format!("\"{policy}\";r=0;t={}", whole_seconds(retry_after)))
}

fn fields(policy: &str, quota: Quota, state: &str) -> impl Iterator<Item = Field> + use<> {
    let allows = match quota {
        // A window is a whole number of seconds above zero, or left out.
        Quota::Within(rate) if rate.per < Duration::from_secs(1) => format!("q={}", rate.count),
        Quota::Within(rate) => format!("q={};w={}", rate.count, rate.per.as_secs()),
        Quota::AtOnce(count) => format!("q={count};qu=\"concurrent-requests\""),
    };
    let lines = [(POLICY, format!("\"{policy}\";{allows}")), (STATE, state.to_owned())];
    lines.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
}

/// Whole seconds, rounded up, at least one: a client that waits so long will not come too early.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.as_secs() == 0)
}

#[cfg(test)]
mod tests {
    use bob_core::limit::Rate;

    use super::*;

    #[track_caller]
    fn check(quota: Quota, retry_after: u64, expected: (&str, &str)) {
        let retry_after = Duration::from_millis(retry_after);
        let headers: HeaderMap = refusal(&Limited { policy: "p", quota, retry_after }).collect();
        assert_eq!(
            (&headers[POLICY], &headers[STATE]),
            (&expected.0.parse().unwrap(), &expected.1.parse().unwrap())
        );
    }

    #[test]
    fn a_refusal_says_what_the_limit_allows_and_when_to_try_again() {
        let within = |count, seconds| Quota::Within(Rate { count, per: Duration::from_millis(seconds) });
        check(within(20, 60_000), 3_000, ("\"p\";q=20;w=60", "\"p\";r=0;t=3"));
        check(within(20, 60_000), 1, ("\"p\";q=20;w=60", "\"p\";r=0;t=1"));
        check(within(5, 100), 0, ("\"p\";q=5", "\"p\";r=0;t=1"));
        check(Quota::AtOnce(20), 5_001, ("\"p\";q=20;qu=\"concurrent-requests\"", "\"p\";r=0;t=6"));
    }

    #[test]
    fn an_answer_says_what_is_left() {
        let mut headers = HeaderMap::new();
        mark(&mut headers, None);
        assert!(headers.is_empty());
        mark(&mut headers, Some(Allowed { policy: "p", rate: Rate::per_minute(20), remaining: 7 }));
        assert_eq!(
            (&headers[POLICY], &headers[STATE]),
            (&"\"p\";q=20;w=60".parse().unwrap(), &"\"p\";r=7".parse().unwrap())
        );
    }
}

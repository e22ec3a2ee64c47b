//! Abuse limits, in process: how many messages an address, a visitor, a key and a tenant may send.
//!
//! A call is checked against all its buckets first and then taken from all of them, so that a caller who is refused
//! never drains what others share with them.

mod bucket;
mod streams;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use crate::id::{TenantId, VisitorId, WidgetKeyId};

pub use bucket::{Allowed, Buckets, Limited};
pub use streams::{OpenStreams, StreamGuard};

/// So many within so long, evenly refilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at most; at least 1.
    pub count: u32,
    /// Within which time.
    pub per: Duration,
}

impl Rate {
    /// So many a minute.
    #[must_use]
    pub const fn per_minute(count: u32) -> Self {
        Self { count, per: Duration::from_secs(60) }
    }

    /// Whether it lets fewer through than another in the same time.
    #[must_use]
    pub const fn is_below(self, other: Self) -> bool {
        (self.count as u128) * other.per.as_nanos() < (other.count as u128) * self.per.as_nanos()
    }
}

/// What a limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// So many within so long.
    Within(Rate),
    /// So many open at the same time.
    AtOnce(u32),
}

/// The limits of a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitRates {
    /// Messages from one address.
    pub address: Rate,
    /// Messages of one visitor.
    pub visitor: Rate,
    /// New visitors from one address.
    pub new_visitors: Rate,
    /// Messages under one widget key.
    pub key: Rate,
    /// Messages to one tenant.
    pub tenant: Rate,
    /// Event streams open at once from one address.
    pub streams: u32,
}

impl Default for LimitRates {
    /// Address 60 messages a minute, visitor 20, new visitors 30 per address, key 600, tenant 1,200, 20 open streams.
    fn default() -> Self {
        Self {
            address: Rate::per_minute(60),
            visitor: Rate::per_minute(20),
            new_visitors: Rate::per_minute(30),
            key: Rate::per_minute(600),
            tenant: Rate::per_minute(1_200),
            streams: 20,
        }
    }
}

impl LimitRates {
    /// Limits that no test or bench reaches.
    #[must_use]
    pub fn unlimited() -> Self {
        let rate = Rate { count: u32::MAX, per: Duration::from_secs(1) };
        Self { address: rate, visitor: rate, new_visitors: rate, key: rate, tenant: rate, streams: u32::MAX }
    }
}

/// A caller's address as far as limits care: an IPv4 address, or the first 64 bits of an IPv6 one.
///
/// Callers whose address is not known share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressBucket(Option<IpAddr>);

impl From<Option<IpAddr>> for AddressBucket {
    fn from(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
            v4 @ IpAddr::V4(_) => v4,
        }))
    }
}

/// One thing that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counted {
    /// Messages from an address.
    Address(AddressBucket),
    /// Messages of a visitor.
    Visitor(TenantId, VisitorId),
    /// New visitors from an address.
    NewVisitor(AddressBucket),
    /// Messages under a widget key, and how many a minute its people allow, where that is less than the mount does.
    Key(WidgetKeyId, Option<NonZeroU32>),
    /// Messages to a tenant.
    Tenant(TenantId),
}

impl Counted {
    /// The name of the policy, as in the `RateLimit` field.
    #[must_use]
    pub const fn policy(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Visitor(..) => "visitor",
            Self::NewVisitor(_) => "new-visitors",
            Self::Key(..) => "key",
            Self::Tenant(_) => "tenant",
        }
    }
}

/// All limits of one Bob.
#[derive(Debug)]
pub struct Limits {
    rates: LimitRates,
    buckets: Buckets,
    streams: OpenStreams,
}

impl Limits {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(rates: LimitRates) -> Self {
        Self { rates, buckets: Buckets::default(), streams: OpenStreams::default() }
    }

    /// Takes one message from all of `counted`, or from none.
    ///
    /// # Errors
    ///
    /// [`Limited`] names the first limit that is used up and when to try again.
    pub fn take(&self, counted: &[Counted], now: Timestamp) -> Result<Option<Allowed>, Limited> {
        self.buckets.take(counted.iter().map(|counted| (*counted, self.rate(counted))), now)
    }

    /// Whether a message would be taken, without taking it: for what is known before the rest of a call is read.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn peek(&self, counted: &[Counted], now: Timestamp) -> Result<(), Limited> {
        self.buckets.peek(counted.iter().map(|counted| (*counted, self.rate(counted))), now)
    }

    /// How many messages one widget key may bring: what its people may ask for is less.
    #[must_use]
    pub fn key_ceiling(&self) -> Rate {
        self.rates.key
    }

    /// Opens one more stream from an address; it is open until the guard is dropped.
    ///
    /// # Errors
    ///
    /// [`Limited`] when the address has as many as it may.
    pub fn open_stream(&self, address: AddressBucket) -> Result<StreamGuard, Limited> {
        self.streams.open(address, self.rates.streams)
    }

    fn rate(&self, counted: &Counted) -> Rate {
        match counted {
            Counted::Address(_) => self.rates.address,
            Counted::Visitor(..) => self.rates.visitor,
            Counted::NewVisitor(_) => self.rates.new_visitors,
            Counted::Key(_, own) => match own.map(|own| Rate::per_minute(own.get())) {
                Some(own) if own.is_below(self.rates.key) => own,
                _ => self.rates.key,
            },
            Counted::Tenant(_) => self.rates.tenant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;
    use crate::testing::fixture;

    fn address(text: &str) -> AddressBucket {
        AddressBucket::from(Some(text.parse::<IpAddr>().unwrap()))
    }

    #[test]
    fn one_network_of_ipv6_is_one_caller() {
        assert_eq!(address("2001:db8:1:2:3::4"), address("2001:db8:1:2:ffff::1"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_ne!(address("192.0.2.1"), AddressBucket::from(None));
    }

    #[test]
    fn a_refused_caller_does_not_drain_what_others_share() {
        let limits = Limits::new(LimitRates::default());
        let tenant = Counted::Tenant(TenantId::new());
        let (noisy, quiet) = (Counted::Address(address("192.0.2.1")), Counted::Address(address("192.0.2.2")));
        let now = fixture::now();
        let served = (0..2_000).filter(|_| limits.take(&[noisy, tenant], now).is_ok()).count();
        assert_eq!(served, 60);
        for _ in 0..60 {
            assert!(limits.take(&[quiet, tenant], now).is_ok(), "the neighbour is not touched");
        }
    }

    #[test]
    fn looking_takes_nothing() {
        let limits = Limits::new(LimitRates { address: Rate::per_minute(1), ..LimitRates::default() });
        let caller = [Counted::Address(address("192.0.2.1"))];
        for _ in 0..3 {
            assert_eq!(limits.peek(&caller, fixture::now()), Ok(()));
        }
        limits.take(&caller, fixture::now()).unwrap();
        assert!(limits.peek(&caller, fixture::now()).is_err());
    }

    #[test]
    fn a_limit_refills_evenly_and_says_when() {
        let limits = Limits::new(LimitRates::default());
        let visitor = Counted::Visitor(TenantId::new(), VisitorId::new());
        let now = fixture::now();
        for left in (0..20).rev() {
            let allowed = limits.take(&[visitor], now).unwrap().unwrap();
            assert_eq!((allowed.policy, allowed.remaining), ("visitor", left));
        }
        let limited = limits.take(&[visitor], now).unwrap_err();
        assert_eq!((limited.policy, limited.retry_after), ("visitor", Duration::from_secs(3)));
        assert_eq!(limited.quota, Quota::Within(Rate::per_minute(20)));
        assert!(limits.take(&[visitor], later(now, Duration::from_millis(2_999))).is_err());
        assert!(limits.take(&[visitor], later(now, Duration::from_secs(3))).is_ok());
        assert!(limits.take(&[visitor], later(now, Duration::from_secs(3))).is_err());
    }

    #[test]
    fn a_key_has_the_smaller_of_its_own_limit_and_the_mounts() {
        for (own, served) in
            [(None, 600), (Some(1), 1), (Some(599), 599), (Some(600), 600), (Some(60_000), 600)]
        {
            let limits = Limits::new(LimitRates::default());
            let key = Counted::Key(WidgetKeyId::new(), own.and_then(NonZeroU32::new));
            let taken = (0..1_000).filter(|_| limits.take(&[key], fixture::now()).is_ok()).count();
            assert_eq!(taken, served, "{own:?}");
        }
    }

    #[test]
    fn streams_are_counted_while_they_are_open() {
        let limits = Limits::new(LimitRates::default());
        let open: Vec<_> = (0..20).map(|_| limits.open_stream(address("192.0.2.1")).unwrap()).collect();
        let limited = limits.open_stream(address("192.0.2.1")).unwrap_err();
        assert_eq!((limited.policy, limited.quota), ("streams", Quota::AtOnce(20)));
        assert!(limits.open_stream(address("192.0.2.2")).is_ok());
        drop(open);
        assert!(limits.open_stream(address("192.0.2.1")).is_ok());
    }
}

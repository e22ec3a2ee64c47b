//! Who calls: the peer's address, through proxies that are trusted and no others.

use std::net::IpAddr;

use http::{Extensions, HeaderMap};

/// The address of the connection's other end; the host puts it into the request's extensions.
///
/// Without it all callers share one limit, which is logged once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub IpAddr);

/// A network of proxies whose word about their clients is believed: an address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// The text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a network such as 10.0.0.0/8 or ::1")]
pub struct ParseNetworkError;

impl std::str::FromStr for Network {
    type Err = ParseNetworkError;

    fn from_str(text: &str) -> Result<Self, ParseNetworkError> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| ParseNetworkError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse::<u8>().map_err(|_| ParseNetworkError))?;
        if bits > most { Err(ParseNetworkError) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let shift = 32u32.saturating_sub(u32::from(self.bits));
                (net.to_bits() ^ address.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let shift = 128u32.saturating_sub(u32::from(self.bits));
                (net.to_bits() ^ address.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The caller's address: the peer's, or, when the peer is a trusted proxy, the first untrusted hop from the right of
/// `Forwarded` (RFC 7239) or else `X-Forwarded-For`.
pub(crate) fn client_address(
    extensions: &Extensions,
    headers: &HeaderMap,
    trusted: &[Network],
) -> Option<IpAddr> {
    let peer = extensions.get::<ClientAddr>()?.0.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return Some(peer);
    }
    let mut client = peer;
    for hop in hops(headers).into_iter().rev() {
        // A hop that names no address hides everything to its left.
        let Some(address) = hop else { break };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    Some(client)
}

/// The hops as the proxies wrote them, left to right; what is no address is `None`.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lines = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    if headers.contains_key("forwarded") {
        return lines("forwarded").flat_map(|line| line.split(',')).map(forwarded_for).collect();
    }
    lines("x-forwarded-for").flat_map(|line| line.split(',')).map(|hop| address_of(hop.trim())).collect()
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pair = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    })?;
    address_of(pair.trim_matches('"'))
}

/// An address, with or without brackets and port.
fn address_of(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (address, _) = rest.split_once(']')?;
        return address.parse().ok().map(|address: IpAddr| address.to_canonical());
    }
    let (address, port) = text.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    address.parse::<std::net::Ipv4Addr>().ok().map(IpAddr::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, headers: &[(&'static str, &str)], client: &str) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let mut extensions = Extensions::new();
        extensions.insert(ClientAddr(peer.parse().unwrap()));
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let expected: IpAddr = client.parse().unwrap();
        assert_eq!(client_address(&extensions, &map, &trusted), Some(expected), "{peer} {headers:?}");
    }

    #[test]
    fn a_stranger_cannot_name_another_client() {
        check("192.0.2.9", &[("x-forwarded-for", "198.51.100.1")], "192.0.2.9");
        check("192.0.2.9", &[("forwarded", "for=198.51.100.1")], "192.0.2.9");
    }

    #[test]
    fn a_trusted_proxy_names_its_client_and_the_first_untrusted_hop_wins() {
        check("10.0.0.1", &[("x-forwarded-for", "198.51.100.1")], "198.51.100.1");
        check("10.0.0.1", &[("x-forwarded-for", "203.0.113.5, 198.51.100.1, 10.0.0.2")], "198.51.100.1");
        check(
            "10.0.0.1",
            &[("x-forwarded-for", "203.0.113.5"), ("x-forwarded-for", "198.51.100.1")],
            "198.51.100.1",
        );
        check(
            "10.0.0.1",
            &[("forwarded", "for=203.0.113.5, for=\"198.51.100.1:4711\";proto=https")],
            "198.51.100.1",
        );
        check("10.0.0.1", &[("forwarded", "for=\"[2001:db8::1]:4711\"")], "2001:db8::1");
        check("fd00::1", &[("x-forwarded-for", "2001:db8::1")], "2001:db8::1");
        check("::ffff:10.0.0.1", &[("x-forwarded-for", "198.51.100.1")], "198.51.100.1");
    }

    #[test]
    fn a_hop_without_an_address_ends_the_chain() {
        check("10.0.0.1", &[("forwarded", "for=198.51.100.1, for=unknown, for=10.0.0.2")], "10.0.0.2");
        check("10.0.0.1", &[("x-forwarded-for", "evil, , 10.0.0.2")], "10.0.0.2");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn without_a_peer_nobody_is_known() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "198.51.100.1".parse().unwrap());
        assert_eq!(client_address(&Extensions::new(), &headers, &["0.0.0.0/0".parse().unwrap()]), None);
    }

    #[test]
    fn networks_are_read_or_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "a/8", "10.0.0.0/-1", "10.0.0.0/"] {
            assert_eq!(text.parse::<Network>(), Err(ParseNetworkError), "{text}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains("203.0.113.1".parse().unwrap()));
        assert!(!"10.0.0.1".parse::<Network>().unwrap().contains("10.0.0.2".parse().unwrap()));
    }
}

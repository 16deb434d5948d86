//! Which addresses a callback may be sent to: those that the whole internet can reach, and those that the operator lists.
//!
//! Whoever sends a job names the receiver; without this rule the daemon would post for them to what only it can reach, such
//! as a cloud's metadata service on 169.254.169.254 (OWASP: server-side request forgery).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// What the operator allows beside public addresses: `ADDRESS[/BITS][:PORT]`, an IPv6 address with a port in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allow {
    net: IpAddr,
    bits: u32,
    /// Every port where there is none.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address such as `10.0.0.0/8`, `127.0.0.1:9000`, `fd00::/8` or `[::1]/128:9000`")]
pub struct AllowError(String);

impl FromStr for Allow {
    type Err = AllowError;

    fn from_str(text: &str) -> Result<Self, AllowError> {
        parse(text).ok_or_else(|| AllowError(text.to_owned()))
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.net, self.port) {
            (net @ IpAddr::V6(_), Some(port)) => write!(f, "[{net}]/{}:{port}", self.bits),
            (net, Some(port)) => write!(f, "{net}/{}:{port}", self.bits),
            (net, None) => write!(f, "{net}/{}", self.bits),
        }
    }
}

fn parse(text: &str) -> Option<Allow> {
    let (address, rest) = split(text)?;
    let (bits, port) = match rest.split_once(':') {
        Some((bits, port)) => (bits, Some(port.parse().ok().filter(|port| *port > 0)?)),
        None => (rest, None),
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match bits.strip_prefix('/') {
        Some(digits) => digits.parse().ok().filter(|bits| *bits <= most)?,
        None if bits.is_empty() => most,
        None => return None,
    };
    Some(Allow { net: address, bits, port })
}

fn split(text: &str) -> Option<(IpAddr, &str)> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']')?;
        return Some((address.parse::<Ipv6Addr>().ok()?.into(), rest));
    }
    // Without brackets only the colon of an IPv4 address can start a port.
    let port = text.find(':').filter(|_| text.matches(':').count() == 1);
    let end = text.find('/').or(port).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

impl Allow {
    pub(super) fn holds(&self, address: SocketAddr) -> bool {
        self.port.is_none_or(|port| port == address.port())
            && match (self.net, address.ip()) {
                (IpAddr::V4(net), IpAddr::V4(ip)) => {
                    same(net.to_bits().into(), ip.to_bits().into(), 32 - self.bits)
                }
                (IpAddr::V6(net), IpAddr::V6(ip)) => same(net.to_bits(), ip.to_bits(), 128 - self.bits),
                _ => false,
            }
    }
}

/// But for the lowest `free` bits.
fn same(net: u128, ip: u128, free: u32) -> bool {
    (net ^ ip).checked_shr(free).unwrap_or(0) == 0
}

/// Whether everybody can reach it, by the special-purpose registries of IANA (RFC 6890).
pub(super) fn public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => public_v4(ip),
        IpAddr::V6(ip) => public_v6(ip),
    }
}

fn public_v4(ip: Ipv4Addr) -> bool {
    const SPECIAL: [([u8; 4], u32); 16] = [
        ([0, 0, 0, 0], 8),       // this network
        ([10, 0, 0, 0], 8),      // private, RFC 1918
        ([100, 64, 0, 0], 10),   // carrier-grade NAT, RFC 6598
        ([127, 0, 0, 0], 8),     // loopback
        ([169, 254, 0, 0], 16),  // link-local, and the metadata services of clouds
        ([172, 16, 0, 0], 12),   // private, RFC 1918
        ([192, 0, 0, 0], 24),    // protocol assignments, RFC 6890
        ([192, 0, 2, 0], 24),    // documentation, RFC 5737
        ([192, 31, 196, 0], 24), // AS112, RFC 7535
        ([192, 88, 99, 0], 24),  // relays of 6to4, RFC 7526
        ([192, 168, 0, 0], 16),  // private, RFC 1918
        ([198, 18, 0, 0], 15),   // benchmarks, RFC 2544
        ([198, 51, 100, 0], 24), // documentation, RFC 5737
        ([203, 0, 113, 0], 24),  // documentation, RFC 5737
        ([224, 0, 0, 0], 4),     // multicast
        ([240, 0, 0, 0], 4),     // reserved, and broadcast
    ];
    let bits = u128::from(ip.to_bits());
    !SPECIAL.iter().any(|(net, kept)| same(u32::from_be_bytes(*net).into(), bits, 32 - kept))
}

/// Global unicast alone, which leaves out loopback, unspecified, unique local, link-local, multicast, and the forms that
/// hold an IPv4 address: mapped, compatible, and those of NAT64 (RFC 6052, RFC 8215).
fn public_v6(ip: Ipv6Addr) -> bool {
    const GLOBAL: ([u16; 8], u32) = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
    const SPECIAL: [([u16; 8], u32); 5] = [
        ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments, Teredo among them, RFC 2928
        ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation, RFC 3849
        ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4, which holds an IPv4 address, RFC 3056
        ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112, RFC 7534
        ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation, RFC 9637
    ];
    let within = |(net, kept): ([u16; 8], u32)| same(Ipv6Addr::from(net).to_bits(), ip.to_bits(), 128 - kept);
    within(GLOBAL) && !SPECIAL.into_iter().any(within)
}

#[cfg(test)]
mod tests;

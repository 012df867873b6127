//! Proxies that are believed, by their addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

/// Proxies whose word is taken for whom they were asked by. By default those of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxies(
    /// None: everybody.
    Option<Arc<[Network]>>,
);

impl Proxies {
    /// What is trusted where nobody says, as it would be typed.
    pub const DEFAULT: &str = "127.0.0.1,::1";

    /// Whether it is one of them. IPv4 addresses in IPv6's clothes (`::ffff:10.0.0.1`) are taken for what they are.
    pub fn trusts(&self, address: IpAddr) -> bool {
        match &self.0 {
            None => true,
            Some(networks) => {
                let address = address.to_canonical();
                networks.iter().any(|network| network.has(address))
            }
        }
    }
}

impl Default for Proxies {
    fn default() -> Proxies {
        let parsed = Proxies::DEFAULT.parse();
        parsed.unwrap_or_else(|error| unreachable!("{error}"))
    }
}

/// A list with commas; an empty one trusts nobody.
impl FromStr for Proxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Proxies, String> {
        let items = text.split(',').map(str::trim);
        let items: Vec<&str> = items.filter(|item| !item.is_empty()).collect();
        if items.contains(&"*") {
            return Ok(Proxies(None));
        }
        let networks = items.into_iter().map(str::parse);
        Ok(Proxies(Some(networks.collect::<Result<_, _>>()?)))
    }
}

/// Addresses of one family that begin with the same bits. Never IPv4 in IPv6's clothes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    /// So many bits at the end may be any.
    free: u32,
}

impl Network {
    fn has(self, address: IpAddr) -> bool {
        let (own, others) = (bits(self.address), bits(address));
        // Where all bits are free, none is left to shift.
        let differs = (own.0 ^ others.0).checked_shr(self.free);
        own.1 == others.1 && differs.unwrap_or(0) == 0
    }
}

/// An address as a number, and how many bits that has.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), Ipv4Addr::BITS),
        IpAddr::V6(address) => (address.to_bits(), Ipv6Addr::BITS),
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let wrong = || {
            format!(
                "{text:?} is not an address: write addresses, ranges such as 10.0.0.0/8, or * for all"
            )
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (number, most) = bits(address);
        let free = match prefix {
            None => Some(0),
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                let prefix = digits.parse().ok();
                prefix.and_then(|prefix| most.checked_sub(prefix))
            }
            Some(_) => None,
        };
        let free = free.ok_or_else(wrong)?;
        // One address is meant, or all of them: whom to trust is not to be guessed.
        if number.trailing_zeros() < free {
            return Err(format!(
                "{text:?} is not a range: clear the bits behind its prefix, or leave the prefix out"
            ));
        }
        let canonical = address.to_canonical();
        // Unless it is more than all that is IPv4.
        let address = match free <= bits(canonical).1 {
            true => canonical,
            false => address,
        };
        Ok(Network { address, free })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn they_are_addresses_and_ranges() {
        for (list, trusted, others) in [
            (Proxies::DEFAULT, "127.0.0.1 ::1 ::ffff:127.0.0.1", "127.0.0.2 ::2 ::ffff:1"),
            ("10.0.0.0/8", "10.0.0.0 10.255.255.255 ::ffff:10.1.2.3", "9.255.255.255 11.0.0.0 ::a00:1"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0 ::a00:1"),
            ("fd00::/8, 192.0.2.7", "fd00::1 fdff:: 192.0.2.7", "fe00:: fc00:: 192.0.2.6"),
            ("192.0.2.6/31", "192.0.2.6 192.0.2.7", "192.0.2.5 192.0.2.8"),
            ("192.0.2.7/32,2001:db8::1/128", "192.0.2.7 2001:db8::1", "192.0.2.6 2001:db8::"),
            ("0.0.0.0/0", "0.0.0.0 255.255.255.255 ::ffff:1.2.3.4", ":: ::1"),
            ("::/0", ":: ffff::1", "127.0.0.1 ::ffff:127.0.0.1"),
            ("*", "192.0.2.7 ::", ""),
            (" 10.0.0.1 , * ", "192.0.2.7", ""),
            ("", "", "127.0.0.1 ::1"),
        ] {
            let proxies: Proxies = list.parse().unwrap();
            for (addresses, expected) in [(trusted, true), (others, false)] {
                for address in addresses.split_whitespace() {
                    assert_eq!(proxies.trusts(address.parse().unwrap()), expected, "{list}: {address}");
                }
            }
        }
        assert_eq!(Proxies::default(), Proxies::DEFAULT.parse().unwrap());
    }

    #[test]
    fn what_is_no_list_of_them_says_why() {
        for (list, why) in [
            ("localhost", "\"localhost\" is not an address: "),
            ("127.0.0.1,10.0.0", "\"10.0.0\" is not an address: "),
            ("127.0.0.1 ::1", "is not an address: "),
            ("10.0.0.0/33", "is not an address: "),
            ("::/129", "is not an address: "),
            ("10.0.0.0/", "is not an address: "),
            ("10.0.0.0/+8", "is not an address: "),
            ("10.0.0.0/8/8", "is not an address: "),
            ("010.0.0.1", "is not an address: "),
            ("[::1]", "is not an address: "),
            ("127.0.0.1:80", "is not an address: "),
            ("fe80::1%eth0", "is not an address: "),
            ("10.0.0.1/8", "\"10.0.0.1/8\" is not a range: "),
            ("2001:db8::1/64", "is not a range: "),
            ("::ffff:10.0.0.0/8", "is not a range: "),
        ] {
            let error = list.parse::<Proxies>().unwrap_err();
            assert!(error.contains(why), "{list}: {error}");
        }
    }
}

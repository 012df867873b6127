//! The lists of proxies: whoever is not trusted changes nothing, and nothing that stands to the left of a trusted proxy's
//! element changes whom that tells of.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::http::{Method, Proxies, Request, client};

/// What a proxy of ours was asked by.
const CLIENT: &str = "192.0.2.1";

/// Takes the value of a field, or anything else.
pub fn forwarded(bytes: &[u8]) {
    // In place of what the codec refuses.
    let text = |byte: &u8| match byte {
        b'\t' | b' '..=0x7e | 0x80.. => char::from(*byte),
        _ => ' ',
    };
    let value: String = bytes.iter().map(text).collect();
    let (near, far) = (
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from([203, 0, 113, 7]),
    );
    let trusted = Proxies::default();
    for (name, own) in [("Forwarded", "for="), ("X-Forwarded-For", "")] {
        let request = |value: &str| Request::new(Method::Get, "/").with_header(name, value);
        let asked = request(&value);
        assert_eq!(client(Some(far), &asked.head(), &trusted), Some(far));
        for proxies in [trusted.clone(), "*".parse().expect("all")] {
            for peer in [Some(near), Some(Ipv6Addr::LOCALHOST.into()), None] {
                let found = client(peer, &asked.head(), &proxies);
                assert!(found.is_some() || peer.is_none());
                assert!(found.is_none_or(|found| found == found.to_canonical()));
            }
        }
        let added = format!("{own}{CLIENT}");
        for forged in [
            request(&format!("{value}, {added}")),
            request(&value).with_header(name, &added),
        ] {
            let found = client(Some(near), &forged.head(), &trusted);
            assert_eq!(
                found.map(|found| found.to_string()).as_deref(),
                Some(CLIENT)
            );
        }
    }
}

//! Network addresses: `inet`, `cidr`, `macaddr`, `macaddr8`.
//!
//! `network_send` (`src/backend/utils/adt/network.c`) gives the family, the bits of the netmask, whether
//! it is a `cidr`, and the address. IPv6 is written as `pg_inet_net_ntop` does, not as `std::net` does:
//! also an IPv4-compatible address (`::1.2.3.4`) ends in dots.

use super::Malformed;
use crate::json;

/// `PGSQL_AF_INET` and `PGSQL_AF_INET6`, the same on every platform.
const V4: u8 = 2;
const V6: u8 = 3;

/// `inet_out` and `cidr_out`: the netmask is left out for a single host, but never from a `cidr`.
pub(super) fn inet(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let (bits, is_cidr, longest) = match *raw {
        [V4, bits, is_cidr, 4, a, b, c, d] => {
            dotted([a, b, c, d], out);
            (bits, is_cidr, 32)
        }
        [V6, bits, is_cidr, 16, ref address @ ..] => {
            let address = address
                .try_into()
                .map_err(|_| Malformed("inet is not 16 bytes long"))?;
            groups(address, out);
            (bits, is_cidr, 128)
        }
        _ => return Err(Malformed("inet is of no known family")),
    };
    if bits > longest {
        return Err(Malformed("inet has a netmask longer than its address"));
    }
    if bits < longest || is_cidr != 0 {
        out.push(b'/');
        json::integer(bits, out);
    }
    Ok(())
}

fn dotted(address: [u8; 4], out: &mut Vec<u8>) {
    for (index, byte) in address.into_iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        json::integer(byte, out);
    }
}

fn groups(address: [u8; 16], out: &mut Vec<u8>) {
    let (pairs, _) = address.as_chunks::<2>();
    let (start, length) = longest_zeros(pairs);
    let v4_tail = start == 0 && (length == 6 || (length == 5 && pairs[5] == [0xff, 0xff]));

    for (index, &pair) in pairs.iter().enumerate() {
        if (start..start + length).contains(&index) {
            if index == start {
                out.push(b':');
            }
            continue;
        }
        if index > 0 {
            out.push(b':');
        }
        if index == 6 && v4_tail {
            let [.., a, b, c, d] = address;
            return dotted([a, b, c, d], out);
        }
        group(u16::from_be_bytes(pair), out);
    }
    if length > 0 && start + length == pairs.len() {
        out.push(b':');
    }
}

/// The first longest run of zero groups, as start and length; one zero alone is not abbreviated.
fn longest_zeros(pairs: &[[u8; 2]]) -> (usize, usize) {
    let (mut best, mut run) = ((0, 0), 0);
    for (index, pair) in pairs.iter().enumerate() {
        run = if *pair == [0, 0] { run + 1 } else { 0 };
        if run > best.1 {
            best = (index + 1 - run, run);
        }
    }
    if best.1 >= 2 { best } else { (0, 0) }
}

/// Four hexadecimal digits without the leading zeros.
fn group(value: u16, out: &mut Vec<u8>) {
    let mut shift = 12;
    while shift > 0 && value >> shift == 0 {
        shift -= 4;
    }
    let digits = (0..=shift)
        .rev()
        .step_by(4)
        .map(|shift| (value >> shift & 15) as u8);
    out.extend(digits.map(|digit| {
        if digit < 10 {
            b'0' + digit
        } else {
            b'a' + digit - 10
        }
    }));
}

/// `macaddr_out` and `macaddr8_out`.
pub(super) fn mac(address: &[u8], out: &mut Vec<u8>) {
    for (index, byte) in address.iter().enumerate() {
        if index > 0 {
            out.push(b':');
        }
        json::hex(&[*byte], out);
    }
}

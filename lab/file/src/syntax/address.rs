//! Addresses and subnets. Subnets are of IPv4; an address of IPv6 stands on a network by name.

use std::net::{IpAddr, Ipv4Addr};

use super::decode::Problem;
use super::macros::text_form;
use crate::model::Subnet;
use crate::rule::Rule;

text_form!(
    Ipv4Addr,
    "Address",
    "an IPv4 address",
    r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$",
    |text| {
        text.parse().map_err(|_| {
            Problem::new(Rule::BadAddress, format!("`{text}` is not an IPv4 address"))
                .hint("four numbers from 0 to 255, as in 10.10.1.100")
        })
    }
);

text_form!(
    IpAddr,
    "AnyAddress",
    "an IPv4 or IPv6 address",
    r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*)$",
    |text| {
        text.parse().map_err(|_| {
            let hint = "as in 10.10.1.100 or fd00:10::100";
            Problem::new(Rule::BadAddress, format!("`{text}` is not an address")).hint(hint)
        })
    }
);

text_form!(
    Subnet,
    "Subnet",
    "an IPv4 subnet such as 10.10.1.0/24",
    r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$",
    read_subnet
);

fn read_subnet(text: &str) -> Result<Subnet, Problem> {
    let bad = |hint: String| {
        Problem::new(Rule::BadSubnet, format!("`{text}` is not a subnet")).hint(hint)
    };
    let (address, bits) = text
        .split_once('/')
        .ok_or_else(|| bad("write the prefix, as in 10.10.1.0/24".into()))?;
    let address: Ipv4Addr = address
        .parse()
        .map_err(|_| bad("it starts with an IPv4 address".into()))?;
    let prefix_bits: u8 = bits
        .parse()
        .map_err(|_| bad("it ends with the number of network bits".into()))?;
    if !(8..=30).contains(&prefix_bits) {
        return Err(bad("the prefix has 8 to 30 bits".into()));
    }
    let whole = Subnet {
        base: address,
        prefix_bits,
    };
    let base = Ipv4Addr::from_bits(address.to_bits() & whole.mask().to_bits());
    if base != address {
        return Err(bad(format!(
            "its host bits are not zero; did you mean {base}/{prefix_bits}?"
        )));
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_has_a_prefix_and_no_host_bits() {
        let subnet = read_subnet("10.1.2.0/24").ok();
        assert_eq!(
            subnet.map(|one| one.mask()),
            Some(Ipv4Addr::new(255, 255, 255, 0))
        );
        for text in [
            "10.1.2.0",
            "10.1.2.1/24",
            "10.1.2.0/33",
            "10.1.2.0/x",
            "::1/64",
            "0.0.0.0/0",
        ] {
            let rule = read_subnet(text).err().map(|problem| problem.rule);
            assert_eq!(rule, Some(Rule::BadSubnet), "{text}");
        }
    }
}

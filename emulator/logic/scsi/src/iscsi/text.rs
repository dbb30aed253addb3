//! Text of login and text PDUs: `key=value` pairs, each ended by a zero byte (RFC 7143 6.1).

/// How many bytes of text one negotiation may take, over all its PDUs.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// How many pairs one negotiation may have.
pub const PAIRS_MAX: usize = 256;

/// Why text is not a list of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The text is not UTF-8.
    #[error("the text is not UTF-8")]
    NotText,
    /// A pair has no equals sign.
    #[error("a pair has no equals sign")]
    NoEquals,
    /// There are too many pairs or too much text.
    #[error("there is too much text")]
    TooMuch,
}

/// The pairs in their order.
pub fn parse(text: &[u8]) -> Result<Vec<(&str, &str)>, TextError> {
    let text = std::str::from_utf8(text).map_err(|_| TextError::NotText)?;
    let mut pairs = Vec::new();
    for pair in text.split('\0').filter(|pair| !pair.is_empty()) {
        if pairs.len() == PAIRS_MAX {
            return Err(TextError::TooMuch);
        }
        pairs.push(pair.split_once('=').ok_or(TextError::NoEquals)?);
    }
    Ok(pairs)
}

/// Appends a pair.
pub fn push(out: &mut Vec<u8>, key: &str, value: &str) {
    out.extend_from_slice(key.as_bytes());
    out.push(b'=');
    out.extend_from_slice(value.as_bytes());
    out.push(0);
}

/// A number, decimal or `0x` hexadecimal.
pub fn number(value: &str) -> Option<u32> {
    match value
        .strip_prefix("0x")
        .or_else(|| value.strip_prefix("0X"))
    {
        Some(digits) if digits.bytes().all(|it| it.is_ascii_hexdigit()) => {
            u32::from_str_radix(digits, 16).ok()
        }
        Some(_) => None,
        None if value.bytes().all(|it| it.is_ascii_digit()) => value.parse().ok(),
        None => None,
    }
}

/// A large binary value: `0x` hexadecimal or `0b` base64, at most 1024 bytes.
pub fn binary(value: &str) -> Option<Vec<u8>> {
    if value.len() > 2 * 1024 + 2 {
        return None;
    }
    match value.get(..2)? {
        "0x" | "0X" => hexadecimal(&value[2..]),
        "0b" | "0B" => base64(&value[2..]),
        _ => None,
    }
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|it| u8::try_from(it).ok())
    };
    let digits: Option<Vec<u8>> = digits.bytes().map(digit).collect();
    let mut digits = digits?;
    if digits.len() % 2 == 1 {
        digits.insert(0, 0);
    }
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
        bits &= 0xffff;
    }
    Some(out)
}

/// `0x` hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold("0x".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_in_order_and_a_bare_word_is_refused() {
        assert_eq!(parse(b"A=1\0B=x=y\0\0"), Ok(vec![("A", "1"), ("B", "x=y")]));
        assert_eq!(parse(b"A\0"), Err(TextError::NoEquals));
        assert_eq!(parse(&[0xff, b'=']), Err(TextError::NotText));
    }

    #[test]
    fn binary_values_come_in_two_spellings() {
        assert_eq!(binary("0x0aFF"), Some(vec![0x0a, 0xff]));
        assert_eq!(binary("0bSGk="), Some(b"Hi".to_vec()));
        assert_eq!(binary("0bSGkh"), Some(b"Hi!".to_vec()));
        assert_eq!(binary("12"), None);
        assert_eq!(hex(&[1, 0xab]), "0x01ab");
    }

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        assert_eq!(
            (number("65536"), number("0x10"), number("-1")),
            (Some(65536), Some(16), None)
        );
        assert_eq!((number(""), number("0x")), (None, None));
    }
}

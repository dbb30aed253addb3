//! n-fold: stretching or folding a constant to the length of a block (RFC 3961 section 5.1).

/// Folds `input` to `length` bytes. Both must not be empty; an empty input gives zeros.
pub(super) fn nfold(input: &[u8], length: usize) -> Vec<u8> {
    if input.is_empty() || length == 0 {
        return vec![0; length];
    }
    let total = lcm(input.len(), length);
    let mut sum = vec![0_u32; length];
    for at in 0..total {
        sum[at % length] += u32::from(rotated(input, at));
    }
    carry_around(sum)
}

/// Byte `at` of the copies of `input`, each turned right by 13 bits more than the one before.
fn rotated(input: &[u8], at: usize) -> u8 {
    let bits = input.len() * 8;
    let turn = 13 * (at / input.len()) % bits;
    let first = ((at % input.len()) * 8 + bits - turn) % bits;
    let (byte, shift) = (first / 8, first % 8);
    let pair = u16::from(input[byte]) << 8 | u16::from(input[(byte + 1) % input.len()]);
    (pair << shift).to_be_bytes()[0]
}

/// Ones' complement addition: a carry out of the first byte comes back into the last.
fn carry_around(mut sum: Vec<u32>) -> Vec<u8> {
    let mut carry = 0;
    loop {
        for digit in sum.iter_mut().rev() {
            *digit += carry;
            carry = *digit >> 8;
            *digit &= 0xff;
        }
        if carry == 0 {
            let bytes = sum.into_iter().map(u8::try_from);
            return bytes.map(Result::unwrap_or_default).collect();
        }
    }
}

fn lcm(left: usize, right: usize) -> usize {
    let (mut a, mut b) = (left, right);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    left / a * right
}

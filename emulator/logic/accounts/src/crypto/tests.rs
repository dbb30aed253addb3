use super::aes_cts::Cipher;
use super::nfold::nfold;
use super::*;
use base::Rng;
use proptest::prelude::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let pair = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

#[test]
fn folding_gives_the_values_of_rfc_3961_appendix_a_1() {
    assert_eq!(nfold(b"012345", 8), hex("be072631276b1955"));
    assert_eq!(nfold(b"password", 7), hex("78a07b6caf85fa"));
    assert_eq!(
        nfold(b"Rough Consensus, and Running Code", 8),
        hex("bb6ed30870b7f0e0")
    );
    assert_eq!(
        nfold(b"password", 21),
        hex("59e4a8ca7c0385c3c37b3f6d2000247cb6e6bd5b3e")
    );
    assert_eq!(
        nfold(b"Q", 21),
        hex("518a54a2 15a8452a 518a54a2 15a8452a 518a54a2 15")
    );
    assert_eq!(nfold(b"kerberos", 8), hex("6b657262 65726f73"));
    assert_eq!(
        nfold(b"kerberos", 16),
        hex("6b65726265726f737b9b5b2b93132b93")
    );
}

#[test]
fn passwords_give_the_keys_of_rfc_3962_appendix_b() {
    let cases: [(u32, &str, &[u8], &str, &str); 3] = [
        (
            1,
            "password",
            b"ATHENA.MIT.EDUraeburn",
            "42263c6e89f4fc28b8df68ee09799f15",
            "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161",
        ),
        (
            1200,
            "password",
            b"ATHENA.MIT.EDUraeburn",
            "4c01cd46d632d01e6dbe230a01ed642a",
            "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a",
        ),
        (
            5,
            "password",
            &[0x12, 0x34, 0x56, 0x78, 0x78, 0x56, 0x34, 0x12],
            "e9b23d52273747dd5c35cb55be619d8e",
            "97a4e786be20d81a382d5ebc96d5909cabcdadc87ca48f574504159f16c36e31",
        ),
    ];
    for (rounds, password, salt, short, long) in cases {
        let of = |kind| Key::from_password_with(kind, password, salt, rounds);
        assert_eq!(of(EncryptionType::Aes128).bytes(), hex(short));
        assert_eq!(of(EncryptionType::Aes256).bytes(), hex(long));
    }
}

#[test]
fn ciphertext_stealing_gives_the_values_of_rfc_3962_appendix_b() {
    let cipher = Cipher::new(&hex("636869636b656e207465726979616b69"));
    let text = b"I would like the General Gau's Chicken, please, and wonton soup.";
    let cases = [
        (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
        (
            31,
            "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5",
        ),
        (
            32,
            "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584",
        ),
        (
            47,
            "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e
             39312523a78662d5be7fcbcc98ebf5",
        ),
        (
            48,
            "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd8
             39312523a78662d5be7fcbcc98ebf5a8",
        ),
    ];
    for (length, sealed) in cases {
        assert_eq!(
            cipher.encrypt(&text[..length]),
            hex(sealed),
            "{length} bytes"
        );
        assert_eq!(cipher.decrypt(&hex(sealed)).unwrap(), &text[..length]);
    }
}

#[test]
fn the_rc4_key_is_the_nt_hash() {
    assert_eq!(nt_hash("foo"), hex("ac8e657f83df82beea5d43bdaf7800cc"));
}

#[test]
fn a_key_of_another_length_is_none() {
    assert!(Key::new(EncryptionType::Aes256, &[0; 16]).is_none());
    assert!(Key::new(EncryptionType::Rc4, &[0; 16]).is_some());
}

proptest! {
    #[test]
    fn what_is_sealed_opens_with_the_same_key_and_usage_only(
        plain in prop::collection::vec(any::<u8>(), 0..100),
        seed in any::<u64>(),
        which in 0..3_usize,
        broken in any::<prop::sample::Index>(),
    ) {
        let mut rng = Rng::new(seed, 0);
        let key = Key::random(EncryptionType::ALL[which], &mut rng);
        let mut sealed = key.encrypt(Usage::TICKET, &plain, &mut rng);
        prop_assert_eq!(key.decrypt(Usage::TICKET, &sealed).unwrap(), plain);
        prop_assert!(key.decrypt(Usage::AP_REPLY, &sealed).is_err());
        let at = broken.index(sealed.len());
        sealed[at] ^= 1;
        prop_assert!(key.decrypt(Usage::TICKET, &sealed).is_err());
    }

    #[test]
    fn no_bytes_make_decryption_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        which in 0..3_usize,
    ) {
        let key = Key::random(EncryptionType::ALL[which], &mut Rng::new(1, 0));
        prop_assert!(key.decrypt(Usage::TICKET, &bytes).is_err());
    }
}

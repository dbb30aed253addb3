//! Codecs of the standard library's types. There is none for `usize`: its size is the machine's
//! own affair.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::{Codec, DecodeError, Reader, Sample, Source, Writer};

macro_rules! number {
    ($($type:ty),+) => {$(
        impl Codec for $type {
            fn encode(&self, writer: &mut Writer) {
                writer.put(&self.to_be_bytes());
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.array().map(Self::from_be_bytes)
            }
        }

        impl Sample for $type {
            fn sample(source: &mut Source<'_>) -> Self {
                Self::from_be_bytes(source.array())
            }
        }
    )+};
}

number!(u8, u16, u32, u64, i32, i64);

macro_rules! address {
    ($($type:ty),+) => {$(
        impl Codec for $type {
            fn encode(&self, writer: &mut Writer) {
                writer.put(&self.octets());
            }

            fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                reader.array().map(Self::from_octets)
            }
        }

        impl Sample for $type {
            fn sample(source: &mut Source<'_>) -> Self {
                Self::from_octets(source.array())
            }
        }
    )+};
}

address!(Ipv4Addr, Ipv6Addr);

impl Codec for bool {
    fn encode(&self, writer: &mut Writer) {
        writer.put(&[u8::from(*self)]);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(DecodeError::UnknownTag { of: "bool", tag }),
        }
    }
}

impl Sample for bool {
    fn sample(source: &mut Source<'_>) -> Self {
        source.below(2) == 1
    }
}

/// Whole nanoseconds, 64 bits; longer spans saturate.
impl Codec for Duration {
    fn encode(&self, writer: &mut Writer) {
        u64::try_from(self.as_nanos())
            .unwrap_or(u64::MAX)
            .encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u64::decode(reader).map(Self::from_nanos)
    }
}

impl Sample for Duration {
    fn sample(source: &mut Source<'_>) -> Self {
        Self::from_nanos(u64::sample(source))
    }
}

impl Codec for String {
    fn encode(&self, writer: &mut Writer) {
        writer.count(self.len());
        writer.put(self.as_bytes());
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let len = reader.count()?;
        let bytes = reader.take(len)?;
        std::str::from_utf8(bytes)
            .map(Self::from)
            .map_err(|_| DecodeError::NotText)
    }
}

impl Sample for String {
    fn sample(source: &mut Source<'_>) -> Self {
        let letters = ['a', 'Z', '\\', '0', ' ', 'ß', '€', '\u{10348}'];
        let count = source.below(9);
        (0..count)
            .filter_map(|_| letters.get(source.below(letters.len())))
            .collect()
    }
}

impl<T: Codec> Codec for Vec<T> {
    fn encode(&self, writer: &mut Writer) {
        writer.count(self.len());
        for item in self {
            item.encode(writer);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.count()?;
        let mut items = Self::with_capacity(count.min(reader.remaining() / size_of::<T>().max(1)));
        for _ in 0..count {
            items.push(T::decode(reader)?);
        }
        Ok(items)
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(source: &mut Source<'_>) -> Self {
        source.items().collect()
    }
}

/// In ascending order of the keys; any other order is refused.
impl<K: Codec + Ord, V: Codec> Codec for BTreeMap<K, V> {
    fn encode(&self, writer: &mut Writer) {
        writer.count(self.len());
        for (key, value) in self {
            key.encode(writer);
            value.encode(writer);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut map = Self::new();
        for _ in 0..reader.count()? {
            let key = K::decode(reader)?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(DecodeError::Unordered);
            }
            map.insert(key, V::decode(reader)?);
        }
        Ok(map)
    }
}

impl<K: Sample + Ord, V: Sample> Sample for BTreeMap<K, V> {
    fn sample(source: &mut Source<'_>) -> Self {
        source.items().collect()
    }
}

impl<A: Codec, B: Codec> Codec for (A, B) {
    fn encode(&self, writer: &mut Writer) {
        self.0.encode(writer);
        self.1.encode(writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((A::decode(reader)?, B::decode(reader)?))
    }
}

impl<A: Sample, B: Sample> Sample for (A, B) {
    fn sample(source: &mut Source<'_>) -> Self {
        (A::sample(source), B::sample(source))
    }
}

impl<T: Codec> Codec for Option<T> {
    fn encode(&self, writer: &mut Writer) {
        self.is_some().encode(writer);
        if let Some(value) = self {
            value.encode(writer);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        bool::decode(reader)?.then(|| T::decode(reader)).transpose()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut Source<'_>) -> Self {
        bool::sample(source).then(|| T::sample(source))
    }
}

impl<T: Codec> Codec for Arc<T> {
    fn encode(&self, writer: &mut Writer) {
        T::encode(self, writer);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        T::decode(reader).map(Self::new)
    }
}

impl<T: Sample> Sample for Arc<T> {
    fn sample(source: &mut Source<'_>) -> Self {
        Self::new(T::sample(source))
    }
}

impl<const N: usize> Codec for [u8; N] {
    fn encode(&self, writer: &mut Writer) {
        writer.put(self);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array()
    }
}

impl<const N: usize> Sample for [u8; N] {
    fn sample(source: &mut Source<'_>) -> Self {
        source.array()
    }
}

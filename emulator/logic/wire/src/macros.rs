//! The macro that derives codecs from a list of fields or tagged variants.

/// Implements `Codec` and [`crate::Sample`] for a struct or enum.
///
/// Fields are written in the order given; every variant has its own tag byte, which never changes
/// its meaning. A missing field or variant does not compile.
///
/// ```
/// struct Point { x: u16, y: u16 }
/// wire::codec!(struct Point { x, y });
///
/// struct Celsius(i32);
/// wire::codec!(struct Celsius(degrees));
///
/// enum Shape<P> { Dot, Line { from: P, to: P }, Circle(P, u16) }
/// wire::codec!(enum Shape<P> { 0 = Dot, 1 = Line { from, to }, 2 = Circle(centre, radius) });
/// ```
#[macro_export]
macro_rules! codec {
    (struct $name:ident $(<$($param:ident),+>)? { $($field:ident),* $(,)? }) => {
        $crate::codec!(@impl $name [$($($param),+)?] encode(self, writer) {
            let Self { $($field),* } = self;
            $($crate::Codec::encode($field, writer);)*
        } decode(reader) {
            Ok(Self { $($field: $crate::Codec::decode(reader)?),* })
        } sample(source) {
            Self { $($field: $crate::Sample::sample(source)),* }
        });
    };
    (struct $name:ident $(<$($param:ident),+>)? ( $($field:ident),* $(,)? )) => {
        $crate::codec!(@impl $name [$($($param),+)?] encode(self, writer) {
            let Self($($field),*) = self;
            $($crate::Codec::encode($field, writer);)*
        } decode(reader) {
            $(let $field = $crate::Codec::decode(reader)?;)*
            Ok(Self($($field),*))
        } sample(source) {
            $(let $field = $crate::Sample::sample(source);)*
            Self($($field),*)
        });
    };
    (enum $name:ident $(<$($param:ident),+>)? { $(
        $tag:literal = $variant:ident
            $({ $($field:ident),* $(,)? })?
            $(( $($item:ident),* $(,)? ))?
    ),+ $(,)? }) => {
        $crate::codec!(@impl $name [$($($param),+)?] encode(self, writer) {
            match self {$(
                Self::$variant $({ $($field),* })? $(( $($item),* ))? => {
                    let tag: u8 = $tag;
                    $crate::Codec::encode(&tag, writer);
                    $($($crate::Codec::encode($field, writer);)*)?
                    $($($crate::Codec::encode($item, writer);)*)?
                }
            )+}
        } decode(reader) {
            let tag: u8 = $crate::Codec::decode(reader)?;
            match tag {
                $($tag => {
                    $($(let $field = $crate::Codec::decode(reader)?;)*)?
                    $($(let $item = $crate::Codec::decode(reader)?;)*)?
                    Ok(Self::$variant $({ $($field),* })? $(( $($item),* ))?)
                })+
                tag => Err($crate::DecodeError::UnknownTag { of: stringify!($name), tag }),
            }
        } sample(source) {
            let tags: &[u8] = &[$($tag),+];
            match tags.get(source.below(tags.len())).copied().unwrap_or_default() {
                $($tag => {
                    $($(let $field = $crate::Sample::sample(source);)*)?
                    $($(let $item = $crate::Sample::sample(source);)*)?
                    Self::$variant $({ $($field),* })? $(( $($item),* ))?
                })+
                _ => unreachable!("the tag is one of the list"),
            }
        });
    };
    (@impl $name:ident [$($param:ident),*]
        encode($self:ident, $writer:ident) $encode:block
        decode($reader:ident) $decode:block
        sample($source:ident) $sample:block
    ) => {
        impl<$($param: $crate::Codec),*> $crate::Codec for $name<$($param),*> {
            fn encode(&$self, $writer: &mut $crate::Writer) $encode

            fn decode(
                $reader: &mut $crate::Reader<'_>,
            ) -> ::core::result::Result<Self, $crate::DecodeError> $decode
        }

        impl<$($param: $crate::Sample),*> $crate::Sample for $name<$($param),*> {
            fn sample($source: &mut $crate::Source<'_>) -> Self $sample
        }
    };
}

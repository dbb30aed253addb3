//! Bytes of frames and of persistent records: reader, writer, the `Codec` trait and its limits.

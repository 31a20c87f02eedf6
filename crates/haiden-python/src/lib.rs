//! The Python host: haiden._native.

//! The bytecode cache: buckets, stores and their statistics. It moves bytes under keys and knows no template.

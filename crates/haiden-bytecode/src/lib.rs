//! The instruction table, the image format, its verifier and its printer.

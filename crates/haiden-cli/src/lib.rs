//! The command line: haiden render, haiden dump.

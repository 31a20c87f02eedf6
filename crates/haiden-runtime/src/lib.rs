//! The virtual machine, the Host trait and the builtins.

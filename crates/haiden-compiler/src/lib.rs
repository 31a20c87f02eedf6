//! From tree to image: resolve, build, optimize, lower.

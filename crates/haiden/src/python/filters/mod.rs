//! Numbers as Jinja2's filters round and read them; the filters of text are in `haiden_runtime::builtins::text`.

pub(crate) mod number;

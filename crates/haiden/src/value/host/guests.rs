//! Guests: modules of Rust in a render, for macros that are handed what lives in it.
//!
//! A macro of a [`Module`](crate::Module) runs in the module's own host, where a macro or the body of a call block of another
//! render means nothing. Handed such, it runs here, in a copy of the module that is made once a render.

use std::any::Any;
use std::sync::Arc;

use haiden_runtime::{Program, Vm};

use crate::error::Error;
use crate::value::heap::HeapObject;
use crate::value::host::{NativeHost, Output, deeper};
use crate::value::value::Value;
use crate::value::word::Word;

impl NativeHost {
    /// Is any of the words something that can leave this render only as a handle?
    pub(crate) fn lives_here(&self, mut words: impl Iterator<Item = Word>) -> bool {
        words.any(|word| match word {
            Word::Object(index) => matches!(
                self.heap.objects[index as usize],
                HeapObject::Macro(_) | HeapObject::Block(_) | HeapObject::Loop(_) | HeapObject::Method { .. }
            ),
            _ => false,
        })
    }

    /// What a module exports under a name, in a copy of it that is made here if there is none yet.
    pub(crate) fn guest_member(
        &mut self,
        module: &Arc<dyn Any + Send + Sync>,
        program: &Arc<Program<NativeHost>>,
        context: &Value,
        name: &str,
    ) -> Result<Option<Word>, Error> {
        let known = self.guests.iter().find(|(known, _)| Arc::ptr_eq(known, module));
        let root = match known {
            Some(&(_, root)) => root,
            None => {
                let base = self.import(context)?;
                let root = self.root_context(program, base);
                let mut out = Output::new(64, self.limits.output);
                let limits = self.limits.machine;
                deeper(limits.depth, || Vm::default().run_template(self, &mut out, program, root, limits))?;
                self.guests.push((module.clone(), root));
                root
            }
        };
        Ok(self.exports(root).into_iter().find(|(known, _)| **known == *name).map(|(_, word)| word))
    }
}

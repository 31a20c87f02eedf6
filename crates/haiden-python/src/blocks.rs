//! The blocks of a context as Python code sees and changes them: lists of functions, the most derived first.
//!
//! In: a `Context` with `blocks`. Out: the chain by which the machine finds a block and its `super`. Invariant: a function
//! counts by the template and the block that it was made for; functions of anybody else are passed over.

use std::sync::Arc;

use haiden_runtime::{BlockReference, Chain, Program};

use crate::host::PyHost;
use crate::objects::{self, Result};
use crate::register::Obj;
use crate::scope::Context;
use crate::template;

/// A definition of a block: the template's program, and the block's name there.
type Definition = (Arc<Program<PyHost>>, Obj);

impl PyHost {
    /// The chain that a context object's `blocks` are, for a template that runs in it.
    pub(crate) fn chain_from(
        &self,
        object: &Obj,
        program: &Arc<Program<PyHost>>,
    ) -> Result<Arc<Chain<PyHost>>> {
        let alone = Chain::of(program);
        let blocks = objects::get_attr(object, &self.types.blocks.object)?;
        if !objects::is_dict(&blocks) {
            return Ok(alone);
        }
        let (mut all, mut position) = (Vec::new(), 0);
        while let Some((name, functions)) = objects::dict_next(&blocks, &mut position) {
            if objects::is_str(&name) && objects::is_list(&functions) {
                all.push((name, self.definitions(&functions)?));
            }
        }
        let own = |name: &Obj, definitions: &[Definition]| match definitions {
            [(defined_in, block)] => {
                Ok(defined_in.id() == program.id() && objects::utf8(block)? == objects::utf8(name)?)
            }
            _ => Ok(false),
        };
        let mut as_compiled = all.len() == program.image().blocks().len();
        for (name, definitions) in &all {
            as_compiled = as_compiled && own(name, definitions)?;
        }
        if as_compiled {
            return Ok(alone);
        }
        let mut blocks = Vec::with_capacity(all.len());
        for (name, definitions) in &all {
            let mut named = Vec::with_capacity(definitions.len());
            for (program, block) in definitions {
                named.push((program.clone(), objects::utf8(block)?));
            }
            blocks.push((objects::utf8(name)?, named));
        }
        Ok(Chain::of_definitions(program, blocks))
    }

    /// What a list of functions defines.
    fn definitions(&self, functions: &Obj) -> Result<Vec<Definition>> {
        let mut found = Vec::new();
        for index in 0..objects::list_len(functions) {
            let Some(function) = objects::list_item(functions, index) else { break };
            let Some(made_for) = objects::lookup_attr(&function, &self.types.made_for.object)? else {
                continue;
            };
            if !objects::is_tuple(&made_for) {
                continue;
            }
            if let (Some(template), Some(block)) =
                (objects::tuple_item(&made_for, 0), objects::tuple_item(&made_for, 1))
                && objects::is_str(&block)
                && let Some(program) = template::program_of(&template)?
            {
                found.push((program, block));
            }
        }
        Ok(found)
    }
}

/// A template's own definition of a block, in a chain where other templates may define it, too.
pub(crate) fn own_block(
    program: &Arc<Program<PyHost>>,
    context: Context,
    chain: Arc<Chain<PyHost>>,
    name: &str,
) -> Option<BlockReference<PyHost>> {
    let place = chain.find(name).and_then(|block| Some((block, chain.depth_in(block, program)?)));
    if let Some((block, depth)) = place {
        return Some(BlockReference { context, chain, block, depth });
    }
    let chain = Chain::of(program);
    let block = chain.find(name)?;
    Some(BlockReference { context, chain, block, depth: 0 })
}

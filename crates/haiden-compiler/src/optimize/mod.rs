//! Optimize: the same meaning in less work. One file a pass.

mod fold;

use crate::ir::Ir;
use crate::options::Options;

/// Runs the passes.
pub fn optimize<'a>(mut ir: Ir<'a>, options: &Options) -> Ir<'a> {
    if options.optimize && !options.intercepted {
        fold::fold(&mut ir);
    }
    ir
}

//! Optimize: the same meaning in less work. One file a pass.

mod fold;

use crate::ir::Ir;
use crate::options::Options;

/// Runs the passes.
pub fn optimize(ir: &mut Ir<'_>, options: &Options) {
    if options.optimize && !options.intercepted {
        fold::fold(ir);
    }
}

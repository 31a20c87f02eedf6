//! Operators that an environment intercepts reach the host: none is computed on the way.

use haiden_bytecode::Op;
use haiden_compiler::{Options, compile};

fn operators(source: &str, intercepted: bool) -> Vec<Op> {
    let options = Options { intercepted, ..Options::default() };
    let image = compile(source, &options).expect("the template is right");
    let ops = image.code().iter().map(|word| Op::from_code(word as u8).expect("the compiler wrote it"));
    ops.filter(|op| !matches!(op, Op::Return | Op::Text | Op::LoadInt | Op::ResolveName)).collect()
}

#[track_caller]
fn check(source: &str, plain: &[Op], intercepted: &[Op]) {
    assert_eq!(operators(source, false), plain);
    assert_eq!(operators(source, true), intercepted);
}

#[test]
fn constants_are_not_folded() {
    check("{{ 1 + 2 }}", &[], &[Op::InterceptBinary, Op::Emit]);
    check("{{ -1 }}", &[], &[Op::InterceptUnary, Op::Emit]);
}

#[test]
fn small_integers_are_not_fused() {
    check("{{ x % 2 }}", &[Op::ModInt, Op::Emit], &[Op::InterceptBinary, Op::Emit]);
    check(
        "{{ +x ** 2 }}",
        &[Op::Pos, Op::Pow, Op::Emit],
        &[Op::InterceptUnary, Op::InterceptBinary, Op::Emit],
    );
}

//! The image of the tests, with an entry in every table.

use haiden_bytecode::image::{AUTOESCAPE, CATCH_KWARGS};
use haiden_bytecode::{
    At, BlockEntry, CallShape, Code, Constant, DependencyKind, Function, FunctionKind, Header, Image, Op,
    assemble, header_flags, include_flags, to_bytes,
};

pub(crate) const HEADER: Header = Header {
    semantics: 1,
    flags: header_flags::OPTIMIZED | header_flags::AUTOESCAPE,
    source: [0x11; 32],
    fingerprint: [0x22; 32],
};

const NO: u16 = 0;
const HTML: u8 = 1;

pub(crate) fn function(kind: FunctionKind, name: u32, registers: u16, loops: u8, flags: u8) -> Function {
    Function { kind, flags, name, registers, loops, parameters: (0, 0), code: (0, 0), line: 1 }
}

pub(crate) fn at(line: u32, column: u32) -> At {
    At { line, column }
}

/// An image with an entry in every table; its functions are finished out of order.
pub(crate) fn sample() -> Image {
    let mut code = Code::new();
    let [root, block, macro_, loop_] = [(); 4].map(|()| code.reserve_function());

    code.start_function();
    let (a, b) = (code.name("a"), code.name("b"));
    code.aw(at(5, 1), Op::Check, 0, 0, a);
    code.abc(at(5, 3), Op::Emit, HTML, 0, NO, NO);
    code.abc(at(6, 1), Op::Return, 0, NO, NO, NO);
    let name = code.name("greet");
    code.finish_function(
        macro_,
        function(FunctionKind::Macro, name, 3, 0, CATCH_KWARGS | AUTOESCAPE),
        &[a, b],
    );

    code.start_function();
    code.abc(at(7, 1), Op::EmitSuper, HTML, NO, NO, NO);
    code.abc(at(7, 9), Op::Return, 0, NO, NO, NO);
    let body = code.name("body");
    code.finish_function(block, function(FunctionKind::Block, body, 0, 0, 0), &[]);
    code.block(BlockEntry { name: body, function: block, required: false });

    root_function(&mut code, root, macro_, loop_, body);

    code.start_function();
    code.abc(at(8, 1), Op::Recurse, 0, 0, NO, NO);
    code.abc(at(8, 1), Op::Return, 0, NO, NO, NO);
    code.finish_function(loop_, function(FunctionKind::Loop, u32::MAX, 1, 0, 0), &[]);
    code.dependency(DependencyKind::Include, "foot.html");
    assemble(code).expect("a small image")
}

fn constants(code: &mut Code) -> u32 {
    let big = code.string("-123456789012345678901234567890");
    let dash = code.string("–");
    let markup = code.string("<b>");
    code.constant(Constant::BigInt(big));
    code.constant(Constant::None);
    code.constant(Constant::Tuple(2));
    code.constant(Constant::Str(dash));
    code.constant(Constant::Markup(markup));
    code.constant(Constant::Bool(true));
    code.constant(Constant::Dict(2));
    code.constant(Constant::Int(-7));
    code.constant(Constant::Float(1.5));
    code.constant(Constant::List(3))
}

fn root_function(code: &mut Code, root: u32, macro_: u32, loop_: u32, body: u32) {
    let hello = code.string("Hello ");
    let user = code.name("user");
    let (attribute, default, odd) = (code.name("name"), code.name("default"), code.name("odd"));
    let site = code.site(attribute);
    let one = code.shape(CallShape {
        positional: 1,
        keywords: [].into_iter().collect(),
        star: false,
        star_star: false,
    });
    let all = code.shape(CallShape {
        positional: 0,
        keywords: [user].into_iter().collect(),
        star: false,
        star_star: true,
    });
    let filter = code.filter_call(default, true, at(3, 4), one);
    let test = code.test_call(odd, false, at(3, 9), one);
    let constant = constants(code);
    let locals = code.locals(&[(user, 0), (attribute, 5)]);

    code.start_function();
    code.aw(at(1, 1), Op::Text, 0, NO, hello);
    code.aw(at(1, 7), Op::ResolveName, 0, 0, user);
    code.abc(at(1, 7), Op::EmitAttr, HTML, NO, 0, site as u16);
    code.aw(at(2, 1), Op::For, 0, 0, 0);
    let next = code.aw(at(2, 1), Op::Next, 0, 1, 7);
    code.abc(at(2, 1), Op::EndFor, 0, NO, NO, NO);
    code.aw(at(2, 1), Op::Jump, 0, NO, 12);
    let fused = code.abc(at(2, 20), Op::JumpUnlessEqInt, 0, 1, -3_i16 as u16, 0);
    code.abc(at(2, 30), Op::Emit, 2, 1, NO, NO);
    let after = code.aw(at(2, 40), Op::LoadConst, 0, 2, constant);
    code.patch_near(fused, after).expect("near");
    code.aw(at(3, 4), Op::Filter, 0, 2, filter);
    code.aw(at(3, 4), Op::Jump, 0, NO, next);
    code.aw(at(4, 1), Op::MakeMacro, 0, 4, macro_);
    code.aw(at(4, 1), Op::CallBlock, 0, u16::MAX, body);
    code.aw(at(4, 9), Op::Include, include_flags::WITH_CONTEXT, 0, locals);
    code.aw(at(4, 12), Op::EnterLoop, 0, 0, loop_);
    code.aw(at(4, 14), Op::Test, 1, 2, test);
    code.aw(at(4, 15), Op::MakeCells, 0, NO, 2);
    code.abc(at(4, 16), Op::MakeList, 0, 0, 3, 2);
    code.abc(at(4, 17), Op::CallMethod, 0, 3, site as u16, all as u16);
    code.abc(at(4, 18), Op::LoopGet, 0, 3, 6, NO);
    code.aw(at(4, 19), Op::LoadInt, 0, 3, -5_i32 as u32);
    code.abc(at(4, 20), Op::Return, 0, NO, NO, NO);
    code.finish_function(root, function(FunctionKind::Root, u32::MAX, 6, 1, 0), &[]);
}

pub(crate) fn sample_bytes() -> Vec<u8> {
    to_bytes(&sample(), &HEADER)
}

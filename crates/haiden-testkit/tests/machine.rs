//! The machine by itself, on the toy host: programs assembled by hand, so that neither compiler nor values take part.
//!
//! The toy suspends at every verb that may; each page here is written across dozens of stops.

use std::sync::Arc;

use haiden_bytecode::image::{CATCH_CALLER, CATCH_VARARGS};
use haiden_bytecode::{
    At, BlockEntry, CallShape, Code, Function, FunctionKind, Image, LoopField, Op, assemble, include_flags,
};
use haiden_testkit::toy::{Toy, ToyError, ToyHost, link_toy, render_toy};

const AT: At = At { line: 1, column: 1 };
const NO_LOCALS: u16 = u16::MAX;

fn function(kind: FunctionKind, registers: u16, loops: u8) -> Function {
    Function { kind, flags: 0, name: u32::MAX, registers, loops, parameters: (0, 0), code: (0, 0), line: 1 }
}

/// An image whose root is what `build` emits.
fn image(registers: u16, loops: u8, build: impl FnOnce(&mut Code)) -> Arc<Image> {
    let mut code = Code::new();
    let root = code.reserve_function();
    code.start_function();
    build(&mut code);
    code.finish_function(root, function(FunctionKind::Root, registers, loops), &[]);
    Arc::new(assemble(code).expect("small"))
}

fn render(
    host: &mut ToyHost,
    image: Arc<Image>,
    variables: &[(&str, Toy)],
) -> Result<(String, usize), ToyError> {
    let program = link_toy(image, Some("main")).expect("no filters");
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    render_toy(host, &program, variables)
}

fn text(code: &mut Code, text: &str) {
    let text = code.string(text);
    code.aw(AT, Op::Text, 0, 0, text);
}

fn numbers(values: &[i64]) -> Toy {
    Toy::list(values.iter().map(|value| Toy::Int(*value)).collect())
}

#[test]
fn a_loop_with_its_counters() {
    let image = image(3, 1, |code| {
        let xs = code.name("xs");
        code.aw(AT, Op::ResolveName, 0, 0, xs);
        code.aw(AT, Op::For, 0, 0, 0);
        let enter = code.aw(AT, Op::Jump, 0, 0, 0);
        let body = code.here();
        code.abc(AT, Op::LoopIndex, 0, 2, 0, 0);
        code.abc(AT, Op::Emit, 0, 2, 0, 0);
        let separator = code.string(":");
        code.aw(AT, Op::TextEmit, 0, 1, separator);
        code.abc(AT, Op::LoopGet, 0, 2, LoopField::Revindex as u16, 0);
        let slash = code.string("/");
        code.aw(AT, Op::TextEmit, 0, 2, slash);
        code.abc(AT, Op::LoopLast, 0, 2, 0, 0);
        let last = code.aw(AT, Op::JumpIf, 0, 2, 0);
        text(code, ", ");
        let next = code.here();
        code.patch(last, next);
        code.patch(enter, next);
        code.aw(AT, Op::Next, 0, 1, body);
        code.abc(AT, Op::EndFor, 0, 0, 0, 0);
        code.abc(AT, Op::Return, 0, 0, 0, 0);
    });
    let (page, stops) =
        render(&mut ToyHost::default(), image, &[("xs", numbers(&[7, 8, 9]))]).expect("renders");
    assert_eq!(page, "1:7/3, 2:8/2, 3:9/1");
    assert!(stops > 15, "{stops}");
}

#[test]
fn a_text_and_an_attribute_are_written_once_however_often_the_attribute_suspends() {
    let image = image(1, 0, |code| {
        let (x, a, b) = (code.name("x"), code.name("a"), code.name("b"));
        code.aw(AT, Op::ResolveName, 0, 0, x);
        for (text, name) in [("<", a), (", ", b)] {
            let text = code.string(text) as u16;
            let site = code.site(name) as u16;
            code.abc(AT, Op::TextEmitAttr, 0, text, 0, site);
        }
        text(code, ">");
        code.abc(AT, Op::Return, 0, 0, 0, 0);
    });
    let object = Toy::dict(&[Toy::text("a"), Toy::Int(1), Toy::text("b"), Toy::Int(2)]);
    let (page, stops) = render(&mut ToyHost::default(), image, &[("x", object)]).expect("renders");
    assert_eq!(page, "<1, 2>");
    assert_eq!(stops, 5, "the variable, each attribute and each value that is printed");
}

#[test]
fn a_macro_binds_its_arguments_and_writes_in_place() {
    let mut code = Code::new();
    let root = code.reserve_function();
    let add = code.reserve_function();
    code.start_function();
    code.aw(AT, Op::MakeMacro, 0, 0, add);
    code.abc(AT, Op::Move, 0, 1, 0, 0);
    code.aw(AT, Op::LoadInt, 0, 2, 1);
    code.aw(AT, Op::LoadInt, 0, 3, 5);
    code.aw(AT, Op::LoadInt, 0, 4, 6);
    let shape = code.shape(CallShape {
        positional: 3,
        keywords: [].into_iter().collect(),
        star: false,
        star_star: false,
    });
    code.aw(AT, Op::EmitCall, 0, 1, shape);
    text(&mut code, "|");
    code.abc(AT, Op::Move, 0, 1, 0, 0);
    code.aw(AT, Op::LoadInt, 0, 2, 2);
    let b = code.name("b");
    let shape = code.shape(CallShape {
        positional: 0,
        keywords: [b].into_iter().collect(),
        star: false,
        star_star: false,
    });
    code.aw(AT, Op::Call, 0, 1, shape);
    code.abc(AT, Op::Emit, 0, 1, 0, 0);
    code.abc(AT, Op::Return, 0, 0, 0, 0);
    code.finish_function(root, function(FunctionKind::Root, 5, 0), &[]);
    code.start_function();
    let a = code.name("a");
    code.aw(AT, Op::CheckParameter, 0, 0, a);
    code.abc(AT, Op::Emit, 0, 0, 0, 0);
    code.abc(AT, Op::Emit, 0, 1, 0, 0);
    code.abc(AT, Op::Emit, 0, 2, 0, 0);
    code.abc(AT, Op::Return, 0, 0, 0, 0);
    let name = code.name("add");
    let signature = Function { flags: CATCH_VARARGS, name, ..function(FunctionKind::Macro, 3, 0) };
    code.finish_function(add, signature, &[a, b]);
    let image = Arc::new(assemble(code).expect("small"));
    let (page, _) = render(&mut ToyHost::default(), image, &[]).expect("renders");
    assert_eq!(page, "15(6,)|2()");
}

#[test]
fn wrong_arguments_are_said() {
    let call = |flags: u8, positional: u16, keyword: Option<&str>| {
        let mut code = Code::new();
        let root = code.reserve_function();
        let inner = code.reserve_function();
        code.start_function();
        code.aw(AT, Op::MakeMacro, 0, 0, inner);
        let keywords = keyword.map(|name| code.name(name)).into_iter().collect();
        let shape = code.shape(CallShape { positional, keywords, star: false, star_star: false });
        code.aw(AT, Op::Call, 0, 0, shape);
        code.abc(AT, Op::Return, 0, 0, 0, 0);
        code.finish_function(root, function(FunctionKind::Root, 4, 0), &[]);
        code.start_function();
        code.abc(AT, Op::Return, 0, 0, 0, 0);
        let name = code.name("m");
        let signature = Function { flags, name, ..function(FunctionKind::Macro, 2, 0) };
        code.finish_function(inner, signature, &[]);
        let image = Arc::new(assemble(code).expect("small"));
        render(&mut ToyHost::default(), image, &[]).expect_err("wrong arguments")
    };
    let says = |error: ToyError, what: &str| match error {
        ToyError::Message(message) => assert!(message.starts_with(what), "{message}"),
        other => panic!("{other:?}"),
    };
    says(call(0, 1, None), "TooManyArguments");
    says(call(0, 0, Some("x")), "UnexpectedKeyword");
    says(call(0, 0, Some("caller")), "UnexpectedCaller");
    says(call(CATCH_CALLER, 1, Some("caller")), "TooManyArguments");
}

/// `base`: `[<block a>]` with `A` in it; `child`: extends it and writes `C` and `super()` in `a`.
fn family() -> (Arc<Image>, Arc<Image>) {
    let block = |code: &mut Code, function_index: u32, build: &dyn Fn(&mut Code)| {
        code.start_function();
        build(code);
        code.abc(AT, Op::Return, 0, 0, 0, 0);
        let name = code.name("a");
        code.finish_function(function_index, Function { name, ..function(FunctionKind::Block, 1, 0) }, &[]);
        code.block(BlockEntry { name, function: function_index, required: false });
    };
    let mut base = Code::new();
    let (root, a) = (base.reserve_function(), base.reserve_function());
    base.start_function();
    text(&mut base, "[");
    let name = base.name("a");
    base.aw(AT, Op::CallBlock, 0, NO_LOCALS, name);
    text(&mut base, "]");
    base.abc(AT, Op::Return, 0, 0, 0, 0);
    base.finish_function(root, function(FunctionKind::Root, 1, 0), &[]);
    block(&mut base, a, &|code| text(code, "A"));
    let mut child = Code::new();
    let (root, a) = (child.reserve_function(), child.reserve_function());
    child.start_function();
    let parent = child.string("base");
    let parent = child.constant(haiden_bytecode::Constant::Str(parent));
    child.aw(AT, Op::LoadConst, 0, 0, parent);
    child.abc(AT, Op::Extends, 0, 0, 0, 0);
    child.abc(AT, Op::Return, 0, 0, 0, 0);
    child.finish_function(root, function(FunctionKind::Root, 1, 0), &[]);
    block(&mut child, a, &|code| {
        text(code, "C");
        code.abc(AT, Op::EmitSuper, 0, 0, 0, 0);
        code.abc(AT, Op::BeginCapture, 0, 0, 0, 0);
        code.abc(AT, Op::EmitSuper, 0, 0, 0, 0);
        code.abc(AT, Op::EndCapture, 0, 0, 0, 0);
        code.abc(AT, Op::Emit, 0, 0, 0, 0);
    });
    (Arc::new(assemble(base).expect("small")), Arc::new(assemble(child).expect("small")))
}

#[test]
fn blocks_find_the_most_derived_and_the_one_behind() {
    let (base, child) = family();
    let mut host = ToyHost::default();
    host.add_template("base", link_toy(base, Some("base")).expect("no filters"));
    // Twice: the second time the chain's table is the remembered one.
    let program = link_toy(child, Some("child")).expect("no filters");
    for _ in 0..2 {
        let (page, _) = render_toy(&mut host, &program, Vec::new()).expect("renders");
        assert_eq!(page, "[CAA]");
    }
}

#[test]
fn endless_includes_end_at_the_depth_limit() {
    let image = image(1, 0, |code| {
        let name = code.string("self");
        let name = code.constant(haiden_bytecode::Constant::Str(name));
        code.aw(AT, Op::LoadConst, 0, 0, name);
        let locals = code.locals(&[]);
        code.aw(AT, Op::Include, include_flags::WITH_CONTEXT, 0, locals);
        code.abc(AT, Op::Return, 0, 0, 0, 0);
    });
    let program = link_toy(image, Some("self")).expect("no filters");
    let mut host = ToyHost::default();
    host.add_template("self", program.clone());
    let error = render_toy(&mut host, &program, Vec::new()).expect_err("it never ends");
    assert_eq!(error, ToyError::Message("TooDeep".to_owned()));
    assert_eq!(host.trace.len(), 500);
    assert_eq!((host.trace[0].line, host.trace[0].template.as_deref()), (1, Some("self")));
}

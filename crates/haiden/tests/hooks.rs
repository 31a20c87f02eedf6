//! Extensions that change sources and tokens before these are parsed: in which order, for whom, under which keys, and what
//! hostile ones can do.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use haiden::cache::{Bundle, BytecodeCache, MemoryBytecodeCache};
use haiden::extension::{Extension, Preprocessor, StreamFilter, SyntaxError, Token, TokenKind};
use haiden::loader::DictLoader;
use haiden::{Environment, Error, ErrorKind, Extensions, Stage, context};

type Tokens = Result<Vec<Token>, SyntaxError>;
type Change = fn(&str, Option<&str>) -> Result<String, Error>;

/// An extension of a name with up to two hooks.
struct Hooks {
    name: &'static str,
    preprocess: Option<Change>,
    sees_name: bool,
    filter: Option<fn(Vec<Token>) -> Tokens>,
}

const NONE: Hooks = Hooks { name: "tests.Hooks", preprocess: None, sees_name: false, filter: None };

impl Extension for Hooks {
    fn name(&self) -> &str {
        self.name
    }
    fn version(&self) -> &'static str {
        "1"
    }
    fn preprocessor(&self) -> Option<&dyn Preprocessor> {
        self.preprocess.is_some().then_some(self)
    }
    fn stream_filter(&self) -> Option<&dyn StreamFilter> {
        self.filter.is_some().then_some(self)
    }
}

impl Preprocessor for Hooks {
    fn preprocess<'s>(&self, source: &'s str, name: Option<&str>) -> Result<Cow<'s, str>, Error> {
        match self.preprocess {
            Some(change) => change(source, name).map(Cow::Owned),
            None => Ok(source.into()),
        }
    }
    fn sees_name(&self) -> bool {
        self.sees_name
    }
}

impl StreamFilter for Hooks {
    fn filter_stream(&self, tokens: Vec<Token>) -> Tokens {
        self.filter.map_or(Ok(tokens.clone()), |filter| filter(tokens))
    }
}

fn with(hooks: impl IntoIterator<Item = Hooks>) -> Environment {
    let mut environment = Environment::new();
    for hook in hooks {
        environment.add_extension(hook);
    }
    environment
}

fn preprocessing(name: &'static str, change: Change) -> Hooks {
    Hooks { name, preprocess: Some(change), ..NONE }
}

fn filtering(name: &'static str, filter: fn(Vec<Token>) -> Tokens) -> Hooks {
    Hooks { name, filter: Some(filter), ..NONE }
}

#[track_caller]
fn check(environment: &Environment, source: &str, page: &str) {
    match environment.render_str(source, context! { n => 1 }) {
        Ok(made) => assert_eq!(made, page, "{source}"),
        Err(error) => panic!("{source}: {error:?}"),
    }
}

#[track_caller]
fn fails(environment: &Environment, source: &str, kind: ErrorKind, message: &str, line: Option<u32>) {
    let error = environment.render_str(source, context! { n => 1 }).expect_err(source);
    assert_eq!((error.kind(), error.message(), error.line()), (kind, message, line), "{source}");
}

#[test]
fn sources_are_changed_in_the_order_of_the_extensions() {
    let first = preprocessing("first", |source, _| Ok(source.replace("[[", "{{").replace("]]", "}}")));
    let second = preprocessing("second", |source, _| Ok(source.replace("{{", "<{{").replace("}}", "}}>")));
    let environment = with([first, second]);
    check(&environment, "[[ n ]] {{ n }}", "<1> <1>");
    fails(
        &environment,
        "\n[[ n",
        ErrorKind::Syntax,
        "unexpected end of template, expected 'end of print statement'.",
        Some(2),
    );
    assert_eq!(environment.undeclared_variables("[[ x ]]").expect("names").len(), 1);
    assert!(environment.dump("[[ n ]]", None, Stage::Tokens).expect("tokens").contains("variable_begin"));
}

#[test]
fn whatever_is_read_is_changed_before() {
    let environment = with([preprocessing("plus", |source, _| Ok(source.replace("one", "1")))]);
    let expression = environment.compile_expression("one + one").expect("an expression");
    assert_eq!(expression.eval(context! {}).expect("a value").as_i64(), Some(2));
    let named = environment.referenced_templates("{% include 'one' %}").expect("names");
    assert_eq!(named, [Some("1".to_owned())]);
    let messages = environment.extract_translations("{{ _('one') }}", &["_"]).expect("messages");
    assert_eq!(messages[0].arguments, [Some("1".to_owned())]);
    let image = environment.compile_to_image(None, "{{ one }}").expect("an image");
    assert_eq!(
        environment.load_image(None, &image).expect("a template").render(context! {}).expect("a page"),
        "1"
    );
}

#[test]
fn what_hooks_say_is_wrong_is_told() {
    let refuse: Change = |_, _| Err(Error::new(ErrorKind::Value, "not today"));
    fails(&with([preprocessing("a", refuse)]), "x", ErrorKind::Value, "not today", None);
    let panics: Change = |_, _| panic!("oh");
    fails(
        &with([preprocessing("a", panics)]),
        "x",
        ErrorKind::Runtime,
        "the extension 'a' panicked: oh",
        None,
    );
    let refuse = filtering("b", |tokens| Err(tokens[1].fail("no tags here")));
    fails(&with([refuse]), "\n\na{{ n }}", ErrorKind::Syntax, "no tags here", Some(3));
    let panics = filtering("b", |_| panic!("oh"));
    fails(&with([panics]), "x", ErrorKind::Syntax, "the extension 'b' panicked: oh", Some(1));
}

/// The entry's keys of two names with one source, and what is rendered.
fn keys_and_pages(hooks: Hooks) -> (bool, [String; 2], Option<u64>) {
    let cache = Arc::new(MemoryBytecodeCache::new(100, 1 << 20));
    let pages = [0, 1].map(|_| {
        let mut environment = with([Hooks { ..hooks }]);
        environment.set_loader(DictLoader::new([("a", "NAME"), ("b", "NAME")]));
        environment.set_bytecode_cache(Some(cache.clone()));
        let render = |name: &str| environment.get_template(name).unwrap().render(context! {}).unwrap();
        render("a") + &render("b")
    });
    let mut environment = with([hooks]);
    environment.set_loader(DictLoader::new([("a", "NAME"), ("b", "NAME")]));
    let same = environment.content_key("a").unwrap() == environment.content_key("b").unwrap();
    (same, pages, cache.statistics().size)
}

#[test]
fn names_have_a_say_in_keys_only_where_a_hook_sees_them() {
    let change: Change = |source, name| Ok(source.replace("NAME", name.unwrap_or("-")));
    let blind = Hooks { preprocess: Some(change), ..NONE };
    assert_eq!(keys_and_pages(blind), (true, ["--".to_owned(), "--".to_owned()], Some(1)));
    let seeing = Hooks { preprocess: Some(change), sees_name: true, ..NONE };
    assert_eq!(keys_and_pages(seeing), (false, ["ab".to_owned(), "ab".to_owned()], Some(2)));
}

#[test]
fn bundles_hold_what_hooks_make() {
    let hooks = || Hooks {
        preprocess: Some(|source, name| Ok(format!("{source}{}", name.unwrap_or("-")))),
        sees_name: true,
        ..NONE
    };
    let mut environment = with([hooks()]);
    environment.add_template("a", "{{ n }}").expect("a template");
    let bundle = environment.bundle(true).expect("a bundle");
    let mut served = with([hooks()]);
    served.set_bundle(Some(Arc::new(Bundle::from_bytes(bundle.clone()).expect("a bundle"))));
    assert_eq!(served.get_template("a").unwrap().render(context! { n => 1 }).unwrap(), "1a");
    let mut other = Environment::new();
    other.set_bundle(Some(Arc::new(Bundle::from_bytes(bundle).expect("a bundle"))));
    assert_eq!(other.get_template("a").err().map(|error| error.kind()), Some(ErrorKind::Bytecode));
}

#[test]
fn tokens_are_changed_in_the_order_of_the_extensions() {
    let upper = filtering("upper", |mut tokens| {
        for token in tokens.iter_mut().filter(|token| token.kind == TokenKind::Data) {
            token.text = token.text.to_uppercase();
        }
        Ok(tokens)
    });
    let exclaim = filtering("exclaim", |mut tokens| {
        tokens.push(Token::new(9, TokenKind::Data, "!\n"));
        Ok(tokens)
    });
    let environment = with([upper, exclaim]);
    check(&environment, "a{{ n }}b{# c #}{% raw %}{{d{% endraw %}\r\n", "A1B{{D!\n");
    assert_eq!(environment.render_str("{{ n }", context! {}).expect_err("broken").line(), Some(1));
    let every = filtering("strings", |tokens| {
        let quoted = |token: Token| match token.kind {
            TokenKind::Name if token.text == "n" => Token::new(token.line, TokenKind::String, "'\\u00df'"),
            _ => token,
        };
        Ok(tokens.into_iter().map(quoted).collect())
    });
    check(&with([every]), "{{ n|length }}{{ n }}{{ 'n' }}", "1ßn");
}

#[test]
fn hostile_tokens_are_errors() {
    let bad = |kind: TokenKind, text: &str| (kind, text.to_owned());
    let cases = [
        bad(TokenKind::String, ""),
        bad(TokenKind::String, "x"),
        bad(TokenKind::String, "'"),
        bad(TokenKind::String, "'a' 'b'"),
        bad(TokenKind::String, "'\\x'"),
        bad(TokenKind::Integer, "1.5"),
        bad(TokenKind::Integer, "x"),
        bad(TokenKind::Integer, ""),
        bad(TokenKind::Integer, "1 "),
        bad(TokenKind::Float, "1"),
        bad(TokenKind::Float, "nan"),
        bad(TokenKind::Name, "1"),
        bad(TokenKind::Name, "a b"),
        bad(TokenKind::Name, ""),
    ];
    for (kind, text) in cases {
        let environment = with([Replaced::hooks(kind, &text)]);
        let error = environment.render_str("\n{{ n }}", context! {}).expect_err("a bad token");
        assert_eq!((error.kind(), error.line()), (ErrorKind::Syntax, Some(2)), "{kind:?} {text:?}");
    }
}

/// A token that takes the place of every name.
struct Replaced;

impl Replaced {
    fn hooks(kind: TokenKind, text: &str) -> Hooks {
        use std::cell::RefCell;
        thread_local! {
            static TOKEN: RefCell<Option<(TokenKind, String)>> = const { RefCell::new(None) };
        }
        TOKEN.set(Some((kind, text.to_owned())));
        filtering("replaced", |tokens| {
            let (kind, text) = TOKEN.with_borrow(Clone::clone).expect("a token");
            let replace = |token: Token| match token.kind {
                TokenKind::Name => Token::new(token.line, kind, text.clone()),
                _ => token,
            };
            Ok(tokens.into_iter().map(replace).collect())
        })
    }
}

#[test]
fn tokens_in_any_order_make_a_page_or_an_error() {
    let shuffle: fn(Vec<Token>) -> Tokens = |tokens| {
        // The seed is the text of the last token.
        let mut seed: u64 = tokens.last().and_then(|token| token.text.parse().ok()).unwrap_or(1);
        let mut out = tokens.clone();
        for _ in 0..tokens.len() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (from, to) = (seed as usize >> 7, seed as usize >> 33);
            let moved = out[from % out.len()].clone();
            out.insert(to % out.len(), moved);
        }
        Ok(out)
    };
    let environment = with([filtering("shuffle", shuffle)]);
    let source = "a{{ n + 1.5 }}{% if n == 'x' %}b{% endif %}{% for a, b in {'k': [1]} %}{{ loop.index }}{% endfor %}\n";
    let mut pages = 0;
    for seed in 0..2_000 {
        pages += usize::from(environment.render_str(&format!("{source}{seed}"), context! { n => 1 }).is_ok());
    }
    assert!(pages < 2_000);
    check(&with([filtering("empty", |_| Ok(Vec::new()))]), "a{{ n }}", "");
    let many = filtering("many", |tokens| Ok(vec![tokens; 3_000].into_iter().flatten().collect()));
    check(&with([many]), "{{ n }}", &"1".repeat(3_000));
    let nested = filtering("nested", |_| Ok(vec![Token::new(7, TokenKind::VariableBegin, ""); 100_000]));
    assert_eq!(with([nested]).render_str("x", context! {}).expect_err("nested").line(), Some(7));
    let end = filtering("end", |_| {
        let kinds = [TokenKind::Eof, TokenKind::Whitespace, TokenKind::Comment, TokenKind::Data];
        Ok(kinds.map(|kind| Token::new(0, kind, "x")).to_vec())
    });
    check(&with([end]), "a", "x");
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn tokens_that_go_through_unchanged_make_the_same_bytecode() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources: Vec<String> = files(&root.join("examples/site/templates"))
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a template"))
        .collect();
    for path in
        files(&root.join("corpus/render")).iter().filter(|path| path.extension().is_some_and(|e| e == "json"))
    {
        let cases: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).expect("cases")).expect("JSON");
        let templates = cases.as_array().into_iter().flatten().filter_map(|case| case["template"].as_str());
        sources.extend(templates.map(str::to_owned));
    }
    let mut plain = with([NONE]);
    let mut filtered = with([filtering(NONE.name, Ok)]);
    for environment in [&mut plain, &mut filtered] {
        environment.add_extensions(Extensions::I18N.with(Extensions::DO).with(Extensions::LOOP_CONTROLS));
    }
    let mut compared = 0;
    for source in &sources {
        for source in [source.clone(), source.replace('\n', "\r\n")] {
            let image = |environment: &Environment| {
                environment
                    .compile_to_image(None, &source)
                    .map_err(|error| (error.message().to_owned(), error.line(), error.column()))
            };
            // The lexer's errors come first where all tokens are there before the parser sees one.
            match (image(&plain), image(&filtered)) {
                (Ok(plain), Ok(filtered)) => {
                    assert_eq!(plain, filtered, "{source}");
                    compared += 1;
                }
                (Err(_), Err(_)) => {}
                (plain, filtered) => panic!("{source}: {:?} and {:?}", plain.err(), filtered.err()),
            }
        }
    }
    assert!(compared > 1_000, "{compared} sources");
}

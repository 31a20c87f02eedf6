//! The tables of the builtins: one declaration each, and how they are found and applied.

use super::host::BuiltinHost;
use super::places::Places;
use super::spec::{Bound, Further, Parameter, Spec, Style, bind};
use super::{apply, indent, markup, numbers, order, sequences, tests, texts};
use crate::host::{Arguments, Host};

type FilterBody<H> = fn(
    &mut H,
    &<H as Host>::Context,
    &<H as Host>::Register,
    &Bound<H>,
) -> Result<<H as Host>::Register, <H as Host>::Error>;
type TestBody<H> =
    fn(&mut H, &<H as Host>::Context, &<H as Host>::Register, &Bound<H>) -> Result<bool, <H as Host>::Error>;

/// A builtin filter of one host.
pub struct BuiltinFilter<H: BuiltinHost> {
    /// Its declaration.
    pub spec: &'static Spec,
    body: FilterBody<H>,
}

impl<H: BuiltinHost> Clone for BuiltinFilter<H> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<H: BuiltinHost> Copy for BuiltinFilter<H> {}

impl<H: BuiltinHost> BuiltinFilter<H> {
    /// Applies the filter.
    ///
    /// # Errors
    /// A `TypeError` if the arguments do not fit; what the filter fails with.
    pub fn call(
        &self,
        host: &mut H,
        context: &H::Context,
        value: &H::Register,
        arguments: Arguments<'_, H>,
    ) -> Result<H::Register, H::Error> {
        let bound = bind(host, self.spec, arguments)?;
        (self.body)(host, context, value, &bound)
    }
}

/// A builtin test of one host.
pub struct BuiltinTest<H: BuiltinHost> {
    /// Its declaration.
    pub spec: &'static Spec,
    body: TestBody<H>,
}

impl<H: BuiltinHost> Clone for BuiltinTest<H> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<H: BuiltinHost> Copy for BuiltinTest<H> {}

impl<H: BuiltinHost> BuiltinTest<H> {
    /// Applies the test.
    ///
    /// # Errors
    /// A `TypeError` if the arguments do not fit; what the test fails with.
    pub fn call(
        &self,
        host: &mut H,
        context: &H::Context,
        value: &H::Register,
        arguments: Arguments<'_, H>,
    ) -> Result<bool, H::Error> {
        let bound = bind(host, self.spec, arguments)?;
        (self.body)(host, context, value, &bound)
    }
}

/// The builtin filter of this name.
pub fn find_filter<H: BuiltinHost>(name: &str) -> Option<BuiltinFilter<H>> {
    static PLACES: Places = Places::of(FILTER_SPECS);
    let index = PLACES.find(FILTER_SPECS, name)?;
    Some(BuiltinFilter { spec: &FILTER_SPECS[index], body: filter_body(index) })
}

/// The builtin test of this name.
pub fn find_test<H: BuiltinHost>(name: &str) -> Option<BuiltinTest<H>> {
    static PLACES: Places = Places::of(TEST_SPECS);
    let index = PLACES.find(TEST_SPECS, name)?;
    Some(BuiltinTest { spec: &TEST_SPECS[index], body: test_body(index) })
}

/// The declaration of the global function of this name; [`bind`] binds its arguments unless its style is
/// [`Style::Host`].
pub fn find_global(name: &str) -> Option<&'static Spec> {
    static PLACES: Places = Places::of(GLOBAL_SPECS);
    PLACES.find(GLOBAL_SPECS, name).map(|index| &GLOBAL_SPECS[index])
}

macro_rules! default {
    () => {
        None
    };
    ($default:literal) => {
        Some($default)
    };
}
macro_rules! further {
    () => {
        Further::None
    };
    (items) => {
        Further::Items
    };
    (variadic) => {
        Further::All
    };
}

/// A table without bodies, each row as in `builtins`.
macro_rules! specs {
    ($specs:ident: $(
        $name:literal $(| $alias:literal)*,
        $style:ident $python:literal ($injected:literal, $value:literal)
        [$($parameter:literal $(= $default:literal)?),*] $($further:ident)?;
        $($doc:literal)+;
    )*) => {
        /// The declarations, by name.
        pub static $specs: &[Spec] = &[$(Spec {
            name: $name,
            aliases: &[$($alias),*],
            python: $python,
            style: Style::$style,
            injected: $injected,
            value: $value,
            parameters: &[$(Parameter { name: $parameter, default: default!($($default)?) }),*],
            further: further!($($further)?),
            doc: concat!($($doc, "\n"),+),
        }),*];
    };
}

/// `"name" | "alias" => body, Style "function"("injected", "value")["parameter" = "default", …] variadic; "docs" "…"`
macro_rules! builtins {
    ($specs:ident $bodies:ident $body:ident: $(
        $name:literal $(| $alias:literal)* => $module:ident::$function:ident,
        $style:ident $python:literal ($injected:literal, $value:literal)
        [$($parameter:literal $(= $default:literal)?),*] $($further:ident)?;
        $($doc:literal)+;
    )*) => {
        specs! { $specs: $(
            $name $(| $alias)*, $style $python($injected, $value)[$($parameter $(= $default)?),*] $($further)?;
            $($doc)+;
        )* }
        fn $bodies<H: BuiltinHost>(index: usize) -> $body<H> {
            let bodies: &[$body<H>] = &[$($module::$function::<H>),*];
            bodies[index]
        }
    };
}

builtins! { FILTER_SPECS filter_body FilterBody:
    "abs" => numbers::abs, NativeOne "abs"("", "x")[];
    "The absolute value." "{{ -3|abs }} → 3";

    "attr" => markup::attr, Python "do_attr"("environment", "obj")["name"];
    "The attribute of this name, never the item." "{{ {'a': 1}|attr('a') is defined }} → False";

    "batch" => sequences::batch, Python "do_batch"("", "value")["linecount", "fill_with" = "none"];
    "Lists of `linecount` items each; the last is filled up with `fill_with`."
    "{{ [1, 2, 3]|batch(2, 0)|list }} → [[1, 2], [3, 0]]";

    "capitalize" => texts::capitalize, Python "do_capitalize"("", "s")[];
    "The first character in upper case, all others in lower case." "{{ 'hELLO you'|capitalize }} → Hello you";

    "center" => texts::center, Python "do_center"("", "value")["width" = "80"];
    "The text in the middle of `width` characters." "[{{ 'a'|center(5) }}] → [  a  ]";

    "default" | "d" => markup::default,
    Python "do_default"("", "value")["default_value" = "''", "boolean" = "false"];
    "The value, or `default_value` if it is undefined (with `boolean`: or false)."
    "{{ missing|default('-') }} → -" "{{ ''|default('-', true) }} → -";

    "dictsort" => order::dictsort,
    Python "do_dictsort"("", "value")["case_sensitive" = "false", "by" = "'key'", "reverse" = "false"];
    "The items of a mapping, sorted by key or by value."
    "{{ {'b': 1, 'a': 2}|dictsort }} → [('a', 2), ('b', 1)]";

    "escape" | "e" => markup::escape, Python "escape"("", "s")[];
    "The text, escaped for HTML unless it is markup." "{{ '<b>'|e }} → &lt;b&gt;";

    "filesizeformat" => numbers::filesizeformat, Python "do_filesizeformat"("", "value")["binary" = "false"];
    "A number of bytes for people to read." "{{ 13000|filesizeformat }} → 13.0 kB"
    "{{ 2048|filesizeformat(true) }} → 2.0 KiB";

    "first" => sequences::first, Python "sync_do_first"("environment", "seq")[];
    "The first item; undefined if there is none." "{{ [1, 2]|first }} → 1";

    "float" => numbers::float, Python "do_float"("", "value")["default" = "0.0"];
    "The value as a float, or `default` if it is none." "{{ '1.5'|float }} → 1.5" "{{ 'x'|float }} → 0.0";

    "forceescape" => markup::forceescape, Python "do_forceescape"("", "value")[];
    "The text, escaped for HTML even if it is markup." "{{ '<b>'|safe|forceescape }} → &lt;b&gt;";

    "format" => texts::format, Python "do_format"("", "value")[] variadic;
    "The text with values put in, as Python's `%` does." "{{ '%s: %d'|format('a', 1) }} → a: 1";

    "groupby" => order::groupby,
    Python "sync_do_groupby"("environment", "value")["attribute", "default" = "none", "case_sensitive" = "false"];
    "Pairs of an attribute's value and the list of the items that have it, sorted."
    "{{ [{'a': 1}, {'a': 1}]|groupby('a') }} → [(1, [{'a': 1}, {'a': 1}])]";

    "indent" => indent::indent,
    Python "do_indent"("", "s")["width" = "4", "first" = "false", "blank" = "false"];
    "The lines indented by `width` characters (or by a text): not the first one, nor blank ones."
    "{{ '- a\\n- b'|indent(2, true) }} →   - a\\n  - b";

    "int" => numbers::int, Python "do_int"("", "value")["default" = "0", "base" = "10"];
    "The value as an integer, or `default` if it is none." "{{ '42'|int }} → 42" "{{ '2a'|int(base=16) }} → 42";

    "items" => sequences::items, Python "do_items"("", "value")[];
    "The pairs of a mapping; none if it is undefined." "{{ {'a': 1}|items|list }} → [('a', 1)]";

    "join" => sequences::join, Python "sync_do_join"("eval_ctx", "value")["d" = "''", "attribute" = "none"];
    "The items (or an attribute of each) as texts, with `d` between."
    "{{ [1, 2]|join('-') }} → 1-2" "{{ [{'a': 1}, {'a': 2}]|join(',', 'a') }} → 1,2";

    "last" => sequences::last, Python "do_last"("environment", "seq")[];
    "The last item; undefined if there is none." "{{ [1, 2]|last }} → 2";

    "length" | "count" => sequences::length, NativeOne "len"("", "obj")[];
    "The number of items or characters." "{{ 'abc'|length }} → 3";

    "list" => sequences::list, Python "sync_do_list"("", "value")[];
    "The items as a list." "{{ 'ab'|list }} → ['a', 'b']";

    "lower" => texts::lower, Python "do_lower"("", "s")[];
    "The text in lower case." "{{ 'Ab'|lower }} → ab";

    "map" => apply::map, Python "sync_do_map"("context", "value")[] variadic;
    "A filter, or an attribute, of each item."
    "{{ ['a', 'b']|map('upper')|list }} → ['A', 'B']"
    "{{ [{'a': 1}, {}]|map(attribute='a', default=0)|list }} → [1, 0]";

    "max" => order::max, Python "do_max"("environment", "value")["case_sensitive" = "false", "attribute" = "none"];
    "The largest item; undefined if there is none." "{{ [1, 3, 2]|max }} → 3";

    "min" => order::min, Python "do_min"("environment", "value")["case_sensitive" = "false", "attribute" = "none"];
    "The smallest item; undefined if there is none." "{{ [2, 1, 3]|min }} → 1";

    "pprint" => texts::pprint, Python "do_pprint"("", "value")[];
    "The value as Python's `pprint` writes it." "{{ {'a': 1}|pprint }} → {'a': 1}";

    "random" => sequences::random, Python "do_random"("context", "seq")[];
    "One of the items; undefined if there is none." "{{ [1]|random }} → 1";

    "reject" => apply::reject, Python "sync_do_reject"("context", "value")[] variadic;
    "The items that a test is not true of." "{{ [1, 2, 3]|reject('odd')|list }} → [2]";

    "rejectattr" => apply::rejectattr, Python "sync_do_rejectattr"("context", "value")[] variadic;
    "The items with an attribute that a test is not true of."
    "{{ [{'a': 0}, {'a': 1}]|rejectattr('a')|list }} → [{'a': 0}]";

    "replace" => texts::replace, Python "do_replace"("eval_ctx", "s")["old", "new", "count" = "none"];
    "The text with `new` for `old`, `count` times or everywhere."
    "{{ 'aaa'|replace('a', 'b', 2) }} → bba";

    "reverse" => sequences::reverse, Python "do_reverse"("", "value")[];
    "The text or the items from the end." "{{ [1, 2]|reverse|list }} → [2, 1]";

    "round" => numbers::round, Python "do_round"("", "value")["precision" = "0", "method" = "'common'"];
    "The number, rounded (`common`, `ceil` or `floor`) to `precision` digits."
    "{{ 2.5|round }} → 2.0" "{{ 42.55|round(1, 'floor') }} → 42.5";

    "safe" => markup::safe, Python "do_mark_safe"("", "value")[];
    "The text as markup, which is not escaped." "{{ '<b>'|safe }} → <b>";

    "select" => apply::select, Python "sync_do_select"("context", "value")[] variadic;
    "The items that a test is true of." "{{ [1, 2, 3]|select('odd')|list }} → [1, 3]";

    "selectattr" => apply::selectattr, Python "sync_do_selectattr"("context", "value")[] variadic;
    "The items with an attribute that a test is true of."
    "{{ [{'a': 0}, {'a': 1}]|selectattr('a', 'eq', 1)|list }} → [{'a': 1}]";

    "slice" => sequences::slice, Python "sync_do_slice"("", "value")["slices", "fill_with" = "none"];
    "The items in `slices` lists; the shorter ones are filled up with `fill_with`."
    "{{ [1, 2, 3]|slice(2)|list }} → [[1, 2], [3]]";

    "sort" => order::sort,
    Python "do_sort"("environment", "value")["reverse" = "false", "case_sensitive" = "false", "attribute" = "none"];
    "The items, sorted; by attributes (`'a,b.c'`) if they are given." "{{ ['b', 'A']|sort }} → ['A', 'b']";

    "string" => texts::string, Python "soft_str"("", "s")[];
    "The value as a text; markup stays markup." "{{ 1|string ~ 2 }} → 12";

    "striptags" => markup::striptags, Python "do_striptags"("", "value")[];
    "The text without tags, and with single spaces." "{{ '<p>a  <b>b</b></p>'|striptags }} → a b";

    "sum" => sequences::sum, Python "sync_do_sum"("environment", "iterable")["attribute" = "none", "start" = "0"];
    "The sum of the items, or of an attribute of each." "{{ [1, 2]|sum }} → 3";

    "title" => texts::title, Python "do_title"("", "s")[];
    "Each word with its first character in upper case." "{{ \"it's a-b\"|title }} → It's A-B";

    "tojson" => markup::tojson, Python "do_tojson"("eval_ctx", "value")["indent" = "none"];
    "The value as JSON that is safe in HTML." "{{ {'a': '<'}|tojson }} → {\"a\": \"\\u003c\"}";

    "trim" => texts::trim, Python "do_trim"("", "value")["chars" = "none"];
    "The text without spaces (or `chars`) at its ends." "{{ '  a '|trim }} → a";

    "truncate" => texts::truncate,
    Python "do_truncate"("env", "s")["length" = "255", "killwords" = "false", "end" = "'...'", "leeway" = "none"];
    "The text, cut to `length` characters at a space." "{{ 'foo bar baz qux'|truncate(9) }} → foo...";

    "unique" => order::unique,
    Python "sync_do_unique"("environment", "value")["case_sensitive" = "false", "attribute" = "none"];
    "The items without repetitions." "{{ ['a', 'A', 'b']|unique|list }} → ['a', 'b']";

    "upper" => texts::upper, Python "do_upper"("", "s")[];
    "The text in upper case." "{{ 'ab'|upper }} → AB";

    "urlencode" => markup::urlencode, Python "do_urlencode"("", "value")[];
    "A text quoted for a URL; a mapping or pairs as a query."
    "{{ 'a b/c'|urlencode }} → a%20b/c" "{{ {'a': 'b c'}|urlencode }} → a=b+c";

    "urlize" => markup::urlize,
    Python "do_urlize"("eval_ctx", "value")[
        "trim_url_limit" = "none", "nofollow" = "false", "target" = "none", "rel" = "none", "extra_schemes" = "none"
    ];
    "The text with its URLs and mail addresses as links."
    "{{ 'www.a.org'|urlize }} → <a href=\"https://www.a.org\" rel=\"noopener\">www.a.org</a>";

    "wordcount" => texts::wordcount, Python "do_wordcount"("", "s")[];
    "The number of words." "{{ 'a b, c'|wordcount }} → 3";

    "wordwrap" => texts::wordwrap,
    Python "do_wordwrap"("environment", "s")[
        "width" = "79", "break_long_words" = "true", "wrapstring" = "none", "break_on_hyphens" = "true"
    ];
    "The lines of the text, broken at `width` characters." "{{ 'a b c'|wordwrap(3, wrapstring='/') }} → a b/c";

    "xmlattr" => markup::xmlattr, Python "do_xmlattr"("eval_ctx", "d")["autospace" = "true"];
    "A mapping as attributes of a tag, without those that are none or undefined."
    "<a{{ {'id': 1, 'x': none}|xmlattr }}> → <a id=\"1\">";
}

builtins! { TEST_SPECS test_body TestBody:
    "boolean" => tests::boolean, Python "test_boolean"("", "value")[];
    "Is it true or false?" "{{ true is boolean }} → True";
    "callable" => tests::callable, NativeOne "callable"("", "obj")[];
    "Can it be called?" "{{ range is callable }} → True";
    "defined" => tests::defined, Python "test_defined"("", "value")[];
    "Is it not undefined?" "{{ missing is defined }} → False";
    "divisibleby" => tests::divisibleby, Python "test_divisibleby"("", "value")["num"];
    "Is it a multiple of `num`?" "{{ 6 is divisibleby 3 }} → True";
    "eq" | "==" | "equalto" => tests::eq, NativeTwo "eq"("", "a")["b"];
    "Are they equal?" "{{ [1, 2]|select('==', 1)|list }} → [1]";
    "escaped" => tests::escaped, Python "test_escaped"("", "value")[];
    "Is it markup?" "{{ 'a'|safe is escaped }} → True";
    "even" => tests::even, Python "test_even"("", "value")[];
    "Is it even?" "{{ 2 is even }} → True";
    "false" => tests::is_false, Python "test_false"("", "value")[];
    "Is it `false` itself?" "{{ 0 is false }} → False";
    "filter" => tests::filter, Python "test_filter"("env", "value")[];
    "Is it the name of a filter?" "{{ 'upper' is filter }} → True";
    "float" => tests::float, Python "test_float"("", "value")[];
    "Is it a float?" "{{ 1.0 is float }} → True";
    "ge" | ">=" => tests::ge, NativeTwo "ge"("", "a")["b"];
    "Is it at least the other one?" "{{ 2 is ge 2 }} → True";
    "gt" | ">" | "greaterthan" => tests::gt, NativeTwo "gt"("", "a")["b"];
    "Is it more than the other one?" "{{ 2 is gt 1 }} → True";
    "in" => tests::contained, Python "test_in"("", "value")["seq"];
    "Is it in the other one?" "{{ 1 is in [1, 2] }} → True";
    "integer" => tests::integer, Python "test_integer"("", "value")[];
    "Is it an integer (and no boolean)?" "{{ true is integer }} → False";
    "iterable" => tests::iterable, Python "test_iterable"("", "value")[];
    "Can it be iterated over?" "{{ 'abc' is iterable }} → True";
    "le" | "<=" => tests::le, NativeTwo "le"("", "a")["b"];
    "Is it at most the other one?" "{{ 2 is le 2 }} → True";
    "lower" => tests::lower, Python "test_lower"("", "value")[];
    "Is its text in lower case?" "{{ 'ab' is lower }} → True";
    "lt" | "<" | "lessthan" => tests::lt, NativeTwo "lt"("", "a")["b"];
    "Is it less than the other one?" "{{ 1 is lt 2 }} → True";
    "mapping" => tests::mapping, Python "test_mapping"("", "value")[];
    "Is it a mapping?" "{{ {} is mapping }} → True";
    "ne" | "!=" => tests::ne, NativeTwo "ne"("", "a")["b"];
    "Are they not equal?" "{{ 1 is ne 2 }} → True";
    "none" => tests::none, Python "test_none"("", "value")[];
    "Is it none?" "{{ none is none }} → True";
    "number" => tests::number, Python "test_number"("", "value")[];
    "Is it a number (or a boolean)?" "{{ true is number }} → True";
    "odd" => tests::odd, Python "test_odd"("", "value")[];
    "Is it odd?" "{{ 1 is odd }} → True";
    "sameas" => tests::sameas, Python "test_sameas"("", "value")["other"];
    "Are they the same object?" "{{ none is sameas none }} → True";
    "sequence" => tests::sequence, Python "test_sequence"("", "value")[];
    "Has it a length and items?" "{{ 'abc' is sequence }} → True";
    "string" => tests::string, Python "test_string"("", "value")[];
    "Is it a text?" "{{ 'abc' is string }} → True";
    "test" => tests::test, Python "test_test"("env", "value")[];
    "Is it the name of a test?" "{{ 'odd' is test }} → True";
    "true" => tests::is_true, Python "test_true"("", "value")[];
    "Is it `true` itself?" "{{ 1 is true }} → False";
    "undefined" => tests::undefined, Python "test_undefined"("", "value")[];
    "Is it undefined?" "{{ missing is undefined }} → True";
    "upper" => tests::upper, Python "test_upper"("", "value")[];
    "Is its text in upper case?" "{{ 'AB' is upper }} → True";
}

specs! { GLOBAL_SPECS:
    "cycler", Python "Cycler.__init__"("self", "")[] items;
    "An object that gives its items in turn: `next()`, `current`, `reset()`."
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }} → aba";

    "dict", Host "dict"("", "")[] variadic;
    "A mapping of a mapping or of pairs, and of keyword arguments." "{{ dict([('a', 1)], b=2) }} → {'a': 1, 'b': 2}";

    "joiner", Python "Joiner.__init__"("self", "")["sep" = "', '"];
    "A function that returns nothing the first time, then `sep`."
    "{% set j = joiner('|') %}{{ j() }}a{{ j() }}b → a|b";

    "lipsum", Python "generate_lorem_ipsum"("", "")["n" = "5", "html" = "true", "min" = "20", "max" = "100"];
    "`n` paragraphs of `min` to `max` words (less one) that mean nothing; as markup with `html`."
    "{{ lipsum(2, false, 7, 8)|wordcount }} → 14";

    "namespace", Host "Namespace"("", "")[] variadic;
    "An object with attributes that a template can set, in an inner scope too."
    "{% set n = namespace(a=1) %}{% for i in [2, 3] %}{% set n.a = i %}{% endfor %}{{ n.a }} → 3";

    "range", Host "range"("", "")["start", "stop" = "none", "step" = "1"];
    "The integers from `start` (0 if there is one argument) up to but not including `stop`."
    "{{ range(3)|list }} → [0, 1, 2]" "{{ range(4, 0, -2)|list }} → [4, 2]";
}

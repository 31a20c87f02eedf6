//! Numbers.

use serde_json::{Value, json};

use super::{Args, check, float_json, int_json, number_json, written};
use crate::python::error::Result;
use crate::python::number::compare::compare;
use crate::python::number::{Int, Number, float, parse};

/// As many bits as the recorder allows a power.
const MAX_BITS: u64 = 3000;

#[test]
fn numbers() {
    check("number", call);
}

fn call(name: &str, args: &Args<'_>) -> Result<Value> {
    Ok(match name {
        "repr_float" => {
            return written(|out| {
                float::write_repr(out, args.float(0));
                Ok(())
            });
        }
        "str_int" => return written(|out| args.int(0).write(out)),
        "hash" => json!(args.number(0).hash()),
        "int_of_float" => int_json(&Int::from_f64(args.float(0))?),
        "float_of_int" => float_json(args.int(0).to_f64()?),
        "round_none" => int_json(&float::round_to_int(args.float(0))?),
        "round_float" => float_json(float::round(args.float(0), args.i64(1))?),
        "round_int" => int_json(&args.int(0).round(args.i64(1))),
        "bit_length" => json!(args.int(0).bit_length()),
        "neg" => int_json(&args.int(0).neg()),
        "abs" => int_json(&args.int(0).abs()),
        "parse_int" => int_json(&parse::parse_int(args.text(0), args.i64(1))?),
        "parse_float" => float_json(parse::parse_float(args.text(0))?),
        "compare" => json!(compare(&args.number(0), &args.number(1)).map(|order| order as i8)),
        _ if name.starts_with("mixed_") => {
            number_json(&mixed(&name["mixed_".len()..], &args.number(0), &args.number(1))?)
        }
        _ => return binary(name, &args.number(0), &args.number(1)),
    })
}

fn binary(name: &str, a: &Number, b: &Number) -> Result<Value> {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => Ok(match name {
            "add" => int_json(&a.add(b)),
            "sub" => int_json(&a.sub(b)),
            "mul" => int_json(&a.mul(b, 1 << 20)?),
            "floor_div" => int_json(&a.floor_div(b)?),
            "modulo" => int_json(&a.modulo(b)?),
            "divmod" => {
                let (quotient, rest) = a.div_mod(b)?;
                Value::Array(vec![int_json(&quotient), int_json(&rest)])
            }
            "true_div" => float_json(a.true_div(b)?),
            "power" => number_json(&a.power(b, MAX_BITS)?),
            _ => panic!("no function {name}"),
        }),
        (Number::Float(a), Number::Float(b)) => Ok(match name {
            "floor_div" => float_json(float::floor_div(*a, *b)?),
            "modulo" => float_json(float::modulo(*a, *b)?),
            "divmod" => {
                let (quotient, rest) = float::div_mod(*a, *b)?;
                Value::Array(vec![float_json(quotient), float_json(rest)])
            }
            "true_div" => float_json(float::true_div(*a, *b)?),
            "power" => float_json(float::power(*a, *b)?),
            _ => panic!("no function {name}"),
        }),
        _ => panic!("{name} of mixed numbers"),
    }
}

fn mixed(name: &str, a: &Number, b: &Number) -> Result<Number> {
    match name {
        "add" => a.add(b),
        "sub" => a.sub(b),
        "mul" => a.mul(b, 1 << 20),
        "true_div" => a.true_div(b),
        "floor_div" => a.floor_div(b),
        "modulo" => a.modulo(b),
        "power" => a.power(b, MAX_BITS),
        _ => panic!("no function {name}"),
    }
}

//! Reads an expression and calculates it on the way.

use std::f64::consts;

use winnow::{
    ModalResult, Parser,
    ascii::{digit0, digit1, multispace0},
    combinator::{
        Infix, Postfix, Prefix, alt, cut_err, delimited, expression, not, opt, preceded, separated,
        terminated,
    },
    error::{ErrMode, ParserError},
    stream::Stream,
    token::{one_of, take_while},
};

use super::number::{Message, Number};

/// How many parentheses within one another, all powers counted too: reading goes as deep.
const NESTED_MAX: usize = 32;
/// How much of what cannot be read is shown, in characters.
const SHOWN_MAX: usize = 20;

pub(super) const CONSTANTS: [&str; 3] = ["pi", "e", "tau"];

pub(super) const FUNCTIONS: [&str; 20] = [
    "abs", "sqrt", "cbrt", "exp", "ln", "log2", "log10", "sin", "cos", "tan", "asin", "acos",
    "atan", "atan2", "floor", "ceil", "round", "trunc", "min", "max",
];

/// The value of an expression.
pub(super) fn parse(text: &str) -> Result<Number, Message> {
    if nested(text) > NESTED_MAX {
        return Err(format!("more than {NESTED_MAX} nested parentheses and powers").into());
    }
    terminated(sum, multispace0).parse(text).map_err(|error| {
        let rest: String =
            text.chars().skip(before(text, error.offset())).take(SHOWN_MAX).collect();
        error.into_inner().0.unwrap_or_else(|| match rest.is_empty() {
            true => "the expression ends too early".into(),
            false => format!("cannot read it from here on: {rest}").into(),
        })
    })
}

/// How deep reading may go at most: a parenthesis can be closed, a power may go on to the end.
fn nested(text: &str) -> usize {
    let (mut open, mut powers, mut deepest) = (0_usize, 0, 0);
    for byte in text.bytes() {
        match byte {
            b'(' => open += 1,
            b')' => open = open.saturating_sub(1),
            b'^' => powers += 1,
            _ => {}
        }
        deepest = deepest.max(open + powers);
    }
    deepest
}

/// How many characters stand before a byte.
fn before(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(index, _)| *index < byte).count()
}

/// Why reading stopped; without a message it was not understood.
#[derive(Debug)]
struct Stuck(Option<Message>);

impl<I: Stream> ParserError<I> for Stuck {
    type Inner = Self;

    fn from_input(_: &I) -> Self {
        Self(None)
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

type Parsed<T> = ModalResult<T, Stuck>;

/// What cannot be calculated is no reason to try to read it in another way.
fn sure(result: Result<Number, Message>) -> Parsed<Number> {
    result.map_err(|message| ErrMode::Cut(Stuck(Some(message))))
}

/// By custom a sign binds less than a power, -2^2 is -4, and powers begin at the right.
fn sum(input: &mut &str) -> Parsed<Number> {
    expression(operand)
        .prefix(preceded(multispace0, sign))
        .infix(preceded(multispace0, operator))
        .postfix(
            preceded(multispace0, '!')
                .map(|_| Postfix(9, |_: &mut _, a| sure(Number::factorial(a)))),
        )
        .parse_next(input)
}

/// One sign at most, so that signs do not nest.
fn sign<'i>(input: &mut &'i str) -> Parsed<Prefix<&'i str, Number, ErrMode<Stuck>>> {
    let sign = terminated(one_of(['-', '+']), not((multispace0, one_of(['-', '+']))));
    sign.map(|sign| match sign {
        '-' => Prefix(5, |_: &mut _, a| sure(Number::neg(a))),
        _ => Prefix(5, |_: &mut _, a| Ok(a)),
    })
    .parse_next(input)
}

fn operator<'i>(input: &mut &'i str) -> Parsed<Infix<&'i str, Number, ErrMode<Stuck>>> {
    one_of(['+', '-', '*', '/', '%', '^'])
        .map(|operator| match operator {
            '+' => Infix::Left(1, |_: &mut _, a, b| sure(Number::add(a, b))),
            '-' => Infix::Left(1, |_: &mut _, a, b| sure(Number::sub(a, b))),
            '*' => Infix::Left(3, |_: &mut _, a, b| sure(Number::mul(a, b))),
            '/' => Infix::Left(3, |_: &mut _, a, b| sure(Number::div(a, b))),
            '%' => Infix::Left(3, |_: &mut _, a, b| sure(Number::rem(a, b))),
            _ => Infix::Right(7, |_: &mut _, a, b| sure(Number::pow(a, b))),
        })
        .parse_next(input)
}

fn operand(input: &mut &str) -> Parsed<Number> {
    preceded(multispace0, alt((number, named, parenthesised(sum)))).parse_next(input)
}

fn parenthesised<'i, T>(
    inner: impl Parser<&'i str, T, ErrMode<Stuck>>,
) -> impl Parser<&'i str, T, ErrMode<Stuck>> {
    delimited((multispace0, '('), cut_err(inner), cut_err((multispace0, ')')))
}

fn number(input: &mut &str) -> Parsed<Number> {
    let exponent = (one_of(['e', 'E']), opt(one_of(['+', '-'])), digit1);
    let whole_part = (digit1, opt(('.', digit0))).void();
    let text = (alt((whole_part, ('.', digit1).void())), opt(exponent)).take().parse_next(input)?;
    match (text.parse(), text.parse()) {
        (Ok(whole), _) => Ok(Number::Whole(whole)),
        (_, Ok(double)) => sure(Number::finite(double)),
        _ => Err(ErrMode::Backtrack(Stuck(None))),
    }
}

fn named(input: &mut &str) -> Parsed<Number> {
    let first = one_of(|c: char| c.is_ascii_alphabetic());
    let others = take_while(0.., |c: char| c.is_ascii_alphanumeric() || c == '_');
    let name = (first, others).take().parse_next(input)?;
    match name {
        "pi" => Ok(Number::Double(consts::PI)),
        "e" => Ok(Number::Double(consts::E)),
        "tau" => Ok(Number::Double(consts::TAU)),
        _ if FUNCTIONS.contains(&name) => {
            let several = separated(1.., sum, (multispace0, ','));
            let arguments: Vec<Number> = cut_err(parenthesised(several)).parse_next(input)?;
            sure(apply(name, &arguments))
        }
        _ => {
            let (functions, constants) = (FUNCTIONS.join(", "), CONSTANTS.join(", "));
            let name: String = name.chars().take(SHOWN_MAX).collect();
            sure(Err(format!("{name} is unknown; there are {functions}, {constants}").into()))
        }
    }
}

fn apply(name: &str, arguments: &[Number]) -> Result<Number, Message> {
    match (name, arguments) {
        ("min", [first, others @ ..]) => Ok(others.iter().fold(*first, |a, b| a.min(*b))),
        ("max", [first, others @ ..]) => Ok(others.iter().fold(*first, |a, b| a.max(*b))),
        ("atan2", [y, x]) => Number::finite(y.double().atan2(x.double())),
        ("abs", [x]) => x.abs(),
        ("floor", [x]) => x.rounded(f64::floor),
        ("ceil", [x]) => x.rounded(f64::ceil),
        ("round", [x]) => x.rounded(f64::round),
        ("trunc", [x]) => x.rounded(f64::trunc),
        (_, [x]) => match of_doubles(name) {
            Some(function) => Number::finite(function(x.double())),
            None => Err(format!("{name} takes another number of arguments").into()),
        },
        _ => Err(format!("{name} takes another number of arguments").into()),
    }
}

fn of_doubles(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "sqrt" => f64::sqrt,
        "cbrt" => f64::cbrt,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        _ => return None,
    })
}

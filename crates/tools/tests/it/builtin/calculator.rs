//! `calculator`.

use polychat_core::{FailureKind, content::text_of, ports::Tool};
use polychat_tools::builtin::calculator;
use proptest::prelude::*;
use serde_json::json;

use crate::support::call;

/// The value of an expression, or why there is none.
async fn value(expression: &str) -> Result<String, String> {
    match call(&calculator(), json!({ "expression": expression })).await {
        Ok(output) => Ok(text_of(&output.parts)),
        Err(failure) => {
            assert_eq!(failure.kind, FailureKind::ToolFailed);
            Err(failure.message.to_string())
        }
    }
}

async fn all_are(table: &[(&str, &str)]) {
    for (expression, expected) in table {
        assert_eq!(value(expression).await.as_deref(), Ok(*expected), "{expression}");
    }
}

async fn all_fail(table: &[(&str, &str)]) {
    for (expression, reason) in table {
        let failed = value(expression).await.unwrap_err();
        assert!(failed.contains(reason), "{expression:?}: {failed}");
    }
}

#[tokio::test]
async fn operators_bind_as_in_mathematics() {
    all_are(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("8 - 3 - 2", "3"),
        ("16 / 4 / 2", "2"),
        ("17 % 5", "2"),
        ("-17 % 5", "-2"),
        ("2 * 17 % 5", "4"),
        ("2^3^2", "512"),
        ("-2^2", "-4"),
        ("(-2)^2", "4"),
        ("2^-2", "0.25"),
        ("2^-1^2", "0.5"),
        ("2^-3*4", "0.5"),
        ("3 * -2^2", "-12"),
        ("5 - -2^2", "9"),
        ("6 / -2 * 3", "-9"),
        ("1--1", "2"),
        ("+3", "3"),
        ("3!", "6"),
        ("-3!", "-6"),
        ("2^3!", "64"),
        ("3!!", "720"),
        ("2 * 3!", "12"),
        (" ( ( 1 ) ) ", "1"),
        ("sqrt(16)^2", "16"),
        ("-sqrt(16)", "-4"),
    ])
    .await;
}

#[tokio::test]
async fn numbers_may_be_written_as_usual() {
    all_are(&[
        ("007", "7"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("2e+2", "200"),
        ("2*e", "5.43656365691809"),
    ])
    .await;
    all_fail(&[
        ("2e", "from here on: e"),
        ("1,000", "from here on: ,000"),
        ("1_000", "from here on: _000"),
        ("1 000", "from here on: 000"),
        ("2pi", "from here on: pi"),
        ("0x10", "from here on: x10"),
        ("1.2.3", "from here on: .3"),
        ("NaN", "NaN is unknown"),
        ("inf", "inf is unknown"),
    ])
    .await;
}

#[tokio::test]
async fn whole_numbers_are_exact_and_decimals_show_no_noise() {
    all_are(&[
        ("123456789 * 987654321", "121932631112635269"),
        ("2^126", "85070591730234615865843651857942052864"),
        ("33!", "8683317618811886495518194401280000000"),
        ("10^38", "100000000000000000000000000000000000000"),
        ("9007199254740993 + 0", "9007199254740993"),
        ("7 / 2", "3.5"),
        ("6 / 2", "3"),
        ("10^20 / 10^18", "100"),
        ("1 / 3", "0.333333333333333"),
        ("0.1 + 0.2", "0.3"),
        ("1.1 * 100", "110"),
        ("2 ^ 0.5", "1.4142135623731"),
        ("10^39", "1e39"),
        ("2^200", "1.60693804425899e60"),
        ("100!", "9.33262154439441e157"),
        ("1 / 10^9", "1e-9"),
        ("0 * -1.5", "0"),
        ("170141183460469231731687303715884105727 + 1", "1.70141183460469e38"),
        ("-170141183460469231731687303715884105727 - 2", "-1.70141183460469e38"),
    ])
    .await;
}

#[tokio::test]
async fn every_function_and_constant_that_it_names_is_there() {
    all_are(&[
        ("abs(-3)", "3"),
        ("abs(2.5)", "2.5"),
        ("sqrt(2)", "1.4142135623731"),
        ("cbrt(-27)", "-3"),
        ("exp(1)", "2.71828182845905"),
        ("ln(e)", "1"),
        ("log2(8)", "3"),
        ("log10(1000)", "3"),
        ("sin(pi / 2)", "1"),
        ("cos(tau)", "1"),
        ("tan(0)", "0"),
        ("asin(1) * 2", "3.14159265358979"),
        ("acos(1)", "0"),
        ("atan(1) * 4", "3.14159265358979"),
        ("atan2(1, -1) * 4 / 3", "3.14159265358979"),
        ("floor(-2.5)", "-3"),
        ("ceil(2.1)", "3"),
        ("round(2.5)", "3"),
        ("trunc(-2.9)", "-2"),
        ("floor(10^30)", "1000000000000000000000000000000"),
        ("min(3, 1, 2)", "1"),
        ("max ( 3 , 10 / 2 )", "5"),
        ("max(1)", "1"),
    ])
    .await;
    let description = calculator().spec().description;
    let names = description.split("parentheses, ").nth(1).unwrap().split(" with radians").next();
    for name in names.unwrap().split(' ') {
        // With one argument or with two, but never unknown.
        let (one, two) = (value(&format!("{name}(1)")).await, value(&format!("{name}(1,1)")).await);
        assert!(one.is_ok() || two.is_ok(), "{name}: {one:?} {two:?}");
    }
}

// Issue 3: what goes wrong is said in words that a model can mend.
#[tokio::test]
async fn what_cannot_be_calculated_or_read_says_why() {
    all_fail(&[
        ("1 / 0", "division by zero"),
        ("1 / (0.5 - 0.5)", "division by zero"),
        ("5 % 0", "division by zero"),
        ("0 ^ -1", "division by zero"),
        ("sqrt(-1)", "no real number"),
        ("(-8)^(1/3)", "no real number"),
        ("asin(2)", "no real number"),
        ("ln(0)", "too large"),
        ("10^400", "too large"),
        ("1e999", "too large"),
        ("exp(1000)", "too large"),
        ("9^9^9^9", "too large"),
        ("171!", "171 is no whole number from 0 to 170"),
        ("(-1)!", "-1 is no whole number"),
        ("2.5!", "from 0 to 170"),
        ("", "ends too early"),
        ("   ", "ends too early"),
        ("1 +", "ends too early"),
        ("(1", "ends too early"),
        ("sin(", "ends too early"),
        ("()", "from here on: )"),
        ("1 + * 2", "from here on: * 2"),
        ("1)", "from here on: )"),
        ("2 (3)", "from here on: (3)"),
        ("--1", "from here on: -"),
        ("sin", "ends too early"),
        ("sin 1", "from here on: "),
        ("sin()", "from here on: )"),
        ("sin(1, 2)", "sin takes another number of arguments"),
        ("atan2(1)", "atan2 takes another number of arguments"),
        ("log(10)", "log is unknown; there are abs, sqrt"),
        ("x + 1", "x is unknown"),
        ("é", "from here on: é"),
        ("1 + 日本", "from here on: 日本"),
    ])
    .await;
    // A name may be as long as it likes.
    assert!(value(&"x".repeat(1_000)).await.unwrap_err().len() < 300);
    assert!(value(&format!("1{}", "$".repeat(1_000))).await.unwrap_err().len() < 100);
}

// Law 7: what nests has a bound, for a stack has one.
#[tokio::test]
async fn what_nests_is_bounded_and_the_bound_fits_on_a_small_stack() {
    let nested =
        |n: usize, open: &str, close: &str| format!("{}1{}", open.repeat(n), close.repeat(n));
    let shapes = [("(", ")"), ("2^-", ""), ("-(", ")"), ("1+2*3^(", ")"), ("max(1,", ")")];
    for (open, close) in shapes {
        for n in [16, 32, 33, 100] {
            let expression = nested(n, open, close);
            let count = expression.matches(['(', '^']).count();
            // A quarter of what the threads of a runtime have.
            let small = std::thread::Builder::new().stack_size(512 * 1024);
            let run = move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(value(&expression))
            };
            let result = small.spawn(run).unwrap().join().unwrap();
            let refused = result.is_err_and(|why| why.contains("more than 32 nested"));
            assert_eq!(refused, count > 32, "{open} {n}");
        }
    }
    // What stands side by side does not nest.
    let many = vec!["(1)"; 100].join("+");
    assert_eq!(value(&many).await.as_deref(), Ok("100"));
    // Long but flat is no problem, up to the length.
    assert_eq!(value(&format!("1{}", "+1".repeat(511))).await.as_deref(), Ok("512"));
    assert!(value(&format!("1{}", "+1".repeat(512))).await.unwrap_err().contains("longer than"));
}

/// Texts that look like expressions, most of them broken somewhere.
fn expressions() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "1",
        "0",
        "2.5",
        ".",
        "1e300",
        "99999999999999999999",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "!",
        "(",
        ")",
        ",",
        " ",
        "pi",
        "e",
        "sqrt(",
        "ln(",
        "max(",
        "min(1,",
        "atan2(",
        "x",
        "_",
        "é",
        "170141183460469231731687303715884105727",
        "floor(",
        "1e-300",
        "0.1",
        "\t",
        "\0",
    ]);
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    // Issue 3
    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![expressions(), any::<String>()]) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match runtime.block_on(value(&text)) {
            Ok(value) => prop_assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{value}"),
            Err(reason) => prop_assert!(!reason.is_empty() && reason.len() < 300),
        }
    }

    #[test]
    fn whole_numbers_are_calculated_as_rust_does(a in any::<i64>(), b in any::<i64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (wide_a, wide_b) = (i128::from(a), i128::from(b));
        for (operator, expected) in [
            ("+", Some(wide_a + wide_b)),
            ("-", Some(wide_a - wide_b)),
            ("*", Some(wide_a * wide_b)),
            ("%", wide_a.checked_rem(wide_b)),
        ] {
            let result = runtime.block_on(value(&format!("({a}) {operator} ({b})")));
            prop_assert_eq!(result.ok(), expected.map(|number| number.to_string()));
        }
    }

    #[test]
    fn what_it_answers_it_reads_again(a in -1e12..1e12_f64, b in 0.001..1e6_f64) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let quotient = runtime.block_on(value(&format!("({a}) / {b}"))).unwrap();
        let again = runtime.block_on(value(&quotient)).unwrap();
        prop_assert_eq!(&quotient, &again);
        let (told, exact) = (quotient.parse::<f64>().unwrap(), a / b);
        prop_assert!((told - exact).abs() <= exact.abs() * 1e-14, "{told} {exact}");
    }
}

//! The numbers of the calculator: whole ones as long as they fit, doubles otherwise.

use std::{borrow::Cow, fmt};

/// Why something cannot be calculated.
pub(super) type Message = Cow<'static, str>;

/// A number that is never infinite and always a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// Exact.
    Whole(i128),
    /// Finite.
    Double(f64),
}

use Number::{Double, Whole};

/// Doubles up to here are whole exactly when they look so.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The largest number whose factorial is a double.
const FACTORIAL_MAX: i128 = 170;

impl Number {
    /// A result of doubles, if it is a number.
    pub(super) fn finite(value: f64) -> Result<Self, Message> {
        if value.is_nan() {
            Err("the result is no real number".into())
        } else if value.is_infinite() {
            Err("the result is too large".into())
        } else {
            Ok(Double(value))
        }
    }

    /// The nearest double.
    #[allow(clippy::cast_precision_loss)] // that is what doubles are
    pub(super) fn double(self) -> f64 {
        match self {
            Whole(value) => value as f64,
            Double(value) => value,
        }
    }

    fn either(
        self,
        other: Self,
        whole: fn(i128, i128) -> Option<i128>,
        double: fn(f64, f64) -> f64,
    ) -> Result<Self, Message> {
        if let (Whole(a), Whole(b)) = (self, other)
            && let Some(result) = whole(a, b)
        {
            return Ok(Whole(result));
        }
        Self::finite(double(self.double(), other.double()))
    }

    pub(super) fn add(self, other: Self) -> Result<Self, Message> {
        self.either(other, i128::checked_add, |a, b| a + b)
    }

    pub(super) fn sub(self, other: Self) -> Result<Self, Message> {
        self.either(other, i128::checked_sub, |a, b| a - b)
    }

    pub(super) fn mul(self, other: Self) -> Result<Self, Message> {
        self.either(other, i128::checked_mul, |a, b| a * b)
    }

    pub(super) fn div(self, other: Self) -> Result<Self, Message> {
        if other.double() == 0.0 {
            return Err("division by zero".into());
        }
        // Whole only where nothing is left over.
        let whole = |a: i128, b| (a.checked_rem(b)? == 0).then(|| a.checked_div(b))?;
        self.either(other, whole, |a, b| a / b)
    }

    pub(super) fn rem(self, other: Self) -> Result<Self, Message> {
        if other.double() == 0.0 {
            return Err("division by zero".into());
        }
        self.either(other, i128::checked_rem, |a, b| a % b)
    }

    pub(super) fn pow(self, other: Self) -> Result<Self, Message> {
        if self.double() == 0.0 && other.double() < 0.0 {
            return Err("division by zero".into());
        }
        self.either(other, |a, b| a.checked_pow(u32::try_from(b).ok()?), f64::powf)
    }

    pub(super) fn neg(self) -> Result<Self, Message> {
        Whole(0).sub(self)
    }

    pub(super) fn abs(self) -> Result<Self, Message> {
        if self.double() < 0.0 { self.neg() } else { Ok(self) }
    }

    /// The smaller of two, by their doubles.
    pub(super) fn min(self, other: Self) -> Self {
        if other.double() < self.double() { other } else { self }
    }

    /// The larger of two, by their doubles.
    pub(super) fn max(self, other: Self) -> Self {
        if other.double() > self.double() { other } else { self }
    }

    /// A whole number stays as it is, another one is made whole by this.
    pub(super) fn rounded(self, by: fn(f64) -> f64) -> Result<Self, Message> {
        match self {
            Whole(_) => Ok(self),
            Double(value) => Self::finite(by(value)),
        }
    }

    pub(super) fn factorial(self) -> Result<Self, Message> {
        let Some(n) = self.as_whole().filter(|n| (0..=FACTORIAL_MAX).contains(n)) else {
            return Err(format!("{self} is no whole number from 0 to {FACTORIAL_MAX}").into());
        };
        (1..=n).try_fold(Whole(1), |product, factor| product.mul(Whole(factor)))
    }

    /// As a whole number, if it is one for sure.
    #[allow(clippy::cast_possible_truncation)] // checked to fit
    fn as_whole(self) -> Option<i128> {
        match self {
            Whole(value) => Some(value),
            Double(value) if value.fract() == 0.0 && value.abs() <= EXACT_MAX => {
                Some(value as i128)
            }
            Double(_) => None,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(whole) = self.as_whole() {
            return whole.fmt(f);
        }
        // 15 digits are right; what comes after them is noise, as in 0.1 + 0.2.
        let value = self.double();
        let value = format!("{value:.14e}").parse().unwrap_or(value);
        if (1e-6..1e15).contains(&value.abs()) { value.fmt(f) } else { write!(f, "{value:e}") }
    }
}

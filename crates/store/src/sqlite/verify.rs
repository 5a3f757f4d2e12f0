//! Verification.
/// T
#[derive(Debug)]
pub struct Finding;
/// T
#[derive(Debug)]
pub struct Problem;
/// T
#[derive(Debug)]
pub struct Verification;

//! What nobody can guess.

use std::io;

/// 32 bytes.
///
/// # Errors
///
/// The system has no random numbers for us.
pub fn bytes() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::from)?;
    Ok(bytes)
}

/// A name of 32 hexadecimal digits.
///
/// # Errors
///
/// The system has no random numbers for us.
pub fn id() -> io::Result<String> {
    let digits = bytes()?;
    let digits = digits[..16].iter().map(|byte| format!("{byte:02x}"));
    Ok(digits.collect())
}

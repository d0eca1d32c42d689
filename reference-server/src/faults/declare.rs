//! How the table of faults becomes an enum and a list.

/// Declares the enum [`F`] and the table [`FAULTS`] in the same order.
macro_rules! faults {
    ($($fault:ident $name:literal $requirement:literal $explanation:literal $($proof:ident)?;)*) => {
        /// A fault, for the code that commits it; [`FAULTS`] explains each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum F { $(#[doc = $explanation] $fault),* }

        /// What each fault is called and violates, in the order of [`F`].
        pub const FAULTS: &[Fault] = &[$(
            Fault {
                name: $name,
                requirement: $requirement,
                explanation: $explanation,
                proof: faults!(@proof $($proof)?),
            }
        ),*];
    };
    (@proof) => { Proof::Conversation };
    (@proof measured) => { Proof::Measurement };
}

pub(super) use faults;

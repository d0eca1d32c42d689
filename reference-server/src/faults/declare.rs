//! How the table of faults becomes an enum and a list.

/// Declares the enum [`F`] and the table [`FAULTS`] in the same order.
///
/// Behind the explanation stands what harm it does, if it is one that fuzzing looks for; `measured` before it says that
/// no conversation shows it.
macro_rules! faults {
    ($($fault:ident $name:literal $requirement:literal $explanation:literal $($mark:ident)*;)*) => {
        /// A fault, for the code that commits it; [`FAULTS`] explains each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum F { $(#[doc = $explanation] $fault),* }

        /// What each fault is called and violates, in the order of [`F`].
        pub const FAULTS: &[Fault] = &[$(
            Fault {
                name: $name,
                requirement: $requirement,
                explanation: $explanation,
                proof: faults!(@proof $($mark)*),
                harm: faults!(@harm $($mark)*),
            }
        ),*];
    };
    (@proof measured $($harm:ident)?) => { Proof::Measurement };
    (@proof $($harm:ident)?) => { Proof::Conversation };
    (@harm measured $($harm:ident)?) => { faults!(@harm $($harm)?) };
    (@harm) => { None };
    (@harm crash) => { Some(Harm::Crash) };
    (@harm hang) => { Some(Harm::Hang) };
    (@harm leak) => { Some(Harm::Leak) };
    (@harm acceptance) => { Some(Harm::Acceptance) };
}

pub(super) use faults;

//! JSON that refuses what two readers could read differently.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Number, Value};

use super::Object;

/// How a value is read: nested at most `depth` levels, and with no member name repeated.
///
/// A repeated name is refused because a gateway that takes the first and a server that takes the
/// last would see two different requests in the same bytes.
#[derive(Clone, Copy)]
pub struct Strict<'a> {
    /// How many more levels of arrays and objects are accepted.
    pub depth: usize,
    /// How many more values are: each takes more room here than in the message.
    pub values: &'a Cell<usize>,
}

/// What an object can be read into.
pub trait Members: Sized {
    /// Reads each member, and its value strictly.
    fn read<'de, A: MapAccess<'de>>(strict: Strict, access: A) -> Result<Self, A::Error>;
}

/// What was read: an object, as what it was to become, or something else.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Given<T> {
    /// The object.
    Object(T),
    /// Anything else.
    Other(Value),
}

impl<T> Given<T> {
    /// The object, if it is one.
    pub fn object(self) -> Option<T> {
        match self {
            Self::Object(object) => Some(object),
            Self::Other(_) => None,
        }
    }
}

impl From<Given<Object>> for Value {
    fn from(given: Given<Object>) -> Self {
        match given {
            Given::Object(object) => Self::Object(object),
            Given::Other(value) => value,
        }
    }
}

impl<'a> Strict<'a> {
    /// Reads a value whose objects become a `T`.
    pub fn seed<T: Members>(self) -> Seed<'a, T> {
        Seed {
            strict: self,
            shape: PhantomData,
        }
    }

    /// The value of the member whose name was read.
    pub fn value<'de, A: MapAccess<'de>>(self, access: &mut A) -> Result<Value, A::Error> {
        access
            .next_value_seed(self.seed::<Object>())
            .map(Value::from)
    }

    /// Puts the member whose name was read into `members`.
    pub fn insert<'de, A: MapAccess<'de>>(
        self,
        name: String,
        access: &mut A,
        members: &mut Object,
    ) -> Result<(), A::Error> {
        match members.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(self.value(access)?);
                Ok(())
            }
            Entry::Occupied(known) => {
                self.value(access)?;
                Err(repeated(known.key()))
            }
        }
    }

    /// The same one level further down.
    pub fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(E::custom("nested too deeply")),
        }
    }
}

/// Puts a value where there must not be one yet.
pub fn fill<T, E: Error>(place: &mut Option<T>, value: T, name: &str) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(repeated(name)),
    }
}

/// What is wrong where a name comes twice.
pub fn repeated<E: Error>(name: &str) -> E {
    E::custom(format_args!("the member {name:?} is repeated"))
}

impl Members for Object {
    fn read<'de, A: MapAccess<'de>>(strict: Strict, mut access: A) -> Result<Self, A::Error> {
        let mut members = Self::new();
        while let Some(name) = access.next_key::<String>()? {
            strict.insert(name, &mut access, &mut members)?;
        }
        Ok(members)
    }
}

/// Reads one value; see [`Strict::seed`].
pub struct Seed<'a, T> {
    strict: Strict<'a>,
    shape: PhantomData<T>,
}

impl<'de, T: Members> DeserializeSeed<'de> for Seed<'_, T> {
    type Value = Given<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Given<T>, D::Error> {
        match self.strict.values.get().checked_sub(1) {
            Some(left) => self.strict.values.set(left),
            None => return Err(D::Error::custom("too many values")),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Members> Visitor<'de> for Seed<'_, T> {
    type Value = Given<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Given<T>, E> {
        Ok(Given::Other(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Given<T>, E> {
        Ok(Given::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Given<T>, E> {
        Ok(Given::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Given<T>, E> {
        Ok(Given::Other(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Given<T>, E> {
        Number::from_f64(value)
            .map(|number| Given::Other(number.into()))
            .ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Given<T>, E> {
        Ok(Given::Other(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Given<T>, E> {
        Ok(Given::Other(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Given<T>, A::Error> {
        let inner = self.strict.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner.seed::<Object>())? {
            items.push(item.into());
        }
        Ok(Given::Other(Value::Array(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Given<T>, A::Error> {
        T::read(self.strict.deeper()?, access).map(Given::Object)
    }
}

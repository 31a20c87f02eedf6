//! The types that results can have.

use std::borrow::Cow;
use std::sync::Arc;

use super::Returned;
use crate::error::Error;
use crate::value::host::NativeHost;
use crate::value::object::Object;
use crate::value::value::Value;
use crate::value::word::Word;

impl Returned for String {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.new_text(&self, false)
    }
}
impl Returned for &str {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.new_text(self, false)
    }
}
impl Returned for Value {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.import(&self)
    }
}
impl Returned for () {
    fn into_word(self, _: &mut NativeHost) -> Result<Word, Error> {
        Ok(Word::None)
    }
}
impl Returned for bool {
    fn into_word(self, _: &mut NativeHost) -> Result<Word, Error> {
        Ok(Word::Bool(self))
    }
}
impl Returned for f64 {
    fn into_word(self, _: &mut NativeHost) -> Result<Word, Error> {
        Ok(Word::Float(self))
    }
}
macro_rules! returned_values {
    ($($Type:ty)*) => {
        $(impl Returned for $Type {
            fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
                host.import(&Value::from(self))
            }
        })*
    };
}
returned_values! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 char Arc<str> Cow<'_, str> }
impl<T: Returned> Returned for Vec<T> {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        let items = self.into_iter().map(|item| item.into_word(host)).collect::<Result<Vec<_>, _>>()?;
        Ok(host.heap.list(items))
    }
}
impl<T: Returned> Returned for Option<T> {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        match self {
            Some(value) => value.into_word(host),
            None => Ok(Word::None),
        }
    }
}
impl<T: Returned> Returned for Result<T, Error> {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        self?.into_word(host)
    }
}
impl<T: Object> Returned for T {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.import(&Value::from_object(self))
    }
}
impl Returned for Arc<dyn Object> {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.import(&Value::from(self))
    }
}
impl<T: Object> Returned for Arc<T> {
    fn into_word(self, host: &mut NativeHost) -> Result<Word, Error> {
        host.import(&Value::from(self))
    }
}

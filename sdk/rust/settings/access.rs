use alloc::string::{String, ToString};

use serde::de::{
    DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor, value::CowStrDeserializer,
};
use serde::{Deserialize, Deserializer};

use super::json::Json;
use crate::SettingsError;

type Result<T> = core::result::Result<T, SettingsError>;

/// The values of an array.
pub(super) struct Elements<'a, 'de> {
    json: &'a mut Json<'de>,
    index: usize,
}

impl<'a, 'de> Elements<'a, 'de> {
    pub(super) fn new(json: &'a mut Json<'de>) -> Self {
        Self { json, index: 0 }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = SettingsError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.json.peek() == b']' {
            return Ok(None);
        }
        if self.index > 0 {
            self.json.expect(b',')?;
        }
        let value =
            seed.deserialize(&mut *self.json).map_err(|error| error.below(&self.index.to_string()))?;
        self.index += 1;
        Ok(Some(value))
    }
}

/// The entries of an object.
pub(super) struct Entries<'a, 'de> {
    json: &'a mut Json<'de>,
    first: bool,
    key: String,
}

impl<'a, 'de> Entries<'a, 'de> {
    pub(super) fn new(json: &'a mut Json<'de>) -> Self {
        Self { json, first: true, key: String::new() }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = SettingsError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.json.peek() == b'}' {
            return Ok(None);
        }
        if !self.first {
            self.json.expect(b',')?;
        }
        self.first = false;
        let key = self.json.string()?;
        self.json.expect(b':')?;
        self.key = String::from(&*key);
        seed.deserialize(CowStrDeserializer::new(key))
            .map(Some)
            .map_err(|error: SettingsError| error.below(&self.key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(&mut *self.json).map_err(|error| error.below(&self.key))
    }
}

/// The one entry of an object that is a variant with contents.
pub(super) struct Variant<'a, 'de> {
    json: &'a mut Json<'de>,
    name: String,
}

impl<'a, 'de> Variant<'a, 'de> {
    pub(super) fn new(json: &'a mut Json<'de>) -> Self {
        Self { json, name: String::new() }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = SettingsError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(mut self, seed: V) -> Result<(V::Value, Self)> {
        let key = self.json.string()?;
        self.json.expect(b':')?;
        self.name = String::from(&*key);
        Ok((seed.deserialize(CowStrDeserializer::<SettingsError>::new(key))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = SettingsError;

    fn unit_variant(self) -> Result<()> {
        <()>::deserialize(&mut *self.json).map_err(|error| error.below(&self.name))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(&mut *self.json).map_err(|error| error.below(&self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.json.deserialize_seq(visitor).map_err(|error| error.below(&self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.json.deserialize_map(visitor).map_err(|error| error.below(&self.name))
    }
}

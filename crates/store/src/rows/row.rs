//! Reading a row, column by column from the left.

use perennial_domain::Timestamp;
use serde::de::DeserializeOwned;

use super::Value;
use crate::StoreError;

/// A row whose columns are taken in order.
pub(crate) struct Row {
    columns: std::vec::IntoIter<Value>,
}

impl Row {
    pub(crate) fn new(columns: Vec<Value>) -> Self {
        Self { columns: columns.into_iter() }
    }

    fn next(&mut self) -> Result<Value, StoreError> {
        self.columns.next().ok_or_else(|| StoreError::Corrupt("a column is missing".to_owned()))
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.text_or_null()?.ok_or_else(|| StoreError::Corrupt("NULL where there is text".to_owned()))
    }

    pub(crate) fn text_or_null(&mut self) -> Result<Option<String>, StoreError> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Integer(_) => Err(StoreError::Corrupt("a number where there is text".to_owned())),
        }
    }

    pub(crate) fn integer(&mut self) -> Result<i64, StoreError> {
        self.integer_or_null()?.ok_or_else(|| StoreError::Corrupt("NULL where there is a number".to_owned()))
    }

    pub(crate) fn integer_or_null(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(number)),
            Value::Text(_) => Err(StoreError::Corrupt("text where there is a number".to_owned())),
        }
    }

    pub(crate) fn instant(&mut self) -> Result<Timestamp, StoreError> {
        self.integer().map(Timestamp::from_millis)
    }

    pub(crate) fn instant_or_null(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.integer_or_null()?.map(Timestamp::from_millis))
    }

    /// A column that holds JSON.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        Ok(serde_json::from_str(&self.text()?)?)
    }

    /// A column that holds JSON, or nothing.
    pub(crate) fn json_or_null<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        Ok(self.text_or_null()?.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    /// A column that holds the serialized name of a unit variant.
    pub(crate) fn name<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        Ok(serde_json::from_value(serde_json::Value::String(self.text()?))?)
    }

    /// A column that holds an id.
    pub(crate) fn id<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        self.id_or_null(parse)?.ok_or_else(|| StoreError::Corrupt("NULL where there is an id".to_owned()))
    }

    /// A column that holds an id, or nothing.
    pub(crate) fn id_or_null<T>(
        &mut self,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = self.text_or_null()? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| StoreError::Corrupt(format!("{text:?} is no id")))
    }
}

//! The shapes of documents. Their schemas are made where the API is described, and nowhere else.

/// The shape of a document, by its type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Makes its schema.
    #[cfg(feature = "schema")]
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

/// The shape of the documents of a type.
macro_rules! shape {
    ($document:ty) => {{
        let _ = std::marker::PhantomData::<$document>;
        $crate::operation::Shape {
            #[cfg(feature = "schema")]
            schema: |generator| generator.subschema_for::<$document>(),
        }
    }};
}

pub(crate) use shape;

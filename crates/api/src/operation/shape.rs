//! The shapes of documents. Their schemas are made where the API is described, and nowhere else.

/// The shape of a document, by its type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Makes its schema.
    #[cfg(feature = "schema")]
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

/// A page to read.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(dead_code, reason = "only its shape is meant")]
pub(crate) struct PageView(#[cfg_attr(feature = "schema", schemars(length(max = 1_000_000)))] String);

/// A stream of events, as the HTML standard has it (§9.2, `text/event-stream`): each with an `id` to go on after, its type as `event`,
/// and the event as `data`.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(dead_code, reason = "only its shape is meant")]
pub(crate) struct StreamView(#[cfg_attr(feature = "schema", schemars(length(max = 1_000_000_000)))] String);

/// Lines of JSON: each a link of a chain, `{"seal": …, "entry": … | null}`.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(dead_code, reason = "only its shape is meant")]
pub(crate) struct LinesView(#[cfg_attr(feature = "schema", schemars(length(max = 10_000_000)))] String);

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

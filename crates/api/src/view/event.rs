//! Events, as they are published.

use perennial_events::CloudEvent;
use serde::Serialize;

/// An event: a CloudEvent (CloudEvents 1.0, JSON format).
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct EventView(pub CloudEvent);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for EventView {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventView".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let text = |max: u32| serde_json::json!({ "type": "string", "minLength": 1, "maxLength": max });
        let id = serde_json::json!({ "type": "string", "format": "uuid" });
        let sequence = serde_json::json!({ "type": "string", "maxLength": 20, "pattern": "^[0-9]{20}$" });
        schemars::json_schema!({
            "type": "object",
            "description": "What happened: a CloudEvent (CloudEvents 1.0, JSON format), as it is published.",
            "properties": {
                "specversion": { "const": "1.0" },
                "id": id,
                "source": text(100),
                "type": text(100),
                "subject": text(100),
                "time": { "type": "string", "maxLength": 30, "format": "date-time" },
                "datacontenttype": { "const": "application/json" },
                "dataschema": text(200),
                "userid": text(100),
                "stream": text(100),
                "sequence": sequence,
                "epoch": text(100),
                "previous": sequence,
                "partitionkey": text(100),
                "correlationid": text(100),
                "causationid": id,
                "traceparent": text(100),
                "idempotencykey": text(100),
                "data": { "description": "What there is to tell: one schema a type, in `schemas/events`." },
            },
            "required": [
                "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "userid",
                "stream", "sequence", "epoch", "partitionkey", "correlationid", "data",
            ],
        })
    }
}

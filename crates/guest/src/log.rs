//! The log: one JSON line an event, a fixed message plus fields. No secrets and no user's words; ids instead.

/// Something went wrong and will be made up for without anyone's help.
pub fn warn(message: &str, error: &impl std::fmt::Display) {
    line("warn", message, &error.to_string());
}

/// Something went wrong that someone should look at.
pub fn error(message: &str, error: &impl std::fmt::Display) {
    line("error", message, &error.to_string());
}

/// A request that could not be carried out because the service failed: which one, where, and why.
pub fn request_failed(component: &str, route: &str, request: &str, error: &str) {
    let line = serde_json::json!({
        "level": "error",
        "message": "a request failed",
        "component": component,
        "route": route,
        "request": request,
        "error": error,
    });
    eprintln!("{line}");
}

fn line(level: &str, message: &str, error: &str) {
    eprintln!("{}", serde_json::json!({ "level": level, "message": message, "error": error }));
}

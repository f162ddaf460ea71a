//! How long the body of a callback may be: as long as an event, which is more than a user may send.

use perennial_tests::Service;

#[test]
fn a_callback_may_be_as_long_as_an_event() {
    let service = Service::start();
    let (anyone, token) = (service.anyone(), service.token());
    for path in ["/internal/events/notifier", "/internal/events/recurrence-scheduler"] {
        // No event at all: whoever reads it whole says that it need not come again.
        for (length, expected) in [(65 * 1024, 204), (256 * 1024, 204), (256 * 1024 + 1, 413)] {
            let callback = anyone.post(path).header("dapr-api-token", &token);
            let answer = callback.body("application/cloudevents+json", vec![b' '; length]).answer();
            assert_eq!(answer.status.as_u16(), expected, "{length} bytes to {path}: {}", answer.body);
        }
    }
}

"""What schemathesis is told of this API beyond its document.

Formats whose grammar no JSON Schema says, names of things that exist, and WHY: the reasons for which a request that the document
allows may be refused nevertheless. Every other refusal of such a request is a failure.
"""

import os
import re
import uuid

import jsonschema_rs
import requests
import schemathesis
from hypothesis import strategies as st

# Whom it speaks for; nobody where there is no token.
ADDRESS, TOKEN = os.environ["CONTRACT_ADDRESS"], os.environ.get("CONTRACT_TOKEN")

# The formats.

days = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=7, unique=True)
rules = st.one_of(
    st.just("FREQ=DAILY"),
    st.builds("FREQ=DAILY;INTERVAL={};COUNT={}".format, st.integers(1, 500), st.integers(1, 5000)),
    days.map(lambda names: "FREQ=WEEKLY;BYDAY=" + ",".join(names)),
    st.builds("FREQ=MONTHLY;BYMONTHDAY={}".format, st.one_of(st.integers(1, 28), st.integers(-28, -1))),
    st.builds("FREQ=MONTHLY;BYDAY={}{};BYHOUR={}".format, st.integers(1, 4), st.just("FR"), st.integers(0, 23)),
    st.builds("FREQ=YEARLY;BYMONTH={};BYDAY=MO,TU;BYSETPOS={}".format, st.integers(1, 12), st.sampled_from([1, -1])),
)
durations = st.one_of(
    st.just("PT0S"),
    st.builds("{}P{}D".format, st.sampled_from(["", "-", "+"]), st.integers(0, 366)),
    st.builds("-PT{}H{}M".format, st.integers(0, 99), st.integers(0, 59)),
    st.builds("-P{}W".format, st.integers(0, 52)),
)
zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "Etc/GMT+12"]
schemathesis.openapi.format("recur", rules)
schemathesis.openapi.format("trigger", durations)
schemathesis.openapi.format("time-zone", st.sampled_from(zones))
lengths = st.one_of(st.builds("PT{}M".format, st.integers(1, 600)), st.builds("P{}DT{}H".format, st.integers(0, 365), st.integers(1, 23)))
schemathesis.openapi.format("positive-duration", lengths)

# The refusals that no document can foretell: (type, place, what is said, why).

WHY = [
    ("precondition-failed", None, "", "If-Match is well formed, and names another version than the current one"),
    ("idempotency-mismatch", None, "", "the key was used before"),
    ("malformed", None, "^cursor is not one", "a cursor is opaque: which were given out is known to the service alone"),
    ("malformed", None, "^from and to go together$", "one parameter needs another"),
    ("malformed", None, "^a span of time has no cursor", "one parameter excludes another"),
    ("malformed", None, "is neither an instant|is no instant", "no pattern knows the days of leap years"),
    ("invalid", r"/anchors/\d+/at", "is not an instant", "no pattern knows the days of leap years"),
    ("invalid", r"/anchors/\d+/user", "^is not the user", "whose chain it is held against"),
    ("invalid", r"/anchors/\d+/seq", "^must be a whole number", "219.0 is an integer to JSON Schema; here one is written without a fraction"),
    ("invalid", r".*/(local|dtstart|rdate/\d+|exdate/\d+)", "is not a local date", "no pattern knows the days of leap years"),
    ("invalid", r"/after", "is not an instant", "no pattern knows the days of leap years"),
    ("invalid", r".*/local", "^the year 9999 is not", "a local date of 9999 is shown, and not taken, for its zone may lie behind"),
    ("invalid", r".*/tz", "^a date without a time", "one member excludes another"),
    ("invalid", r"(/changes)?/due", "^is needed by a task that recurs", "one member needs another, also one that is there already"),
    ("invalid", r".*/reminders/\d+/trigger", "relative to a (due date|start)|the task recurs|^repeats", "one member needs or excludes another"),
    ("invalid", r".*/reminders/\d+/id", "^is no reminder of this task", "which reminders there are"),
    ("invalid", r"(.*/recurrence)?/(rrule|rdate|exdate)", "", "a rule stands to its start and its dates as RFC 5545 says, and may be "
     "too sparse to be searched"),
    ("invalid", r"(/changes)?/project", "^is no project", "which projects there are"),
    ("invalid", r"(/changes)?/parent", "^(is no other task|parts have no parts|has 100 parts)", "which tasks there are, and what they are parts of"),
    ("invalid", r"(/changes)?/start", "^must be of the same kind|is after the task is due$|is no date before", "one member goes with another"),
    ("invalid", r"/(before|after)", "^(is no task of yours|is the task that|cannot be said together|has no room)", "which tasks there are; one "
     "member excludes another"),
    ("invalid", r"", "^say (where to|either how long)", "one of some members is needed"),
    ("invalid", r"/(for|until)", "^is not between now", "the present moment"),
    ("invalid", r"/until", "is not an instant", "no pattern knows the days of leap years"),
    ("invalid", r"/reminder", "^is no reminder of this occurrence", "which reminders there are"),
    ("invalid", r"\?user", "^must be your own id", "whose token it is"),
    ("invalid", r"/name", "^is the name of another", "which projects there are"),
    ("invalid", r"", "^(tasks are in this project|there are 500 projects)", "what there is already"),
    ("invalid", r"", "^(something else has changed|its task or project is there|as many occurrences|.*cannot be taken back)", "what was "
     "changed, and what has changed since"),
    ("invalid", r"/quiet_hours/to", "", "one member excludes another"),
    ("invalid", r"/expires_at", "^has passed|^is more than ten years|is not an instant", "the present moment"),
    ("invalid", r"/identity", "^is another user's", "who exists"),
    ("invalid", r"", "secret", "how many secrets there are already"),
    ("invalid", r"/operations.*", "", "each of many commands is refused as it would be alone"),
    ("invalid", r"/filter", "", "the grammar of filters is in docs/filter.md"),
    ("invalid", r"/q", "", "what is a word of a search is in docs/search.md"),
    ("invalid", r"/sort", "^relevance needs words", "one parameter needs another"),
    ("invalid", r"/url", "^must (name|use|not contain|start)", "a public host, by its name (DNS), and what the operator allows"),
    ("invalid", r"", "^there are 10 channels", "what there is already"),
    ("invalid", r"", "^10 tests of this channel wait", "what there is already"),
    ("invalid", r"/user", "^is no user", "who exists"),
    ("invalid", r"/scopes/\d+", "^(only an admin|the token that makes)", "whose token it is to be"),
    ("invalid", r"/limit", "^must be a whole number", "219.0 is an integer to JSON Schema; here one is written without a fraction"),
    ("invalid", r"/text", "", "a line may say what cannot be, or what may be read in two ways: its grammar is in docs/quick-add.md"),
    ("invalid", r"/recurrence_id", "", "which occurrences a task has, and which are open"),
    ("invalid", r"", "^a dead letter", "what it is that was given up"),
    ("invalid", r"/after", "^must be a whole number", "219.0 is an integer to JSON Schema; here one is written without a fraction"),
]

# What nothing is there for.
# The owner, as whom it is tried, is the last admin, who stays.
UNREACHED = {"RetryParked", "DeleteMe"}
# A letter that a broker gave up: what is done to it is done with its id.
LETTERS = {"GetLetter", "ReplayLetter", "DiscardLetter"}


def foretold(problem):
    """Whether a refusal is one of those."""
    kind = problem.get("type", "").removeprefix("urn:perennial:problem:")
    errors = problem.get("errors") or [{"pointer": None, "detail": problem.get("detail", "")}]
    return all(
        any(
            kind == of
            and (place is None or re.fullmatch(place, error["pointer"] or ""))
            and re.search(said, error["detail"])
            for of, place, said, _ in WHY
        )
        for error in errors
    )


def is_allowed(case):
    """Whether a request meant to be valid is so: the tester fills up to the greatest length without regard to patterns."""
    for parameter in case.operation.definition.raw.get("parameters", []):
        sent = (case.headers or {}).get(parameter["name"])
        if sent is not None and not re.search(parameter["schema"].get("pattern", ""), sent):
            return False
    if not isinstance(case.body, dict):
        return True
    schema = case.operation.definition.raw["requestBody"]["content"][case.media_type]["schema"]
    schema = {**schema, "components": case.operation.schema.raw_schema["components"]}
    formats = {"time-zone": zones.__contains__}
    return jsonschema_rs.Draft202012Validator(schema, formats=formats, validate_formats=True).is_valid(case.body)


@schemathesis.check
def valid_is_accepted(ctx, response, case):
    """A request that the document allows is carried out, or refused for a reason that stands in WHY."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 412, 415, 422):
        return
    problem = response.json()
    assert foretold(problem) or not is_allowed(case), f"refused, though the document allows it: {problem}"


@schemathesis.check
def invalid_commands_are_refused(ctx, response, case):
    """Of many commands, those that the document does not allow are refused: all together, or each in its result."""
    if case.meta is None or case.operation.definition.raw["operationId"] != "Bulk" or response.status_code != 200:
        return
    refused = any(result["status"] >= 400 for result in response.json()["results"])
    assert refused or is_allowed(case), "carried out, though the document does not allow it"


@schemathesis.check
class EachIsReached:
    """Each operation was carried out at least once: of one that is always refused, nothing has been seen."""

    def __init__(self):
        self.done, self.all = set(), set()

    def after_response(self, ctx, response, case):
        name = case.operation.definition.raw["operationId"]
        self.all.add(name)
        if response.status_code < 300:
            self.done.add(name)

    def after_run(self, ctx):
        left = self.all - self.done - UNREACHED if TOKEN else ()
        assert not left, f"never carried out: {sorted(left)}"


@schemathesis.deserializer("text/html", "application/x-ndjson")
def page(ctx, response):
    return response.text


NAMING = {"CompleteOccurrence", "ReopenOccurrence", "OverrideOccurrence", "SplitSeries", "SkipOccurrence"}
# Those that need something made for them.
MADE_FOR = {"GetTaskAt", "RestoreTask", "UndoChange", "SnoozeReminder", "MoveTask", "DeleteProject", "RevokeOwnToken", "Bulk", "DeleteUser"}
# How often each of these was called.
turn = {}
WEEKLY = {"due": {"local": "2027-03-01T09:00:00", "tz": "UTC"}, "recurrence": {"rrule": "FREQ=WEEKLY"}}


def ask(method, path, body=None):
    """What the owner asks for."""
    return requests.request(method, ADDRESS + path, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)


def series():
    """A task that comes back every week."""
    return ask("POST", "/v1/tasks", {"title": "Weekly", **WEEKLY}).json()["id"]


def letter():
    """An event that was given up."""
    events = ask("GET", "/v1/events?limit=1").json()["items"] or [{"type": "none"}]
    headers = {"dapr-api-token": TOKEN, "Content-Type": "application/cloudevents+json"}
    taken = requests.post(f"{ADDRESS}/events/dead-letters/task-events", json=events[0], headers=headers, timeout=10)
    taken.raise_for_status()
    return ask("GET", "/v1/dead-letters?limit=1").json()["items"][0]["dlq_id"]


def made_for(operation, case):
    """Has a request name something that can be done with, every other time."""
    turn[operation] = turn.get(operation, 0) + 1
    if turn[operation] % 2 == 0:
        return
    (case.headers or {}).pop("If-Match", None)
    if operation in LETTERS:
        case.path_parameters["id"] = letter()
        return
    if operation == "GetTaskAt":
        case.path_parameters["id"] = series()
        case.query = {}
        return
    if operation == "DeleteProject":
        case.path_parameters["id"] = ask("POST", "/v1/projects", {"name": str(uuid.uuid4())}).json()["id"]
        return
    if operation == "DeleteUser":
        case.path_parameters["id"] = ask("POST", "/v1/users", {"name": "Leaving"}).json()["id"]
        return
    if operation == "Bulk":
        case.body = {"mode": "each", "operations": [{"operation": "create", "body": {"title": "One of many"}}]}
        return
    if operation == "RevokeOwnToken":
        case.path_parameters["id"] = ask("POST", "/v1/tokens", {"user": "admin", "name": "spare"}).json()["id"]
        return
    reminders = [{"trigger": "PT9H"}]
    made = ask("POST", "/v1/tasks", {"title": "Made", "due": {"local": "2027-03-01"}, "reminders": reminders})
    id = made.json()["id"]
    case.path_parameters["id"] = made.headers["Change-Id"] if operation == "UndoChange" else id
    if operation == "RestoreTask":
        ask("DELETE", f"/v1/tasks/{id}")
    if operation == "SnoozeReminder":
        case.body = {"reminder": made.json()["reminders"][0]["id"], "for": "PT15M"}
    if operation == "MoveTask":
        case.body = {"before": ask("POST", "/v1/tasks", {"title": "Other"}).json()["id"]}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Most requests that are meant to be valid have a key of their own, and name what there is; half of the tasks recur."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.headers and len(case.headers.get("Idempotency-Key", "")) % 4:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    operation = case.operation.definition.raw["operationId"]
    if TOKEN and operation in MADE_FOR | LETTERS:
        made_for(operation, case)
    if not isinstance(case.body, dict):
        return
    if operation == "CreateToken" and len(case.body["name"]) % 4:
        case.body["user"] = "admin"
    if operation == "CreateChannel":
        case.body["url"] = re.sub(r"^https?://.?", "https://hooks.example/", case.body["url"])
    if operation == "CreateTask" and len(case.body["title"]) % 2:
        case.body |= WEEKLY
    if TOKEN and operation in NAMING and len(case.body.get("recurrence_id") or "0") % 4:
        case.path_parameters["id"] = series()
        day = "08" if operation == "SplitSeries" else "01"
        case.body["recurrence_id"] = f"2027-03-{day}T09:00:00[UTC]"
        # Most changes that a document allows go with no series, and most tags are of no version: every other case shall be
        # carried out.
        turn[operation] = turn.get(operation, 0) + 1
        if turn[operation] % 2:
            (case.headers or {}).pop("If-Match", None)
            if operation == "SplitSeries":
                case.body["changes"] = {"title": "From here on"}

// Calls the recurrence engine from JavaScript: `npm install && npm run build && npm start`.
import { engine } from "./engine/recurrence.js";

const said = engine.read("every last workday of the month at 9, New York time");
const series = {
  dtstart: `2026-03-01T${said.time}`,
  zone: said.zone,
  rrule: said.rrule,
  rdate: [],
  exdate: ["2026-12-31T09:00:00"],
};

console.log(said.rrule);
console.log(engine.describe(series), `(zone data ${engine.tzdataVersion()})`);
for (const { local, instant } of engine.expand(series, undefined, 5).occurrences) {
  console.log(local, instant);
}

try {
  engine.validate({ ...series, rrule: "FREQ=WEEKLY;BYDAY=MO,XX" });
} catch ({ payload }) {
  console.log(`${payload.tag}: ${payload.val.part} at ${payload.val.position}: ${payload.val.message}`);
}

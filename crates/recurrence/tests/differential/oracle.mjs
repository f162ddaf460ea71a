// Expands the cases given on standard input, one JSON object a line, with rrule-temporal; one answer a line:
// {"at": [Unix seconds, …]} or {"error": "…"}.
import { createInterface } from "node:readline";
import { RRuleTemporal } from "rrule-temporal";

for await (const line of createInterface({ input: process.stdin })) {
  const { dtstart, tz, rrule, limit } = JSON.parse(line);
  let answer;
  try {
    const start = tz === "UTC" ? `DTSTART:${dtstart}Z` : `DTSTART;TZID=${tz}:${dtstart}`;
    const rule = new RRuleTemporal({ rruleString: `${start}\nRRULE:${rrule}`, maxIterations: 2000, maxCandidateEvaluations: 20000 });
    const found = rule.all((_, index) => index < limit);
    answer = { at: found.slice(0, limit).map((at) => Math.floor(at.epochMilliseconds / 1000)) };
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

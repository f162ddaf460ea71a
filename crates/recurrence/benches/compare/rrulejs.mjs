// rrule.js's times, in the form of benches/native.rs; floating, which is its fastest.
import { createInterface } from "node:readline";
import rrule from "rrule";

const { RRule } = rrule;
const dtstart = new Date(Date.UTC(2024, 0, 2, 9));
const after = new Date(Date.UTC(2026, 5, 1));
// Without its cache: rrule.js remembers its answers.
const build = (text) => new RRule({ ...RRule.parseString(text), dtstart }, true);

function best(calls, call) {
  let least = Infinity;
  for (let round = 0; round < 5; round++) {
    const begun = process.hrtime.bigint();
    for (let n = 0; n < calls; n++) call();
    least = Math.min(least, Number(process.hrtime.bigint() - begun) / calls);
  }
  return Math.round(least);
}

for await (const text of createInterface({ input: process.stdin })) {
  const first = best(300, () => build(text).all((_, index) => index < 1));
  const rule = build(text);
  const next = best(30, () => rule.after(after));
  const thousand = best(5, () => rule.all((_, index) => index < 1000));
  console.log(JSON.stringify({ rule: text, first, next, thousand }));
}

// What the list of tools takes of a model's context, at most.
import assert from 'node:assert/strict';
import { encode } from 'gpt-tokenizer';
import { message, post } from './wire.mjs';

const MOST = 6_000;

const answer = await (await post(message('tools/list'))).json();
const text = JSON.stringify(answer.result.tools);
const all = encode(text).length;
const shown = encode(JSON.stringify(answer.result.tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })))).length;
console.log(`tools/list: ${answer.result.tools.length} tools, ${all} tokens, of which what a model is shown ${shown}`);
assert.ok(all <= MOST, `more than ${MOST} tokens`);

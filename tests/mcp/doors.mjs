// Wrong input at every door: a clear refusal of the right kind each time, and never a failure of the server.
import assert from 'node:assert/strict';
import http from 'node:http';
import { address } from './walk.mjs';
import { message, post } from './wire.mjs';

// Whether a request is refused with this status, and, where it is one of the protocol, this code; what was said is given back.
async function refused(what, answering, status, code) {
    const answer = await answering;
    const text = await answer.text();
    assert.equal(answer.status, status, `${what}: ${answer.status} ${text}`);
    assert.ok(text.length > 0, `${what} is told why`);
    if (code !== undefined) assert.equal(JSON.parse(text).error.code, code, `${what}: ${text}`);
    return { answer, text };
}

const list = message('tools/list');

// Host and origin, before the token. `fetch` sets its own Host.
const raw = (host, origin) => new Promise((resolve, reject) => {
    const request = http.request(address, { method: 'POST', headers: { host, ...(origin ? { origin } : {}), 'content-type': 'application/json' } }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode));
    });
    request.on('error', reject);
    request.end('{}');
});
assert.equal(await raw('evil.example'), 403);
assert.equal(await raw(address.host, 'http://evil.example'), 403);
assert.equal(await raw(address.host, 'null'), 403);
assert.equal(await raw(address.host, `http://${address.host}`), 401, 'a page of this host is let in, and has no token');
assert.equal(await raw(address.host), 401, 'and so is who has no page');

// Tokens.
const stranger = await refused('no token', post(list, { authorization: '' }), 401);
assert.match(stranger.answer.headers.get('www-authenticate'), /^Bearer .*scope="tasks:read tasks:write"/);
await refused('another token', post(list, { authorization: 'Bearer prn_other' }), 401);
for (const path of ['', '/mcp', '/other']) {
    const answer = await fetch(new URL(`/.well-known/oauth-protected-resource${path}`, address));
    assert.equal(answer.status, 404, 'nobody outside gives out tokens here');
}

// The request.
await refused('GET', fetch(address, { headers: { ...(await tokenOnly()), accept: 'text/event-stream' } }), 405);
await refused('DELETE', fetch(address, { method: 'DELETE', headers: await tokenOnly() }), 405);
await refused('PUT', post(list, {}, { method: 'PUT' }), 405);
await refused('no JSON', post('{"jsonrpc": "2.0", '), 400, -32700);
await refused('an empty body', post(''), 400, -32700);
await refused('no message', post('[]'), 400, -32600);
await refused('a number', post('7'), 400, -32600);
await refused('two messages', post(JSON.stringify([list, list])), 400, -32600);
await refused('deep nesting', post('['.repeat(100_000)), 400, -32700);
await refused('a large body', post(JSON.stringify(message('tools/call', { name: 'find_tasks', arguments: { query: 'x'.repeat(300_000) } }))), 413);
await refused('another type', post(list, { 'content-type': 'text/plain' }), 415);
await refused('no event stream', post(list, { accept: 'application/json' }), 406);
await refused('an unknown method', post(message('tools/other')), 404, -32601);
await refused('an unknown revision', post(list, { 'mcp-protocol-version': '1999-01-01' }), 400, -32020);
await refused('another method in the header', post(list, { 'mcp-method': 'tools/call' }), 400, -32020);
const find = message('tools/call', { name: 'find_tasks', arguments: {} });
await refused('another name in the header', post(find, { 'mcp-name': 'undo' }), 400, -32020);
const bare = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
await refused('no revision in the body', post(bare), 400, -32602);
const listen = message('subscriptions/listen', { notifications: { resourcesListChanged: true } });
await refused('who says they listen and does not', post(list, { 'mcp-method': 'subscriptions/listen' }), 400, -32020);
await refused('who listens and does not say so', post(listen, { 'mcp-method': 'tools/list' }), 400, -32020);

// In the protocol: an error with its code, and 200 as the revision has it.
const told = async (method, params) => (await (await post(message(method, params))).json()).error?.code;
assert.equal(await told('tools/call', { name: 'nothing', arguments: {} }), -32602);
assert.equal(await told('tools/list', { cursor: 'x' }), -32602);
assert.equal(await told('resources/list', { cursor: 'x' }), -32602);
assert.equal(await told('resources/list', { cursor: 'x'.repeat(5_000) }), -32602);
assert.equal(await told('prompts/list', { cursor: '' }), -32602);
assert.equal(await told('resources/templates/list', { cursor: 'x' }), -32602);
assert.equal(await told('resources/read', { uri: 'file:///etc/passwd' }), -32602);
assert.equal(await told('resources/read', { uri: 'task://' }), -32602);
assert.equal(await told('prompts/get', { name: 'nothing' }), -32602);
assert.equal(await told('prompts/get', { name: 'plan_my_day', arguments: { date: 'ignore all' } }), -32602);

// So many listen at once, and no more. Who has just left may still count.
const open = [];
let crowd;
while (!crowd && open.length <= 20) {
    const gone = new AbortController();
    const answer = await post(listen, {}, { signal: gone.signal });
    if (answer.status === 429) crowd = answer;
    else {
        assert.equal(answer.status, 200);
        open.push(gone);
    }
}
assert.ok(crowd && open.length >= 18, `${open.length} listen at once`);
assert.ok(Number(crowd.headers.get('retry-after')) > 0);
open.forEach((gone) => gone.abort());
console.log('doors: all refused as they should be');

async function tokenOnly() {
    return { authorization: `Bearer ${process.env.MCP_TOKEN}` };
}

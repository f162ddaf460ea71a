// The official client of 2026-07-28, and of the revisions before it.
import assert from 'node:assert/strict';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { address, headers, narrow, walk } from './walk.mjs';

async function connect(mode, bearer, capabilities = {}) {
    const client = new Client({ name: 'walker', version: '1.0.0' }, { capabilities, versionNegotiation: { mode } });
    const requestInit = { headers: bearer ? { Authorization: `Bearer ${bearer}` } : headers };
    await client.connect(new StreamableHTTPClientTransport(address, { requestInit }));
    return client;
}

const caller = (client) => async (name, arguments_) => {
    const result = await client.callTool({ name, arguments: arguments_ });
    assert.ok(!result.isError, `${name}: ${JSON.stringify(result.content)}`);
    assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent, 'the text is a copy');
    return result.structuredContent;
};

// 2026-07-28, asking its user with a form.
const newest = await connect({ pin: '2026-07-28' }, undefined, { elicitation: {} });
let question = '';
let answer = { action: 'accept', content: { confirm: true } };
newest.setRequestHandler('elicitation/create', async (request) => {
    question = request.params.message;
    return answer;
});
const { tools } = await newest.listTools();
const { series } = await walk('newest', { tools, call: caller(newest), asked: () => question });

answer = { action: 'decline' };
const kept = await newest.callTool({ name: 'delete_tasks', arguments: { ids: [series] } });
assert.ok(kept.isError && /no/.test(kept.content[0].text), 'a user who says no keeps it');
await newest.readResource({ uri: `task://${series}` });

// Resources, prompts, and what has changed.
const resources = await newest.listResources();
assert.ok(resources.resources.some((resource) => resource.uri === 'agenda://today'));
assert.ok((await newest.readResource({ uri: 'agenda://today' })).contents[0].text.includes('context'));
await assert.rejects(newest.readResource({ uri: 'task://01900000-0000-7000-8000-000000000000' }), /nothing/);
await assert.rejects(newest.listTools({ cursor: 'mine' }), (error) => error.code === -32602);
await assert.rejects(newest.listResources({ cursor: 'mine' }), (error) => error.code === -32602);
assert.equal((await newest.listPrompts()).prompts.length, 2);
const prompt = await newest.getPrompt({ name: 'plan_my_day', arguments: { date: '2026-08-03' } });
assert.match(prompt.messages[0].content.text, /2026-08-03/);

const uri = `task://${series}`;
const heard = new Promise((resolve) => newest.setNotificationHandler('notifications/resources/updated', (told) => resolve(told.params.uri)));
const subscription = await newest.listen({ resourceSubscriptions: [uri] });
const late = new Promise((_, reject) => setTimeout(() => reject(new Error('nothing was told')), 20_000).unref());
await caller(newest)('update_tasks', { changes: [{ id: series, set: { priority: 'high' } }] });
assert.equal(await Promise.race([heard, late]), uri);
await subscription.close();
await newest.close();

// A token that only reads sees what only reads.
const reader = await connect({ pin: '2026-07-28' }, await narrow(['tasks:read']));
const seen = (await reader.listTools()).tools;
assert.equal(seen.length, 6);
assert.ok(seen.every((tool) => tool.annotations.readOnlyHint));
await assert.rejects(reader.callTool({ name: 'add_tasks', arguments: {} }), (error) => error.code === -32602);
await reader.close();

// The handshake of the revisions before, by the same client.
const legacy = await connect('legacy');
await walk('legacy', { tools: (await legacy.listTools()).tools, call: caller(legacy) });
await legacy.close();
console.log('@modelcontextprotocol/client: all steps');

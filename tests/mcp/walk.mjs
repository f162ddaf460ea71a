// One walk through the product, whichever client takes it: list, create, a lost answer repeated, one occurrence rescheduled, completed
// twice, deleted by confirmation, and taken back.
import assert from 'node:assert/strict';

export const address = new URL(`${process.env.MCP_ADDRESS}/mcp`);
export const token = process.env.MCP_TOKEN;
export const headers = { Authorization: `Bearer ${token}` };

const NAMES = [
    'get_agenda', 'find_tasks', 'get_tasks', 'get_history', 'preview_schedule', 'list_projects', 'add_tasks', 'update_tasks',
    'complete_tasks', 'reschedule_tasks', 'set_reminders', 'save_project', 'delete_tasks', 'undo',
];

// A token of the same user that allows less.
export async function narrow(scopes) {
    const me = await (await fetch(`${process.env.MCP_ADDRESS}/v1/me`, { headers })).json();
    const answer = await fetch(`${process.env.MCP_ADDRESS}/v1/tokens`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ user: me.id, name: 'mcp', scopes }),
    });
    assert.equal(answer.status, 201);
    return (await answer.json()).secret;
}

// `call(name, arguments)` gives structuredContent; `asked()` tells what a user was asked in the meantime, where the client can ask.
export async function walk(who, { tools, call, asked }) {
    assert.deepEqual(tools.map((tool) => tool.name).sort(), [...NAMES].sort());
    const key = `${who}-${Date.now()}`;
    const week = { rrule: 'FREQ=WEEKLY' };
    const made = { tasks: [{ title: `${key}: water the plants`, due_words: 'tomorrow 9:00', repeat: week }, { title: `${key}: post` }], idempotency_key: key };
    const first = await call('add_tasks', made);
    // The answer was lost: the same call once more.
    const again = await call('add_tasks', made);
    const ids = (answer) => answer.done.map((item) => item.id);
    assert.equal(ids(first).length, 2);
    assert.deepEqual(ids(again), ids(first));
    const [series, single] = ids(first);
    const found = await call('find_tasks', { sort: 'created', limit: 50 });
    assert.equal(found.tasks.filter((task) => task.title.startsWith(`${key}:`)).length, 2, 'made once');

    const rule = (answer) => answer.tasks[0].repeat;
    const before = await call('get_tasks', { ids: [series] });
    const occurrence = before.tasks[0].occurrence;
    assert.ok(occurrence, 'a series has an open occurrence');
    const moved = await call('reschedule_tasks', { items: [{ task: series, occurrence, to: { date: '2031-03-05' } }] });
    assert.ok(!moved.failures?.length, JSON.stringify(moved));
    const after = await call('get_tasks', { ids: [series] });
    assert.equal(rule(after), rule(before), 'the rule stays');

    const done = { items: [{ task: single }] };
    const completed = await call('complete_tasks', done);
    assert.ok(!completed.failures?.length, JSON.stringify(completed));
    const twice = await call('complete_tasks', done);
    assert.ok(!twice.failures?.length, 'completing twice is no error: ' + JSON.stringify(twice));

    const gone = { ids: [series] };
    let deleted = await call('delete_tasks', gone);
    if (asked) {
        assert.match(asked(), /plants/, 'the user was asked by name');
    } else {
        assert.equal((await call('find_tasks', { query: 'plants' })).tasks.some((task) => task.id === series), true, 'not yet');
        assert.ok(deleted.confirm, 'the first call gives a handle');
        deleted = await call('delete_tasks', { ...gone, confirm: deleted.confirm });
    }
    assert.equal((await call('find_tasks', { query: 'plants' })).tasks.some((task) => task.id === series), false);
    const change = JSON.stringify(deleted).match(/"change_id":"([^"]+)"/)?.[1];
    assert.ok(change, 'a change has an id: ' + JSON.stringify(deleted));
    await call('undo', { change_id: change });
    assert.equal((await call('find_tasks', { query: 'plants' })).tasks.some((task) => task.id === series), true, 'taken back');
    return { series, single };
}

// The official SDK of the revisions before 2026-07-28.
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { address, headers, walk } from './walk.mjs';

const client = new Client({ name: 'sdk', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(address, { requestInit: { headers } }));
const call = async (name, arguments_) => {
    const result = await client.callTool({ name, arguments: arguments_ });
    assert.ok(!result.isError, `${name}: ${JSON.stringify(result.content)}`);
    return result.structuredContent;
};
await walk('sdk', { tools: (await client.listTools()).tools, call });
await client.close();
console.log('@modelcontextprotocol/sdk: all steps');

// Requests without a client.
import { address, headers } from './walk.mjs';

export const REVISION = '2026-07-28';

export function message(method, params = {}, id = 1) {
    const _meta = {
        'io.modelcontextprotocol/protocolVersion': REVISION,
        'io.modelcontextprotocol/clientInfo': { name: 'wire', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
    };
    return { jsonrpc: '2.0', id, method, params: { ...params, _meta } };
}

export function post(body, more = {}, init = {}) {
    const name = body?.params?.name ?? body?.params?.uri;
    return fetch(address, {
        method: 'POST',
        headers: {
            ...headers,
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            'mcp-protocol-version': REVISION,
            ...(body?.method ? { 'mcp-method': body.method } : {}),
            ...(name ? { 'mcp-name': name } : {}),
            ...more,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
    });
}

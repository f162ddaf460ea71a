"""The official client for Python takes the walk of walk.mjs, on 2026-07-28 and with the handshake of the revisions before it."""

import asyncio
import json
import os
import re
import time

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

ADDRESS = os.environ["MCP_ADDRESS"] + "/mcp"
TOKEN = os.environ["MCP_TOKEN"]


async def walk(mode: str, asks: bool) -> None:
    asked = []

    async def elicit(_context, params):
        asked.append(params.message)
        return types.ElicitResult(action="accept", content={"confirm": True})

    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        transport = streamable_http_client(ADDRESS, http_client=http)
        callbacks = {"elicitation_callback": elicit} if asks else {}
        async with Client(transport, mode=mode, **callbacks) as client:

            async def call(name, arguments):
                result = await client.call_tool(name, arguments)
                assert not result.is_error, (name, result.content)
                assert json.loads(result.content[0].text) == result.structured_content
                return result.structured_content

            tools = (await client.list_tools()).tools
            assert len(tools) == 14, [tool.name for tool in tools]
            who = f"python-{mode}"
            made = {
                "tasks": [
                    {"title": f"{who}: feed the cat", "due_words": "tomorrow 9:00", "repeat": {"rrule": "FREQ=DAILY"}},
                    {"title": f"{who}: letter"},
                ],
                "idempotency_key": f"{who}-{time.time_ns()}",
            }
            first = await call("add_tasks", made)
            series, single = (task["id"] for task in first["done"])
            # The answer was lost: the same call once more.
            assert [task["id"] for task in (await call("add_tasks", made))["done"]] == [series, single]

            before = (await call("get_tasks", {"ids": [series]}))["tasks"][0]
            moved = {"items": [{"task": series, "occurrence": before["occurrence"], "to": {"date": "2031-03-05"}}]}
            assert not (await call("reschedule_tasks", moved)).get("failures")
            after = (await call("get_tasks", {"ids": [series]}))["tasks"][0]
            assert after["repeat"] == before["repeat"]

            done = {"items": [{"task": single}]}
            for _ in range(2):
                assert not (await call("complete_tasks", done)).get("failures")

            gone = await call("delete_tasks", {"ids": [series]})
            if asks:
                assert any("cat" in question for question in asked), asked
            else:
                gone = await call("delete_tasks", {"ids": [series], "confirm": gone["confirm"]})
            change = re.search(r'"change_id": "([^"]+)"', json.dumps(gone))[1]
            await call("undo", {"change_id": change})
            await client.read_resource(f"task://{series}")


async def main() -> None:
    await walk("2026-07-28", asks=True)
    await walk("auto", asks=False)
    await walk("legacy", asks=False)
    print("PyPI mcp: all steps")


asyncio.run(main())

#!/usr/bin/env python3
"""Verifies an export of the audit, and anchors of it, as docs/audit.md says. Needs Python 3 and nothing else.

usage: verify-audit.py USER EXPORT [ANCHORS KEY]
EXPORT: the lines of GET /v1/audit/export, page after page; ANCHORS: anchors, one a line; KEY: a file that holds the audit_key.
"""

import hashlib
import hmac
import json
import sys

FIELDS = "salt user seq told id at actor action subject correlation_id tzdata before after previous".split()


def encoded(*values):
    texts = [None if value is None else str(value).encode() for value in values]
    return b"".join(b"\0" if text is None else b"\1" + len(text).to_bytes(8, "big") + text for text in texts)


def hashed(*values):
    return hashlib.sha256(encoded(*values)).hexdigest()


def verify(user, links, anchors=(), key=b""):
    """What is wrong first; None where nothing is."""
    hashes = [hashed("perennial audit chain 1", user)]
    for place, link in enumerate(links, 1):
        seal, entry = link["seal"], link["entry"]
        if seal["seq"] != place:
            return f"the seal at {place} is not there"
        if seal["hash"] != hashed("perennial audit seal 1", hashes[-1], user, place, seal["id"], seal["at"], seal["digest"]):
            return f"the seal at {place} does not follow from the one before it"
        if entry is not None:
            digest = hashed("perennial audit entry 1", *(entry[field] for field in FIELDS))
            said = (entry["user"], entry["seq"], entry["id"], entry["at"], digest)
            if said != (user, place, seal["id"], seal["at"], seal["digest"]):
                return f"the entry at {place} is not as it was sealed"
        hashes.append(seal["hash"])
    for anchor in anchors:
        said = encoded("perennial audit anchor 1", *(anchor[field] for field in ["user", "seq", "hash", "at"]))
        if not hmac.compare_digest(hmac.new(key, said, hashlib.sha256).hexdigest(), anchor["mac"]) or anchor["user"] != user:
            return f"the anchor of {anchor['at']} is not one of this chain"
        if hashes[anchor["seq"]: anchor["seq"] + 1] != [anchor["hash"]]:
            return f"the chain is not the one that was anchored at {anchor['at']}"
    return None


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


if __name__ == "__main__":
    _, user, export, *rest = sys.argv
    anchors, key = (lines(rest[0]), open(rest[1], "rb").read().strip()) if rest else ([], b"")
    links = lines(export)
    wrong = verify(user, links, anchors, key)
    print(wrong or f"{len(links)} entries and {len(anchors)} anchors are right")
    sys.exit(1 if wrong else 0)

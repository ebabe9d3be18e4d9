"""Which calls of AWS the code can make, read from its source.

The store is the only crate that makes any, so what a function can make follows from which of the store's functions it
names. Names are matched, not types: `table.`, `objects.`, `bucket.`, `client.` and the store's own `self.` stand for what they
always are here. That is enough, because the result has to equal what is declared, and both ways of being wrong show.
"""

import re
from functools import cache

from stack import TOP

# The SDK's builders, and the object store's functions, by the call they make.
OBJECTS = {"get": "GetObject", "put": "PutObject", "list": "ListObjectsV2", "list_with_delimiter": "ListObjectsV2", "delete": "DeleteObjects"}
# What is signed by hand, by words of the request.
SIGNED = {"signed_url(http::Method::PUT": "PutObject", 'append_pair("versions"': "ListObjectVersions", 'append_pair("versionId"': "DeleteObjectVersion"}
WRITES = {"put": "Put", "delete": "Delete", "condition_check": "ConditionCheck", "update": "Update"}


def camel(name):
    return "".join(word.capitalize() for word in name.split("_"))


def code(path):
    """A file without its comments and its tests."""
    text = re.sub(r"//.*", "", path.read_text())
    return text.split("#[cfg(test)]")[0]


def bodies(text):
    """The functions of a file: (the type they belong to, name, body)."""
    blocks = []
    for found in re.finditer(r"\b(?:impl(?:<[^>]*>)?\s+(?:\w+\s+for\s+)?(\w+)|fn (\w+))[^;{]*\{", text):
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        blocks.append((found.start(), end, found.group(1), found.group(2), text[found.end() : end]))
    for start, end, _, name, body in blocks:
        if name:
            outer = [kind for s, e, kind, _, _ in blocks if kind and s < start and end <= e]
            yield (outer[-1] if outer else ""), name, body


def direct(body):
    """The calls that a body makes itself."""
    calls = set()
    for service, name in re.findall(r"\b(client|streams)\s*\.\s*(\w+)\(\)", body):
        if name not in ("config", "clone"):
            # The parameters' client is a local of its own.
            home = "dynamodbstreams" if service == "streams" else "ssm" if name == "get_parameter" else "dynamodb"
            calls.add((home, camel(name)))
    for name in re.findall(r"\bself\s*\.\s*store\s*\.\s*(\w+)\(", body):
        calls.add(("s3", OBJECTS[name]))
    for words, name in SIGNED.items():
        if words in body:
            calls.add(("s3", name))
    return calls


def transacted(body):
    """The kinds of writes that a body puts into transactions."""
    kinds = {WRITES[kind] for kind in re.findall(r"TransactWriteItem::builder\(\)\s*\.\s*(\w+)\(", body)}
    if re.search(r"\btransact\(", body):
        kinds.add("Put")
    return kinds


@cache
def store():
    """For each function of the store, by type and name, the calls it can make."""
    functions = {}
    for path in sorted((TOP / "shared/store/src").rglob("*.rs")):
        if path.name != "tests.rs":
            for kind, name, body in bodies(code(path)):
                functions.setdefault((kind, name), []).append(body)

    def named(kind, body):
        for receiver, name in re.findall(r"\b(self|table|objects|bucket)\s*\.\s*(\w+)(?:::<[^>]*>)?\(", body):
            yield ({"self": kind, "table": "Table", "objects": "Objects", "bucket": "Bucket"}[receiver], name)
        for name in re.findall(r"(?<![.\w:])(\w+)\(", body):
            yield ("", name)

    def reach(key, seen):
        if key not in functions or key in seen:
            return set(), set()
        seen.add(key)
        calls, kinds = set(), set()
        for body in functions[key]:
            calls |= direct(body)
            kinds |= transacted(body)
            for next_key in named(key[0], body):
                more = reach(next_key, seen)
                calls |= more[0]
                kinds |= more[1]
        return calls, kinds

    def told(key):
        calls, kinds = reach(key, set())
        if ("dynamodb", "TransactWriteItems") in calls:
            calls.remove(("dynamodb", "TransactWriteItems"))
            calls |= {("dynamodb", f"TransactWriteItems/{kind}") for kind in kinds}
        return frozenset(calls)

    return {key: told(key) for key in functions}


def adapters():
    """Every call that the store can make."""
    return set().union(*store().values())


# What a function's sources name of the store, besides methods of the table and of the objects.
NAMED = {"Catalogue::load(": ("Catalogue", "load")}


def crate(*folders):
    """The calls that the sources below some folders can make."""
    calls = set()
    for folder in folders:
        for path in sorted((TOP / folder).rglob("*.rs")):
            if "tests" in path.parts or path.name == "tests.rs":
                continue
            text = code(path)
            for receiver, name in re.findall(r"\b(table|objects)\s*\.\s*(\w+)(?:::<[^>]*>)?\(", text):
                calls |= store().get(({"table": "Table", "objects": "Objects"}[receiver], name), frozenset())
            for words, key in NAMED.items():
                if words in text.replace("pub fn load(", ""):
                    calls |= store()[key]
    return calls

"""The template as plain dictionaries, and the facts of the code that it has to fit."""

import copy
import json
import re
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parents[2]
TEMPLATE = TOP / "infra/template.yaml"
README = TOP / "infra/README.md"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref x` is {"Ref": "x"}, `!Sub x` is {"Fn::Sub": "x"}, and so on."""


def _short(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _short)


def load():
    return yaml.load(TEMPLATE.read_text(), Loader)


class Stack:
    """A template and short ways to what is asked of it."""

    def __init__(self, template):
        self.template = template
        self.resources = template["Resources"]

    def copy(self):
        return Stack(copy.deepcopy(self.template))

    def of(self, kind):
        """Names and properties of the resources of a kind."""
        return {n: r.get("Properties", {}) for n, r in self.resources.items() if r["Type"] == kind}

    def properties(self, name):
        return self.resources[name]["Properties"]

    def functions(self):
        return self.of("AWS::Lambda::Function")

    def name_of(self, function):
        """The function's own name, without the stage: `collect` of `vitrine-${Stage}-collect`."""
        return self.properties(function)["FunctionName"]["Fn::Sub"].removeprefix("vitrine-${Stage}-")


def target(value):
    """The resource that a Ref or GetAtt names; None if it is neither."""
    if isinstance(value, dict):
        if "Ref" in value:
            return value["Ref"]
        if "Fn::GetAtt" in value:
            return value["Fn::GetAtt"][0]
    return None


def each(value):
    return value if isinstance(value, list) else [value]


def walk(value):
    """Every value inside a value."""
    yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(part)


def statements(role):
    """The statements of a role's own policies as (policy, statement, condition or None)."""
    for policy in role.get("Policies", []):
        condition = None
        if "Fn::If" in policy:
            condition, policy, _ = policy["Fn::If"]
        for statement in policy["PolicyDocument"]["Statement"]:
            within = condition
            if "Fn::If" in statement:
                within, statement, _ = statement["Fn::If"]
            yield policy["PolicyName"], statement, within


def text(value):
    """A resource of a policy as one string: `shops/*/models/*`, `Table`, `Table.StreamArn`."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return value["Ref"]
    if "Fn::GetAtt" in value:
        name, attribute = value["Fn::GetAtt"]
        return name if attribute == "Arn" else f"{name}.{attribute}"
    return value["Fn::Sub"]


# ---- facts of the code


def source(path):
    return (TOP / path).read_text()


def constant(path, name):
    """The value of a constant, as it is written."""
    found = re.search(rf"const {name}: [^=]+ = ([^;]+);", source(path))
    assert found, f"{path} has no constant {name}"
    return found.group(1).strip()


def deadlines():
    """Milliseconds that an answer waits for each of its parts."""
    found = re.search(r"Self \{ (visitor: millis.*?) \}", source("shared/runtime/src/deadlines.rs"))
    assert found, "the default deadlines are not where they were"
    return {part: int(ms) for part, ms in re.findall(r"(\w+): millis\((\d+)\)", found.group(1))}


def openapi():
    """Routes of the API's description as {(method, path): function}; a Rust test holds it against the code."""
    document = json.loads(source("functions/manage/openapi.json"))
    routes = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in ("get", "put", "post", "patch", "delete"):
                (routes[method.upper(), path],) = operation["tags"]
    return routes

"""Makes of infra/template.yaml what the emulator can take, and changes nothing else. Each change has its reason in CHANGES;
README.md tells them too. The template is worked on as text, so that everything untouched stays as it is written.

    transform.py TEMPLATE > CHANGED
"""

import re
import sys

#: Types of resources that the emulator refuses by name, with the condition that keeps each out of this deployment anyway.
UNKNOWN_TYPES = {
    "AWS::Batch::ComputeEnvironment": "HasBatch",
    "AWS::Batch::JobDefinition": "HasBatch",
    "AWS::Batch::JobQueue": "HasBatch",
}


def blocks(template):
    """The text in pieces: each resource is one, named; what stands between them is unnamed."""
    pieces, name, lines, inside = [], None, [], False

    def close():
        if lines:
            pieces.append((name, "".join(lines)))
            lines.clear()

    for line in template.splitlines(keepends=True):
        if re.match(r"\S", line) and not line.startswith("#"):
            close()
            name, inside = None, line.startswith("Resources:")
        resource = re.match(r"  (\w+):\s*$", line) if inside else None
        if resource:
            close()
            name = resource[1]
        # A comment above a resource belongs to it, or to nobody.
        elif inside and re.match(r"\s{0,2}#|\s*$", line):
            close()
            name = None
        lines.append(line)
    close()
    return pieces


def member(block, name):
    """A member of a resource on a line of its own, such as its type."""
    found = re.search(rf"^    {name}: *(\S+)\s*$", block, re.MULTILINE)
    return found and found[1]


def without_unknown_types(template):
    """Leaves out resources of types that the emulator does not know; only ones that a condition keeps out anyway."""
    kept, left = [], []
    for name, block in blocks(template):
        condition = UNKNOWN_TYPES.get(member(block, "Type")) if name else None
        if condition is None:
            kept.append(block)
            continue
        if member(block, "Condition") != condition:
            raise ValueError(f"{name} is deployed without the condition {condition}, and the emulator does not know its type")
        left.append(name)
    return "".join(kept), left


def without_metric_math(template):
    """Leaves out alarms that add several metrics up."""
    kept, left = [], []
    for name, block in blocks(template):
        is_sum = name and member(block, "Type") == "AWS::CloudWatch::Alarm" and re.search(r"^      Metrics:", block, re.MULTILINE)
        (left if is_sum else kept).append(name if is_sum else block)
    return "".join(kept), left


def without_tls_only(template):
    """Leaves out the bucket's policy, which refuses what does not come over TLS, and may say nothing else."""
    kept, left = [], []
    for name, block in blocks(template):
        if not name or member(block, "Type") != "AWS::S3::BucketPolicy":
            kept.append(block)
            continue
        if re.findall(r"^ +- Sid: (\w+)", block, re.MULTILINE) != ["OnlyOverTls"]:
            raise ValueError(f"{name} does more than to refuse what does not come over TLS")
        left.append(name)
    return "".join(kept), left


#: What is changed, in this order, and why.
CHANGES = [
    (without_unknown_types, "the emulator refuses templates that name a type it does not know"),
    (without_metric_math, "the emulator has no alarms over several metrics"),
    (without_tls_only, "the emulator is reached without TLS, and it enforces the policy"),
]


def transform(template, tell=lambda text: None):
    for change, reason in CHANGES:
        template, what = change(template)
        if what:
            tell(f"changed for the emulator: {', '.join(what)}: {reason}")
    return template


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(transform(file.read(), lambda text: print(text, file=sys.stderr)))

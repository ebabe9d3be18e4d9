"""What the emulated run asks of AWS by itself: zips of the functions, the stack's resources, and who was allowed what.

    emulator.py zips BINARIES FOLDER FUNCTION...   FOLDER/FUNCTION/bootstrap.zip from each built binary
    emulator.py resources STACK                    the names of the stack's API, table and bucket, for a shell
    emulator.py calls RECORDER STACK               compares what each function asked for with what it declares and may
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import urllib.request
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent


def zips(binaries, folder, names):
    """A deployable zip of each binary: the program under the name that the platform starts, without its debug lines."""
    for name in names:
        built = pathlib.Path(binaries, name)
        if not built.is_file():
            sys.exit(f"{built} is missing: cargo build --release --bin {name}")
        out = pathlib.Path(folder, name)
        out.mkdir(parents=True, exist_ok=True)
        program = out / "bootstrap"
        subprocess.run(["strip", "-o", program, built], check=True)
        entry = zipfile.ZipInfo("bootstrap", (2026, 1, 1, 0, 0, 0))
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(out / "bootstrap.zip", "w", compresslevel=1) as archive:
            archive.writestr(entry, program.read_bytes())
        program.unlink()


def client(service):
    import boto3

    return boto3.client(service)


def stack_resources(stack):
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return [resource for page in pages for resource in page["StackResourceSummaries"]]


def resources(stack):
    """One of each kind: more would mean that this script has to be told which is meant."""
    kinds = {"API": "AWS::ApiGatewayV2::Api", "TABLE": "AWS::DynamoDB::Table", "BUCKET": "AWS::S3::Bucket"}
    for name, kind in kinds.items():
        found = [r["PhysicalResourceId"] for r in stack_resources(stack) if r["ResourceType"] == kind]
        if len(found) != 1:
            sys.exit(f"the stack has {len(found)} resources of type {kind}")
        print(f"{name}={found[0]}")


def access_key(function, role):
    """The key that the emulator gives a function under AUTH, from the ARNs of both."""
    digest = hashlib.sha256(f"{function}:{role}".encode()).hexdigest()
    return f"ASIA{digest[:16].upper()}"


def as_list(value):
    return value if isinstance(value, list) else [value]


def allowed(role):
    """The actions of a role's own policies, and the names of the managed ones."""
    iam = client("iam")
    name = role.rsplit("/", 1)[-1]
    actions = set()
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        document = json.loads(document) if isinstance(document, str) else document
        for statement in as_list(document["Statement"]):
            if statement["Effect"] != "Allow":
                continue
            if "NotAction" in statement:
                sys.exit(f"{name}: a policy names what is not allowed, and so allows the rest")
            actions.update(as_list(statement["Action"]))
    managed = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return actions, {policy["PolicyArn"].rsplit("/", 1)[-1] for policy in managed}


def functions(stack):
    """Name as in the repository, access key, allowed actions and managed policies of each function of the stack."""
    names = sorted(path.parent.name for path in TOP.glob("functions/*/Cargo.toml"))
    found = {}
    for resource in stack_resources(stack):
        if resource["ResourceType"] != "AWS::Lambda::Function":
            continue
        deployed = client("lambda").get_function_configuration(FunctionName=resource["PhysicalResourceId"])
        parts = deployed["FunctionName"].split("-")
        name = [name for name in names if name in parts]
        if len(name) != 1:
            sys.exit(f"which function is {deployed['FunctionName']}? It is named after one of: {', '.join(names)}")
        actions, managed = allowed(deployed["Role"])
        found[name[0]] = (access_key(deployed["FunctionArn"], deployed["Role"]), actions, managed)
    missing = sorted(set(names) - set(found))
    if missing:
        sys.exit(f"the stack has no function {', '.join(missing)}")
    return found


def lines(file):
    """The lines of a list as function, action and reason."""
    rows = [line.split(None, 2) for line in (HERE / file).read_text().splitlines() if line and not line.startswith("#")]
    return {(function, action): reason for function, action, reason in rows}


def judge(recorded, declared, role, platform, unexercised):
    """What does not fit of one function, in sentences. `recorded` has how often each action was used and refused."""
    wrong = []
    for action, (count, denied) in sorted(recorded.items()):
        if denied:
            wrong.append(f"{action} was refused {denied} times for want of permission")
        if action not in declared:
            wrong.append(f"{action} was used {count} times and is not declared")
    for action in sorted(declared - set(recorded)):
        if action not in unexercised:
            wrong.append(f"{action} is declared and was not used; not-exercised.txt does not say why")
    for action in sorted(set(unexercised) & set(recorded)):
        wrong.append(f"{action} was used, so not-exercised.txt is wrong to list it")
    for action in sorted(set(unexercised) - declared):
        wrong.append(f"{action} is listed in not-exercised.txt and is not declared")
    for action in sorted(declared - role):
        wrong.append(f"{action} is declared and its role does not allow it")
    for action in sorted(role - declared - set(platform)):
        wrong.append(f"its role allows {action}, which it neither declares nor needs to be run")
    for action in sorted(set(platform) - role):
        wrong.append(f"{action} is listed in platform.txt and its role does not have it")
    return wrong


def calls(recorder, stack):
    with urllib.request.urlopen(f"{recorder}/_recorder") as answer:
        told = json.load(answer)
    deployed = functions(stack)
    by_key = {key: name for name, (key, _, _) in deployed.items()}
    recorded = {name: {} for name in deployed}
    wrong = []
    for call in told:
        name = by_key.get(call["key"])
        if name is None:
            wrong.append(f"somebody who is none of the functions ({call['key']}) used {call['action']}")
        else:
            recorded[name][call["action"]] = (call["count"], call["denied"])
    declared = declarations()
    platform, unexercised = lines("platform.txt"), lines("not-exercised.txt")
    print(f"{'function':<10} {'action':<28} {'calls':>7}  in the run, declared, allowed")
    for name, (_, role, _) in sorted(deployed.items()):
        own = {action: reason for (function, action), reason in platform.items() if function in (name, "*")}
        own = {action: reason for action, reason in own.items() if ("*", action) not in platform or action in role}
        quiet = {action: reason for (function, action), reason in unexercised.items() if function == name}
        for action in sorted(set(recorded[name]) | declared[name] | role):
            count, _ = recorded[name].get(action, (0, 0))
            seen = "yes" if count else "no"
            note = own.get(action) or quiet.get(action) or ""
            marks = f"{seen:<4} {'yes' if action in declared[name] else 'no':<4} {'yes' if action in role else 'no':<4}"
            print(f"{name:<10} {action:<28} {count or '':>7}  {marks} {note}".rstrip())
        wrong += [f"{name}: {sentence}" for sentence in judge(recorded[name], declared[name], role, own, quiet)]
    if wrong:
        sys.exit("\n" + "\n".join(wrong))
    total = sum(call["count"] for call in told)
    print(f"\n{total} calls of {len(deployed)} functions: each is declared and allowed, and nothing more is")


def declarations():
    """What each function declares beside its adapters."""
    raise NotImplementedError


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "zips":
        zips(arguments[0], arguments[1], arguments[2:])
    elif command == "resources":
        resources(*arguments)
    elif command == "calls":
        calls(*arguments)
    else:
        sys.exit(__doc__)

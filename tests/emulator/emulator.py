"""What the emulated run asks of AWS by itself: zips of the functions, the stack's resources, and who was allowed what.

    emulator.py zips BINARIES FOLDER FUNCTION...   FOLDER/FUNCTION/bootstrap.zip from each built binary
    emulator.py secret NAME VALUE                  puts a parameter that the template expects
    emulator.py resources STACK                    the names of the stack's API, table and preflight function, for a shell
    emulator.py invoke STACK FUNCTION PAYLOAD      invokes a function as a schedule does
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
    kinds = {"API": "AWS::ApiGatewayV2::Api", "TABLE": "AWS::DynamoDB::Table"}
    names = {}
    for name, kind in kinds.items():
        found = [r["PhysicalResourceId"] for r in stack_resources(stack) if r["ResourceType"] == kind]
        if len(found) != 1:
            sys.exit(f"the stack has {len(found)} resources of type {kind}")
        names[name] = found[0]
    # The function to which the API sends what browsers ask before they send.
    gateway = client("apigatewayv2")
    routes = gateway.get_routes(ApiId=names["API"], MaxResults="500")["Items"]
    preflight = [route["Target"].split("/")[-1] for route in routes if route["RouteKey"].startswith("OPTIONS ")]
    if len(preflight) != 1:
        sys.exit(f"the API has {len(preflight)} routes for OPTIONS")
    integration = gateway.get_integration(ApiId=names["API"], IntegrationId=preflight[0])
    names["PREFLIGHT"] = integration["IntegrationUri"].removesuffix("/invocations").rsplit(":", 1)[-1]
    print("\n".join(f"{name}={value}" for name, value in names.items()))


def secret(name, value):
    client("ssm").put_parameter(Name=name, Value=value, Type="SecureString")


def invoke(stack, name, payload):
    """Fails with what the function says if it fails."""
    ids = [r["PhysicalResourceId"] for r in stack_resources(stack) if r["ResourceType"] == "AWS::Lambda::Function"]
    called = [id for id in ids if id.rsplit("-", 1)[-1] == name]
    answer = client("lambda").invoke(FunctionName=called[0], Payload=payload)
    text = answer["Payload"].read().decode()
    if "FunctionError" in answer:
        sys.exit(f"{name} failed: {text}")
    print(f"{name} answered {text}")


def access_key(function, role):
    """The key that the emulator gives a function under AUTH, from the ARNs of both."""
    digest = hashlib.sha256(f"{function}:{role}".encode()).hexdigest()
    return f"ASIA{digest[:16].upper()}"


def functions(stack):
    """The access key of each function of the stack, by its name after the stage: that of infra/calls.json."""
    keys = {}
    for resource in stack_resources(stack):
        if resource["ResourceType"] == "AWS::Lambda::Function":
            deployed = client("lambda").get_function_configuration(FunctionName=resource["PhysicalResourceId"])
            keys[access_key(deployed["FunctionArn"], deployed["Role"])] = deployed["FunctionName"].rsplit("-", 1)[-1]
    return keys


def declared(functions, parameters):
    """infra/calls.json as a set for each function: service, operation and where it may reach."""
    calls = {}
    for name, services in functions.items():
        if name == "about":
            continue
        calls[name] = set()
        for service, operations in services.items():
            if isinstance(operations, list):
                calls[name] |= {(service, operation, None) for operation in operations}
                continue
            for operation, places in operations.items():
                # A parameter that the stack was deployed without is asked for by nobody.
                places = [parameters.get(place) for place in places] if service == "ssm" else places
                calls[name] |= {(service, operation, place) for place in places if place}
    return calls


def covers(declaration, call):
    """Whether a declared call is the call, or reaches wherever it does."""
    return declaration[:2] == call[:2] and declaration[2] in (call[2], "*")


def judge(recorded, declared, unexercised):
    """What does not fit of one function, in sentences. `recorded` has how often each call was made and refused."""
    wrong = []
    for call, (count, denied) in sorted(recorded.items(), key=str):
        if denied:
            wrong.append(f"{told(call)} was refused {denied} times: its role does not allow it")
        if not any(covers(declaration, call) for declaration in declared):
            wrong.append(f"{told(call)} was made {count} times and is not declared in infra/calls.json")
    for declaration in sorted(declared, key=str):
        made = any(covers(declaration, call) for call in recorded)
        reason = unexercised.get(told(declaration), "")
        if made and reason and not reason.startswith("sometimes"):
            wrong.append(f"{told(declaration)} was made, so its line in not-exercised.txt is wrong")
        if not made and not reason:
            wrong.append(f"{told(declaration)} is declared in infra/calls.json and was not made; not-exercised.txt does not say why")
    for line in sorted(set(unexercised) - {told(declaration) for declaration in declared}):
        wrong.append(f"{line} has a line in not-exercised.txt and is not declared in infra/calls.json")
    return wrong


def told(call):
    """A call as it is written in the table and in not-exercised.txt."""
    return " ".join(part for part in call if part)


def not_exercised(text):
    """The lines of not-exercised.txt: `function: service operation place: reason`, by function and call."""
    lines = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            function, call, reason = (part.strip() for part in line.split(": ", 2))
            lines.setdefault(function, {})[call] = reason
    return lines


def stack_parameters(stack):
    described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in described.get("Parameters", [])}


def calls(recorder, stack):
    with urllib.request.urlopen(f"{recorder}/_recorder") as answer:
        made = json.load(answer)
    names = functions(stack)
    lists = declared(json.loads((TOP / "infra/calls.json").read_text()), stack_parameters(stack))
    unexercised = not_exercised((HERE / "not-exercised.txt").read_text())
    wrong = [f"{name} is in infra/calls.json or in the stack, but not in both" for name in sorted(set(lists) ^ set(names.values()))]
    recorded = {name: {} for name in lists}
    for call in made:
        name = names.get(call["key"])
        what = (call["service"], call["operation"], call.get("on"))
        if name in recorded:
            recorded[name][what] = (call["count"], call["denied"])
        else:
            wrong.append(f"somebody who is none of the functions ({call['key']}) made {told(what)}")
    print(f"{'function':<10} {'call':<58} {'times':>7}  declared")
    for name in sorted(lists):
        quiet = unexercised.get(name, {})
        for call, (count, _) in sorted(recorded[name].items(), key=str):
            print(f"{name:<10} {told(call):<58} {count:>7}  {'yes' if any(covers(d, call) for d in lists[name]) else 'NO'}")
        shown = {told(call) for call in recorded[name]}
        for call, reason in sorted((call, reason) for call, reason in quiet.items() if call not in shown):
            print(f"{name:<10} {call:<58} {'-':>7}  yes, {reason}")
        wrong += [f"{name}: {sentence}" for sentence in judge(recorded[name], lists[name], quiet)]
    if wrong:
        sys.exit("\n" + "\n".join(wrong))
    print(f"\n{sum(call['count'] for call in made)} calls of {len(lists)} functions: each is declared and allowed, and each declared one was made or has its reason")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "zips":
        zips(arguments[0], arguments[1], arguments[2:])
    elif command == "secret":
        secret(*arguments)
    elif command == "resources":
        resources(*arguments)
    elif command == "invoke":
        invoke(*arguments)
    elif command == "calls":
        calls(*arguments)
    else:
        sys.exit(__doc__)

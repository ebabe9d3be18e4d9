"""What has to hold of the template, as functions that yield a sentence for everything that does not.

Every check takes a Stack, so that test_mutations can show each of them a template in which something is wrong.
"""

import json
import re

from stack import README, TOP, constant, deadlines, each, openapi, source, statements, target, text, walk

HOUR, DAY = 3600, 86400
# What the gateway waits for a function at the most, in seconds.
GATEWAY = 29
# Functions behind the API, those that the stream invokes, and those that take their time.
API = {"Collect", "Recommend", "Catalog", "Manage", "Privacy"}
STREAM = {"Fold": "FoldStream", "Archive": "ArchiveStream"}
BACKGROUND = {"Import", "Compact", "Retrain", "Sweep"}

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


# ------------------------------------------------------------------------------------------------------------- stores


@check
def table(stack):
    table = stack.properties("Table")
    expiry = constant("shared/store/src/table.rs", "EXPIRY").strip('"')
    if table.get("TimeToLiveSpecification") != {"AttributeName": expiry, "Enabled": True}:
        yield f"the table does not expire items by `{expiry}`, as the code writes them"
    made = source("shared/store/src/table.rs").split("fn create_if_missing", 1)[1]
    made = re.search(r"StreamViewType::(\w+)", made).group(1)
    view = re.sub(r"(?<!^)(?=[A-Z])", "_", made).upper()
    if table.get("StreamSpecification", {}).get("StreamViewType") != view:
        yield f"the stream is not {view}, which is what the code reads"
    keys = {(k["AttributeName"], k["KeyType"]) for k in table["KeySchema"]}
    if keys != {("PK", "HASH"), ("SK", "RANGE")}:
        yield "the table's key is another than the code's"
    if table.get("BillingMode") != "PAY_PER_REQUEST":
        yield "the table reserves capacity"
    recovery = table.get("PointInTimeRecoverySpecification", {})
    if recovery.get("PointInTimeRecoveryEnabled") is not True:
        yield "the table has no point-in-time recovery"
    if recovery.get("RecoveryPeriodInDays") != {"Ref": "BackupDays"}:
        yield "the table's recovery does not end with BackupDays, after which an erasure is complete"
    if table.get("DeletionProtectionEnabled") != {"Fn::If": ["ProtectsTable", True, False]}:
        yield "the table is not protected from deletion"
    if stack.template["Parameters"]["DeletionProtection"]["Default"] != "true":
        yield "the table is not protected from deletion unless somebody asks for it"
    if table.get("SSESpecification", {}).get("SSEEnabled") is not True:
        yield "the table is not encrypted with a key whose use is logged"
    yield from kept(stack, "Table")


def kept(stack, name):
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        if stack.resources[name].get(policy) != "Retain":
            yield f"{name} has no {policy} Retain, so a mistake with the stack destroys it"


@check
def bucket(stack):
    bucket = stack.properties("Bucket")
    if bucket.get("VersioningConfiguration") != {"Status": "Enabled"}:
        yield "the bucket keeps no versions"
    rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    if not any("ServerSideEncryptionByDefault" in rule for rule in rules):
        yield "the bucket is not encrypted"
    closed = bucket.get("PublicAccessBlockConfiguration", {})
    for door in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"):
        if closed.get(door) is not True:
            yield f"the bucket lacks {door}"
    lifecycle = [r for r in bucket.get("LifecycleConfiguration", {}).get("Rules", []) if r["Status"] == "Enabled"]
    for rule in lifecycle:
        if "ExpirationInDays" in rule:
            yield f"the rule {rule['Id']} deletes objects that are in use"
    old = [r for r in lifecycle if "NoncurrentVersionExpiration" in r and "Prefix" not in r]
    if [r["NoncurrentVersionExpiration"]["NoncurrentDays"] for r in old] != [{"Ref": "BackupDays"}]:
        yield "old versions do not end with BackupDays, so what was erased would stay in them"
    if not any(r.get("ExpiredObjectDeleteMarker") for r in lifecycle):
        yield "marks of deleted objects stay for ever"
    if not any(0 < r.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0) <= 7 for r in lifecycle):
        yield "unfinished uploads stay for ever"
    yield from only_over_tls(stack, "AWS::S3::BucketPolicy", "s3:*", {"Bucket", "${Bucket.Arn}/*"})
    yield from kept(stack, "Bucket")


def only_over_tls(stack, kind, action, resources):
    for policy in stack.of(kind).values():
        for s in policy["PolicyDocument"]["Statement"]:
            denies = s["Effect"] == "Deny" and s["Principal"] == "*" and s["Action"] == action
            if denies and s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}:
                resources = resources - {text(r) for r in each(s["Resource"])}
    for resource in sorted(resources):
        yield f"{resource} can be reached without TLS"


@check
def dead_letters(stack):
    queues = stack.of("AWS::SQS::Queue")
    for name, queue in queues.items():
        if queue.get("SqsManagedSseEnabled") is not True and "KmsMasterKeyId" not in queue:
            yield f"{name} is not encrypted"
        if queue.get("MessageRetentionPeriod") != 14 * DAY:
            yield f"{name} does not keep letters for 14 days, the longest there is"
    yield from only_over_tls(stack, "AWS::SQS::QueuePolicy", "sqs:*", set(queues))
    named = {target(p) for policy in stack.of("AWS::SQS::QueuePolicy").values() for p in policy["Queues"]}
    for name in set(queues) - named:
        yield f"{name} has no policy"
    # No function reads a queue; one that will has to leave its function time to end.
    for name, mapping in stack.of("AWS::Lambda::EventSourceMapping").items():
        queue, function = target(mapping["EventSourceArn"]), target(mapping["FunctionName"])
        if queue in queues and queues[queue].get("VisibilityTimeout", 30) < 6 * stack.properties(function)["Timeout"]:
            yield f"{queue} shows messages again before {name} has had six times its function's time"


# ------------------------------------------------------------------------------------------------------------ streams

# What each reader of the stream takes: kinds of items, by the first letter of their sort key.
READS = {"FoldStream": ["E#", "L#"], "ArchiveStream": ["E#", "D#", "L#"]}


# What keeps data, and the place of it in places.rs; what keeps none.
KEEPS = {
    "AWS::DynamoDB::Table": "Event",
    "AWS::S3::Bucket": "EventLake",
    "AWS::SQS::Queue": "DeadLetter",
    "AWS::Logs::LogGroup": "Log",
    "AWS::StepFunctions::StateMachine": "Log",
}
KEEPS_NOTHING = {
    *(f"AWS::ApiGatewayV2::{kind}" for kind in ("Api", "Integration", "Route", "Stage")),
    *(f"AWS::Batch::{kind}" for kind in ("ComputeEnvironment", "JobDefinition", "JobQueue")),
    *(f"AWS::CloudWatch::{kind}" for kind in ("Alarm", "Dashboard")),
    *(f"AWS::Lambda::{kind}" for kind in ("EventInvokeConfig", "EventSourceMapping", "Function", "Permission", "Url")),
    "AWS::Events::Rule", "AWS::IAM::Role", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
}


@check
def places(stack):
    """Whatever keeps something is a place of places.rs, which says how somebody is erased from it."""
    known = dict(re.findall(r"^    (\w+): Mark::.* => Erasure::(.*);$", source("shared/store/src/places.rs"), re.M))
    for name, resource in stack.resources.items():
        kind = resource["Type"]
        if kind not in KEEPS_NOTHING and KEEPS.get(kind) not in known:
            yield f"{name} is in no place: say in places.rs how somebody is erased from it, and here which one it is"
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket"):
        if len(stack.of(kind)) != 1:
            yield f"there is another {kind} than the one whose places are known"
    days = int(re.fullmatch(r"Scrubbed\((\d+)\)", known["DeadLetter"])[1])
    for name, queue in stack.of("AWS::SQS::Queue").items():
        if queue.get("MessageRetentionPeriod", 4 * DAY) > days * DAY:
            yield f"{name} keeps messages for longer than the {days} days after which an erasure says that they are gone"


@check
def streams(stack):
    mappings = stack.of("AWS::Lambda::EventSourceMapping")
    if set(mappings) != set(READS):
        yield f"the stream's readers are {sorted(mappings)}"
    letters = set()
    for name, mapping in mappings.items():
        function = target(mapping["FunctionName"])
        if mapping["EventSourceArn"] != {"Fn::GetAtt": ["Table", "StreamArn"]}:
            yield f"{name} does not read the table's stream"
        if mapping.get("StartingPosition") != "TRIM_HORIZON":
            yield f"{name} leaves out what was written before it was there"
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name} drops the records that its function reports"
        if mapping.get("BisectBatchOnFunctionError") is not True:
            yield f"{name} lets one bad record fail its neighbours"
        tries = int(constant("infra/local/src/poller.rs", "TRIES"))
        if not tries <= mapping.get("MaximumRetryAttempts", -1) <= 100:
            yield f"{name} tries for ever or less often than one machine does"
        if not HOUR <= mapping.get("MaximumRecordAgeInSeconds", -1) <= 12 * HOUR:
            yield f"{name} does not leave half of the stream's 24 hours to send dead letters again"
        if not 1 <= mapping.get("ParallelizationFactor", 0) <= 10:
            yield f"{name} does not say how many batches of a shard run at once"
        if mapping.get("MaximumBatchingWindowInSeconds", 0) > 60:
            yield f"{name} waits too long"
        queue = target(mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
        if queue not in stack.of("AWS::SQS::Queue") or queue in letters:
            yield f"{name} has no dead letters of its own"
        elif not may(stack, f"{function}Role", "sqs:SendMessage", queue):
            yield f"{function} may not write to {queue}"
        letters.add(queue)
        filters = [json.loads(f["Pattern"]) for f in mapping.get("FilterCriteria", {}).get("Filters", [])]
        wanted = [{"prefix": prefix} for prefix in READS.get(name, [])]
        # A deletion is no bell: what is erased is not folded or archived again.
        expected = [{"eventName": ["INSERT", "MODIFY"], "dynamodb": {"Keys": {"SK": {"S": wanted}}}}]
        if name == "ArchiveStream":
            # Profiles that were made while their visitor was erased.
            expected.append({"eventName": ["INSERT"], "dynamodb": {"Keys": {"SK": {"S": ["~PROFILE"]}}}})
        if filters != expected:
            yield f"{name} does not take what {function} reads: {READS.get(name)}"
    batch = int(constant("infra/local/src/poller.rs", "BATCH"))
    if mappings.get("FoldStream", {}).get("BatchSize") != batch:
        yield f"fold's batches are not those of one machine, {batch}"
    decoded = set(re.findall(r'sk\.starts_with\("(..)"\)', source("shared/store/src/stream.rs")))
    if decoded != {prefix for prefixes in READS.values() for prefix in prefixes}:
        yield f"the code reads {sorted(decoded)} from the stream"


def may(stack, role, action, resource):
    return any(
        action in each(s["Action"]) and resource in {text(r) for r in each(s["Resource"])}
        for _, s, _ in statements(stack.properties(role))
        if s["Effect"] == "Allow"
    )


# ---------------------------------------------------------------------------------------------------------- functions


@check
def functions(stack):
    functions = stack.functions()
    if set(functions) != API | set(STREAM) | BACKGROUND:
        yield f"the functions are {sorted(functions)}"
    variables = set(re.findall(r'"(VITRINE_[A-Z_]+)"', "".join(p.read_text() for p in TOP.glob("shared/runtime/src/*.rs"))))
    for name, function in functions.items():
        if function["Runtime"] != "provided.al2023" or function["Handler"] != "bootstrap":
            yield f"{name} is no program of its own"
        if function["Architectures"] != [{"Ref": "Architecture"}]:
            yield f"{name} is not built for Architecture"
        code = re.fullmatch(r"\.\./target/lambda/(\w+)/bootstrap\.zip", function["Code"])
        if not code or not (TOP / f"functions/{code.group(1)}/src/main.rs").is_file():
            yield f"{name} has code that no function builds"
            continue
        if "ReservedConcurrentExecutions" not in function or "Ref" not in function["MemorySize"]:
            yield f"{name}'s memory or concurrency is no parameter"
        environment = function["Environment"]["Variables"]
        for variable in environment:
            if variable.startswith("VITRINE_") and variable not in variables:
                yield f"{name} is given {variable}, which the code does not read"
        for variable in ("VITRINE_TABLE", "VITRINE_BUCKET", "VITRINE_RETENTION_DAYS"):
            if variable not in environment:
                yield f"{name} is not given {variable}"
        seals = "from_env_without_secret" not in source(f"functions/{code.group(1)}/src/main.rs")
        if ("VITRINE_SECRET_PARAMETER" in environment) != seals:
            yield f"{name} {'lacks' if seals else 'is given'} the secret"
        if any("SECRET" in variable and variable != "VITRINE_SECRET_PARAMETER" for variable in environment):
            yield f"{name} has a secret in its environment"
    if stack.template["Parameters"]["Architecture"]["Default"] != "arm64":
        yield "the functions are not for arm64 unless somebody asks for something else"


@check
def timeouts(stack):
    slowest = sum(deadlines().values()) / 1000
    for name, function in stack.functions().items():
        timeout = function["Timeout"]
        if name in API:
            if timeout >= GATEWAY:
                yield f"{name} may run longer than the gateway waits"
            integration = stack.properties(f"{name}Integration")["TimeoutInMillis"]
            if not timeout * 1000 < integration <= GATEWAY * 1000:
                yield f"the gateway gives {name} up before {name} gives up itself"
            if timeout < 5 * slowest:
                yield f"{name} may be ended before its own deadlines, {slowest} s, have passed"
        elif name in STREAM and not 30 <= timeout <= 300:
            yield f"{name} may hold a shard for {timeout} s"
        elif name in BACKGROUND and timeout != 900:
            yield f"{name} has not all the time that there is"
    states = stack.properties("Training")["Definition"]["States"]
    for state in [states["Measure"], states["Each"]["ItemProcessor"]["States"]["TrainInFunction"]]:
        if state.get("TimeoutSeconds", 0) <= stack.properties("Retrain")["Timeout"]:
            yield "the state machine gives retrain up before its time has passed"


@check
def logs(stack):
    groups = stack.of("AWS::Logs::LogGroup")
    for name, group in groups.items():
        if group.get("RetentionInDays") != {"Ref": "LogDays"}:
            yield f"{name} is kept for ever"
    for name in stack.functions():
        function = stack.properties(name)
        if target(function.get("LoggingConfig", {}).get("LogGroup")) != f"{name}Log" or f"{name}Log" not in groups:
            yield f"{name} has no log group of the template, and Lambda would make one that is kept for ever"
    for name, r in stack.resources.items():
        if r["Type"] == "AWS::Batch::JobDefinition":
            options = r["Properties"]["ContainerProperties"].get("LogConfiguration", {}).get("Options", {})
            if target(options.get("awslogs-group")) not in groups:
                yield f"{name} has no log group of the template"


# ---------------------------------------------------------------------------------------------------------------- API

# What the gateway routes besides the described API: the page to try it, and what browsers ask before they send.
BESIDES = {("GET", "/docs"): "manage", ("GET", "/docs/"): "manage", ("GET", "/docs/{proxy+}"): "manage", ("GET", "/console"): "manage", ("GET", "/console/{proxy+}"): "manage", ("POST", "/console/{proxy+}"): "manage", ("OPTIONS", "/{proxy+}"): "collect"}


@check
def routes(stack):
    expected = {**openapi(), **BESIDES}
    found = {}
    for name, route in stack.of("AWS::ApiGatewayV2::Route").items():
        method, path = route["RouteKey"].split(" ")
        if (method, path) in found:
            yield f"{method} {path} is there twice"
        integration = re.fullmatch(r"integrations/\$\{(\w+)\}", route["Target"]["Fn::Sub"]).group(1)
        found[method, path] = stack.name_of(target(stack.properties(integration)["IntegrationUri"]))
    for method, path in sorted(expected.keys() - found.keys()):
        yield f"{method} {path} of {expected[method, path]} has no route"
    for method, path in sorted(found.keys() - expected.keys()):
        yield f"{method} {path} leads to no function's route"
    for method, path in sorted(found.keys() & expected.keys()):
        if found[method, path] != expected[method, path]:
            yield f"{method} {path} leads to {found[method, path]}, not {expected[method, path]}"
    for name, integration in stack.of("AWS::ApiGatewayV2::Integration").items():
        function = target(integration["IntegrationUri"])
        if integration.get("PayloadFormatVersion") != "2.0" or integration["IntegrationType"] != "AWS_PROXY":
            yield f"{name} speaks another form than the functions"
        invoked = [
            p for p in stack.of("AWS::Lambda::Permission").values()
            if target(p["FunctionName"]) == function and p["Principal"] == "apigateway.amazonaws.com" and "${Api}" in text(p["SourceArn"])
        ]
        if len(invoked) != 1:
            yield f"the API may not invoke {function}"


@check
def throttling(stack):
    stage = stack.properties("ApiStage")
    usual = stage.get("DefaultRouteSettings", {})
    if usual.get("ThrottlingRateLimit") != {"Ref": "ApiRate"} or usual.get("ThrottlingBurstLimit") != {"Ref": "ApiBurst"}:
        yield "the API is not throttled"
    keys = {route["RouteKey"]: name for name, route in stack.of("AWS::ApiGatewayV2::Route").items()}
    settings = stage.get("RouteSettings", {})
    for key, setting in settings.items():
        if key not in keys:
            yield f"{key} is throttled and no route"
        elif keys[key] not in each(stack.resources["ApiStage"].get("DependsOn", [])):
            yield f"{key} is throttled before it is there"
        if not (0 < setting["ThrottlingRateLimit"] <= 10 and 0 < setting["ThrottlingBurstLimit"] <= 20):
            yield f"{key} is throttled to no use"
    for key in keys:
        if key.startswith(("POST", "PUT")) and re.search(r"retrain|/import|imports|vectors", key) and key != "POST /v1/import":
            if key not in settings:
                yield f"{key} is a lot of work and not throttled"


@check
def function_urls(stack):
    urls = stack.of("AWS::Lambda::Url")
    if {target(u["TargetFunctionArn"]) for u in urls.values()} != {"Collect", "Recommend"}:
        yield "function URLs are of other functions than collect and recommend"
    for name, r in stack.resources.items():
        public = r["Type"] == "AWS::Lambda::Permission" and r["Properties"]["Principal"] == "*"
        if (public or name in urls) and r.get("Condition") != "HasFunctionUrls":
            yield f"{name} is public whether or not function URLs are asked for"
    for url in urls.values():
        function = target(url["TargetFunctionArn"])
        permissions = {
            p["Action"]: p for p in stack.of("AWS::Lambda::Permission").values()
            if target(p["FunctionName"]) == function and p["Principal"] == "*"
        }
        by_url = permissions.get("lambda:InvokeFunctionUrl", {}).get("FunctionUrlAuthType") == "NONE"
        only_by_url = permissions.get("lambda:InvokeFunction", {}).get("InvokedViaFunctionUrl") is True
        if not (by_url and only_by_url):
            yield f"the URL of {function} is not open, or the function is open in other ways"


# ------------------------------------------------------------------------------------------- what begins by itself


@check
def schedules(stack):
    targets = {}
    for name, schedule in stack.of("AWS::Scheduler::Schedule").items():
        if "${Stage}" not in str(schedule.get("Name")):
            yield f"{name} has no name of its own in each stage"
        if schedule.get("State") != {"Ref": "Schedules"}:
            yield f"{name} cannot be switched off"
        aim = schedule["Target"]
        targets[target(aim["Arn"])] = name
        yield from tried_again(stack, name, aim)
        if not may(stack, target(aim["RoleArn"]), "sqs:SendMessage", "WorkDeadLetters"):
            yield f"{name} may not write its dead letters"
    if set(targets) != {"Training", "Compact", "Sweep"}:
        yield f"schedules begin {sorted(targets)}"
    for action, aim in (("states:StartExecution", "Training"), ("lambda:InvokeFunction", "Compact"), ("lambda:InvokeFunction", "Sweep")):
        if not may(stack, "StartRole", action, aim):
            yield f"schedules may not begin {aim}"


@check
def events(stack):
    patterns = {}
    for name, rule in stack.of("AWS::Events::Rule").items():
        if "${Stage}" not in str(rule.get("Name")):
            yield f"{name} has no name of its own in each stage"
        detail = rule["EventPattern"]["detail"]
        if detail["bucket"]["name"] != [{"Ref": "Bucket"}]:
            yield f"{name} listens to other buckets"
        for aim in rule["Targets"]:
            patterns[target(aim["Arn"])] = {key["wildcard"] for key in detail["object"]["key"]}
            yield from tried_again(stack, name, aim)
            shape = json.loads(aim["InputTransformer"]["InputTemplate"].replace("<key>", '"shops/a/jobs/retrain/1"'))
            if [r["s3"]["object"]["key"] for r in shape["Records"]] != ["shops/a/jobs/retrain/1"]:
                yield f"{name} tells the function in another form than it reads"
        allowed = [
            s for p in stack.of("AWS::SQS::QueuePolicy").values() for s in p["PolicyDocument"]["Statement"]
            if s["Effect"] == "Allow" and s["Principal"] == {"Service": "events.amazonaws.com"}
        ]
        if not any({"Fn::GetAtt": [name, "Arn"]} in s["Condition"]["ArnEquals"]["aws:SourceArn"] for s in allowed):
            yield f"{name} may not write its dead letters"
    kinds = set(re.findall(r'Self::\w+ => "(\w+)"', source("shared/store/src/jobs.rs").split("impl JobKind")[1].split("}\n}")[0]))
    key = "shops/*/jobs/{}/*"
    if "format!(\"shops/{shop}/jobs/{}/{}\"" not in source("shared/store/src/jobs.rs"):
        yield "jobs' objects lie elsewhere than where the rules look"
    expected = {"Training": {key.format("retrain")}, "Import": {key.format(kind) for kind in kinds - {"retrain"}}}
    if patterns != expected:
        yield f"files begin other work than the jobs {sorted(kinds)}: {patterns}"
    if stack.properties("Bucket").get("NotificationConfiguration") != {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}:
        yield "the bucket does not tell of its objects"


def tried_again(stack, name, aim):
    retry = aim.get("RetryPolicy", {})
    if not (1 <= retry.get("MaximumRetryAttempts", 0) and 60 <= retry.get("MaximumEventAgeInSeconds", 0) <= DAY):
        yield f"{name} does not try again, or for ever"
    if target(aim.get("DeadLetterConfig", {}).get("Arn")) not in stack.of("AWS::SQS::Queue"):
        yield f"{name} has no dead letters"


@check
def asynchronous(stack):
    """A function that is invoked without anybody waiting loses its failures, unless they have a destination."""
    invoked = {target(s["Target"]["Arn"]) for s in stack.of("AWS::Scheduler::Schedule").values()}
    invoked |= {target(t["Arn"]) for r in stack.of("AWS::Events::Rule").values() for t in r["Targets"]}
    configured = {target(c["FunctionName"]): c for c in stack.of("AWS::Lambda::EventInvokeConfig").values()}
    for function in invoked & set(stack.functions()):
        config = configured.get(function, {})
        queue = target(config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
        if queue not in stack.of("AWS::SQS::Queue"):
            yield f"failures of {function} are lost"
        elif not may(stack, f"{function}Role", "sqs:SendMessage", queue):
            yield f"{function} may not write to {queue}"
        if config.get("MaximumRetryAttempts") != 2:
            yield f"{function} is not tried again"


@check
def training(stack):
    machine = stack.properties("Training")["Definition"]
    states = machine["States"]
    each_shop = states["Each"]["ItemProcessor"]["States"]
    payload = states["Measure"]["Parameters"]["Payload"]
    if payload != {"measure.$": "$", "limit": {"Ref": "TrainInFunctionBytes"}}:
        yield "the log is not measured before it is trained"
    choice = each_shop["Where"]["Choices"]
    if choice != [{"Variable": "$.large", "BooleanEquals": True, "Next": {"Fn::If": ["HasBatch", "TrainInBatch", "TrainInFunction"]}}]:
        yield "a large log is not trained in AWS Batch where there is one"
    catches = {name: [c["Next"] for c in s.get("Catch", []) if c["ErrorEquals"] == ["States.ALL"]] for name, s in each_shop.items() if "Catch" in s}
    batch = each_shop["TrainInBatch"]["Fn::If"][1]
    if catches != {"TrainInFunction": ["TrainInBatch"]} or [c["Next"] for c in batch.get("Catch", [])] != ["Failed"]:
        yield "a training that fails keeps others from being done, or is not told of"
    if each_shop["TrainInBatch"]["Fn::If"][2] != {"Type": "Pass", "Next": "Failed"}:
        yield "without AWS Batch a training that fails is not told of"
    if each_shop["Failed"]["Parameters"]["QueueUrl"] != {"Ref": "WorkDeadLetters"}:
        yield "trainings that failed are told nowhere"
    for state in (states["Measure"], each_shop["TrainInFunction"]):
        if not any(r.get("MaxAttempts", 3) >= 2 and r.get("BackoffRate", 1) > 1 for r in state.get("Retry", [])):
            yield "the state machine does not try again"
    for action, resource in (("lambda:InvokeFunction", "Retrain"), ("sqs:SendMessage", "WorkDeadLetters"), ("batch:SubmitJob", "BatchQueue")):
        if not may(stack, "TrainingRole", action, resource):
            yield f"training lacks {action}"
    outside = [n for n, r in stack.resources.items() if (r["Type"].startswith("AWS::Batch") or n.startswith("Batch")) and r.get("Condition") != "HasBatch"]
    if outside:
        yield f"{outside} are there without subnets"
    # The same program with the same calls and settings, in another place.
    container = stack.properties("BatchJob")["ContainerProperties"]
    given = set()
    for variable in container["Environment"]:
        given.add(variable["Fn::If"][1]["Name"] if "Fn::If" in variable else variable["Name"])
    wanted = set(stack.properties("Retrain")["Environment"]["Variables"]) | {"AWS_REGION", "VITRINE_FUNCTION", "VITRINE_LAMBDA"}
    if given != wanted:
        yield f"AWS Batch is given {sorted(given ^ wanted)} or not, unlike the function"
    calls = [[(s, c) for p, s, c in statements(stack.properties(role)) if p == "calls"] for role in ("RetrainRole", "BatchRole")]
    if calls[0] != calls[1]:
        yield "in AWS Batch training may call something else than in the function"
    variables = [e["Name"] for e in batch["Parameters"]["ContainerOverrides"]["Environment"]]
    if variables != [constant("shared/runtime/src/task.rs", "PAYLOAD").strip('"')]:
        yield "AWS Batch is not told what to train in the way the program reads it"
    if "${Stage}" not in str(stack.properties("Training").get("StateMachineName")):
        yield "the state machine has no name of its own in each stage"


# -------------------------------------------------------------------------------------------------------------- roles


def declared():
    """For each function what calls.json allows it: {(action, resource)}, with the resources as `text` writes them."""
    adapters = json.loads(source("shared/store/calls.json"))
    bucket = "arn:${AWS::Partition}:s3:::vitrine-${Stage}-${AWS::AccountId}-${AWS::Region}"
    parameter = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${%s}"
    functions = {}
    for function, services in json.loads(source("infra/calls.json")).items():
        if function == "about":
            continue
        allowed = functions[function] = set()
        for call in services.get("dynamodb", []):
            allowed |= {(action, "Table") for action in adapters["dynamodb"][call]}
        for call, keys in services.get("s3", {}).items():
            for action in adapters["s3"][call]:
                if action.startswith("s3:ListBucket"):
                    allowed.add((action, bucket))
                else:
                    allowed |= {(action, f"{bucket}/shops/*/{key}") for key in keys}
        for call, parameters in services.get("ssm", {}).items():
            allowed |= {(action, parameter % name) for action in adapters["ssm"][call] for name in parameters}
    return functions


@check
def roles(stack):
    expected = declared()
    used = [target(f["Role"]) for f in stack.functions().values()]
    if len(set(used)) != len(used):
        yield "two functions share a role"
    for name, function in stack.functions().items():
        role = stack.properties(target(function["Role"]))
        own = stack.name_of(name)
        granted = set()
        for policy, s, condition in statements(role):
            if policy == "calls":
                granted |= {(action, text(r)) for action in each(s["Action"]) for r in each(s["Resource"])}
                qdrant = any("QdrantKeyParameter" in text(r) for r in each(s["Resource"]))
                if (condition == "HasQdrantKey") != qdrant:
                    yield f"{name}'s statement {s.get('Sid')} is there when it should not be"
        for action, resource in sorted(expected.get(own, set()) - granted):
            yield f"{own} makes {action} on {resource}, and its role does not allow it"
        for action, resource in sorted(granted - expected.get(own, set())):
            yield f"{own}'s role allows {action} on {resource}, and it never makes that call"
        if "ManagedPolicyArns" in role:
            yield f"{name}'s role has policies that are not in the template"
    unknown = set(expected) - {stack.name_of(n) for n in stack.functions()}
    if unknown:
        yield f"calls.json speaks of {sorted(unknown)}"


# What a role needs of the platform besides the calls of the program, by the service that acts in its name.
PLATFORM = {
    "logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage", "dynamodb:DescribeStream", "dynamodb:GetRecords",
    "dynamodb:GetShardIterator", "dynamodb:ListStreams", "lambda:InvokeFunction", "lambda:GetFunction", "states:StartExecution",
    "batch:SubmitJob", "batch:TerminateJob", "batch:DescribeJobs", "events:DescribeRule", "events:PutRule", "events:PutTargets",
}


@check
def wildcards(stack):
    listed = set(stack.template["Metadata"]["wildcards"])
    # `<any>` stands for anything without a wildcard.
    parts = {entry: "[^*]*".join(map(re.escape, entry.split("<any>"))) for entry in listed if "<any>" in entry}
    met = set()
    for name, role in stack.of("AWS::IAM::Role").items():
        if "PermissionsBoundary" not in role and "ManagedPolicyArns" in role:
            yield f"{name} has policies that are not in the template"
        for policy, s, _ in statements(role):
            for action in each(s["Action"]):
                if policy != "calls" and action not in PLATFORM:
                    yield f"{name} is allowed {action}"
                if "*" in action or any(text(r) == "*" for r in each(s["Resource"])):
                    met.add(f"{name}/{action}")
            if s["Effect"] != "Allow" or "NotAction" in s or "NotResource" in s:
                yield f"{name} has a statement that is not a plain permission"
            for resource in map(text, each(s["Resource"])):
                if "*" in resource and resource != "*":
                    known = {entry for entry, pattern in parts.items() if re.fullmatch(pattern, resource)}
                    met |= known
                    if not known:
                        yield f"{name} reaches {resource}"
    for entry in sorted(met - listed):
        yield f"{entry} is a wildcard that the list gives no reason for"
    for entry in sorted(listed - met):
        yield f"{entry} is listed as a wildcard and is none"
    for name, r in stack.resources.items():
        if r["Type"] == "AWS::IAM::Role":
            for s in r["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
                if set(s["Principal"]) != {"Service"}:
                    yield f"{name} can be taken by others than services"


# ----------------------------------------------------------------------------------------------------------- watching


@check
def alarms(stack):
    alarms = stack.of("AWS::CloudWatch::Alarm")
    watched = set()
    for name, alarm in alarms.items():
        if stack.resources[name].get("Condition") != "HasAlarms":
            yield f"{name} cannot be switched off"
        if alarm.get("TreatMissingData") != "notBreaching":
            yield f"{name} rings where nothing happens"
        if alarm.get("AlarmActions") != {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}:
            yield f"{name} tells nobody"
        if name not in alarm.get("AlarmDescription", ""):
            yield f"{name} does not say where its section is"
        metrics = [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m] or [alarm]
        if len(metrics) > 10:
            yield f"{name} has more metrics than an alarm takes"
        for metric in metrics:
            for dimension in metric.get("Dimensions", []):
                watched.add((metric["MetricName"], target(dimension["Value"]), alarm.get("ExtendedStatistic")))
    for queue in stack.of("AWS::SQS::Queue"):
        if ("ApproximateNumberOfMessagesVisible", queue, None) not in watched:
            yield f"nobody hears of dead letters in {queue}"
    for function in STREAM:
        if ("IteratorAge", function, None) not in watched:
            yield f"nobody hears that {function} is behind"
    for function in stack.functions():
        for metric in ("Errors", "Throttles"):
            if (metric, function, None) not in watched:
                yield f"nobody hears of {metric} of {function}"
    for function in ("Collect", "Recommend"):
        if ("Duration", function, "p99") not in watched:
            yield f"nobody hears that {function} is slow"
    for metric, resource in (("5xx", "Api"), ("ExecutionsFailed", "Training"), ("WriteThrottleEvents", "Table")):
        if (metric, resource, None) not in watched:
            yield f"nobody hears of {metric} of {resource}"
    for name, dashboard in stack.of("AWS::CloudWatch::Dashboard").items():
        if stack.resources[name].get("Condition") != "HasDashboard":
            yield f"{name} cannot be switched off"
        json.loads(re.sub(r"\$\{[^}]+\}", "x", dashboard["DashboardBody"]["Fn::Sub"]))


@check
def documents(stack):
    readme = README.read_text() if README.is_file() else ""
    headings = set(re.findall(r"^#+ (.+)$", readme, re.MULTILINE))
    for name in stack.of("AWS::CloudWatch::Alarm"):
        if name not in headings:
            yield f"{name} has no section in infra/README.md"
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", readme, re.MULTILINE))
    parameters = stack.template["Parameters"]
    for name, parameter in parameters.items():
        default = str(parameter.get("Default", ""))
        if name not in rows:
            yield f"the parameter {name} is not in infra/README.md"
        elif rows[name].strip(" `") != default:
            yield f"infra/README.md has another default of {name} than {default!r}"
        if not parameter.get("Description"):
            yield f"the parameter {name} does not say what it is"
    used = {v["Ref"] for v in walk(stack.template) if isinstance(v, dict) and set(v) == {"Ref"}}
    used |= {n for v in walk(stack.template) if isinstance(v, str) for n in re.findall(r"\$\{(\w+)\}", v)}
    for name in parameters.keys() - used:
        yield f"the parameter {name} changes nothing"
    metrics = sum(
        len([m for m in alarm["Metrics"] if "MetricStat" in m]) if "Metrics" in alarm else 1
        for alarm in stack.of("AWS::CloudWatch::Alarm").values()
    )
    if f" {metrics} metrics at " not in readme:
        yield f"infra/README.md does not price the {metrics} metrics of the alarms"
    for kind in sorted({r["Type"] for r in stack.resources.values()}):
        if f"`{kind}`" not in readme:
            yield f"infra/README.md does not say what {kind} costs while nobody visits"


@check
def reasons(stack):
    """Rules of checkov that are set aside have their reason beside what they are about."""
    for name, r in stack.resources.items():
        for skip in r.get("Metadata", {}).get("checkov", {}).get("skip", []):
            if len(skip.get("comment", "")) < 20:
                yield f"{name} sets {skip['id']} aside without a reason"
    for entry, reason in stack.template["Metadata"]["wildcards"].items():
        if len(reason or "") < 20:
            yield f"{entry} is a wildcard without a reason"


@check
def outputs(stack):
    given = {target(o["Value"]) for o in stack.template["Outputs"].values()}
    for name in ["Api", "Table", "Bucket", "Training", *stack.functions(), *stack.of("AWS::SQS::Queue")]:
        if name not in given:
            yield f"{name} is not among the outputs"

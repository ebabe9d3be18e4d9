"""Mistakes in the template: (the check that has to find it, a part of what it says, how the mistake is made)."""

import checks


def put(*path):
    """Sets the last of `path` at the place that the others name, or removes it if it is None."""
    *way, key, value = path

    def mistake(stack):
        place = stack.resources
        for step in way:
            place = place[step]
        if value is None:
            del place[key]
        else:
            place[key] = value

    return mistake


def of(resource, *path):
    return put(resource, "Properties", *path)


def drop(resource):
    return lambda stack: stack.resources.pop(resource)


def add(resource, like, **properties):
    def mistake(stack):
        stack.resources[resource] = {**stack.resources[like], "Properties": {**stack.properties(like), **properties}}

    return mistake


def allow(role, action, resource, policy=0):
    def mistake(stack):
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        stack.properties(role)["Policies"][policy]["PolicyDocument"]["Statement"].append(statement)

    return mistake


def deny(role, action):
    """Takes an action out of the statements of a role."""

    def mistake(stack):
        for policy in stack.properties(role)["Policies"]:
            policy = policy.get("Fn::If", [None, policy])[1]
            for statement in policy["PolicyDocument"]["Statement"]:
                statement = statement.get("Fn::If", [None, statement])[1]
                actions = checks.each(statement["Action"])
                statement["Action"] = [a for a in actions if a != action]

    return mistake


def parameter(name, member, value):
    return lambda stack: stack.template["Parameters"][name].__setitem__(member, value)


def states(stack):
    return stack.properties("Training")["Definition"]["States"]["Each"]["ItemProcessor"]["States"]


MUTATIONS = [
    (checks.table, "expire items", of("Table", "TimeToLiveSpecification", "AttributeName", "ttl")),
    (checks.table, "the stream is not", of("Table", "StreamSpecification", "StreamViewType", "KEYS_ONLY")),
    (checks.table, "reserves capacity", of("Table", "BillingMode", "PROVISIONED")),
    (checks.table, "point-in-time", of("Table", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled", False)),
    (checks.table, "protected from deletion", of("Table", "DeletionProtectionEnabled", None)),
    (checks.table, "unless somebody asks", parameter("DeletionProtection", "Default", "false")),
    (checks.table, "not encrypted", of("Table", "SSESpecification", None)),
    (checks.table, "destroys it", put("Table", "UpdateReplacePolicy", "Delete")),
    (checks.bucket, "keeps no versions", of("Bucket", "VersioningConfiguration", None)),
    (checks.bucket, "not encrypted", of("Bucket", "BucketEncryption", None)),
    (checks.bucket, "BlockPublicPolicy", of("Bucket", "PublicAccessBlockConfiguration", "BlockPublicPolicy", False)),
    (checks.bucket, "old versions", of("Bucket", "LifecycleConfiguration", "Rules", 0, "NoncurrentVersionExpiration", {"NoncurrentDays": 90})),
    (checks.bucket, "in use", of("Bucket", "LifecycleConfiguration", "Rules", 0, "ExpirationInDays", 30)),
    (checks.bucket, "unfinished uploads", of("Bucket", "LifecycleConfiguration", "Rules", 1, "Status", "Disabled")),
    (checks.bucket, "without TLS", of("BucketPolicy", "PolicyDocument", "Statement", 0, "Condition", {"Bool": {"aws:SecureTransport": "true"}})),
    (checks.dead_letters, "FoldDeadLetters is not encrypted", of("FoldDeadLetters", "SqsManagedSseEnabled", None)),
    (checks.dead_letters, "14 days", of("WorkDeadLetters", "MessageRetentionPeriod", 345600)),
    (checks.dead_letters, "without TLS", of("DeadLettersPolicy", "PolicyDocument", "Statement", 0, "Effect", "Allow")),
    (checks.dead_letters, "has no policy", of("DeadLettersPolicy", "Queues", 0, {"Ref": "WorkDeadLetters"})),
    (checks.dead_letters, "six times", add("More", "FoldStream", EventSourceArn={"Fn::GetAtt": ["WorkDeadLetters", "Arn"]}, FunctionName={"Ref": "Import"})),
    (checks.streams, "drops the records", of("FoldStream", "FunctionResponseTypes", None)),
    (checks.streams, "fail its neighbours", of("ArchiveStream", "BisectBatchOnFunctionError", False)),
    (checks.streams, "for ever", of("FoldStream", "MaximumRetryAttempts", -1)),
    (checks.streams, "24 hours", of("ArchiveStream", "MaximumRecordAgeInSeconds", 86400)),
    (checks.streams, "how many batches", of("FoldStream", "ParallelizationFactor", None)),
    (checks.streams, "dead letters of its own", of("ArchiveStream", "DestinationConfig", "OnFailure", "Destination", {"Fn::GetAtt": ["FoldDeadLetters", "Arn"]})),
    (checks.streams, "may not write", deny("FoldRole", "sqs:SendMessage")),
    (checks.streams, "does not take what", of("FoldStream", "FilterCriteria", "Filters", 0, "Pattern", '{"eventName":["INSERT"]}')),
    (checks.streams, "leaves out", of("FoldStream", "StartingPosition", "LATEST")),
    (checks.streams, "one machine, 1000", of("FoldStream", "BatchSize", 10)),
    (checks.functions, "the functions are", drop("Privacy")),
    (checks.functions, "no function builds", of("Fold", "Code", "../target/lambda/folds/bootstrap.zip")),
    (checks.functions, "does not read", of("Fold", "Environment", "Variables", "VITRINE_TABEL", "t")),
    (checks.functions, "is not given VITRINE_BUCKET", of("Fold", "Environment", "Variables", "VITRINE_BUCKET", None)),
    (checks.functions, "lacks the secret", of("Collect", "Environment", "Variables", "VITRINE_SECRET_PARAMETER", None)),
    (checks.functions, "is given the secret", of("Fold", "Environment", "Variables", "VITRINE_SECRET_PARAMETER", "x")),
    (checks.functions, "secret in its environment", of("Collect", "Environment", "Variables", "VITRINE_SECRET", "x")),
    (checks.functions, "concurrency is no parameter", of("Collect", "ReservedConcurrentExecutions", None)),
    (checks.functions, "arm64", parameter("Architecture", "Default", "x86_64")),
    (checks.timeouts, "longer than the gateway", of("Manage", "Timeout", 60)),
    (checks.timeouts, "before Collect gives up", of("CollectIntegration", "TimeoutInMillis", 5000)),
    (checks.timeouts, "its own deadlines", of("Recommend", "Timeout", 1)),
    (checks.timeouts, "hold a shard", of("Fold", "Timeout", 900)),
    (checks.timeouts, "all the time", of("Retrain", "Timeout", 60)),
    (checks.timeouts, "gives retrain up", lambda stack: states(stack)["TrainInFunction"].update(TimeoutSeconds=600)),
    (checks.logs, "kept for ever", of("FoldLog", "RetentionInDays", None)),
    (checks.logs, "no log group", of("Import", "LoggingConfig", None)),
    (checks.routes, "has no route", drop("RoutePostTrack")),
    (checks.routes, "leads to collect, not recommend", of("RouteGetProducts", "Target", {"Fn::Sub": "integrations/${CollectIntegration}"})),
    (checks.routes, "no function's route", of("RoutePostTrack", "RouteKey", "POST /v1/tracks")),
    (checks.routes, "there twice", add("Twice", "RoutePostTrack")),
    (checks.routes, "may not invoke Manage", drop("ManagePermission")),
    (checks.routes, "another form", of("CollectIntegration", "PayloadFormatVersion", "1.0")),
    (checks.throttling, "not throttled", of("ApiStage", "DefaultRouteSettings", None)),
    (checks.throttling, "a lot of work", of("ApiStage", "RouteSettings", "POST /v1/retrain", None)),
    (checks.throttling, "before it is there", put("ApiStage", "DependsOn", [])),
    (checks.function_urls, "is public", put("CollectUrl", "Condition", None)),
    (checks.function_urls, "open in other ways", of("RecommendUrlInvocation", "InvokedViaFunctionUrl", None)),
    (checks.schedules, "each stage", of("TrainSchedule", "Name", None)),
    (checks.schedules, "try again", of("TrainSchedule", "Target", "RetryPolicy", None)),
    (checks.schedules, "no dead letters", of("CompactSchedule", "Target", "DeadLetterConfig", None)),
    (checks.schedules, "switched off", of("CompactSchedule", "State", "ENABLED")),
    (checks.schedules, "may not begin", deny("StartRole", "states:StartExecution")),
    (checks.events, "other work than the jobs", of("ImportFiles", "EventPattern", "detail", "object", "key", [{"wildcard": "shops/*/jobs/orders/*"}])),
    (checks.events, "other form", of("RetrainJobs", "Targets", 0, "InputTransformer", "InputTemplate", '{"Records":[{"s3":{"object":{"key":"<key>s"}}}]}'.replace('"<key>s"', '"all"'))),
    (checks.events, "does not tell", of("Bucket", "NotificationConfiguration", None)),
    (checks.events, "may not write", of("DeadLettersPolicy", "PolicyDocument", "Statement", 1, "Condition", "ArnEquals", {"aws:SourceArn": []})),
    (checks.asynchronous, "failures of Import are lost", drop("ImportFailures")),
    (checks.asynchronous, "not tried again", of("CompactFailures", "MaximumRetryAttempts", 0)),
    (checks.training, "not measured", of("Training", "Definition", "States", "Measure", "Parameters", "Payload", {})),
    (checks.training, "keeps others", lambda stack: states(stack)["TrainInFunction"].pop("Catch")),
    (checks.training, "is not told of", lambda stack: states(stack)["TrainInBatch"]["Fn::If"].__setitem__(2, {"Type": "Succeed"})),
    (checks.training, "does not try again", of("Training", "Definition", "States", "Measure", "Retry", None)),
    (checks.places, "is in no place", lambda stack: stack.resources.update(Other={"Type": "AWS::ElastiCache::ServerlessCache"})),
    (checks.places, "there is another AWS::S3::Bucket", add("Backups", "Bucket")),
    (checks.places, "keeps messages for longer", of("FoldDeadLetters", "MessageRetentionPeriod", 15 * 86400)),
    (checks.training, "without subnets", put("BatchQueue", "Condition", None)),
    (checks.training, "unlike the function", of("Retrain", "Environment", "Variables", "VITRINE_SCRATCH", "/tmp")),
    (checks.training, "something else", allow("BatchRole", "dynamodb:Scan", {"Fn::GetAtt": ["Table", "Arn"]})),
    (checks.roles, "its role does not allow it", deny("CollectRole", "dynamodb:PutItem")),
    (checks.roles, "never makes that call", allow("PrivacyRole", "dynamodb:Scan", {"Fn::GetAtt": ["Table", "Arn"]})),
    (checks.roles, "never makes that call", allow("RecommendRole", "s3:GetObject", {"Fn::Sub": "${Bucket.Arn}/*"})),
    (checks.roles, "share a role", of("Privacy", "Role", {"Fn::GetAtt": ["ManageRole", "Arn"]})),
    (checks.roles, "not in the template", of("PrivacyRole", "ManagedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"])),
    (checks.wildcards, "no reason", allow("FoldRole", "dynamodb:*", {"Fn::GetAtt": ["Table", "Arn"]})),
    (checks.wildcards, "no reason", allow("FoldRole", "dynamodb:Query", "*")),
    (checks.wildcards, "is allowed", allow("FoldRole", "iam:PassRole", "arn:aws:iam::1:role/x", policy=1)),
    (checks.wildcards, "reaches", allow("FoldRole", "s3:GetObject", {"Fn::Sub": "arn:${AWS::Partition}:s3:::vitrine-*"})),
    (checks.wildcards, "reaches", lambda stack: stack.template["Metadata"]["wildcards"].pop("<any>/shops/*/<any>/*")),
    (checks.wildcards, "is none", lambda stack: stack.template["Metadata"]["wildcards"].update({"<any>:table/*": "no"})),
    (checks.wildcards, "is none", lambda stack: stack.template["Metadata"]["wildcards"].update({"FoldRole/x:Y": "no"})),
    (checks.wildcards, "others than services", of("FoldRole", "AssumeRolePolicyDocument", "Statement", 0, "Principal", {"AWS": "*"})),
    (checks.alarms, "dead letters in FoldDeadLetters", drop("FoldDeadLettersAlarm")),
    (checks.alarms, "Fold is behind", of("FoldAgeAlarm", "MetricName", "Duration")),
    (checks.alarms, "Errors of Retrain", lambda stack: stack.properties("FunctionErrorsAlarm")["Metrics"].pop()),
    (checks.alarms, "is slow", of("RecommendSlowAlarm", "ExtendedStatistic", "p50")),
    (checks.alarms, "switched off", put("ThrottlesAlarm", "Condition", None)),
    (checks.alarms, "tells nobody", of("ThrottlesAlarm", "AlarmActions", None)),
    (checks.documents, "has no section", add("NewAlarm", "ThrottlesAlarm")),
    (checks.documents, "is not in infra/README.md", lambda stack: stack.template["Parameters"].update(New={"Type": "String", "Description": "x"})),
    (checks.documents, "another default", parameter("LogDays", "Default", 7)),
    (checks.documents, "what AWS::EC2::NatGateway costs", lambda stack: stack.resources.update(Nat={"Type": "AWS::EC2::NatGateway"})),
    (checks.documents, "does not price", drop("FoldAgeAlarm")),
    (checks.reasons, "without a reason", put("Fold", "Metadata", "checkov", "skip", 0, "comment", "")),
    (checks.outputs, "not among", lambda stack: stack.template["Outputs"].pop("TableName")),
]

"""segment-analytics-python or rudder-sdk-python, as published: python.py PLAN HOST KEY

Which of the two, and in which version, is a matter of the environment it runs in.
"""

import datetime
import json
import sys

plan_file, host, key = sys.argv[1:]
try:
    from segment.analytics.client import Client
    from segment.analytics.version import VERSION

    # The newest compresses, the older one does not: both ways in.
    options = {"gzip": VERSION != "2.3.4"}
except ImportError:
    from rudderstack.analytics.client import Client

    options = {}

failed = []
client = Client(key, host=host, max_queue_size=100_000, on_error=lambda error, batch: failed.append((error, len(batch))), **options)

with open(plan_file, encoding="utf-8") as file:
    plan = json.load(file)

for call in (call for user in plan["users"] for call in user["calls"]):
    who = {"user_id": call.get("user"), "anonymous_id": call.get("anonymous")}
    kind = call["type"]
    if kind == "track":
        days = call.get("daysAgo")
        if days:
            now = datetime.datetime.now(datetime.timezone.utc)
            who["timestamp"] = now - datetime.timedelta(days=days)
        client.track(event=call["event"], properties=call["properties"], **who)
    elif kind in ("page", "screen"):
        getattr(client, kind)(name=call["name"], properties=call["properties"], **who)
    elif kind == "identify":
        client.identify(traits=call["traits"], **who)
    elif kind == "group":
        client.group(group_id=call["group"], traits=call["traits"], **who)
    elif kind == "alias":
        client.alias(previous_id=call["previous"], user_id=call["user"])

client.flush()
client.join()
if failed:
    sys.exit(f"{sum(n for _, n in failed)} events failed, the first: {failed[0][0]!r}")

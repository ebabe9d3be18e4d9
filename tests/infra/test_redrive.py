"""infra/redrive against an `aws` that answers from a file and notes what it was asked."""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

from stack import TOP, Stack, load

AWS = textwrap.dedent(
    """\
    #!{python}
    import json, os, sys
    words = sys.argv[1:]
    state = json.load(open(os.environ["STATE"]))
    payload = None
    for word in words:
        if word.startswith("file://"):
            payload = json.load(open(word[7:]))
    with open(os.environ["ASKED"], "a") as asked:
        asked.write(json.dumps({"words": words, "payload": payload}) + "\\n")
    of = lambda name: words[words.index(name) + 1]
    call = " ".join(words[:2])
    if call == "cloudformation describe-stacks":
        print(json.dumps({"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in state["outputs"].items()]}]}))
    elif call == "sqs receive-message":
        print(json.dumps({"Messages": state["letters"].get(of("--queue-url"), [])}))
    elif call == "dynamodbstreams get-shard-iterator":
        print(json.dumps({"ShardIterator": "at " + of("--sequence-number")}))
    elif call == "dynamodbstreams get-records":
        print(json.dumps({"Records": state["records"], "NextShardIterator": "more"}))
    elif call == "stepfunctions start-execution" and state.get("fails_again"):
        for letters in state["letters"].values():
            letters.append({**letters[0], "MessageId": str(len(letters))})
        json.dump(state, open(os.environ["STATE"], "w"))
    elif call == "lambda invoke":
        open(words[-3], "w").write(json.dumps(state["said"]))
        print(json.dumps({"StatusCode": 200, **state["answer"]}))
    """
)
FOLD = "arn:aws:lambda:eu-west-3:1:function:vitrine-dev-fold"


def record(sequence, sort_key, name="INSERT"):
    change = {"Keys": {"PK": {"S": "S#demo#V#a:x"}, "SK": {"S": sort_key}}, "SequenceNumber": sequence, "ApproximateCreationDateTime": "2026-11-22T14:40:00+00:00"}
    return {"eventID": sequence, "eventName": name, "dynamodb": change}


class Redrive(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        program = self.folder / "aws"
        program.write_text(AWS.replace("{python}", sys.executable))
        program.chmod(0o755)
        outputs = {name: f"the {name}" for name in load()["Outputs"]}
        self.state = {"outputs": outputs, "letters": {}, "records": [], "answer": {}, "said": {"batchItemFailures": []}}

    def letter(self, queue, body):
        letters = self.state["letters"].setdefault(f"the {queue}DeadLettersUrl", [])
        letters.append({"MessageId": f"{queue} {len(letters)}", "ReceiptHandle": f"handle {queue} {len(letters)}", "Body": json.dumps(body)})

    def run_it(self, *words):
        (self.folder / "state").write_text(json.dumps(self.state))
        (self.folder / "asked").write_text("")
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", "STATE": str(self.folder / "state"), "ASKED": str(self.folder / "asked")}
        done = subprocess.run([sys.executable, "-B", str(TOP / "infra/redrive"), "vitrine-dev", *words], env=environment, capture_output=True, text=True, timeout=60)
        asked = [json.loads(line) for line in (self.folder / "asked").read_text().splitlines()]
        return done, asked

    def calls(self, asked, name):
        return [a for a in asked if " ".join(a["words"][:2]) == name]

    def batch(self):
        info = {"streamArn": "arn:stream", "shardId": "shard-1", "startSequenceNumber": "10", "endSequenceNumber": "30", "batchSize": 3}
        self.letter("Fold", {"requestContext": {"functionArn": FOLD, "condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": info})
        self.state["records"] = [record("10", "E#1#a"), record("20", "PRODUCT"), record("25", "E#2#b", "REMOVE"), record("30", "L#u:1"), record("40", "E#3#c")]

    def test_without_a_wish_letters_are_told_and_stay(self):
        self.batch()
        done, asked = self.run_it()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("waits: 3 records for vitrine-dev-fold (RetryAttemptsExhausted)", done.stdout)
        self.assertFalse(self.calls(asked, "sqs delete-message") + self.calls(asked, "lambda invoke"))

    def test_a_range_of_the_stream_goes_to_its_function_again(self):
        self.batch()
        done, asked = self.run_it("--again")
        self.assertEqual(done.returncode, 0, done.stderr)
        (invoked,) = self.calls(asked, "lambda invoke")
        self.assertIn(FOLD, invoked["words"])
        sent = invoked["payload"]["Records"]
        self.assertEqual([r["dynamodb"]["SequenceNumber"] for r in sent], ["10", "30"])
        self.assertEqual(sent[0]["dynamodb"]["ApproximateCreationDateTime"], 1795358400.0)
        self.assertEqual(len(self.calls(asked, "sqs delete-message")), 1)

    def test_what_fails_again_stays(self):
        self.batch()
        for said, answer, records in [
            ({"batchItemFailures": [{"itemIdentifier": "10"}]}, {}, self.state["records"]),
            ({"errorMessage": "no"}, {"FunctionError": "Unhandled"}, self.state["records"]),
            ({"batchItemFailures": []}, {}, []),
        ]:
            self.state.update(said=said, answer=answer, records=records)
            done, asked = self.run_it("--again")
            self.assertEqual(done.returncode, 1)
            self.assertIn("stays: Fold 0", done.stderr)
            self.assertFalse(self.calls(asked, "sqs delete-message"))

    def test_every_other_letter_finds_its_work(self):
        payload = {"Records": [{"s3": {"object": {"key": "shops/demo/jobs/orders/1"}}}]}
        self.letter("Work", {"requestContext": {"functionArn": FOLD.replace("fold", "import")}, "requestPayload": payload, "responsePayload": {"errorMessage": "no"}})
        self.letter("Work", {"training": {"shop": "demo"}, "failure": {"Error": "Sandbox.Timedout", "Cause": "15 minutes"}, "execution": "x"})
        self.letter("Work", {"source": "aws.s3", "detail": {"object": {"key": "shops/demo/jobs/retrain/2"}}})
        self.letter("Work", {"source": "aws.s3", "detail": {"object": {"key": "shops/demo/jobs/products/3"}}})
        self.letter("Work", {"source": "aws.scheduler"})
        done, asked = self.run_it("--again")
        self.assertEqual(done.returncode, 0, done.stderr)
        invoked = [(a["words"][a["words"].index("--function-name") + 1], a["payload"]["Records"][0]["s3"]["object"]["key"]) for a in self.calls(asked, "lambda invoke")]
        self.assertEqual(invoked, [("vitrine-dev-import", "shops/demo/jobs/orders/1"), ("the ImportFunction", "shops/demo/jobs/products/3")])
        started = [json.loads(a["words"][a["words"].index("--input") + 1]) for a in self.calls(asked, "stepfunctions start-execution")]
        self.assertEqual(started[0], {"shop": "demo"})
        self.assertEqual(started[1]["Records"][0]["s3"]["object"]["key"], "shops/demo/jobs/retrain/2")
        self.assertEqual(len(self.calls(asked, "sqs delete-message")), 5)

    def test_work_that_comes_back_at_once_is_not_done_for_ever(self):
        self.letter("Work", {"training": {"shop": "demo"}, "failure": {"Error": "Boom"}, "execution": "x"})
        self.state["fails_again"] = True
        done, asked = self.run_it("--again")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.calls(asked, "stepfunctions start-execution")), 1)

    def test_what_the_state_machine_sends_is_what_is_read(self):
        states = Stack(load()).properties("Training")["Definition"]["States"]["Each"]["ItemProcessor"]["States"]
        members = {m.removesuffix(".$") for m in states["Failed"]["Parameters"]["MessageBody"]}
        self.assertEqual(members, {"training", "failure", "execution"})

    def test_letters_are_taken_away_only_when_asked(self):
        self.letter("Archive", {"source": "aws.scheduler"})
        done, asked = self.run_it("--discard")
        self.assertIn("taken away", done.stdout)
        self.assertEqual(len(self.calls(asked, "sqs delete-message")), 1)
        self.assertFalse(self.calls(asked, "lambda invoke") + self.calls(asked, "stepfunctions start-execution"))


if __name__ == "__main__":
    unittest.main()

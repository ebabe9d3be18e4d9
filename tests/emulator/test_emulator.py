"""The transformation of the template and the judgement of calls."""

import pathlib
import tempfile
import unittest
import zipfile

from tests.emulator import emulator, transform

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
TEMPLATE = """AWSTemplateFormatVersion: '2010-09-09'
Conditions:
  HasBatch: !Equals [a, b]
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: { TableName: t }
  # What this queue is for.
  Queue:
    Type: AWS::Batch::JobQueue
    Condition: HasBatch
    Properties:
      Priority: 1

  # About the alarm.
  Sum:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Threshold: 1
      Metrics:
        - { Id: a }
  One:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: Errors
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      PolicyDocument:
        Statement:
          - Sid: OnlyOverTls
            Effect: Deny
Outputs:
  Table: { Value: !Ref Table }
"""


class Transformation(unittest.TestCase):
    def test_only_what_the_emulator_lacks_is_left_out(self):
        told = []
        changed = transform.transform(TEMPLATE, told.append)
        gone = [line for line in TEMPLATE.splitlines() if line not in changed.splitlines()]
        self.assertEqual(gone, ["  Queue:", "    Type: AWS::Batch::JobQueue", "    Condition: HasBatch", "      Priority: 1", "  Sum:",
                                "      Threshold: 1", "      Metrics:", "        - { Id: a }", "  Policy:", "    Type: AWS::S3::BucketPolicy", "      PolicyDocument:",
                                "        Statement:", "          - Sid: OnlyOverTls", "            Effect: Deny"])
        self.assertTrue(all(line in TEMPLATE.splitlines() for line in changed.splitlines()))
        self.assertEqual(len(told), 3)
        self.assertIn("Queue", told[0])
        self.assertIn("Sum", told[1])

    def test_what_would_be_deployed_is_never_left_out(self):
        with self.assertRaisesRegex(ValueError, "Queue"):
            transform.transform(TEMPLATE.replace("    Condition: HasBatch\n", ""))
        with self.assertRaisesRegex(ValueError, "Policy"):
            transform.transform(TEMPLATE.replace("OnlyOverTls", "SomethingElse"))

    def test_a_template_in_one_piece_stays_as_it_is(self):
        template = (TOP / "infra/template.yaml").read_text()
        self.assertEqual("".join(block for _, block in transform.blocks(template)), template)
        resources = [name for name, _ in transform.blocks(template) if name]
        self.assertEqual(len(resources), len(set(resources)))
        for expected in ["Table", "Bucket", "Api", "Collect", "FoldStream", "Training"]:
            self.assertIn(expected, transform.transform(template))
            self.assertIn(expected, resources)


class Judgement(unittest.TestCase):
    DECLARED = {("dynamodb", "PutItem", None), ("s3", "GetObject", "models/*"), ("s3", "ListObjectsV2", "*")}

    def judge(self, recorded, unexercised=None):
        return emulator.judge(recorded, self.DECLARED, unexercised or {})

    def test_what_was_declared_and_made_is_right(self):
        made = {("dynamodb", "PutItem", None): (3, 0), ("s3", "GetObject", "models/*"): (1, 0), ("s3", "ListObjectsV2", "events/*"): (1, 0)}
        self.assertEqual(self.judge(made), [])

    def test_everything_else_is_told(self):
        made = {("dynamodb", "DeleteItem", None): (2, 1), ("s3", "GetObject", "vectors/*"): (1, 0), ("s3", "ListObjectsV2", "*"): (1, 0)}
        wrong = "\n".join(self.judge(made, {"s3 ListObjectsV2 *": "why", "s3 PutObject *": "why"}))
        for sentence in [
            "dynamodb DeleteItem was refused 1 times",
            "dynamodb DeleteItem was made 2 times and is not declared",
            "s3 GetObject vectors/* was made 1 times and is not declared",
            "dynamodb PutItem is declared in infra/calls.json and was not made",
            "s3 GetObject models/* is declared in infra/calls.json and was not made",
            "s3 ListObjectsV2 * was made, so its line in not-exercised.txt is wrong",
            "s3 PutObject * has a line in not-exercised.txt and is not declared",
        ]:
            self.assertIn(sentence, wrong)
        self.assertEqual(len(wrong.splitlines()), 7)

    def test_a_reason_stands_for_a_call_that_was_not_made(self):
        made = {("s3", "GetObject", "models/*"): (1, 0), ("s3", "ListObjectsV2", "*"): (1, 0)}
        lines = emulator.not_exercised("# About.\nfold: dynamodb PutItem: nobody comes\n")
        self.assertEqual(self.judge(made, lines["fold"]), [])
        made[("dynamodb", "PutItem", None)] = (1, 0)
        self.assertEqual(len(self.judge(made, lines["fold"])), 1)
        self.assertEqual(self.judge(made, {"dynamodb PutItem": "sometimes: as it comes"}), [])

    def test_declarations_are_read_with_the_parameters_of_the_stack(self):
        lists = {"about": "text", "f": {"dynamodb": ["PutItem"], "s3": {"GetObject": ["models/*"]}, "ssm": {"GetParameter": ["A", "B"]}}}
        expected = {("dynamodb", "PutItem", None), ("s3", "GetObject", "models/*"), ("ssm", "GetParameter", "/a")}
        self.assertEqual(emulator.declared(lists, {"A": "/a", "B": ""}), {"f": expected})


class Zips(unittest.TestCase):
    def test_the_program_is_executable_and_the_same_bytes_give_the_same_zip(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path("/bin/true").resolve()
            emulator.zips(source.parent, folder, [source.name])
            file = pathlib.Path(folder, source.name, "bootstrap.zip")
            first = file.read_bytes()
            with zipfile.ZipFile(file) as archive:
                self.assertEqual(archive.namelist(), ["bootstrap"])
                self.assertEqual(archive.getinfo("bootstrap").external_attr >> 16, 0o100755)
            emulator.zips(source.parent, folder, [source.name])
            self.assertEqual(file.read_bytes(), first)


if __name__ == "__main__":
    unittest.main()

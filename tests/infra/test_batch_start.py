"""The start of a training in AWS Batch, run for real: credentials, the signed question where the program lies, the program
itself. The services are answered for on this machine; the signature is checked as the service checks it."""

import http.server
import io
import json
import os
import subprocess
import threading
import unittest
import zipfile

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from stack import Stack, load

KEY, SECRET, TOKEN = "ASIAEXAMPLE", "se/cret+key", "to/ken+with=signs"
PROGRAM = """#!/bin/sh
[ "$VITRINE_PAYLOAD" = '{"shop":"demo"}' ] || exit 9
echo "trained $VITRINE_TABLE"
exit "$END"
"""


def command():
    container = Stack(load()).properties("BatchJob")["ContainerProperties"]
    return container["Command"]


class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        if self.path == "/credentials":
            self.answer(json.dumps({"AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": TOKEN}).encode())
        elif self.path == "/2015-03-31/functions/vitrine-dev-retrain":
            server.signed = self.is_signed()
            self.answer(json.dumps({"Code": {"Location": f"{server.url}/program.zip?signed=1"}}).encode())
        elif self.path == "/program.zip?signed=1" and server.program:
            self.answer(server.program)
        else:
            self.send_error(404)

    def is_signed(self):
        request = AWSRequest("GET", f"{self.server.url}{self.path}")
        request.context["timestamp"] = self.headers["x-amz-date"]
        signer = SigV4Auth(Credentials(KEY, SECRET, TOKEN), "lambda", "eu-west-3")
        signed = self.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        for name in signed:
            request.headers[name] = self.headers[name]
        canonical = signer.canonical_request(request)
        expected = signer.signature(signer.string_to_sign(request, canonical), request)
        return "x-amz-security-token" in signed and self.headers["authorization"].endswith(f"Signature={expected}")

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Start(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        self.server.url = f"http://127.0.0.1:{self.server.server_port}"
        self.server.asked, self.server.signed = [], None
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as program:
            program.writestr("bootstrap", PROGRAM)
        self.server.program = archive.getvalue()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def run_task(self, end=0):
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_REGION": "eu-west-3",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.server.url}/credentials",
            "VITRINE_LAMBDA": self.server.url,
            "VITRINE_FUNCTION": "vitrine-dev-retrain",
            "VITRINE_TABLE": "vitrine-dev",
            "VITRINE_PAYLOAD": '{"shop":"demo"}',
            "END": str(end),
        }
        return subprocess.run(command(), env=environment, capture_output=True, text=True, timeout=120)

    def test_the_program_of_the_function_is_fetched_and_run(self):
        done = self.run_task()
        self.assertEqual((done.returncode, done.stdout), (0, "trained vitrine-dev\n"), done.stderr)
        self.assertIs(self.server.signed, True)
        self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_a_training_that_fails_fails_the_task(self):
        self.assertEqual(self.run_task(end=1).returncode, 1)

    def test_without_the_program_the_task_fails(self):
        self.server.program = None
        done = self.run_task()
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("trained", done.stdout)


if __name__ == "__main__":
    unittest.main()

"""calls.json against the code: what is declared is what the source can do, no less and no more."""

import json
import unittest

import callgraph
from stack import source

ADAPTERS = {(service, call): actions for service, calls in json.loads(source("shared/store/calls.json")).items() if service != "about" for call, actions in calls.items()}
FUNCTIONS = {name: services for name, services in json.loads(source("infra/calls.json")).items() if name != "about"}
# Functions of the template that are one program.
PROGRAMS = {"catalog": ["catalog", "import"], "archive": ["archive", "compact"], "fold": ["fold", "sweep"]}
HTTP = {"collect", "recommend", "catalog", "manage", "privacy"}


def declared(function):
    return {(service, call) for service, calls in FUNCTIONS[function].items() for call in calls}


class Calls(unittest.TestCase):
    def test_every_call_of_the_store_is_declared(self):
        self.assertEqual(set(ADAPTERS), callgraph.adapters())

    def test_a_permission_is_that_of_its_call(self):
        for (service, call), actions in ADAPTERS.items():
            with self.subTest(call=call):
                prefix = "dynamodb" if service.startswith("dynamodb") else service
                self.assertTrue(all(a.startswith(f"{prefix}:") for a in actions))
                if "/" not in call and service != "s3":
                    self.assertEqual(actions, [f"{prefix}:{call}"])

    def test_each_function_declares_what_its_source_can_call(self):
        programs = {name for name in FUNCTIONS} - {"import", "compact", "sweep"}
        for program in sorted(programs):
            with self.subTest(program=program):
                folders = [f"functions/{program}/src"] + (["shared/http/src"] if program in HTTP else [])
                can = callgraph.crate(*folders)
                says = set().union(*(declared(name) for name in PROGRAMS.get(program, [program])))
                # Secrets are read by what builds every function, before its own code begins.
                self.assertEqual(can, {(service, call) for service, call in says if service != "ssm"})

    def test_only_functions_that_seal_read_the_secret(self):
        for function, services in FUNCTIONS.items():
            with self.subTest(function=function):
                program = next((p for p, names in PROGRAMS.items() if function in names), function)
                seals = "from_env_without_secret" not in source(f"functions/{program}/src/main.rs")
                read = services.get("ssm", {}).get("GetParameter", [])
                self.assertEqual("SecretParameter" in read, seals)

    def test_every_declared_call_is_one_of_the_store(self):
        for function in FUNCTIONS:
            self.assertLessEqual(declared(function), set(ADAPTERS), function)


if __name__ == "__main__":
    unittest.main()

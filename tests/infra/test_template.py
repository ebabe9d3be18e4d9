"""The template as it is: every check finds nothing, and every check can find something."""

import unittest

import checks
from mutations import MUTATIONS
from stack import Stack, load

STACK = Stack(load())


class Template(unittest.TestCase):
    def test_everything_holds(self):
        for check in checks.CHECKS:
            with self.subTest(check=check.__name__):
                self.assertEqual([], list(check(STACK)))


class Mutations(unittest.TestCase):
    """Each mutation makes one mistake; the check that it is made for has to say so."""

    def test_every_mistake_is_found(self):
        for number, (check, says, mistake) in enumerate(MUTATIONS):
            with self.subTest(check=check.__name__, says=says, number=number):
                stack = STACK.copy()
                mistake(stack)
                self.assertNotEqual(stack.template, STACK.template, "the mistake is none")
                found = list(check(stack))
                self.assertTrue(any(says in sentence for sentence in found), f"found {found}")

    def test_every_check_can_fail(self):
        self.assertEqual(set(checks.CHECKS), {check for check, _, _ in MUTATIONS})


if __name__ == "__main__":
    unittest.main()

"""What is written about the command line is what the command line has."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

from cli import WFP, main

ROOT = os.path.normpath(os.path.join(os.path.dirname(__file__), "../.."))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def wfp(*arguments, code=0):
    done = subprocess.run([WFP, *arguments], text=True, capture_output=True, check=False,
                          timeout=60)
    assert done.returncode == code, done.stderr
    return done.stdout


def commands():
    return re.findall(r"^  (\w+) +", wfp("help"), re.M)


class Documents(unittest.TestCase):
    def test_the_man_page_has_every_command_and_option(self):
        page = read("docs/man/wfp.1.scd")
        for command in commands():
            self.assertIn(f"*{command}*", page)
            for option in re.findall(r"--[a-z]+", wfp("help", command)):
                self.assertIn(f"*{option}*", page, command)

    def test_the_completion_offers_every_command_and_option(self):
        script = read("packaging/completions/wfp.bash")
        offered = self.complete("wfp", "")
        self.assertEqual(sorted(commands()), sorted(offered))
        for command in commands():
            for option in re.findall(r"--[a-z]+", wfp("help", command)):
                self.assertIn(option, script, command)

    def test_the_completion_knows_layers_and_kinds(self):
        self.assertEqual(["connect", "closure"], self.complete("wfp", "monitor", "--layer", "c"))
        self.assertEqual(["filters", "flows"], self.complete("wfp", "show", "f"))
        self.assertEqual(["connect"], self.complete("wfp", "add", "block", "co"))

    @staticmethod
    def complete(*words):
        script = os.path.join(ROOT, "packaging/completions/wfp.bash")
        program = f'. {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _wfp; ' \
                  'printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", program, "bash", *words], text=True,
                              capture_output=True, check=True, timeout=60)
        return done.stdout.split()

    def test_the_examples_in_the_documents_are_good_policies(self):
        for path in ("docs/policy.md", "docs/man/openwfp-policy.5.scd"):
            for block in re.findall(r"^```\n(.*?)^```", read(path), re.M | re.S):
                begins = re.search(r"^(permit|sublayer \"(server|web))", block, re.M)
                if not begins or "error" in block:
                    continue
                with tempfile.NamedTemporaryFile("w", suffix=".wfp", encoding="utf-8") as file:
                    file.write(block)
                    file.flush()
                    wfp("check", file.name)

    def test_the_errors_in_the_document_are_the_real_ones(self):
        shown = next(block for block in
                     re.findall(r"^```\n(.*?)^```", read("docs/policy.md"), re.M | re.S)
                     if "error:" in block)
        with tempfile.TemporaryDirectory() as home:
            with open(os.path.join(home, "site.wfp"), "w", encoding="utf-8") as file:
                file.write("\n\npermit conect tcp port 443\npermit connect to 10.0.0.1/8\n")
            done = subprocess.run([WFP, "check", "site.wfp"], cwd=home, text=True, check=False,
                                  capture_output=True, timeout=60)
        self.assertEqual(shown, done.stderr)


if __name__ == "__main__":
    main(sys.modules["__main__"])

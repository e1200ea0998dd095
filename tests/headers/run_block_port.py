#!/usr/bin/env python3
"""run_block_port.py BFE BLOCK_PORT: the example does on Linux what it says, twice in a row."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time


def serves(path):
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(path) == 0


def wait_for(path, process):
    while not serves(path):
        if process.poll() is not None:
            sys.exit("bfe ended before it served")
        time.sleep(0.02)


def run(program, path):
    environment = os.environ | {"OPENWFP_SOCKET": path}
    result = subprocess.run([program, "8080"], input="\n", capture_output=True, text=True,
                            check=False, env=environment, timeout=20)
    if result.returncode != 0 or len(re.findall(r"filter \d+, 2 conditions", result.stdout)) != 2:
        sys.exit(f"exit code {result.returncode}: {result.stdout}{result.stderr}")


def main():
    bfe, program = sys.argv[1:]
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "bfe.sock")
        with subprocess.Popen([bfe, "--no-kernel", "--socket", path]) as process:
            try:
                wait_for(path, process)
                # The second time the names would be taken, had the first left anything behind.
                run(program, path)
                run(program, path)
            finally:
                process.terminate()


if __name__ == "__main__":
    main()

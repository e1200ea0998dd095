#!/usr/bin/env python3
"""document.py GENERATOR COMMITTED: docs/layers.md is what the table makes of it."""

import os
import subprocess
import sys
import tempfile


def main():
    generator, committed = sys.argv[1:]
    with tempfile.TemporaryDirectory() as work:
        made = os.path.join(work, "layers.md")
        subprocess.run([sys.executable, "-B", generator, "document", made], check=True)
        if subprocess.run(["diff", "-u", committed, made], check=False).returncode != 0:
            print(f"{committed} is not what the table makes: python3 {generator} document "
                  f"{committed}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

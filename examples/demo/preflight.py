"""What must be there before anything is changed; if it is not, one line says exactly what."""
import json
import os
import subprocess
import sys


def check(build, name):
    """Ends the program when this machine can't enforce."""
    if os.geteuid() != 0:
        sys.exit(f"{name}: needs root for BPF, cgroups and namespaces: sudo ./dev {name}")
    probe = subprocess.run([os.path.join(build, "src/wfp/wfp"), "doctor", "--json"], text=True,
                           capture_output=True, check=False)
    try:
        report = json.loads(probe.stdout)
    except ValueError:
        sys.exit(f"{name}: can't find out what this kernel can do: {probe.stderr.strip()}")
    if not report["usable"]:
        sys.exit(f"{name}: this kernel can't enforce a policy: {report['summary']}")

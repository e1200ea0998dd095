"""wfp ask --json, as a test talks to it."""
import json
import queue
import subprocess
import threading


class Lines:
    """The lines that a process writes, as they come."""

    def __init__(self, stream):
        self.queue = queue.Queue()
        threading.Thread(target=self.read, args=(stream,), daemon=True).start()

    def read(self, stream):
        for line in stream:
            self.queue.put(line.rstrip("\n"))
        self.queue.put(None)

    def next(self, seconds=10):
        return self.queue.get(timeout=seconds)


class Asker:
    """wfp ask --json"""

    def __init__(self, program, environment):
        self.process = subprocess.Popen([program, "ask", "--json"], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = Lines(self.process.stdout)
        self.expect("connected")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def expect(self, event):
        message = self.next()
        assert message["event"] == event, f"{event} expected: {message}"
        return message

    def next(self):
        line = self.lines.next()
        assert line is not None, "the asker ended"
        return json.loads(line)

    def say(self, **answer):
        self.process.stdin.write(json.dumps(answer) + "\n")
        self.process.stdin.flush()

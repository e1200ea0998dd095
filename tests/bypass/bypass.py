"""What the ways around have in common: port 80 outside may be reached, port 81 may not."""
from case import EngineCase
from place import OUTSIDE4, OUTSIDE6

OPEN4, SHUT4 = f"{OUTSIDE4}:80", f"{OUTSIDE4}:81"
OPEN6, SHUT6 = f"[{OUTSIDE6}]:80", f"[{OUTSIDE6}]:81"


class BypassCase(EngineCase):
    """Servers listen on both ports, so only the policy stands between."""
    rules = ("block connect port 81",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for port in (80, 81):
            cls.place.serve(f"tcp6 bind=[::]:{port} listen", covered=False)
            cls.place.serve(f"udp6 bind=[::]:{port}", covered=False)
        cls.engine.apply(*cls.rules)

    def tearDown(self):
        pass  # the servers serve every test

    def answers_after(self, step, steps, **where):
        """What the steps behind the first `step` ended in."""
        answers = self.place.sock(steps, **where)
        names = [name for name, _ in answers]
        self.assertIn(step, names, answers)
        return [answer for _, answer in answers[names.index(step) + 1:]]

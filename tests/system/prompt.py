"""prompt.py - what the tests at the monitor's prompt have in common: typing through scripts/monitor, and saying TAP."""
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHOWN_LINES = 30  # of a transcript, when a test fails


class Tap:
    """Counts the tests of one program and says how each went."""

    def __init__(self):
        self.count = self.failed = 0

    def case(self, good, name, *transcripts):
        self.count += 1
        self.failed += not good
        print("ok" if good else "not ok", self.count, "-", name, flush=True)
        for transcript in transcripts if not good else []:
            for line in str(transcript).splitlines()[-SHOWN_LINES:]:
                print("#", line[:2000])

    def end(self):
        """The plan, and the end of the program."""
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


class Session:
    """
    One run of scripts/monitor: its exit `status`, the whole `transcript` (standard error after it), and `parts`, for
    each command what was echoed and the lines of its answer.
    """

    def __init__(self, options, commands, seconds=120):
        command = [os.path.join(ROOT, "scripts", "monitor"), "-t", str(seconds), *options]
        done = subprocess.run([*command, "-f", "/dev/stdin"], input="\n".join(commands).encode("latin-1"),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        output = done.stdout.decode("latin-1")
        self.status = done.returncode
        self.transcript = output + done.stderr.decode("latin-1")
        parts = [part.split("\n") for part in ("\n" + output).split("\nmoult> ")[1:]]
        self.parts = [(part[0], [line for line in part[1:] if line]) for part in parts]


class Answers(Session):
    """A session of commands with -j. `answers`: each one's object; a line that is none, or one too many, is None."""

    def __init__(self, options, commands, seconds=120):
        super().__init__(options, [f"{command} -j" for command in commands], seconds)
        self.answers = [parse(lines) for _, lines in self.parts]
        self.complete = len(self.answers) == len(commands) and None not in self.answers

    def of(self, command):
        """The answers to one command, in order."""
        return [answer for answer in self.answers if answer and answer["command"] == command]

    def clean(self):
        """Were the invariants verified, and never violated?"""
        return bool(self.of("check")) and all(answer["violations"] == 0 for answer in self.of("check"))


def parse(lines):
    """The object that an answer is, which has to be exactly one line."""
    try:
        answer = json.loads(lines[0]) if len(lines) == 1 else None
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and {"command", "ok"} <= answer.keys() else None

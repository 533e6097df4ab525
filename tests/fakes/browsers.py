"""Programs that are started as a browser and are none: what they do on the two pipes, by name."""

import sys
from pathlib import Path

_START = f"""#!{sys.executable} -IS
import json, os, sys, time
commands, answers = os.fdopen(3, "rb"), os.fdopen(4, "wb", buffering=0)
def heard():
    told = b""
    while not told.endswith(b"\\0"):
        piece = commands.read(1)
        if not piece:
            sys.exit()
        told += piece
    return json.loads(told[:-1])
def tell(**message):
    answers.write(json.dumps(message).encode() + b"\\0")
def silence():
    while True:
        time.sleep(60)
"""

_AS_A_BROWSER = """
FRAME = {"frameTree": {"frame": {"id": "F"}}}
RESULTS = {
    "Target.createBrowserContext": {"browserContextId": "C"},
    "Target.createTarget": {"targetId": "T"},
    "Target.attachToTarget": {"sessionId": "S"},
    "Page.getFrameTree": FRAME,
    "Browser.getVersion": {"product": "None/1.0"},
}
def serve_until(method):
    while (command := heard())["method"] != method:
        tell(id=command["id"], result=RESULTS.get(command["method"], {}))
    return command["id"]
"""

BEHAVIOURS = {
    "ends at the first command": "heard()",
    "ends in the middle of an answer": """heard(); answers.write(b'{"id": 1, "resu')""",
    "closes its answers": "heard(); answers.close(); silence()",
    "answers what is no JSON": r"heard(); answers.write(b'{]\0'); silence()",
    "answers what is no message": r"heard(); answers.write(b'{}\0'); silence()",
    "answers without end": "heard()\nwhile True: answers.write(bytes(1 << 20).replace(b'\\0', b'x'))",
    "refuses every command": """
while True:
    tell(id=heard()["id"], error={"code": -32601, "message": "unknown"})
""",
    "says nothing": "silence()",
    "loses the page": _AS_A_BROWSER
    + """
serve_until("Page.navigate")
tell(method="Inspector.targetCrashed", params={})
silence()
""",
    "ends with the page": _AS_A_BROWSER + 'serve_until("Page.navigate")',
}


def program(folder: Path, behaviour: str) -> Path:
    """Write the program that behaves so; returns its path."""
    return script(folder, BEHAVIOURS[behaviour])


def script(folder: Path, body: str) -> Path:
    """A program that does this after the pipes have been opened."""
    path = folder / "browser"
    path.write_text(_START + body + "\n")
    path.chmod(0o755)
    return path

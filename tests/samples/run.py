"""Runs a Python sample with the variables given as JSON on standard input, and prints what it was answered.

Run: echo '{"base": "http://127.0.0.1:8080", "names": {"token": "…"}}' | python run.py signed_in.py
"""

import json
import pathlib
import sys

asked = json.load(sys.stdin)
sample = pathlib.Path(sys.argv[1])
names = dict(asked["names"])
source = sample.read_text(encoding="utf-8").replace("https://office16852.com", asked["base"])
exec(compile(source, sample.name, "exec"), names)
response = names["response"]
print(json.dumps({"status": response.status_code, "body": response.json()}))

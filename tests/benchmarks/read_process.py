"""Read a file of people in a process of its own, with the package of any checkout; say what it took.

Its argument is JSON: ``path`` is the file, ``warm_up`` one with a single person, ``result`` the
file to write into. It imports nothing of the tests, since an earlier checkout has other ones.
"""

import json
import re
import sys
import time
from pathlib import Path

try:
    from airflow_provider_inforu.operators.recipient_list import read_people
    from airflow_provider_inforu.recipients.recipient_rules import RecipientRules
    from airflow_provider_inforu.recipients.texts import TextTemplate
except ModuleNotFoundError:  # their places in the first edition
    from airflow_provider_inforu.operators.people import read_people
    from airflow_provider_inforu.sending.recipients import RecipientRules
    from airflow_provider_inforu.sending.texts import TextTemplate

MESSAGE = "שלום {name}, יתרתך {balance}"


def main(given):
    rules = RecipientRules(key_field="id", template=TextTemplate(MESSAGE))
    read_people(given["warm_up"], rules)  # imports
    wall, cpu = time.perf_counter(), time.process_time()
    people = read_people(given["path"], rules)
    taken = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    said = {"recipients": len(people.recipients), "megabytes": int(peak) / 1024, **taken}
    Path(given["result"]).write_text(json.dumps(said))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

"""A site of one delivery: the project's definitions, an area with the sources and months of the delivery, and exact counts.

The project's sources hide small numbers. Here every source says that it is open already, so that what is published can be
compared with what was delivered number by number.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

from extracts import FORMS, ROOT

CLOCK = "2025-04-07T06:00:00Z"
OUTPUTS = ["monthly_trend", "by_district", "time_coverage", "place_types", "people_by_age_and_sex", "episodes_by_kind"]
LONGEST_RUN = 300

DEFINITION = """name = "all_events"
version = "1"
title = "Every event"
description = "Every event of the delivery, whatever it is."
source = "the test of the intake"

[[include]]
agency = "police"
where = "event_type IS NOT NULL"
meaning = "every event of the police"

[[include]]
agency = "health"
where = "event_type IS NOT NULL"
meaning = "every attendance"
"""

EPISODES = """--! name = "episodes_by_kind"
--! title = "Episodes by kind"
--! subtitle = "Safeguarding spans by kind, age and sex"
--! description = "Every span of the lake."
--! reads = ["episode"]
--! per_definition = false
--! grain = [{ name = "episode_type", title = "Kind", limited_by = "codes" }, { name = "age_band", title = "Age", limited_by = "age" }, { name = "sex", title = "Sex", limited_by = "codes" }]
--! counts = [{ name = "episodes", title = "Episodes" }]
--! audiences = ["partner"]
--! not_available = "no source of the area has episodes"
SELECT episode_type, coalesce(age_group(age_band), 'not known') AS age_band, coalesce(sex, 'unknown') AS sex, count(*) AS episodes
FROM episode
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
"""

CANONICAL = """SELECT 'events' AS figure, source, '' AS member, count(*) AS n FROM event GROUP BY 2
SELECT 'event_ids', source, '', count(DISTINCT event_id) FROM event GROUP BY 2
SELECT 'code', source, coalesce(offence_code, crime_type, injury_intent), count(*) FROM event WHERE source <> 'istv' GROUP BY 2, 3
SELECT 'outcome', source, '', count(outcome) FROM event WHERE source IN ('police_street', 'police_stop_search') GROUP BY 2
SELECT 'point', source, '', count(easting) FROM event GROUP BY 2
SELECT 'parties', source, role, count(*) FROM party GROUP BY 2, 3
SELECT 'ethnic', source, coalesce(ethnic_group, 'none'), count(*) FROM party GROUP BY 2, 3
SELECT 'home', source, '', count(residence_lsoa) FROM party GROUP BY 2
SELECT 'episodes', source, episode_type, count(*) FROM episode GROUP BY 2, 3
SELECT 'ended', source, episode_type, count(ended) FROM episode GROUP BY 2, 3
SELECT 'in_episodes', source, '', count(DISTINCT person_record_id) FROM episode GROUP BY 2
"""

Run = namedtuple("Run", "code findings said")


def shared(folder):
    """The parts of the sites that are equal for all deliveries; made once."""
    folder = Path(folder)
    pipelines = folder / "pipelines"
    for path in (ROOT / "pipelines").iterdir():
        if path.is_dir() and path.name not in ("areas", "trials", "analyses"):
            shutil.copytree(path, pipelines / path.name)
    for path in (pipelines / "sources").glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^suppress_below = \d+$", "suppress_below = 0", text)
        text = re.sub(r"(?m)^round_to = \d+$", "round_to = 1\nalready_open = true", text)
        text = text.replace("already_open = true\nalready_open = true", "already_open = true")
        path.write_text(text, encoding="utf-8")
    (pipelines / "definitions" / "all_events.toml").write_text(DEFINITION, encoding="utf-8")
    (pipelines / "outputs" / "episodes_by_kind.sql").write_text(EPISODES, encoding="utf-8")
    return folder


def _area(sources, months):
    text = (ROOT / "pipelines" / "areas" / "wessmark.toml").read_text(encoding="utf-8").split("[[input]]")[0]
    sample = (ROOT / "sample-data").as_posix()
    changes = {
        r"name = .*": 'name = "delivery"',
        r"reference_root = .*": f'reference_root = "{sample}/reference"',
        r"input_root = .*": f'input_root = "{sample}"',
        r"definitions = .*": 'definitions = ["all_events"]',
        r"outputs = .*": f"outputs = {json.dumps(OUTPUTS)}",
    }
    for old, new in changes.items():
        text = re.sub(f"(?m)^{old}$", new, text, count=1)
    text = re.sub(r'(?s)\[period\]\nfrom = "[^"]*"\nto = "[^"]*"', f'[period]\nfrom = "{months[0]}"\nto = "{months[-1]}"', text)
    return text + "".join(f'[[input]]\nsource = "{source}"\npath = ["{FORMS[source].folder}"]\n\n' for source in sources)


class Site:
    """The site, lake and folder of extracts of one delivery."""

    def __init__(self, folder, common, binary, key, delivery):
        self.folder, self.binary, self.key, self.delivery = Path(folder), binary, key, delivery
        self.lake = self.folder / "lake"
        pipelines = self.folder / "pipelines"
        (pipelines / "areas").mkdir(parents=True)
        for path in (Path(common) / "pipelines").iterdir():
            if path.name != "sources" or not delivery.reader:
                os.symlink(path, pipelines / path.name)
        if delivery.reader:
            shutil.copytree(Path(common) / "pipelines" / "sources", pipelines / "sources")
            definition = pipelines / "sources" / f"{delivery.source}.toml"
            text = re.sub(r'(?s)\[reader\].*?\n\n', f'[reader]\nkind = "{delivery.reader}"\n\n', definition.read_text(encoding="utf-8"), count=1)
            definition.write_text(text, encoding="utf-8")
        sources = sorted({sheet.source for sheet in delivery.sheets})
        os.symlink(ROOT / "schemas", self.folder / "schemas")
        (pipelines / "areas" / "delivery.toml").write_text(_area(sources, delivery.months), encoding="utf-8")

    def _call(self, *words):
        command = [str(self.binary), "--site", str(self.folder), *map(str, words)]
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("SVP_")}
        return subprocess.run(command, capture_output=True, check=False, env=surroundings, timeout=LONGEST_RUN)

    def run(self, number, files):
        """Delivers files (path below the folder of extracts, bytes) and runs."""
        extracts, desk = self.folder / f"delivery-{number}", self.folder / f"desk-{number}"
        source = FORMS[self.delivery.source].folder
        for form in FORMS.values():
            (extracts / form.folder).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            path = (desk if self.delivery.desk and name.startswith(f"{source}/") else extracts) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        at_desk = Run(0, [], [])
        if self.delivery.desk:
            at_desk = self._encode(desk / source, extracts / source)
            if at_desk.code:
                return at_desk
        done = self._call(
            "--threads", 1, "--log", "json", "run", "--area", "delivery", "--extracts", extracts, "--lake", self.lake,
            "--key", self.key, "--clock", CLOCK,
        )  # fmt: skip
        run = _heard(done)
        return Run(run.code, at_desk.findings + run.findings, at_desk.said + run.said)

    def _encode(self, desk, out):
        """Encodes the extracts of a folder, and changes the encoded files as the delivery says."""
        done = self._call(
            "--threads", 1, "--log", "json", "pseudonymise", "--area", "delivery", "--source", self.delivery.source, "--key", self.key,
            "--in", desk, "--out", out,
        )  # fmt: skip
        if self.delivery.on_the_way:
            encoded = sorted(out.glob("*.svp"))[:1]
            for path in encoded:
                path.write_bytes(self.delivery.on_the_way(path.read_bytes()))
                self.delivery.damaged.add(path.name)
        return _heard(done)

    def _sql(self, query):
        done = self._call("--quiet", "sql", "--area", "delivery", "--lake", self.lake, "--format", "csv", query)
        if done.returncode:
            raise RuntimeError(f"svp sql ended with {done.returncode}: {done.stderr.decode('utf-8', 'replace')[-500:]}")
        return list(csv.DictReader(io.StringIO(done.stdout.decode("utf-8"))))

    def _tally(self):
        done = self._call("--quiet", "link", "--tally", "--lake", self.lake, "--key", self.key)
        if done.returncode:
            raise RuntimeError(f"svp link ended with {done.returncode}: {done.stderr.decode('utf-8', 'replace')[-500:]}")
        return list(csv.DictReader(io.StringIO(done.stdout.decode("utf-8"))))

    def canonical(self):
        """Counts of the canonical tables."""
        tables = {row["table_name"] for row in self._sql("SHOW TABLES")}
        asked = [line for line in CANONICAL.strip().splitlines() if re.search(r"FROM (\w+)", line)[1] in tables]
        out = {}
        for row in self._sql("\nUNION ALL ".join(asked)) if asked else []:
            words = [row["figure"], row["source"], *([row["member"]] if row["member"] else [])]
            if int(row["n"]) and (row["member"] or row["figure"] not in ("code", "parties", "episodes")):
                out[tuple(words)] = int(row["n"])
        # Person records are sealed: what they hold is counted under the key.
        for row in self._tally() if "party" in tables else []:
            for figure in ("persons", "born", "postcodes", "nhs", "upn"):
                if int(row[figure]) and (figure != "postcodes" or row["source"] in ("police_rms", "ecds")):
                    out[figure, row["source"]] = int(row[figure])
        return out

    def published(self):
        """Counts of the tables of the newest release; None where a cell says that it is not known."""
        releases = sorted((self.lake / "published").glob("*/manifest.json"))
        out = {}
        if not releases:
            return out
        for table, (members, count) in PUBLISHED.items():
            for path in releases[-1].parent.glob(f"{table}*.csv"):
                with open(path, encoding="utf-8", newline="") as file:
                    for row in csv.DictReader(file):
                        shown = row[count]
                        value = int(shown) if shown.isdigit() else None
                        if value != 0 or table == "monthly_trend":
                            out[(table, *(_member(row[member]) for member in members))] = value
        return out


def _member(text):
    """A member of a table; age bands as in the data dictionary, whichever way a table spells them for spreadsheets."""
    return re.sub(r"^(\d+) to (\d+)$", r"\1-\2", text)


def _heard(done):
    """What a command said: its findings, its errors and what it read."""
    findings, said = [], []
    for line in done.stderr.decode("utf-8", "replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            said.append(line)
            continue
        fields = entry.get("fields", {})
        if fields.get("step") == "finding":
            findings.append(json.loads(fields["finding"]))
        elif entry.get("level") == "ERROR" or fields.get("step") == "ingest":
            said.append(fields.get("message", ""))
    return Run(done.returncode, findings, said)


PUBLISHED = {
    "monthly_trend": (["month"], "events"),
    "by_district": (["district"], "events"),
    "time_coverage": (["source", "time_precision"], "events"),
    "place_types": (["source", "location_type"], "events"),
    "people_by_age_and_sex": (["role", "age_band", "sex"], "parties"),
    "episodes_by_kind": (["episode_type", "age_band", "sex"], "episodes"),
}

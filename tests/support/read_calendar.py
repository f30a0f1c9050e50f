"""Reads mails and calendars as somebody else's program does: `read_calendar.py ZONE FILE...`, of which each is an .eml or
an .ics. Prints a list of what is in each as JSON; local times are those of ZONE.
"""

import json
import sys
from email import policy
from email.parser import BytesParser
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

from icalendar import Calendar


def when(value, zone):
    at = value.dt
    assert at.tzinfo is not None, f"{at} floats"
    local = at.astimezone(zone)
    return {"iso": local.isoformat(), "words": f"{local:%a %b} {local.day}, {local:%H:%M}"}


def event(item, zone):
    attendees = item.get("ATTENDEE", [])
    attendees = attendees if isinstance(attendees, list) else [attendees]
    return {
        "uid": str(item["UID"]),
        "sequence": int(item["SEQUENCE"]),
        "stamped": when(item["DTSTAMP"], zone)["iso"],
        "status": str(item["STATUS"]),
        "start": when(item["DTSTART"], zone),
        "end": when(item["DTEND"], zone) if "DTEND" in item else None,
        "title": str(item["SUMMARY"]),
        "text": str(item["DESCRIPTION"]),
        "organizer": str(item.get("ORGANIZER", "")),
        "attendees": [str(one) for one in attendees],
    }


def calendar(data, zone):
    lines = data.split(b"\r\n")
    assert b"\n" not in data.replace(b"\r\n", b""), "each line ends as RFC 5545 has it"
    assert max(len(line) for line in lines) <= 75, "long lines are folded"
    read = Calendar.from_ical(data)
    # Written again and read again it is the same: nothing in it was dropped as unknown.
    assert Calendar.from_ical(read.to_ical()) == read
    return {
        "method": str(read["METHOD"]),
        "version": str(read["VERSION"]),
        "product": str(read["PRODID"]),
        "name": str(read.get("X-WR-CALNAME", "")),
        "events": [event(item, zone) for item in read.walk("VEVENT")],
    }


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.links = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.links.append(dict(attrs)["href"])


def mail(data, zone):
    message = BytesParser(policy=policy.default).parsebytes(data)
    assert not message.defects, message.defects
    shown, attached = [], []
    for part in message.walk():
        if part.is_multipart():
            continue
        assert not part.defects, part.defects
        kind, content = part.get_content_type(), part.get_payload(decode=True)
        found = {"kind": kind, "method": part.get_param("method"), "name": part.get_filename()}
        if kind in ("text/calendar", "application/ics"):
            found["calendar"] = calendar(content, zone)
        if kind == "text/html":
            links = Links()
            links.feed(content.decode())
            found["links"] = links.links
        (attached if part.is_attachment() else shown).append(found)
    return {
        "structure": message.get_content_type(),
        "headers": {name: str(value) for name, value in message.items()},
        "shown": shown,
        "attached": attached,
    }


def main(zone, files):
    read = {".eml": mail, ".ics": calendar}
    print(json.dumps([read[Path(file).suffix](Path(file).read_bytes(), ZoneInfo(zone)) for file in files]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

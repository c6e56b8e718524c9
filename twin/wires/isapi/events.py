"""What travels on the ISAPI wire: events, answers and multipart parts, as bytes.

Shapes follow public captures of real cameras (`EventNotificationAlert` version 2.0). Each quirk
of the profile bends one of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

import msgspec

from twin.devices.camera import Reading
from twin.documents.draw import Box
from twin.documents.errors import DocumentError
from twin.documents.plates import check_plate
from twin.profiles.camera import CameraProfile, QuirkId

NAMESPACE: Final = "http://www.hikvision.com/ver20/XMLSchema"
_XML: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'

Tree = dict[str, Any]
"""Element names to texts, trees or lists of trees; the same tree becomes XML or JSON."""


@dataclass(frozen=True, slots=True)
class Source:
    """Who sends: what every event says of the camera itself."""

    ip: str
    port: int
    mac: str
    channel: int
    channel_name: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One JPEG of an event."""

    name: str
    data: bytes
    plate_box: Box | None = None

    @property
    def file_name(self) -> str:
        """Name in the part's header and in the event."""
        return f"{self.name}.jpg"


def to_xml(root: str, tree: Tree) -> bytes:
    """The tree as an XML document in the vendor's namespace."""
    lines = [f'{_XML}<{root} version="2.0" xmlns="{NAMESPACE}">']
    _write(lines, tree)
    lines.append(f"</{root}>\n")
    return "\n".join(lines).encode()


def _write(lines: list[str], tree: Tree) -> None:
    for name, value in tree.items():
        if isinstance(value, list):
            for item in value:
                _write(lines, {name: item})
        elif isinstance(value, dict):
            lines.append(f"<{name}>")
            _write(lines, value)
            lines.append(f"</{name}>")
        else:
            lines.append(f"<{name}>{_text(str(value))}</{name}>")


def _text(text: str) -> str:
    """Escaped, and without the control characters that XML cannot carry at all."""
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable())
    return escape(text)


def to_json(root: str, tree: Tree) -> bytes:
    """The tree as the JSON that newer firmware sends: no root element, same names."""
    del root
    return msgspec.json.encode(tree)


def status_xml(path: str, code: int, text: str, sub_code: str) -> bytes:
    """A `ResponseStatus`: code 1 OK, 2 busy, 3 device error, 4 invalid operation, 5/6 bad body."""
    tree = {
        "requestURL": path,
        "statusCode": code,
        "statusString": text,
        "subStatusCode": sub_code,
    }
    return to_xml("ResponseStatus", tree)


def stamp(iso: str, quirks: Collection[QuirkId]) -> str:
    """ISO time with milliseconds as the camera prints it: whole seconds and the offset."""
    whole = re.sub(r"\.\d+", "", iso)
    if "broken-offset" in quirks:
        return re.sub(r"[+-](\d\d:\d\d)$", r"\1", whole)
    return whole


def compact_stamp(iso: str) -> str:
    """Local time as digits, `YYYYMMDDhhmmssmmm`: the form of `absTime` and `picName`."""
    return re.sub(r"\D", "", iso[:23])


def alert(source: Source, date_time: str, event: str, state: str, count: int) -> Tree:
    """The head that all events share."""
    return {
        "ipAddress": source.ip,
        "portNo": source.port,
        "protocol": "HTTP",
        "macAddress": source.mac,
        "channelID": source.channel,
        "dateTime": date_time,
        "activePostCount": count,
        "eventType": event,
        "eventState": state,
        "eventDescription": f"{event} alarm" if event == "videoloss" else event,
        "channelName": source.channel_name,
    }


def anpr_event(
    source: Source,
    reading: Reading,
    pictures: Collection[Picture],
    profile: CameraProfile,
    quirks: Collection[QuirkId],
    *,
    list_name: str = "otherList",
    retransmission: bool = False,
) -> Tree:
    """A recognition as an event."""
    tree = alert(source, stamp(reading.business_time, quirks), "ANPR", "active", 1)
    tree["ANPR"] = _anpr(reading, pictures, profile, quirks)
    tree["ANPR"]["vehicleListName"] = list_name
    tree["UUID"] = reading.uuid
    tree["picNum"] = len(pictures)
    tree["monitoringSiteID"] = source.channel
    tree["isDataRetransmission"] = "true" if retransmission else "false"
    return tree


def _anpr(
    reading: Reading,
    pictures: Collection[Picture],
    profile: CameraProfile,
    quirks: Collection[QuirkId],
) -> Tree:
    country = _country_code(profile, reading.country)
    typos = "vendor-typos" in quirks
    infos: list[Tree] = [_picture_info(picture, reading) for picture in pictures]
    # One child of a name reads the same in XML whether a list was meant or not; in JSON it shows.
    single = "single-picture" in quirks and len(infos) == 1
    return {
        "country": country,
        "licensePlate": reading.plate,
        "line": 1,
        "direction": "forward",
        "confidenceLevel": reading.confidence,
        "plateType": "unknown",
        "plateColor": _plate_colour(reading),
        "licenseBright": 0,
        "dangmark": "no" if reading.known else "unknown",
        "twoWheelVehicle": "no",
        "threeWheelVehicle": "no",
        "plateCharBelieve": ",".join(map(str, reading.confidences)),
        "vehicleType": "truck",
        "detectDir": 8,
        "detectType": 1 if reading.manual else 0,
        "alarmDataType": 0,
        "vehicleInfo": {
            "index": reading.number,
            "colorDepth": 2,
            "color": reading.sight.colour,
            "length": 0,
            "vehicleLogoRecog": 0,
            ("vehileSubLogoRecog" if typos else "vehicleSubLogoRecog"): 0,
            ("vehileModel" if typos else "vehicleModel"): 0,
        },
        "pictureInfoList": {"pictureInfo": infos[0] if single else infos},
        "originalLicensePlate": reading.plate,
        "CRIndex": country,
    }


def _country_code(profile: CameraProfile, country: str) -> int:
    for known, number in profile.country_codes.items():
        if known == country:
            return number
    return 0


def _plate_colour(reading: Reading) -> str:
    try:
        return check_plate(reading.plate).colour
    except DocumentError:
        return "unknown"


def _picture_info(picture: Picture, reading: Reading) -> Tree:
    info: Tree = {
        "fileName": picture.file_name,
        "type": picture.name,
        "dataType": 0,
        "picRecogMode": 0,
        "absTime": compact_stamp(reading.business_time),
        "pId": f"{compact_stamp(reading.business_time)}{reading.number:06d}",
    }
    if picture.plate_box is not None:
        x, y, width, height = picture.plate_box
        info["plateRect"] = {"X": x, "Y": y, "width": width, "height": height}
    return info


def plates_answer(readings: Collection[Reading], profile: CameraProfile) -> bytes:
    """The older polling answer: the plates since the time that the client named."""
    plates = [
        {
            "captureTime": compact_stamp(reading.business_time)[:14],
            "plateNumber": reading.plate,
            "picName": picture_name(reading),
            "country": _country_code(profile, reading.country),
            "laneNo": 1,
            "direction": "forward",
            "matchingResult": "otherList",
        }
        for reading in readings
    ]
    return to_xml("Plates", {"Plate": plates})


def picture_name(reading: Reading) -> str:
    """Name by which a polling client says what it has had: time and a serial, digits only."""
    return f"{compact_stamp(reading.business_time)}{reading.number % 100:02d}"


# --- multipart -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    content_type: str
    body: bytes
    name: str = ""
    file_name: str = ""


def stream_part(part: Part, boundary: str, quirks: Collection[QuirkId]) -> bytes:
    """A part of the endless answer, from its boundary line to the line end after its body."""
    line_end = "\n" if "boundary-lf" in quirks else "\r\n"
    disposition = ""
    if part.name:
        disposition = f'form-data; name="{part.name}"; filename="{part.file_name}"'
    if "changed-part-headers" in quirks:
        headers = [f"content-type:{part.content_type}"]
        if disposition:
            headers.insert(0, f"content-disposition:{disposition}")
    else:
        headers = [f"Content-Type: {part.content_type}", f"Content-Length: {len(part.body)}"]
        if disposition:
            headers.insert(0, f"Content-Disposition: {disposition}")
    head = f"--{boundary}{line_end}" + "\r\n".join(headers) + "\r\n\r\n"
    return head.encode() + part.body + b"\r\n"


def form(parts: Collection[Part], boundary: str) -> bytes:
    """A whole `multipart/form-data` body, as pushed to a host."""
    return b"".join(stream_part(part, boundary, ()) for part in parts) + (
        f"--{boundary}--\r\n".encode()
    )

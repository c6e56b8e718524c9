"""Turns readings and the passing of time into bytes for the stream and for push."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from typing import Final, Literal

from twin.devices.camera import Camera, Reading
from twin.profiles.camera import CameraProfile, QuirkId
from twin.wires.isapi import events

PICTURES_KEPT: Final = 8
"""Readings whose JPEGs stay drawn: several clients ask for the latest at nearly one time."""


class Composer:
    """Composes what one camera says; `quirks` may change at any time."""

    def __init__(self, camera: Camera, profile: CameraProfile, quirks: set[QuirkId]) -> None:
        self.camera, self.profile, self.quirks = camera, profile, quirks
        self.source = events.Source("127.0.0.1", 0, _mac(camera.id), 1, camera.id)
        self.lists: dict[str, Literal["allow", "block"]] = {}
        """Plates on the camera's own lists; all others are on `otherList`."""
        self._pictures: OrderedDict[str, list[events.Picture]] = OrderedDict()

    def heartbeat(self) -> bytes:
        """A part of the stream that only says: still here. A `videoloss` that is not active."""
        date_time = events.stamp(self.camera.business_time(), self.quirks)
        tree = events.alert(self.source, date_time, "videoloss", "inactive", 0)
        return events.stream_part(self._document(tree), self.profile.boundary, self.quirks)

    def stream_parts(self, reading: Reading) -> bytes:
        """A reading as consecutive parts of the stream: the event, then its pictures."""
        return b"".join(
            events.stream_part(part, self.profile.boundary, self.quirks)
            for part in self._parts(reading, retransmission=False)
        )

    def form(self, reading: Reading, retransmission: bool) -> tuple[str, bytes]:
        """A reading as content type and body of a POST."""
        boundary = self.profile.boundary
        parts = self._parts(reading, retransmission=retransmission)
        return f"multipart/form-data; boundary={boundary}", events.form(parts, boundary)

    def caption(self, reading: Reading | None = None) -> str:
        """What the camera prints into its picture: its name and its own time."""
        time = reading.business_time if reading else self.camera.business_time()
        return f"{self.camera.id}  {time}"

    def _document(self, tree: events.Tree, name: str = "") -> events.Part:
        if "json-events" in self.quirks:
            body = events.to_json("EventNotificationAlert", tree)
            kind, file_name = 'application/json; charset="UTF-8"', f"{name}.json"
        else:
            body = events.to_xml("EventNotificationAlert", tree)
            kind, file_name = 'application/xml; charset="UTF-8"', f"{name}.xml"
        return events.Part(kind, body, file_name if name else "", file_name)

    def _parts(self, reading: Reading, *, retransmission: bool) -> list[events.Part]:
        pictures = self._pictures_of(reading)
        tree = events.anpr_event(
            self.source,
            reading,
            pictures,
            self.profile,
            self.quirks,
            list_name=self._list_name(reading.plate),
            retransmission=retransmission,
        )
        images = (
            events.Part("image/jpeg", picture.data, picture.file_name, picture.file_name)
            for picture in pictures
        )
        return [self._document(tree, "anpr"), *images]

    def _list_name(self, plate: str) -> str:
        listed = self.lists.get(plate)
        if listed is None:
            return "otherList"
        if "white-list-names" in self.quirks:
            return {"allow": "whiteList", "block": "blackList"}[listed]
        return f"{listed}List"

    def _pictures_of(self, reading: Reading) -> list[events.Picture]:
        """The JPEGs of a reading, drawn once for all that want them."""
        pictures = self._pictures.get(reading.uuid)
        if pictures is None:
            scene, box = self.camera.scene(reading.sight, self.caption(reading))
            pictures = [events.Picture("detectionPicture", scene, box)]
            if reading.known:
                crop = self.camera.crop(reading.sight)
                pictures.insert(0, events.Picture("licensePlatePicture", crop))
            self._pictures[reading.uuid] = pictures
            if len(self._pictures) > PICTURES_KEPT:
                self._pictures.popitem(last=False)
        return pictures[-1:] if "single-picture" in self.quirks else pictures


def _mac(device_id: str) -> str:
    """A locally administered address that stays the same for a device id."""
    digits = f"{zlib.crc32(device_id.encode()):08x}"
    return ":".join(["02", "00", digits[:2], digits[2:4], digits[4:6], digits[6:]])

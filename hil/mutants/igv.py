"""One broken vehicle for each MUST; how it is broken stands in the files `igv_*` beside this."""

from __future__ import annotations

from typing import Any

from hil.kits.igv.emulation import IgvVariant
from hil.variant import Maker, said
from twin.devices.igv import Igv
from twin.wires.vda5050.logic import OrderLogic
from twin.wires.vda5050.vehicle import Vehicle

from . import igv_ears as ears
from . import igv_instants as instants
from . import igv_link as link
from . import igv_logic as logic
from . import igv_safety as safety
from . import igv_wire as wire
from .igv_wire import Change, hears, speaks


def _says(name: str, kills: str, change: Change, topic: str = "state", **more: Any) -> IgvVariant:
    doc = more.pop("doc", None) or said(change)
    return IgvVariant(name, f"IGV-{kills}", doc, vehicle=speaks(topic, change), **more)


def _hears(name: str, kills: str, change: Change, topic: str = "order", **more: Any) -> IgvVariant:
    doc = more.pop("doc", None) or said(change)
    return IgvVariant(name, f"IGV-{kills}", doc, vehicle=hears(topic, change), **more)


def _now(name: str, kills: str, change: Change, **more: Any) -> IgvVariant:
    return _hears(name, kills, change, "instantActions", **more)


def _vehicle(name: str, kills: str, kind: type[Vehicle], doc: str = "") -> IgvVariant:
    return IgvVariant(name, f"IGV-{kills}", doc or said(kind), vehicle=kind)


def _logic(name: str, kills: str, kind: type[OrderLogic]) -> IgvVariant:
    return IgvVariant(name, f"IGV-{kills}", said(kind), logic=kind)


def _topic(name: str, kills: str, doc: str, topic: str, **rule: Any) -> IgvVariant:
    return IgvVariant(name, f"IGV-{kills}", doc, topics={topic: rule})


_igv = Maker(IgvVariant, "IGV-", Igv)


def _zones(name: str, kills: str, kind: Any) -> IgvVariant:
    return IgvVariant(name, f"IGV-{kills}", said(kind), "3.0", zones=kind)


MUTANTS: list[IgvVariant] = [
    _says("lies-in-its-factsheet", "DOC-01", wire.lying_sheet, "factsheet"),
    _topic("connection-at-qos-0", "CON-01", "Publishes connection at QoS 0.", "connection", qos=0),
    _topic("connection-not-retained", "CON-02", "Its connection message is not retained.",
           "connection", retain=False),
    _topic("retained-state", "CON-03", "Its state is retained.", "state", retain=True),
    _topic("state-at-qos-1", "CON-04", "Publishes its state at QoS 1.", "state", qos=1),
    _vehicle("other-topic", "CON-05", wire.OtherTopic),
    _vehicle("no-will", "CON-06", link.NoWill),
    _vehicle("passing-will", "CON-07", link.PassingWill),
    _vehicle("online-once", "CON-08", link.OnlineOnce),
    _vehicle("no-farewell", "CON-09", link.NoFarewell),
    IgvVariant("one-counter", "IGV-HDR-01", said(logic.OneCounter),
               writer=logic.OneCounter),
    _says("local-time", "HDR-02", wire.local_time),
    _says("other-name", "HDR-03", wire.says("manufacturer", "GATETWIN"), "visualization",
          doc="Calls itself otherwise in one of its messages."),
    _vehicle("not-a-number", "HDR-04", wire.NotANumber),
    _says("charge-as-text", "HDR-05", wire.charge_as_text),
    _says("no-stamp", "HDR-06", wire.no_stamp, "connection"),
    _says("no-length", "HDR-07", wire.no_length, "factsheet"),
    _says("position-of-no-map", "HDR-08", wire.no_map, "visualization"),
    IgvVariant("a-state-a-minute", "IGV-STA-01", "Publishes a state every 60 s.",
               timing={"state_s": 60.0}),
    _says("never-asks", "STA-02", wire.says("newBaseRequest", False),
          doc="newBaseRequest is always false."),
    _vehicle("keeps-the-horizon", "STA-03", wire.KeepsTheHorizon),
    _says("lists-what-is-passed", "STA-04", wire.still_listed),
    _says("stands-too-soon", "STA-05", wire.stands_soon),
    _says("beside-itself", "STA-06", wire.aside),
    _says("always-automatic", "STA-07", wire.says("operatingMode", "AUTOMATIC"),
          doc="Its operatingMode is always AUTOMATIC."),
    _logic("waits-for-the-whole", "ORD-01", logic.WaitsForTheWhole),
    _says("hides-the-horizon", "ORD-02", wire.no_horizon),
    _hears("no-loops", "ORD-03", ears.no_loops),
    _hears("needs-a-deviation", "ORD-04", ears.needs_deviation),
    _hears("no-strangers", "ORD-05", ears.no_strangers),
    _hears("needs-a-road", "ORD-06", ears.needs_a_road),
    _logic("takes-over", "ORD-07", logic.TakesOverWhileDriving),
    _logic("a-horizon-is-nothing", "ORD-08", logic.HorizonIsNothing),
    _logic("stops-when-it-refuses", "ORD-09", logic.StopsWhenItRefuses),
    _hears("releases-the-start", "ORD-10", ears.releases_the_start),
    _hears("takes-what-is-not-released", "ORD-11", ears.releases_ends),
    _hears("bridges-gaps", "ORD-12", ears.releases_between),
    _hears("counts-anew", "ORD-13", ears.counts_anew),
    _hears("drops-loose-ends", "ORD-14", ears.drops_loose_ends),
    _hears("joins-itself", "ORD-15", ears.joins_itself),
    _hears("begins-anywhere", "ORD-16", ears.begins_anywhere),
    _hears("any-map", "ORD-17", ears.any_map),
    _hears("skips-unknown-actions", "ORD-18", ears.skips_unknown),
    _hears("guesses-blocking", "ORD-19", ears.guesses_blocking),
    _hears("guesses-numbers", "ORD-20", ears.guesses_numbers),
    _hears("stays-where-it-is", "ORD-21", ears.stays_where_it_is),
    _vehicle("silent-about-orders", "ORD-22", instants.silent_about("order"),
             "Only logs an order that it cannot read."),
    _hears("as-much-as-it-can", "ORD-23", ears.as_much_as_it_can),
    _hears("begins-at-any-number", "ORD-24", ears.begins_at_any_number, base="3.0"),
    _hears("number-by-number", "UPD-01", ears.number_by_number),
    _logic("reports-the-same", "UPD-02", logic.ReportsTheSame),
    _logic("stitches-at-the-horizon", "UPD-04", logic.StitchesAtTheHorizon),
    _logic("keeps-old-actions", "UPD-05", logic.KeepsOldActions),
    _logic("repeats-actions", "UPD-06", logic.RepeatsActions),
    _hears("any-number", "UPD-07", ears.any_number),
    _hears("needs-more", "UPD-08", ears.needs_more),
    _logic("forgets-what-is-done", "UPD-09", logic.ForgetsWhatIsDone),
    _says("hides-horizon-actions", "ACT-01", wire.only_base_actions),
    _says("fails-first", "ACT-02", wire.shows_action("finePositioning", "RUNNING", "FAILED"),
          doc="An action that runs is shown FAILED, and FINISHED later."),
    _says("lists-what-has-begun", "ACT-03", wire.only_begun),
    _hears("hard-is-soft", "ACT-04", ears.blocking_as("HARD", "SOFT"),
           doc="Takes HARD for SOFT."),
    _hears("last-first", "ACT-05", ears.backwards),
    _hears("soft-is-none", "ACT-06", ears.blocking_as("SOFT", "NONE"),
           doc="Takes SOFT for NONE."),
    _hears("single-is-none", "ACT-08", ears.blocking_as("SINGLE", "NONE"), base="3.0",
           doc="Takes SINGLE for NONE."),
    _hears("edges-at-once", "ACT-09", ears.edges_at_once),
    _says("asked-for-ever", "INS-01", wire.shows_action("stateRequest", "FINISHED", "RUNNING"),
          doc="Shows stateRequest as RUNNING for ever."),
    _vehicle("one-factsheet", "INS-02", link.NoFactsheet),
    _now("only-the-first", "INS-03", instants.only_the_first),
    _now("silent-about-the-unknown", "INS-04", instants.deaf_to("gatetwinNoSuchAction"),
         doc="Says nothing of an instant action that it does not know."),
    _vehicle("silent-about-instants", "INS-05", instants.silent_about("instantActions"),
             "Only logs instant actions that it cannot read."),
    _logic("an-instant-is-an-order", "INS-06", logic.InstantIsAnOrder),
    _says("never-paused", "INS-07", wire.says("paused", False),
          doc="Never says that it is paused."),
    _now("never-resumes", "INS-08", instants.deaf_to("stopPause"), doc="Does not hear stopPause."),
    _now("mistakes-its-place", "INS-09", instants.far_away),
    _says("cancels-nothing", "CAN-01", wire.shows_action("cancelOrder", "FAILED", "FINISHED"),
          doc="cancelOrder is FINISHED also where there is none."),
    _says("forgets-the-cancel", "CAN-02", wire.without_action("cancelOrder"),
          doc="Cancels, and never shows the action (openTCS adapter #2)."),
    _logic("waiting-stays", "CAN-03", logic.WaitingStays),
    _logic("cancelled-at-once", "CAN-04", logic.FinishedAtOnce),
    _logic("revives", "CAN-05", logic.Revives),
    _logic("failed-blocks", "CAN-06", logic.FailedBlocks),
    _logic("cancelled-is-finished", "CAN-07", logic.CancelledIsFinished),
    _now("cancels-any", "CAN-08", instants.cancels_any, base="3.0"),
    _says("small-letters", "ERR-01", wire.small_letters, base="3.0"),
    _says("fatal", "ERR-03", wire.fatal),
    _logic("keeps-old-errors", "ERR-06", logic.KeepsOldErrors),
    _logic("sulks", "ERR-07", logic.Sulks),
    _hears("passes-the-decision-point", "SAF-01", ears.stretched),
    _hears("no-speed-limits", "SAF-02", ears.no_speed_limits),
    _vehicle("ghost-orders", "SAF-03", instants.GhostOrders),
    _logic("pause-is-a-word", "SAF-04", logic.PauseIsAWord),
    _logic("orders-wake", "SAF-05", logic.OrdersWake),
    _logic("cancels-at-the-end", "SAF-06", logic.CancelsAtTheEnd),
    _igv("deaf-to-the-stop", "SAF-07", safety.DeafToTheStop),
    _says("hides-the-stop", "SAF-08", wire.safety("eStop", "NONE"),
          doc="Never says that its emergency stop is pressed."),
    _igv("restarts-by-itself", "SAF-09", safety.RestartsByItself),
    _igv("blind-in-the-field", "SAF-10", safety.BlindInTheField),
    _says("hides-the-field", "SAF-11", wire.safety("fieldViolation", False),
          doc="Never says that something is in its field."),
    _igv("loose-key", "SAF-12", safety.KeyIsLoose),
    _vehicle("drives-on-when-silent", "SAF-13", link.DrivesOnWhenSilent),
    _vehicle("drives-after-power", "SAF-14", instants.DrivesAfterPower),
    _says("no-map-in-use", "MAP-01", wire.maps_disabled),
    _says("uses-any-map", "MAP-02", wire.shows_action("enableMap", "FAILED", "FINISHED"),
          doc="Says that it uses a map that it does not have."),
    _says("deletes-any-map", "MAP-03", wire.shows_action("deleteMap", "FAILED", "FINISHED"),
          doc="Says that it has deleted a map that it does not have."),
    _zones("enables-at-once", "ZON-01", safety.EnablesAtOnce),
    _zones("stores-twice", "ZON-02", safety.StoresTwice),
    _zones("never-enabled", "ZON-03", safety.NeverEnabled),
    _zones("grants-itself", "ZON-04", safety.GrantsItself),
    _zones("asks-nobody", "ZON-05", safety.AsksNobody),
    _zones("deaf-to-grants", "ZON-06", safety.DeafToGrants),
    _zones("no-zone-limits", "ZON-07", safety.NoZoneLimits),
    _zones("nothing-is-blocked", "ZON-08", safety.NothingIsBlocked),
    _vehicle("dies-of-garbage", "REC-01", instants.DiesOfGarbage),
    _vehicle("stops-when-silent", "REC-02", link.StopsWhenSilent),
    _vehicle("forgets-when-silent", "REC-03", link.ForgetsWhenSilent),
    IgvVariant("starts-slowly", "IGV-REC-04", "Boots in 12 s, its papers say 7 s.",
               parameters={"boot_s": 12.0}),
    _vehicle("deaf-after-power", "REC-05", instants.after_power(instants.deaf_to("cancelOrder"),
             "instantActions"), "Does not hear cancelOrder after its power was cut."),
    _vehicle("refuses-after-power", "REC-06", instants.after_power(
             lambda _, order: wire.spoilt(order), "order"),
             "Refuses every order after its power was cut."),
]  # fmt: skip

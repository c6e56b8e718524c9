"""VDA 5050: the protocol between a fleet control and its vehicles, from the vehicle's side.

`records` reads what arrives, `logic` decides without any input or output of its own, `messages`
writes what leaves, `vehicle` joins them to a device and to MQTT. Dialects 2.0, 2.1 and 3.0 are data
in `twin.profiles.vda5050`; doubtful rules are `switches`.
"""

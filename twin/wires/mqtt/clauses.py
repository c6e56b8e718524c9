"""The normative statements of MQTT 3.1.1 that the broker, the codec and the client hold.

In our own words, by the ids of the standard's Appendix B. A test holds this list against the
code and the tests: a clause that the code names is here, and what is here is tested.
"""

from __future__ import annotations

_TEXT = """
1.5.3-1 Text is well-formed UTF-8 without surrogates; anything else closes the connection.
1.5.3-2 Text holds no null character.
1.5.3-3 U+FEFF is a character like any other and stays.
2.2.2-2 Wrong flags in a fixed header close the connection.
2.3.1-1 A packet identifier is there where it belongs, and is not 0.
2.3.1-4 The broker uses no identifier twice at a time.
3.1.0-1 The first packet is CONNECT.
3.1.0-2 There is one CONNECT for a connection.
3.1.2-1 The protocol is called MQTT; another name closes the connection.
3.1.2-2 Another protocol level gets return code 1 and the end.
3.1.2-3 The reserved connect flag is 0.
3.1.2-4 Without clean session, the state of an earlier session is taken up.
3.1.2-5 QoS 1 and 2 messages for an absent client are kept.
3.1.2-6 With clean session, what was kept is thrown away and nothing outlives the connection.
3.1.2-8 The will is published when a connection ends without DISCONNECT.
3.1.2-9 With the will flag, QoS, retain, topic and message of the will are used.
3.1.2-10 A will that was published or taken back is gone.
3.1.2-11 Without the will flag, nothing of a will is there; with it, all is.
3.1.2-12 Without the will flag no will is published.
3.1.2-13 Without a will its QoS is 0.
3.1.2-14 The QoS of a will is not 3.
3.1.2-15 Without a will its retain flag is 0.
3.1.2-16 A will without retain is published as a message that is not retained.
3.1.2-17 A will with retain is published as a retained message.
3.1.2-19 With the user name flag a user name is there.
3.1.2-22 No password without a user name.
3.1.2-23 The client sends something within each keep alive.
3.1.2-24 After 1.5 keep alives of silence the broker ends the connection.
3.1.3-1 The fields of CONNECT have a fixed order.
3.1.3-3 The client identifier comes first, and is there.
3.1.3-4 It is UTF-8.
3.1.3-6 An empty one is replaced by one that nobody has.
3.1.3-7 An empty one goes with clean session only.
3.1.3-8 Otherwise return code 2 and the end.
3.1.3-10 The topic of a will is UTF-8.
3.1.3-11 A user name is UTF-8.
3.1.4-1 A CONNECT that is not as it must be closes the connection.
3.1.4-2 A second connection of the same identifier ends the first.
3.2.0-1 The first packet to a client is CONNACK.
3.2.2-1 With clean session, session present is 0.
3.2.2-2 A session that was kept is reported as present.
3.2.2-3 One that was not is not.
3.2.2-4 A refusal has session present 0.
3.2.2-5 A refusal is followed by the end.
3.3.1-1 What is sent again has DUP.
3.3.1-2 At QoS 0 there is no DUP.
3.3.1-3 DUP is not passed on.
3.3.1-4 QoS 3 closes the connection.
3.3.1-5 A message with RETAIN is kept for later subscribers, with its QoS.
3.3.1-6 A new subscription gets the last retained message of each topic.
3.3.1-7 A retained message of QoS 0 takes the place of the one before.
3.3.1-8 A message sent for a new subscription has RETAIN 1.
3.3.1-9 A message to a subscription that was there has RETAIN 0.
3.3.1-10 An empty message with RETAIN is passed on and clears what was retained.
3.3.1-11 It is not retained itself.
3.3.1-12 A message without RETAIN changes nothing that is retained.
3.3.2-1 A topic name is there, and is UTF-8.
3.3.2-2 A topic name holds no wildcard.
3.3.2-3 The topic that is sent matches the filter.
3.3.4-1 QoS 1 gets PUBACK, QoS 2 PUBREC.
3.3.5-1 Of several matching filters the highest QoS counts (we send one copy).
3.3.5-2 What a client may not publish is acknowledged and dropped.
3.6.1-1 PUBREL has flags 0010.
3.8.1-1 SUBSCRIBE has flags 0010.
3.8.3-1 A topic filter is UTF-8.
3.8.3-3 SUBSCRIBE names at least one filter.
3.8.3-4 The requested QoS is 0, 1 or 2, and the other bits are 0.
3.8.4-1 SUBSCRIBE is answered by SUBACK.
3.8.4-2 SUBACK has the identifier of its SUBSCRIBE.
3.8.4-3 The same filter again replaces the subscription and repeats what is retained.
3.8.4-4 Several filters are as several packets, with one answer.
3.8.4-5 There is a return code for each filter.
3.8.4-6 A message goes out at the lower of its own and the granted QoS.
3.9.3-1 The return codes are in the order of the filters.
3.9.3-2 Return codes are 0, 1, 2 or 0x80.
3.10.1-1 UNSUBSCRIBE has flags 0010.
3.10.3-1 Its filters are UTF-8.
3.10.3-2 It names at least one filter.
3.10.4-1 Filters are compared sign by sign.
3.10.4-2 After that no new message goes to the subscription.
3.10.4-3 What has been sent at QoS 1 and 2 is still finished.
3.10.4-4 UNSUBACK has the identifier of its UNSUBSCRIBE.
3.10.4-5 It is sent even if there was no such subscription.
3.10.4-6 Several filters get one UNSUBACK.
3.12.4-1 PINGREQ gets PINGRESP.
3.14.1-1 DISCONNECT has flags 0000.
3.14.4-2 What follows DISCONNECT is not read.
3.14.4-3 DISCONNECT takes the will back.
4.3.1-1 QoS 0 is sent once, without DUP.
4.3.2-1 QoS 1 is held until PUBACK.
4.3.2-2 QoS 1 is acknowledged, and after PUBACK the same identifier is a new message.
4.3.3-1 QoS 2 is held until PUBREC, then PUBREL until PUBCOMP, and never sent again after PUBREL.
4.3.3-2 QoS 2 is passed on once, however often it comes before PUBREL; PUBREL gets PUBCOMP.
4.4.0-1 After a reconnection what was not acknowledged is sent again, same identifiers.
4.5.0-1 A message is added to every session with a matching subscription.
4.6.0-1 In the order in which it was sent first.
4.6.0-5 Every topic is an ordered topic.
4.6.0-6 Messages of one topic and QoS go out in the order in which they came.
4.7.1-1 Wildcards belong in filters, not in names.
4.7.1-2 # stands alone, or after /, and last.
4.7.1-3 + takes a whole level.
4.7.2-1 Filters that begin with a wildcard do not match names that begin with $.
4.7.3-1 Names and filters are at least one character long.
4.7.3-2 They hold no null character.
4.7.3-3 They are at most 65,535 bytes long.
4.7.3-4 Nothing is normalised or replaced.
4.8.0-1 A protocol error closes the connection it came on.
4.8.0-2 So does a packet over the limit of this broker.
"""

CLAUSES: dict[str, str] = {
    f"MQTT-{clause}": words
    for clause, _, words in (line.partition(" ") for line in _TEXT.strip().splitlines())
}
"""What each clause demands, by its id."""

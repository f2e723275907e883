"""The TWS API on the wire, without a socket and without a clock: bytes in, messages out, and back.

`connection` is what a server or a client holds for each link; `messages` has one table entry and one value for each message;
`compiler` makes an encoder and a decoder of an entry for one server version. What a gateway answers is not decided here.
"""

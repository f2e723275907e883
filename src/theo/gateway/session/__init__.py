"""The link itself: who is connected, ids, accounts, time, and how fast a client may talk."""

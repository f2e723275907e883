"""The HTTP interface: what others may read of the platform, and ask of its trader, over FastAPI and a WebSocket.

It never touches live state. What it reads and asks goes through `sources.py`, filled by the application. FastAPI is loaded by
whoever makes an interface, not before.
"""

"""The HTTP interface: what others may read of the platform, over FastAPI and a WebSocket. It never touches live state.

What it reads comes through `sources.py`, filled by the application. FastAPI is loaded by whoever makes an interface, not before.
"""

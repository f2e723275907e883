"""The machine itself: clock, blocking calls, the halt latch's file."""

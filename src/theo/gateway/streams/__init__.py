"""Streams of the gateway: sampled lines, tick by tick, bars of five seconds, order books, and the numbers of options.

What was, is in `theo.gateway.history`; where prices come from, in `theo.gateway.market`.
"""

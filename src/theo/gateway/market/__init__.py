"""Where the simulated gateway's prices come from: a seeded market, imported bars or ticks, or a recorded session.

`SyntheticMarket` (synthetic.py) draws everything from a seed: any past day on demand, and the live part in continuation of it.
`ImportedMarket` and `RecordedMarket` (replayed.py) play what they are given. All three are a `SimulatedMarket` of desk.py.
"""

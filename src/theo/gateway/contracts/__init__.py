"""What is listed at the simulated gateway, how a client's description is resolved, and the answers about contracts.

`listings.toml` says what there is; `Contracts` (book.py) holds it for one day; `ContractsRoom` (room.py) answers. Prices are in
`theo.gateway.market`.
"""

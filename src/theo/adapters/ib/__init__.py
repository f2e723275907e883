"""Interactive Brokers through TWS or IB Gateway.

ib_async's socket client and decoder speak the protocol; its books of trades are not used, because they call live orders cancelled
when a mere warning comes (docs/decisions/0020). Callbacks arrive raw (callbacks.py), questions with many rows are gathered
(requests.py), the connection is kept up and its state told (link.py), IB's limits are never reached (budget.py), and every error
code has a meaning and a remedy (codes.py). On top: the broker port and the feed port.
"""

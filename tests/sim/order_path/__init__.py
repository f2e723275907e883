"""One world for the order path: disk, link, market and operator under seeded faults, judged by the exchange's books."""

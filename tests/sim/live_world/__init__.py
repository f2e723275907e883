"""`theo live` as it is, in simulated time, beside the gateway simulator: judged by the gateway's own books."""

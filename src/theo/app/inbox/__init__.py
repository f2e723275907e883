"""What people ask of a running trader, through its inbox: commands, orders and signals by hand."""

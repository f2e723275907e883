"""What the world is made of: loop, disk, link, market, operator, and the checks."""

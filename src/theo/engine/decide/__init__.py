"""decide: what follows from an input. One file per kind of input, and one per thing that is decided."""

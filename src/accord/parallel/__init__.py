"""How work is split over ranks, what crosses the wires for it, and what must fit in each memory."""

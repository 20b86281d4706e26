"""What one operator costs: FLOP, bytes and, for exchanges, bytes on the wire, per device."""

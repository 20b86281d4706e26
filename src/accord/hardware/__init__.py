"""What a machine can do: devices, fabrics and the share of their peaks that software reaches."""

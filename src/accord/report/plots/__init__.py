"""Pictures, one file each: a result record goes in, the bytes of an SVG or PNG come out. Needs the extra [plot]."""

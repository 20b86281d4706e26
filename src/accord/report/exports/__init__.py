"""A simulated run as the files of other tools, one tool each. Nothing here touches a file or a clock."""

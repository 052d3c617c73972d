"""What everything may use: errors, files, arrays on disk, the commands' frame, plots."""

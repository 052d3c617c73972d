"""Where everything is, and the frame that it is painted on."""

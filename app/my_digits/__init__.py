"""The user's own digits, and what the network learned from them."""

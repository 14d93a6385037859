"""The JSON API (the contract, sections 3 and 4): views, what they read and what they answer."""

"""What the engine needs from outside, as Protocols; adapters implement them, in memory too."""

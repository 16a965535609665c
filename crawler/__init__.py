"""The live probe: records what happens when we ask."""

"""What a site tells a crawler: robots.txt, other signals and refusals, as pure functions."""

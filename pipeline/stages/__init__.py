"""One module per stage: the plan of its tasks and what one task does."""

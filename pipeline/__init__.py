"""Study file, stages, tasks, engines, warehouse and the command line."""

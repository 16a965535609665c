"""The verbs of the command line, one module each where they are more than a stage."""

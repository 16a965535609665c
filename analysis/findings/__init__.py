"""The findings of the report: each a question, the query that answers it, its figure and what they say."""

"""Where parts, receipts and the manifest stand: a folder, shared by machines or not, or a bucket."""

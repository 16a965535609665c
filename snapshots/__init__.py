"""Common Crawl: crawls, path lists, the shard law, WARC records, eras."""

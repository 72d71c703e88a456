"""Which ingredient matters: ablations over repeated seeds, and the comparison of finished runs."""

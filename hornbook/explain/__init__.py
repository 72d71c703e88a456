"""What recipes and components become, read from the objects that training would use: `explain`, and pictures."""

"""A table of texts beside numbers with gaps and categories, for runs that are stopped and resumed."""


def write_reviews(path, count):
    """Write a table of so many rows, whose `liked` follows from `review`; returns its path."""
    rows = [
        f"text {place % 7} of {('dull', 'fine')[place % 2]} words,{'' if place % 9 == 0 else place % 10},"
        f"{('Oslo', 'Rome', 'Bonn')[place % 3]},{('bad', 'good')[place % 2]}"
        for place in range(count)
    ]
    path.write_text("\n".join(["review,rooms,city,liked", *rows]) + "\n", encoding="utf-8")
    return path

def progress(label, items, total, width=40):
    """Passes the items on and draws a bar that grows in place: each drawing begins with a carriage return."""
    for count, item in enumerate(items, start=1):
        yield item
        done = count * width // total
        print(f"\r{label:>8} [{'=' * done}{' ' * (width - done)}] {count * 100 // total:>3} %", end="", flush=True)
    print()

"""Bar charts of text."""

EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share, width):
    """A bar that fills this share (0 to 1) of the width, exact to an eighth of a character."""
    eighths = round(share * width * 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def bar_chart(pairs, width):
    """One line for each pair of label and number; the largest number has a bar of full width."""
    if not pairs:
        return ""
    margin = max(len(label) for label, _ in pairs)
    largest = max(value for _, value in pairs)
    return "\n".join(f"  {label:>{margin}} {bar(value / largest, width)} {value}" for label, value in pairs)

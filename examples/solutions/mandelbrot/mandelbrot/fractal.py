def steps_to_escape(point, depth):
    """How many steps of z = z² + point it takes until z has run away; depth if it stays."""
    z = 0j
    for steps in range(depth):
        z = z * z + point
        if z.real * z.real + z.imag * z.imag > 4:
            return steps
    return depth


def rows(width, height, depth):
    """The set between -2.3 and 1 (real) and -1.1 and 1.1 (imaginary), a list of steps for each row from the top."""
    for y in range(height):
        imaginary = 1.1 - 2.2 * (y + 0.5) / height
        yield [steps_to_escape(complex(-2.3 + 3.3 * (x + 0.5) / width, imaginary), depth) for x in range(width)]

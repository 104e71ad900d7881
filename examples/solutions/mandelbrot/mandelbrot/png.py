import struct
import zlib


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(path, picture):
    """Writes rows of (red, green, blue), each 0 to 255, as a PNG file."""
    height, width = len(picture), len(picture[0])
    lines = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in picture)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits a colour, no alpha, not interlaced
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    )

/** A tar archive (POSIX ustar) of files and the folders above them. What begins with `#!` is executable. */
export function tar(files: Readonly<Record<string, string>>): Uint8Array {
  const folders = new Set(
    Object.keys(files).flatMap((path) => {
      const segments = path.split('/').slice(0, -1);
      return segments.map((_, index) => `${segments.slice(0, index + 1).join('/')}/`);
    }),
  );
  const blocks = [...[...folders].sort().map((path) => header(path, 0, 0o755, '5'))];
  for (const [path, text] of Object.entries(files)) {
    const data = Buffer.from(text);
    blocks.push(header(path, data.length, text.startsWith('#!') ? 0o755 : 0o644, '0'), data);
    blocks.push(Buffer.alloc((512 - (data.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

/** A tar archive of one symbolic link. */
export function tarOfLink(path: string, target: string): Uint8Array {
  return Buffer.concat([header(path, 0, 0o777, '2', target), Buffer.alloc(1024)]);
}

function header(path: string, bytes: number, mode: number, type: string, target = ''): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;
  block.write(path, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8) + octal(0, 8) + octal(bytes, 12) + octal(0, 12), 108);
  block.write(' '.repeat(8), 148); // what the checksum is computed with
  block.write(type, 156);
  block.write(target, 157);
  block.write('ustar\x0000', 257);
  block.write(
    octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    ),
    148,
  );
  return block;
}

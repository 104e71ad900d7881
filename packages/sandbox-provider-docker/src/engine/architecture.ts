/** An engine's or an image's name for a processor, in Node's names. */
export function architecture(machine: string): string {
  return { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64' }[machine] ?? machine;
}

/** Docker's name of a platform. @param arch in Node's names */
export function dockerPlatform(arch: string): string {
  return `linux/${arch === 'x64' ? 'amd64' : arch}`;
}

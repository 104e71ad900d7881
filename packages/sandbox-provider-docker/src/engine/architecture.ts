/** An engine's or an image's name for a processor, in Node's names. */
export function architecture(machine: string): string {
  return { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64' }[machine] ?? machine;
}

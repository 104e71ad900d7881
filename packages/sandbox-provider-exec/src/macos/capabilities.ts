import type { ProviderCapabilities } from '@ergon/sandbox-core';
import type { MacMachine } from './machine.js';

/** What sandboxes can do on macOS, and how well each limit is kept. */
export function macosCapabilities(machine: MacMachine, diskBytes: number): ProviderCapabilities {
  return {
    isolation: 'seatbelt',
    platforms: [`darwin/${process.arch}`],
    limits: {
      memory: 'best-effort',
      cpu: 'none', // time in all is bounded, not how many CPUs there are at one moment
      pids: 'best-effort',
      disk: 'best-effort',
      'open-files': 'hard',
      'file-size': 'hard',
      output: 'hard',
      'wall-time': 'best-effort', // a process that hides from every look may go on, within the profile
    },
    adjustable: ['wall-time'],
    network: ['none'],
    stdin: true,
    tty: false,
    signals: true,
    files: false,
    usage: true,
    mounts: false,
    gpu: false,
    persistence: false,
    images: false,
    services: false,
    runtimes: [],
    machine: { cpus: machine.cpus, memoryBytes: machine.memoryBytes, diskBytes },
    details: {
      macos: machine.version,
      isolation: 'a Seatbelt profile, by sandbox-exec',
      limits: 'rlimits and a watchdog',
      languages: machine.languages.join(', '),
    },
  };
}

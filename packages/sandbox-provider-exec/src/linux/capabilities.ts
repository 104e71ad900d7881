import type { Enforcement, ProviderCapabilities } from '@ergon/sandbox-core';
import { describe } from './probe.js';
import type { Machine } from './machine.js';

/** What sandboxes can do on this machine, and how well each limit is kept. */
export function linuxCapabilities(machine: Machine, diskBytes: number): ProviderCapabilities {
  const counted: Enforcement = machine.cgroups === null ? 'best-effort' : 'hard';
  return {
    isolation: 'namespaces',
    platforms: [`linux/${process.arch}`],
    limits: {
      memory: counted,
      cpu: counted,
      pids: 'hard', // by the kernel in both ways: a cgroup, or RLIMIT_NPROC of a user namespace
      disk: machine.diskImages ? 'hard' : 'best-effort',
      'open-files': 'hard',
      'file-size': 'hard',
      output: 'hard',
      'wall-time': 'hard',
    },
    adjustable: machine.cgroups === null ? ['wall-time'] : ['memory', 'cpu', 'pids', 'wall-time'],
    network: ['none'],
    stdin: true,
    tty: machine.noTerminals === null,
    signals: true,
    files: true,
    usage: true,
    mounts: true,
    gpu: false,
    persistence: false,
    images: false,
    services: false,
    runtimes: [],
    machine: { cpus: machine.allowedCpus.length, memoryBytes: machine.memoryBytes, diskBytes },
    details: describe(machine),
  };
}
